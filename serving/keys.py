"""API keys: 256 random bits each; only their SHA-256 is kept, and compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import ArtifactError
from serving.disk import only_writer, write_text

_PREFIX = "rp_"
_BYTES = 32


def new_key(file: Path, name: str) -> str:
    """Make a key, keep its hash in the key file and return it: it cannot be shown again.

    A key of the same name is replaced. Raises ArtifactError if the key file is damaged.
    """
    key = _PREFIX + secrets.token_urlsafe(_BYTES)
    file.parent.mkdir(parents=True, exist_ok=True)
    with only_writer(file.with_name(f".{file.name}.lock")):
        hashes = _read(file) if file.exists() else {}
        hashes[name] = _hash(key).hex()
        entries = [{"name": each, "sha256": digest} for each, digest in hashes.items()]
        write_text(file, json.dumps({"keys": entries}, indent=2) + "\n", mode=0o600)
    return key


@dataclass(frozen=True)
class KeyRing:
    """The hashes of the keys that open the API."""

    hashes: tuple[bytes, ...]

    @staticmethod
    def load(file: Path) -> KeyRing:
        """Read a key file; ArtifactError if it is missing, damaged or empty."""
        hashes = _read(file)
        if not hashes:
            raise ArtifactError(f"{file} holds no key. Make one, or switch keys off explicitly.")
        return KeyRing(tuple(bytes.fromhex(digest) for digest in hashes.values()))

    def accepts(self, key: str) -> bool:
        """Tell whether a key is one of ours; takes as long for a wrong key as for a right one."""
        digest = _hash(key)
        matches = [hmac.compare_digest(digest, known) for known in self.hashes]
        return any(matches)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _read(file: Path) -> dict[str, str]:
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))["keys"]
        hashes = {str(entry["name"]): str(entry["sha256"]) for entry in entries}
        whole = all(len(bytes.fromhex(digest)) == hashlib.sha256().digest_size for digest in hashes.values())
    except FileNotFoundError:
        raise ArtifactError(f"{file}: there is no such key file. Make a key first.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{file} is not a key file. Restore it, or delete it and make new keys."
        ) from error
    if not whole:
        raise ArtifactError(f"{file} is damaged. Restore it, or delete it and make new keys.")
    return hashes
