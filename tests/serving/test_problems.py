from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from serving.posted import MAX_BODY_BYTES
from tests.serving.shop import Client, make_app

CLIENT = Client(make_app())
JSON = {"content-type": "application/json"}


def body(fields: str, *, customer_id: str = '"secret"', more: str = "") -> bytes:
    text = f'{{"customers": [{{"customer_id": {customer_id}, "orders": [{{{fields}}}]}}]{more}}}'
    return text.encode()


def day(amount: str, more: str = "") -> bytes:
    return body(f'"ordered_at": "1998-03-02", "amount": {amount}{more}')


def at(text: str) -> bytes:
    return body(f'"ordered_at": {text}, "amount": 1')


GOOD = day("1")
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"secret",
    "a number": b"1",
    "a list": b"[]",
    "null": b"null",
    "cut off": GOOD[:-2],
    "trailing text": GOOD + b" secret",
    "UTF-16": GOOD.decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "invalid UTF-8": GOOD.replace(b"secret", b"\xff\xfe"),
    "20,000 lists deep": b"[" * 20_000,
    "20,000 objects deep": b'{"customers":' * 20_000 + b"1" + b"}" * 20_000,
    "deep inside a field": day("[" * 300 + "]" * 300),
    "NaN": day("NaN"),
    "Infinity": day("-Infinity"),
    "1e999": day("1e999"),
    "401 digits": day("1" + "0" * 400),
    "5,000 digits": day("1" * 5_000),
    "beyond 1e15": day("1e16"),
    "true as a number": day("true"),
    "a numeric string": day('"12.5"'),
    "null as a number": day("null"),
    "NaN quantity": day("1", ', "quantity": NaN'),
    "zero quantity": day("1", ', "quantity": 0'),
    "negative discount": day("1", ', "discount": -1'),
    "1 as a flag": day("1", ', "returned": 1'),
    "unknown field": day("1", ', "jane@example.com": 1'),
    "unknown field at the top": body('"ordered_at": "1998-03-02", "amount": 1', more=', "secret": 1'),
    "missing amount": body('"ordered_at": "1998-03-02"'),
    "lone surrogate": body("", customer_id='"\\ud800"'),
    "NUL in an id": body("", customer_id='"a\\u0000b"'),
    "empty id": body("", customer_id='""'),
    "number as an id": body("", customer_id="17"),
    "513 characters of id": body("", customer_id=json.dumps("x" * 513)),
    "NUL in a text": day("1", ', "coupon": "\\u0000"'),
    "seconds as a time": at("852076800"),
    "seconds as text": at('"852076800"'),
    "30 February": at('"1997-02-30"'),
    "year 1": at('"0001-01-01T00:00:00+14:00"'),
    "year 9999": at('"9999-12-31T23:59:59-12:00"'),
    "25 o'clock": at('"1997-01-01T25:00:00"'),
    "offset of 99 hours": at('"1997-01-01T10:00:00+99:00"'),
    "Arabic digits": at('"١٩٩٧-01-01"'),
    "as_of with a time": body(
        '"ordered_at": "1998-03-02", "amount": 1', more=', "as_of": "1998-03-02T00:00"'
    ),
    "horizon 0": body('"ordered_at": "1998-03-02", "amount": 1', more=', "horizons": [0]'),
    "horizon true": body('"ordered_at": "1998-03-02", "amount": 1', more=', "horizons": [true]'),
    "no horizons": body('"ordered_at": "1998-03-02", "amount": 1', more=', "horizons": []'),
    "a return that was cancelled": day("-1", ', "cancelled_at": "1998-03-05"'),
    "cancelled before it was placed": day("1", ', "cancelled_at": "1998-03-01"'),
    "400,000 unknown fields": body(",".join(f'"secret{number:x}":0' for number in range(400_000))),
    "4 million wrong orders": b'{"customers": [' + b"0," * 4_000_000 + b"0]}",
    "wrong orders in every customer": b'{"customers":['
    + b",".join([b'{"customer_id":"secret","orders":[' + b"0," * 9_999 + b"0]}"] * 300)
    + b"]}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_gets_a_4xx_problem_quickly_and_nothing_of_it_back(name: str) -> None:
    started = time.perf_counter()
    answer = CLIENT.send("POST", "/v1/score", content=HOSTILE[name], headers=JSON)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text and "jane" not in answer.text and len(answer.content) < 5_000
    assert time.perf_counter() - started < 5


def test_a_good_body_is_scored() -> None:
    assert CLIENT.send("POST", "/v1/score", content=GOOD, headers=JSON).status_code == 200


def test_a_repeated_key_takes_the_last_value() -> None:
    answer = CLIENT.send("POST", "/v1/score", content=day("1", ', "amount": 2'), headers=JSON)
    assert answer.status_code == 200


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
