"""What contacts say about customers, as events: for a shop that has campaigns but no table of events.

| a contact that | is the event |
|---|---|
| was sent, to a treated customer, and not known to be undelivered | email_sent |
| was opened | email_open; of another channel than e-mail message_read |
| was clicked | email_click; of another channel message_click |
| led to an unsubscription | unsubscribe |

Sending by another channel is message_sent. Nothing was sent to the control arm. Where a table of events is given,
contacts are not counted as events: it has them already.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.tables import EVENTS
from features.kernel.buffers import as_arrow, as_numpy, is_valid
from features.kernel.running import Bools

MAIL_CHANNELS = ("", "email", "e-mail", "mail", "newsletter")
_KINDS = {
    "sent_at": ("email_sent", "message_sent"),
    "opened_at": ("email_open", "message_read"),
    "clicked_at": ("email_click", "message_click"),
    "unsubscribed_at": ("unsubscribe", "unsubscribe"),
}
_DAY = 86_400_000_000  # microseconds


def events_of(contacts: pa.Table) -> pa.Table:
    """Return the events (contracts.tables.EVENTS) of contacts (contracts.tables.CONTACTS), sorted as events are."""
    channel = pc.fill_null(pc.ascii_lower(contacts["channel"].combine_chunks()), "")
    mail = as_numpy(pc.is_in(channel, value_set=pa.array(MAIL_CHANNELS, pa.string())))
    treated = as_numpy(pc.equal(contacts["arm"].combine_chunks(), "treated"))
    arrived = as_numpy(pc.fill_null(contacts["delivered"].combine_chunks(), True))
    parts = []
    for column, kinds in _KINDS.items():
        happened = is_valid(contacts[column]) & treated & (arrived | (column != "sent_at"))
        for kind, of_kind in zip(kinds, (mail, ~mail), strict=True):
            parts.append(_events(contacts, column, kind, happened & of_kind))
    found = pa.concat_tables(parts)
    keys = ("customer_id", "day", "occurred_at", "kind", "channel", "campaign_id")
    return found.sort_by([(key, "ascending") for key in keys]).combine_chunks()


def _events(contacts: pa.Table, column: str, kind: str, chosen: Bools) -> pa.Table:
    rows = contacts.filter(as_arrow(chosen, pa.bool_())).combine_chunks()
    at = rows[column].combine_chunks()
    count = rows.num_rows
    columns = {
        "customer_id": rows["customer_id"],
        "occurred_at": at,
        "day": as_arrow(np.floor_divide(as_numpy(at), _DAY).astype(np.int32), pa.int32()),
        "kind": pa.repeat(pa.scalar(kind, pa.string()), count),
        "channel": rows["channel"],
        "campaign_id": rows["campaign_id"],
        "product_id": pa.nulls(count, pa.string()),
    }
    return pa.Table.from_arrays([columns[name] for name in EVENTS.names], schema=EVENTS)
