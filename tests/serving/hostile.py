"""Bodies that an API should never be sent, and some that only look so."""

from __future__ import annotations

import json


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
    "a name twice": day("1", ', "amount": 2'),
    "a name twice, spelt otherwise": day("1", ', "amou\\u006et": 2'),
    "text that turns round": day("1", ', "order_id": "a\u202eb"'),
    "missing amount": body('"ordered_at": "1998-03-02"'),
    "lone surrogate": body("", customer_id='"\\ud800"'),
    "NUL in an id": body("", customer_id='"a\\u0000b"'),
    "empty id": body("", customer_id='""'),
    "number as an id": body("", customer_id="17"),
    "4,097 characters of id": body("", customer_id=json.dumps("x" * 4_097)),
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
    "infinity in an exponent": day("-1e999"),
    "a huge integer as a horizon": body(
        '"ordered_at": "1998-03-02", "amount": 1', more=', "horizons": [9' + "9" * 300 + "]"
    ),
    "hexadecimal": day("0x10"),
    "a leading zero": day("01"),
    "a lone minus": day("-"),
    "a trailing comma": day("1,"),
    "single quotes": GOOD.replace(b'"', b"'"),
    "a comment": GOOD + b"// secret",
    "two documents": GOOD + GOOD,
    "UTF-16 without a mark": GOOD.decode().encode("utf-16-le"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "overlong UTF-8": GOOD.replace(b"secret", b"\xc0\xaf"),
    "NUL bytes": b"\x00" * 1_000,
    "a low surrogate alone": body("", customer_id='"\\udc00\\ud800"'),
    "__proto__": day("1", ', "__proto__": {"isAdmin": true}'),
    "constructor": body('"ordered_at": "1998-03-02", "amount": 1', more=', "constructor": {"prototype": {}}'),
    "__class__": day("1", ', "__class__": "os.system"'),
    "a list as an id": body("", customer_id='["secret"]'),
    "an object as an id": body("", customer_id='{"$ne": null}'),
    "an id of 10,000 letters": body("", customer_id=json.dumps("secret" * 2_000)),
    "a text of 10,000 letters": day("1", f', "category": "{"x" * 10_000}"'),
    "orders as an object": b'{"customers": [{"customer_id": "secret", "orders": {}}]}',
    "customers as an object": b'{"customers": {}}',
    "nobody": b'{"customers": []}',
    "a leap second": at('"1998-12-31T23:59:60"'),
    "year 0": at('"0000-01-01"'),
    "year 10000": at('"10000-01-01"'),
    "a negative year": at('"-1998-03-02"'),
    "a week date": at('"1998-W10-1"'),
    "a date as a list": at("[1998, 3, 2]"),
    "today": at('"now"'),
    "full-width digits": at('"\uff11\uff19\uff19\uff18-03-02"'),
    "a date that turns round": at('"\u202e1998-03-02"'),
    "somebody twice": b'{"customers": ['
    + b",".join([b'{"customer_id": "secret", "orders": []}'] * 2)
    + b"]}",
    "100,000 customers": b'{"customers": ['
    + b",".join(b'{"customer_id":"%d","orders":[]}' % number for number in range(100_000))
    + b"]}",
    "a million orders of one customer": b'{"customers": [{"customer_id": "secret", "orders": ['
    + b",".join([b'{"amount":1}'] * 600_000)
    + b"]}]}",
    "a million names twice": b'{"customers": [], ' + b'"a":1,' * 1_000_000 + b'"a": 2}',
    "400,000 unknown fields": body(",".join(f'"secret{number:x}":0' for number in range(400_000))),
    "4 million wrong orders": b'{"customers": [' + b"0," * 4_000_000 + b"0]}",
    "wrong orders in every customer": b'{"customers":['
    + b",".join([b'{"customer_id":"secret","orders":[' + b"0," * 9_999 + b"0]}"] * 300)
    + b"]}",
}


FIELDS = '"ordered_at": "1998-03-02", "amount": 1'

# What only looks hostile: each is JSON of the stated shape, and is answered.
VALID: dict[str, bytes] = {
    "negative zero": day("-0.0"),
    "negative zero as an integer": day("-0"),
    "the smallest number": day("5e-324"),
    "text from right to left": body(FIELDS, customer_id='"\u05d0\u05d1\u0627\u0644"'),
    "zero-width joiners": body(FIELDS, customer_id='"\U0001f468\u200d\U0001f469"'),
    "a pair of surrogates": body(FIELDS, customer_id='"\\ud83d\\ude00"'),
    "SQL as an id": body(FIELDS, customer_id='"\' OR 1=1; --"'),
    "a formula as an id": body(FIELDS, customer_id='"=1+1"'),
    "a leap day": at('"1996-02-29"'),
    "spaces of all kinds": b" \t\r\n" + GOOD + b"\n\n ",
    "10,000 orders of one customer": body("},{".join(['"ordered_at":"1998-03-02","amount":1'] * 10_000)),
}
