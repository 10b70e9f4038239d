from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from contracts.days import parse_day
from serving.live import MOST_REQUESTS, LiveScores, Together, score_live
from serving.problems import Problem
from serving.shapes.posted import ScoreRequest
from tests.serving.shop import NOW, CountingScorer, histories, order

ZONE = ZoneInfo("UTC")


@dataclass(frozen=True)
class NotingScorer(CountingScorer):
    """Notes how many customers it was asked for at once."""

    asked: list[int] = field(default_factory=list)

    def score(self, lines: pa.Table, *, as_of: int, horizons: tuple[int, ...]) -> pa.Table:
        """Return the scores."""
        self.asked.append(len(set(lines["customer_id"].to_pylist())))
        return super().score(lines, as_of=as_of, horizons=horizons)


def request(*names: str, day: str = "1998-03-02", **more: Any) -> ScoreRequest:
    return ScoreRequest.model_validate({**histories(**{name: [order(day)] for name in names}), **more})


def together(scorer: CountingScorer, *requests: ScoreRequest) -> list[LiveScores | BaseException]:
    async def all_at_once() -> list[LiveScores | BaseException]:
        one = Together()
        asked = [one.score(each, scorer=scorer, zone=ZONE, now=NOW) for each in requests]
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(all_at_once())


def ids(answer: LiveScores | BaseException) -> list[str]:
    assert isinstance(answer, LiveScores)
    return [row["customer_id"] for row in answer.rows]


def test_requests_of_one_moment_are_scored_as_one_table() -> None:
    scorer = NotingScorer()
    answers = together(scorer, request("b"), request("a", "d"), request("c"))
    assert scorer.asked == [4] and [ids(one) for one in answers] == [["b"], ["a", "d"], ["c"]]


def test_each_gets_what_it_would_get_alone() -> None:
    asked = [request("a"), request("b", day="1997-05-01"), request("c", day="1999-01-01")]
    alone = [score_live(one, scorer=CountingScorer(), zone=ZONE, now=NOW) for one in asked]
    assert together(CountingScorer(), *asked) == alone


def test_one_id_in_two_requests_is_two_customers() -> None:
    scorer = NotingScorer()
    first, second = together(scorer, request("a"), request("a", day="1998-03-22"))
    assert isinstance(first, LiveScores) and isinstance(second, LiveScores)
    assert [one.rows[0]["recency_days"] for one in (first, second)] == [30, 10] and scorer.asked == [1, 1]


def test_other_days_and_horizons_are_other_tables() -> None:
    scorer = NotingScorer()
    asked = [request("a"), request("b", as_of="1998-03-12"), request("c", horizons=[45])]
    answers = together(scorer, *asked)
    assert scorer.asked == [1, 1, 1]
    assert [one.as_of for one in answers if isinstance(one, LiveScores)] == [
        CountingScorer().default_as_of, parse_day("1998-03-12"), CountingScorer().default_as_of,
    ]  # fmt: skip


def test_so_many_requests_and_no_more_share_a_table() -> None:
    scorer = NotingScorer()
    together(scorer, *(request(str(number)) for number in range(MOST_REQUESTS + 3)))
    assert scorer.asked == [MOST_REQUESTS, 3]


def test_whoever_posts_nonsense_gets_the_error_alone() -> None:
    broken = {"customers": [{"customer_id": "x", "orders": [order("1998-03-02", cancelled_at="1998-03-01")]}]}
    good, bad = together(CountingScorer(), request("a"), ScoreRequest.model_validate(broken))
    assert ids(good) == ["a"] and isinstance(bad, Problem) and bad.status == 422


def test_whoever_hangs_up_takes_nobody_along() -> None:
    async def one_leaves() -> list[str]:
        one = Together()
        leaving, staying = (
            asyncio.ensure_future(one.score(request(name), scorer=CountingScorer(), zone=ZONE, now=NOW))
            for name in ("a", "b")
        )
        await asyncio.sleep(0)
        leaving.cancel()
        return ids(await staying)

    assert asyncio.run(one_leaves()) == ["b"]


def test_the_first_waits_a_moment_for_as_many_as_came_beside_it_before() -> None:
    scorer = NotingScorer()

    async def twice() -> None:
        one = Together(patience=60.0)

        async def asks(name: str, turns: int) -> None:
            for _ in range(turns):  # of the loop: as one who is still reading the body
                await asyncio.sleep(0)
            await one.score(request(name), scorer=scorer, zone=ZONE, now=NOW)

        await asyncio.gather(asks("a", 0), asks("b", 0))
        await asyncio.gather(asks("a", 0), asks("b", 5))

    asyncio.run(twice())
    assert scorer.asked == [2, 2]


def test_nobody_waits_long_for_those_who_do_not_come_again() -> None:
    scorer = NotingScorer()

    async def first_two_then_one() -> None:
        one = Together()
        await asyncio.gather(
            *(one.score(request(name), scorer=scorer, zone=ZONE, now=NOW) for name in ("a", "b"))
        )
        async with asyncio.timeout(5):
            await one.score(request("a"), scorer=scorer, zone=ZONE, now=NOW)

    asyncio.run(first_two_then_one())
    assert scorer.asked == [2, 1]


def test_a_horizon_too_long_is_refused_at_once() -> None:
    with pytest.raises(Problem) as caught:
        score_live(request("a", horizons=[400]), scorer=CountingScorer(), zone=ZONE, now=NOW)
    assert caught.value.status == 422
