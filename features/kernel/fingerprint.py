"""One number for the content of a table."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa

from features.kernel.buffers import as_bytes, as_numpy, is_valid


def fingerprint(lines: pa.Table) -> str:
    """Return the sha256 over the names, types and values of the lines, whatever their chunks in memory."""
    digest = hashlib.sha256()
    for name in lines.column_names:
        column = lines[name]
        digest.update(f"{name}:{column.type}:{len(column)};".encode())
        digest.update(np.packbits(is_valid(column)).tobytes())
        known = column.combine_chunks().drop_null()
        if pa.types.is_dictionary(known.type):
            digest.update(as_numpy(known.indices).tobytes())
            known = known.dictionary
        if pa.types.is_string(known.type):
            sizes, text = as_bytes(known)
            digest.update(sizes.tobytes())
            digest.update(text)
        else:
            digest.update(as_numpy(known).tobytes())
    return digest.hexdigest()
