from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.problems import Problem
from serving.shapes.posted import MAX_BODY_BYTES, read_json
from tests.serving.hostile import GOOD, body, day
from tests.serving.shop import Client, make_app

CLIENT = Client(make_app())
JSON = {"content-type": "application/json"}
SURROGATE = re.compile(r"\\ud[89a-f]")


def test_a_good_body_is_scored() -> None:
    assert CLIENT.send("POST", "/v1/score", content=GOOD, headers=JSON).status_code == 200


@pytest.mark.parametrize("text", ["a:b", '\\\\, \\"x\\":', ": \\n :", "", "\\\\"])
def test_colons_and_quotes_in_texts_are_no_names(text: str) -> None:
    answer = CLIENT.send("POST", "/v1/score", content=day("1", f', "coupon" : "{text}"'), headers=JSON)
    assert answer.status_code == 200


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    ),
    st.sampled_from([None, 2]),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", "\n: ")]),
)
def test_json_that_names_nothing_twice_is_read_as_it_is(
    value: object, indent: int | None, separators: tuple[str, str]
) -> None:
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=True)
    if not SURROGATE.search(text):
        assert read_json(text.encode()) == value


@given(st.text(alphabet='ab":\\ {},', max_size=6), st.text(alphabet='ab":\\ {},', max_size=6))
def test_json_that_names_something_twice_is_refused(name: str, text: str) -> None:
    key = json.dumps(name)
    body = f'{{"x": {json.dumps(text)}, {key}: 1, "y": [{{{key} :{json.dumps(text)},"z":2, {key}\t: 3}}]}}'
    with pytest.raises(Problem, match="twice"):
        read_json(body.encode())


def test_a_problem_says_where_and_what_to_do() -> None:
    content = body('"ordered_on": "1998-03-02", "amount": "1"')
    answer = CLIENT.send("POST", "/v1/score", content=content, headers=JSON).json()
    place = ["body", "customers", 0, "orders", 0]
    assert (answer["status"], answer["title"]) == (422, "The request is not valid")
    assert answer["errors"] == [
        {"loc": [*place, "ordered_at"], "type": "missing", "msg": "Field required"},
        {"loc": [*place, "amount"], "type": "float_type", "msg": "Input should be a valid number"},
        {
            "loc": [*place, "(unknown field)"],
            "type": "extra_forbidden",
            "msg": "This field is not known, did you mean 'ordered_at'?",
        },
    ]


def test_at_most_twenty_entries_are_listed() -> None:
    answer = CLIENT.send("GET", "/v1/customers/a", params={"horizon": ["secret"] * 20}).json()
    assert len(answer.get("errors", [])) <= 20 and "secret" not in json.dumps(answer)


@pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {**JSON, "content-encoding": "gzip"}])
def test_other_kinds_of_body_are_not_taken(headers: dict[str, str]) -> None:
    assert CLIENT.send("POST", "/v1/score", content=GOOD, headers=headers).status_code == 415


def test_a_body_over_the_limit_is_refused_by_its_length() -> None:
    answer = CLIENT.send("POST", "/v1/score", content=b" " * (MAX_BODY_BYTES + 1), headers=JSON)
    assert answer.status_code == 413 and answer.headers["content-type"] == "application/problem+json"


def test_a_body_of_exactly_the_limit_is_read() -> None:
    content = GOOD + b" " * (MAX_BODY_BYTES - len(GOOD))
    assert CLIENT.send("POST", "/v1/score", content=content, headers=JSON).status_code == 200


def test_a_chunked_body_is_refused_once_it_is_over_the_limit() -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b" " * 65_536

    answer = CLIENT.send("POST", "/v1/score", content=chunks(), headers=JSON)
    assert answer.status_code == 413 and answer.headers["content-type"] == "application/problem+json"
    assert sent * 65_536 < MAX_BODY_BYTES + 3 * 65_536


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "99999999999"])
def test_an_absurd_content_length_is_refused(length: str) -> None:
    headers: dict[str, Any] = {**JSON, "content-length": length}
    assert CLIENT.send("POST", "/v1/score", content=GOOD, headers=headers).status_code == 413
