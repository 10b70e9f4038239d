"""API keys: 256 random bits each, with a name, scopes and perhaps a last day; only their SHA-256 is kept.

The key file is JSON: {"keys": [{"name", "sha256", "scopes", "expires"}, …]}; an entry without scopes, as older files
have them, may read scores and nothing else. A running server looks at the file again once a second when it is asked.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from contracts.errors import ArtifactError, DeclarationError, nearest
from serving.disk import only_writer, write_text

logger = logging.getLogger("repurchase.serving")

SCORE_READ, EXPORT_PII, ADMIN = "score:read", "export:pii", "admin"
SCOPES = (SCORE_READ, EXPORT_PII, ADMIN)
_PREFIX = "rp_"
_BYTES = 32
_LOOK_SECONDS = 1.0
_LONGEST_NAME = 64

Signature = tuple[int, int, int]


@dataclass(frozen=True)
class Key:
    """A key as the file knows it. expires: the last day (UTC) on which it opens anything."""

    name: str
    scopes: frozenset[str]
    expires: date | None = None
    digest: bytes = field(default=b"", repr=False)

    def lives(self, now: datetime) -> bool:
        """Tell whether the key has not expired."""
        return self.expires is None or now.astimezone(UTC).date() <= self.expires


NOBODY_IN_PARTICULAR = Key("(no keys)", frozenset(SCOPES))


def new_key(
    file: Path, name: str, *, scopes: Iterable[str] = (SCORE_READ,), expires: date | None = None
) -> str:
    """Make a key, keep its hash in the key file and return it: it cannot be shown again.

    A key of the same name is replaced. Raises DeclarationError for a name or scope that cannot be, ArtifactError if
    the key file is damaged.
    """
    granted = _checked(name, scopes)
    key = _PREFIX + secrets.token_urlsafe(_BYTES)
    file.parent.mkdir(parents=True, exist_ok=True)
    with only_writer(file.with_name(f".{file.name}.lock")):
        keys = {each.name: each for each in _read(file)} if file.exists() else {}
        keys[name] = Key(name, granted, expires, _hash(key))
        _write(file, keys.values())
    return key


def revoke(file: Path, name: str) -> None:
    """Take a key out of the key file; ArtifactError if there is none of this name."""
    with only_writer(file.with_name(f".{file.name}.lock")):
        keys = {each.name: each for each in _read(file)}
        if name not in keys:
            raise ArtifactError(f"{file} holds no key named '{name}'{nearest(name, keys) or '.'}")
        del keys[name]
        _write(file, keys.values())


def keys_in(file: Path) -> list[Key]:
    """Return the keys of a key file; ArtifactError if it is missing or damaged."""
    return _read(file)


class KeyRing:
    """The keys that open the API, read again when their file changes.

    A changed file that is damaged or gone leaves the keys as they were; that is logged and counted (`failures`).
    """

    def __init__(self, file: Path, keys: Iterable[Key], *, ticks: Callable[[], float]) -> None:
        self.failures = 0
        self._file = file
        self._ticks = ticks
        self._seen = _signature(file)
        self._next_look = ticks() + _LOOK_SECONDS
        self._by_digest = _by_digest(keys)

    @staticmethod
    def load(file: Path, *, ticks: Callable[[], float] = time.monotonic) -> KeyRing:
        """Read a key file; ArtifactError if it is missing, damaged or empty. ticks: seconds that never go back."""
        ring = KeyRing(file, (), ticks=ticks)
        keys = _read(file)
        if not keys:
            raise ArtifactError(f"{file} holds no key. Make one, or switch keys off explicitly.")
        ring._by_digest = _by_digest(keys)
        return ring

    def find(self, key: str, *, now: datetime) -> Key | None:
        """Return the key that was sent, if it is one of ours and has not expired.

        Found by its SHA-256 in a hash table: as quick with 10,000 keys as with one. The time that takes tells an
        attacker nothing, since nobody can choose a key by what its digest begins with; the digest that is found is
        compared in constant time all the same, and an unknown one against another, so that both take as long.
        """
        self._look_again()
        digest = _hash(key)
        found = self._by_digest.get(digest)
        same = hmac.compare_digest(digest, found.digest if found else bytes(len(digest)))
        return found if found is not None and same and found.lives(now) else None

    def holds(self, key: Key, *, now: datetime) -> bool:
        """Tell whether a key that was found before still stands in the file as it was, and has not expired."""
        self._look_again()
        return self._by_digest.get(key.digest) == key and key.lives(now)

    def _look_again(self) -> None:
        if self._ticks() < self._next_look:
            return
        self._next_look = self._ticks() + _LOOK_SECONDS
        seen = _signature(self._file)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            keys = _read(self._file)
        except ArtifactError as error:
            self.failures += 1
            logger.error("the API keys stay as they were: %s", error)
            return
        self._by_digest = _by_digest(keys)
        logger.info("read %d API keys again", len(keys))


def _by_digest(keys: Iterable[Key]) -> dict[bytes, Key]:
    return {each.digest: each for each in keys}


def _signature(file: Path) -> Signature | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _checked(name: str, scopes: Iterable[str]) -> frozenset[str]:
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or "@" in name:
        raise DeclarationError(
            f"a key's name stands in logs: 1 to {_LONGEST_NAME} printable characters and no e-mail address."
        )
    granted = frozenset(scopes)
    for one in sorted(granted - set(SCOPES)):
        raise DeclarationError(
            f"unknown scope '{one}'{nearest(one, SCOPES) or '.'} Known: {', '.join(SCOPES)}."
        )
    if not granted:
        raise DeclarationError(f"a key needs a scope. Known: {', '.join(SCOPES)}.")
    return granted


def _write(file: Path, keys: Iterable[Key]) -> None:
    entries = [
        {
            "name": each.name,
            "sha256": each.digest.hex(),
            "scopes": sorted(each.scopes),
            **({"expires": each.expires.isoformat()} if each.expires else {}),
        }
        for each in keys
    ]
    write_text(file, json.dumps({"keys": entries}, indent=2) + "\n", mode=0o600)


def _read(file: Path) -> list[Key]:
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))["keys"]
        keys = {each.name: each for each in map(_key_of, entries)}
    except FileNotFoundError:
        raise ArtifactError(f"{file}: there is no such key file. Make a key first.") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactError(
            f"{file} is not a key file. Restore it, or delete it and make new keys."
        ) from error
    return list(keys.values())


def _key_of(entry: Any) -> Key:
    """Return one entry's key; an unknown scope, a bad day or digest raises ValueError: nothing is guessed."""
    scopes = entry.get("scopes", [SCORE_READ]) if isinstance(entry, dict) else None
    if not isinstance(scopes, list) or not set(scopes) <= set(SCOPES):
        raise ValueError("scopes")
    digest, last = bytes.fromhex(entry["sha256"]), entry.get("expires")
    if len(digest) != hashlib.sha256().digest_size:
        raise ValueError("sha256")
    expires = None if last is None else date.fromisoformat(last)
    return Key(str(entry["name"]), frozenset(scopes), expires, digest)
