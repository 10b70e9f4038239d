"""Keys by which one person is found under several ids: normal e-mail addresses and telephone numbers, hashed.

Who is known by an address alone has the own id `guest-<the first 16 letters of the hash>`, in every table.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from contracts.errors import DeclarationError

# Only these letters are lowered and only these blanks trimmed, so that Python and SQL cannot disagree.
_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_TO_LOWER = str.maketrans(_UPPER, _LOWER)
_BLANKS = (0x20, 0x09, 0x0A, 0x0D, 0xA0, 0x200B, 0xFEFF)
_ADDRESS = r"[^@\x00-\x20\x7f]+@[^@\x00-\x20\x7f]+\.[^@\x00-\x20\x7f.]+"
_GUEST_LETTERS = 16
_DOTLESS = ("gmail.com", "googlemail.com")


def normal_email(text: str | None) -> str | None:
    """Return the address in the one form that all its spellings share, None if it is no address.

    Lower case, trimmed, without `+tag`; at Gmail without dots, and googlemail.com is gmail.com.
    """
    if text is None:
        return None
    address = text.strip("".join(map(chr, _BLANKS))).translate(_TO_LOWER)
    if not re.fullmatch(_ADDRESS, address):
        return None
    box, domain = address.split("@")
    box = box.split("+")[0] or box
    if domain in _DOTLESS:
        box, domain = box.replace(".", ""), _DOTLESS[0]
    return f"{box}@{domain}" if box else None


def normal_email_sql(column: str) -> str:
    """Return the DuckDB expression that equals normal_email for a text column."""
    blanks, plain_blanks = (
        " || ".join(f"chr({code})" for code in codes) for codes in (_BLANKS, [c for c in _BLANKS if c < 0x80])
    )
    # Where every letter is one byte, lower() does what translate() does, in a twentieth of the time.
    address = f"""(CASE WHEN strlen({column}) = length({column}) THEN lower(trim({column}, {plain_blanks}))
                  ELSE translate(trim({column}, {blanks}), '{_UPPER}', '{_LOWER}') END)"""
    # split_part would do, but DuckDB 2.0 fails when it is compared and the whole column is null.
    box = f"coalesce(nullif(regexp_extract({address}, '^([^@+]*)', 1), ''), regexp_extract({address}, '^([^@]*)', 1))"
    domain = f"regexp_extract({address}, '@(.*)$', 1)"
    dotless = f"nullif(replace({box}, '.', ''), '') || '@{_DOTLESS[0]}'"
    normal = f"CASE WHEN {domain} IN {_DOTLESS} THEN {dotless} ELSE {box} || '@' || {domain} END"
    return f"CASE WHEN regexp_full_match({address}, '{_ADDRESS}') THEN {normal} END"


def normal_phone(text: str | None, *, region: str | None = None) -> str | None:
    """Return a telephone number in E.164, None if it is not valid.

    region: two letters, for numbers without a country code; None takes only numbers with one.
    """
    import phonenumbers  # not in every environment, and only needed where there are numbers

    if text is None:
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normal_phones(texts: Iterable[str | None], *, region: str | None = None) -> list[str | None]:
    """Return normal_phone of each text; equal texts are parsed once."""
    given = list(texts)
    known = {text: normal_phone(text, region=region) for text in set(given)}
    return [known[text] for text in given]


def check_region(region: str, where: str) -> None:
    """Raise DeclarationError if telephone numbers know no such region."""
    import phonenumbers

    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise DeclarationError(
            f"{where}: phone_region '{region}' is not known. Write two capital letters, for example DE or GB."
        )


def hashed(value: str) -> str:
    """Return the sha256 of a normalised value, hexadecimal."""
    return hashlib.sha256(value.encode()).hexdigest()


def email_key(text: str | None) -> str | None:
    """Return `email:<hash>` of an address, None if it is none."""
    address = normal_email(text)
    return None if address is None else f"email:{hashed(address)}"


def email_key_sql(column: str) -> str:
    """Return the DuckDB expression that equals email_key for a text column."""
    return f"('email:' || sha256({normal_email_sql(column)}))"


def guest_id(text: str | None) -> str | None:
    """Return the own id of whom only this address is known, None if it is no address."""
    address = normal_email(text)
    return None if address is None else f"guest-{hashed(address)[:_GUEST_LETTERS]}"


def guest_id_sql(column: str) -> str:
    """Return the DuckDB expression that equals guest_id for a text column."""
    return f"('guest-' || left(sha256({normal_email_sql(column)}), {_GUEST_LETTERS}))"


def phone_key(text: str | None, *, region: str | None = None) -> str | None:
    """Return `phone:<hash>` of a telephone number, None if it is not valid."""
    number = normal_phone(text, region=region)
    return None if number is None else f"phone:{hashed(number)}"
