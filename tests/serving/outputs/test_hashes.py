"""The expected hashes were made by hand with `printf %s TEXT | sha256sum`."""

from __future__ import annotations

import subprocess

import pytest

from serving.outputs import hashes


def sha256sum(text: str) -> str:
    """Return the hash that the system's own tool makes."""
    return (
        subprocess.run(["sha256sum"], input=text.encode(), capture_output=True, check=True)
        .stdout.split()[0]
        .decode()
    )


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("cloudy.sanfrancisco+shopping@gmail.com", "cloudysanfrancisco@gmail.com"),  # Google's own examples
        ("user.name+NYC@Example.com", "user.name+nyc@example.com"),
        (" Anna.B@GoogleMail.com ", "annab@googlemail.com"),
        ("a b@x.de", "ab@x.de"),
    ],
)
def test_google_takes_an_address_in_one_form(address: str, plain: str) -> None:
    assert hashes.google_email(address) == sha256sum(plain)


def test_meta_takes_an_address_as_it_is_in_lower_case() -> None:
    assert hashes.meta_email(" Anna.B+x@Gmail.com ") == sha256sum("anna.b+x@gmail.com")


def test_meta_takes_a_number_without_its_plus_and_google_with_it() -> None:
    assert hashes.meta_phone("+4917012345678") == sha256sum("4917012345678")
    assert hashes.google_phone("+18005550100") == sha256sum("+18005550100")


def test_a_hash_is_hexadecimal_in_lower_case() -> None:
    assert hashes.meta_email("test@example.com") == (
        "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"
    )
