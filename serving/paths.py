"""How a customer's id stands in an address: any text to its end, slashes and line breaks too."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor


class IdConvertor(Convertor[str]):
    """Takes what Starlette's own `path` takes, and line breaks."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """Return the id that stands in an address."""
        return value

    def to_string(self, value: str) -> str:
        """Return an id as it stands in an address."""
        return value


register_url_convertor("id", IdConvertor())
CUSTOMER_ID = "{customer_id:id}"
