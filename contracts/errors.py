"""The errors that Repurchase raises, by who must act on them.

RepurchaseError
├── DataError         the data owner: a file, a row or a column is not what it should be
├── DeclarationError  the author of a feature, a mapping or a configuration
├── ContractError     the programmer: a room was called with what it never takes
└── ArtifactError     the operator: a bundle or a store is missing, damaged or of another version

A message says what, where, what was found, and the fix. None of them knows HTTP or exit codes.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

# What the system says where it finds no room for a file.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class RepurchaseError(Exception):
    """Base of every error that is ours."""


class DataError(RepurchaseError):
    """The data owner must act."""


class DeclarationError(RepurchaseError):
    """The author of a feature, mapping or configuration must act."""


class ContractError(RepurchaseError):
    """The programmer must act."""


class ArtifactError(RepurchaseError):
    """The operator must act: a bundle or a store is missing, damaged or of another version."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `, did you mean 'x'?` for the known word nearest to `word`, or an empty string."""
    by_folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.5)
    return f", did you mean '{by_folded[found[0]]}'?" if found else ""
