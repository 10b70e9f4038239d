"""What customers did besides ordering: newsletters, visits, carts, and the answers to campaigns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.screening.channels import APP
from experiments.known_campaigns.world import Drawn
from experiments.worlds_events import draw_events
from features.kernel.buffers import in_one, is_valid

# What becomes of a contact, in the words of contracts.tables.EVENT_KINDS: by e-mail, and in the app.
_EVENTS = {
    "sent_at": ("email_sent", "message_sent"),
    "opened_at": ("email_open", "message_read"),
    "clicked_at": ("email_click", "visit"),
    "unsubscribed_at": ("unsubscribe", "unsubscribe"),
}


def events(drawn: Drawn, contacts: pa.Table, chance: np.random.Generator) -> pa.Table:
    """Return all events by time, those of the campaigns among them, as a shop would export them."""
    others = draw_events(
        drawn.organic.customers,
        drawn.orders,
        drawn.sales,
        drawn.organic.clock,
        drawn.goods,
        drawn.ids,
        chance,
    )
    plain = pa.schema([(name, pa.string()) for name in others.schema.names])
    plain = plain.set(1, pa.field("occurred_at", pa.timestamp("us")))
    found = pa.concat_tables([others.cast(plain), *(part.cast(plain) for part in _answers(contacts))])
    end = pa.scalar((drawn.world.as_of + 1) * 86_400_000_000, pa.timestamp("us"))
    found = found.filter(pc.less(found["occurred_at"], end))
    return found.take(pc.sort_indices(found, [("occurred_at", "ascending"), ("customer_id", "ascending")]))


def _answers(contacts: pa.Table) -> Iterator[pa.Table]:
    """Yield the events of the campaigns, kind by kind."""
    in_app = pc.equal(contacts["channel"], APP)
    for column, (by_mail, by_app) in _EVENTS.items():
        there = is_valid(in_one(contacts[column])) & np.asarray(pc.equal(contacts["arm"], "treated"))
        rows = pa.array(there)
        kind = pc.if_else(in_app.fill_null(False), by_app, by_mail).filter(rows)
        part = contacts.filter(rows)
        yield pa.table(
            {
                "customer_id": part["customer_id"],
                "occurred_at": part[column],
                "kind": kind,
                "channel": part["channel"],
                "campaign_id": part["campaign_id"],
                "product_id": pa.nulls(part.num_rows, pa.string()),
            }
        )
