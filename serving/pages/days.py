"""Whether what a command wrote and the ranking beside it know the same orders."""

from __future__ import annotations

from serving.pages import words
from serving.pages.visit import Visit


def days_differ(visit: Visit, what: str, as_of: str) -> str | None:
    """Return a sentence if the ranking is as of another day than `what` (its ISO day as_of); None if it is not."""
    store = visit.current.store
    if store is None or store.manifest["as_of"] == as_of:
        return None
    ranked = store.manifest["as_of"]
    older = what if as_of < ranked else "ranking"
    return (
        f"The {what} knows the orders until {words.day(as_of)}, the ranking of the other pages those until "
        f"{words.day(ranked)}: their numbers do not belong together, and a customer may be in one and not in the "
        f"other. The {older} is the older one: make it again."
    )
