"""Addresses in the one form that an audience expects, hashed: SHA-256, hexadecimal, lower case.

Meta: "Customer File Custom Audiences", Hashing and Normalizing for Data (developers.facebook.com, read 2026-11): e-mail
trimmed and in lower case. As commonly given, not read there: telephone without symbols, letters and leading zeros,
with the country code; the shop's own id (EXTERN_ID) is not hashed.
Google: "Format user data", Data Manager API (developers.google.com, read 2026-11): e-mail without any white space, in
lower case; at gmail.com and googlemail.com without dots and without + and what follows it, elsewhere both stay;
telephone in E.164 with its +.
"""

from __future__ import annotations

import hashlib

_DOTLESS = ("gmail.com", "googlemail.com")


def meta_email(address: str) -> str:
    """Return the hash of an e-mail address for Meta."""
    return _hash(address.strip().lower())


def meta_phone(number: str) -> str:
    """Return the hash of a number (E.164) for Meta."""
    return _hash("".join(sign for sign in number if sign in "0123456789").lstrip("0"))


def google_email(address: str) -> str:
    """Return the hash of an e-mail address for Google."""
    plain = "".join(address.split()).lower()
    box, at, domain = plain.rpartition("@")
    if domain in _DOTLESS:
        box = box.split("+")[0].replace(".", "")
    return _hash(f"{box}{at}{domain}")


def google_phone(number: str) -> str:
    """Return the hash of a number (E.164) for Google."""
    return _hash("".join(number.split()))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
