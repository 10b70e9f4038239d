from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from serving.guarding.limits import RateLimit


class Ticks:
    at = 100.0

    def __call__(self) -> float:
        return self.at


def test_a_minutes_requests_may_come_at_once_and_no_more() -> None:
    limit = RateLimit(60, ticks=Ticks())
    assert [limit.take("a").granted for _ in range(61)] == [True] * 60 + [False]


def test_a_refused_one_learns_when_to_come_again() -> None:
    limit = RateLimit(6, ticks=Ticks())
    refused = [limit.take("a") for _ in range(7)][-1]
    assert (refused.granted, refused.retry_after_s, refused.remaining, refused.refilled_s) == (
        False,
        10,
        0,
        60,
    )


def test_whoever_waits_as_told_is_let_in() -> None:
    ticks = Ticks()
    limit = RateLimit(7, ticks=ticks)
    refused = [limit.take("a") for _ in range(8)][-1]
    ticks.at += refused.retry_after_s
    assert limit.take("a").granted


def test_each_key_has_its_own_allowance() -> None:
    limit = RateLimit(1, ticks=Ticks())
    assert limit.take("a").granted and limit.take("b").granted and not limit.take("a").granted


def test_only_so_many_names_are_remembered() -> None:
    limit = RateLimit(1, ticks=Ticks(), most_names=2)
    assert [limit.take(name).granted for name in "abca"] == [True] * 4


def test_the_headers_tell_the_policy_and_what_is_left() -> None:
    headers = dict(RateLimit(60, ticks=Ticks()).take("a").headers)
    assert headers == {b"ratelimit-policy": b'"minute";q=60;w=60', b"ratelimit": b'"minute";r=59;t=1'}


@given(st.integers(1, 50), st.lists(st.floats(0, 30), min_size=1, max_size=80))
def test_no_span_lets_in_more_than_a_minutes_worth_and_what_is_refilled(
    per_minute: int, gaps: list[float]
) -> None:
    ticks = Ticks()
    limit, granted = RateLimit(per_minute, ticks=ticks), 0
    for gap in gaps:
        ticks.at += gap
        granted += limit.take("a").granted
    assert granted <= per_minute + sum(gaps) * per_minute / 60 + 1e-6
