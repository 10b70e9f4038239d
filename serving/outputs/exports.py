"""An export: chosen customers and columns of a published ranking as one file, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import ArtifactError, DataError, DeclarationError
from contracts.tables import scores_schema
from serving.disk import sha256_of
from serving.outputs.addresses import Addresses, addresses_of
from serving.outputs.aside import written_aside
from serving.outputs.formats import Format, Opening, format_named
from serving.outputs.selection import Ranked, Selection, chosen_schema, usual_columns
from serving.stored.where import Where

_ID = pa.field("customer_id", pa.string(), nullable=False)
_ADDRESS = (pa.field("email", pa.string()), pa.field("phone", pa.string()))


@dataclass(frozen=True, kw_only=True)
class Written:
    """A finished export.

    rows: customers in it. suppressed: customers left out because they are on the suppression list; unreachable: left
    out because they have no address that may be used. personal: the file of addresses beside it, if there is one.
    notes: what was assumed, in sentences.
    """

    path: Path
    rows: int
    sha256: str
    bytes: int
    suppressed: int
    unreachable: int
    personal: Path | None
    notes: tuple[str, ...]


def write_export(
    store: Ranked,
    path: Path,
    *,
    format: str,
    where: Where | None = None,
    columns: Sequence[str] | None = None,
    personal: pa.Table | None = None,
    suppressed: Collection[str] = frozenset(),
    excel_safe: bool = False,
    limit: int | None = None,
    only: pa.Array | None = None,
) -> Written:
    """Write the customers of a ranking that `where` chooses into a file, best first; memory is bounded by a batch.

    format: one of FORMATS. columns: of the scores; by default all, for audiences the usual ones. personal: the personal
    table (serving.outputs.addresses). suppressed: customer ids that no export may hold. limit: how many customers at
    most. only: these ids and no others. Raises DeclarationError for a wrong choice, DataError where addresses are
    needed and missing, ArtifactError if the file cannot be written; what was at `path` then stays.
    """
    kind = format_named(format)
    _check(kind, path, columns, limit, excel_safe)
    if kind.addresses == "needed" and personal is None:
        raise DataError(
            f"an audience for {kind.name} is made of e-mail addresses and telephone numbers. Give the personal table "
            "(--personal FILE); without one, export as generic, klaviyo or braze, which go by customer_id."
        )
    usual = ("customer_id",) if kind.fixed else usual_columns(store)
    every = scores_schema(tuple(store.horizons)).names
    schema = chosen_schema(store, columns, default=usual if kind.audience else every)
    addresses = None if personal is None else addresses_of(personal)
    chosen = Selection(
        where or Where(),
        suppressed=suppressed,
        only=only,
        limit=limit,
        addresses=addresses,
        reachable=_reachable(kind, addresses),
    )
    try:
        return _write(store, path, kind, schema, chosen, excel_safe=excel_safe)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise ArtifactError(
            f"{path}: the export was not written ({why}). What was there before stays."
        ) from error


def _check(
    kind: Format, path: Path, columns: Sequence[str] | None, limit: int | None, excel_safe: bool
) -> None:
    if path.suffix.casefold() not in kind.endings:
        raise DeclarationError(
            f"{path}: a {kind.name} file ends with {' or '.join(kind.endings)}. Name it so."
        )
    if path.is_dir():
        raise ArtifactError(f"{path} is a folder. Give a file.")
    if path.is_symlink():
        raise ArtifactError(f"{path} is a link, as a ranking's own files are. Give a file of another name.")
    if columns is not None and kind.fixed:
        raise DeclarationError(
            f"the columns of an audience for {kind.name} are fixed. Leave the columns out."
        )
    if kind.audience and "curve" in (columns or ()):
        raise DeclarationError(
            "curve is a list, which other tools do not take. Leave it out, or export jsonl."
        )
    if limit is not None and limit < 1:
        raise DeclarationError(f"a limit of {limit} customers leaves nobody. Give at least 1.")
    if excel_safe and kind.name not in ("csv", "generic"):
        raise DeclarationError(f"a {kind.name} file is no spreadsheet. Leave excel_safe out.")


def _reachable(kind: Format, addresses: Addresses | None) -> bool:
    """Return whether only customers with a usable address belong in the file."""
    told = addresses is not None and bool(addresses.told)
    return kind.addresses == "needed" or (kind.audience and told)


def _write(
    store: Ranked, path: Path, kind: Format, schema: pa.Schema, chosen: Selection, *, excel_safe: bool
) -> Written:
    """Write the file, and the one beside it, then give both their names."""
    inside = chosen.addresses is not None and kind.addresses != "beside"
    beside = path.with_name(f"{path.stem}-personal{path.suffix}") if chosen.addresses and not inside else None
    packed = path.suffix.casefold() == ".zip"
    rows, blank = 0, 0
    with ExitStack() as names:
        with ExitStack() as files:
            fresh = names.enter_context(written_aside(path, private=inside))
            wanted = _with_addresses(schema, inside) if kind.audience else schema
            how = Opening(schema=wanted, excel_safe=excel_safe, packed=packed)
            scores = files.enter_context(closing(kind.open(fresh, how)))
            if beside is not None:
                aside = names.enter_context(written_aside(beside, private=True))
                how = Opening(schema=pa.schema([_ID, *_ADDRESS]), excel_safe=excel_safe)
                people = files.enter_context(closing(kind.open(aside, how)))
            for table in chosen.tables(store, schema.names):
                rows += table.num_rows
                scores.write(table.select(wanted.names))
                if chosen.addresses is not None:
                    reached = _reached(table)
                    blank += table.num_rows - reached.num_rows
                if beside is not None:
                    people.write(reached)
        sha256, size = sha256_of(fresh), fresh.stat().st_size
    notes = [chosen.addresses.assumed] if chosen.addresses else []
    notes += [_without_address(blank, rows, beside)] if blank else []
    return Written(
        path=path,
        rows=rows,
        sha256=sha256,
        bytes=size,
        **chosen.left_out,
        personal=beside,
        notes=tuple(notes),
    )


def _with_addresses(schema: pa.Schema, inside: bool) -> pa.Schema:
    """Return the columns of an audience: who, what is known, where to reach them."""
    rest = [field for field in schema if field.name != "customer_id"]
    return pa.schema([_ID, *rest, *(_ADDRESS if inside else ())])


def _reached(table: pa.Table) -> pa.Table:
    """Return the customers of a table who have an address."""
    people = table.select(["customer_id", "email", "phone"])
    return people.filter(pc.or_(pc.is_valid(people["email"]), pc.is_valid(people["phone"])))


def _without_address(blank: int, rows: int, beside: Path | None) -> str:
    where = "their fields are empty" if beside is None else f"they are not in {beside.name}"
    return f"{blank:,} of the {rows:,} customers have no address that may be used: {where}."


def tables_of(
    store: Ranked,
    *,
    where: Where | None = None,
    suppressed: Collection[str] = frozenset(),
    only: pa.Array | None = None,
) -> Iterator[pa.Table]:
    """Yield whole scores of the chosen customers by rank, for a database; nobody who is suppressed."""
    names = scores_schema(tuple(store.horizons)).names
    return Selection(where or Where(), suppressed=suppressed, only=only).tables(store, names)


def only_changed(changed: pa.Table | None) -> pa.Array:
    """Return the ids of the customers whose scores moved since the ranking before; DataError if nobody knows."""
    if changed is None:
        raise DataError(
            "this ranking does not tell who changed: there was none before it to compare with. Export all customers."
        )
    return changed["customer_id"].cast(pa.string()).combine_chunks()
