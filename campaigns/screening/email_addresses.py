"""Whether an e-mail address is one that may be written to. By its letters alone: no network is asked.

The addr-spec of RFC 5322 in its everyday form: a dot-atom of ASCII letters before the @ (at most 64 octets, RFC 5321
4.5.3.1.1), a domain of two labels or more behind it (63 octets each, 254 octets in all). Quoted boxes, comments and
domains in brackets are legal and refused: no customer has one. Letters beyond ASCII before the @ (RFC 6531) are
doubtful, since many mail servers refuse them; in a domain they are good.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from campaigns.screening.settings import Settings
from features.kernel.buffers import as_numpy, filled
from features.kernel.running import Bools

# In the order in which they are asked: the first that fits is the address's.
GOOD = "good"
JUDGEMENTS = (
    "no_address", "bad_syntax", "reserved_domain", "throwaway_domain", "no_reply_box", "misspelt_domain", "role_box",
    "letters_beyond_ascii", GOOD,
)  # fmt: skip
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\x{80}-\x{10FFFF}]+"
_LABEL = r"[A-Za-z0-9\p{L}\p{N}](?:[A-Za-z0-9\p{L}\p{M}\p{N}\-]*[A-Za-z0-9\p{L}\p{M}\p{N}])?"
_ADDRESS = rf"^{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}$"
_LONG_LABEL = r"@(?:.*\.)?[^.]{64,}"
_NUMERIC_END = r"\.[0-9]+$"
_BLANKS = " \t\r\n\u00a0\u200b\ufeff"


def parts_of(addresses: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return trimmed addresses in lower case, and what stands before and behind the last @; (n,) texts."""
    text = pc.utf8_lower(pc.utf8_trim(addresses.cast(pa.string()), characters=_BLANKS))
    box = pc.replace_substring_regex(text, r"@[^@]*$", "")
    domain = pc.replace_substring_regex(text, r"^.*@", "")
    return text, box, domain


def judge(addresses: pa.Array, settings: Settings) -> NDArray[np.int8]:
    """Return for each address the place of its judgement in JUDGEMENTS; (n,)."""
    text, box, domain = parts_of(addresses)
    plain_box = pc.replace_substring_regex(box, r"\+.*$", "")
    found = {
        "no_address": _absent(text),
        "bad_syntax": ~_right(text, box),
        "reserved_domain": _among(domain, settings.words["reserved_domains"], below=True),
        "throwaway_domain": _among(domain, settings.words["throwaway_domains"]),
        "no_reply_box": _among(plain_box, settings.words["no_reply_boxes"]),
        "misspelt_domain": _among(domain, settings.misspelt),
        "role_box": _among(plain_box, settings.words["role_boxes"]),
        "letters_beyond_ascii": ~_yes(pc.string_is_ascii(box)),
        GOOD: np.ones(len(text), dtype=np.bool_),
    }
    return np.argmax(np.stack([found[name] for name in JUDGEMENTS]), axis=0).astype(np.int8)


def _absent(text: pa.Array) -> Bools:
    return _yes(pc.equal(pc.fill_null(text, ""), ""))


def _right(text: pa.Array, box: pa.Array) -> Bools:
    right = _yes(pc.match_substring_regex(text, _ADDRESS))
    for wrong in (_LONG_LABEL, _NUMERIC_END):
        right &= ~_yes(pc.match_substring_regex(text, wrong))
    return right & (_octets(box) <= 64) & (_octets(text) <= 254)


def _octets(text: pa.Array) -> NDArray[np.int32]:
    return filled(pc.binary_length(text), np.int32(0))


def _among(text: pa.Array, words: Iterable[str], *, below: bool = False) -> Bools:
    """Tell which texts are one of the words or, for domains, lie below one."""
    known = list(words)
    found = _yes(pc.is_in(text, value_set=pa.array(known, pa.string())))
    if below:
        for word in known:
            found |= _yes(pc.ends_with(text, pattern=f".{word}"))
    return found


def _yes(array: pa.Array) -> Bools:
    return as_numpy(pc.fill_null(array, False))
