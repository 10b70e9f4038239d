from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.training import Floats, Outcome, Prediction
from experiments.answers import Answers
from experiments.backtest_result import Backtest, Settings, Verdict, Weekly
from experiments.leaderboard import HEADLINE, Row
from experiments.report import write_report
from experiments.report_album import album, drawn, slug
from experiments.report_pictures import Window, calibration_bins, gain, stability_index
from experiments.report_words import headline, number, standing, verdict
from pages.chart import even_axis, share_axis
from pages.html import element, text
from pages.svg import svg

ORIGINS = (10_000, 10_090)
PEER = "peer <b> & 'co'"
NAN = math.nan


def a_prediction(p: Floats) -> Prediction:
    return Prediction(p, 2 * p, 30 * p)


def some_answers(
    models: Sequence[str], *, customers: int = 40, origins: Sequence[int] = ORIGINS
) -> tuple[Answers, ...]:
    chance = np.random.default_rng(7)
    found = []
    for origin in origins:
        p = chance.beta(1, 4, customers)
        bought = (chance.random(customers) < p).astype(np.float64)
        outcome = Outcome(bought, 2 * bought, 25 * bought)
        told = {
            name: a_prediction(np.clip(p + chance.normal(0, 0.05, customers), 0.001, 0.999))
            for name in models
        }
        found.append(Answers(origin, np.arange(customers), outcome, told))
    return tuple(found)


def a_row(
    model: str, metric: str = "log_loss", value: float = 0.4, **changed: float | int | str | None
) -> Row:
    kind = {"repurchase": "ours", "ablation:no_season": "ablation"}.get(model, "peer")
    known = {"difference": 0.01, "difference_lower": 0.002, "difference_upper": 0.02, "p_holm": 0.004}
    unknown = dict.fromkeys(known, NAN)
    row = Row(
        model, kind, None, 90, metric, value, value - 0.1, value + 0.1,
        **(unknown if kind == "ours" else known), seed_sd=NAN, origins=2,
    )  # fmt: skip
    return replace(row, **changed)  # type: ignore[arg-type]


def a_backtest() -> Backtest:
    """Return two origins, a peer and an ablation, with one of everything that a report shows."""
    models = {"repurchase": "ours", PEER: "peer", "ablation:no_season": "ablation"}
    settings = Settings(
        ORIGINS, (90,), 90, 1, False, (10_181, 10_270), models, "Tom & Jerry <shop>", "ab12", "EUR",
        9_600, 10_270, 40, {"model": "ensemble"}, {"numpy": "2.4"}, ("nothing is sealed",),
    )  # fmt: skip
    rows = tuple(a_row(model, metric) for model in models for metric in (*HEADLINE, "absolute_level_bias"))
    group = {
        "slice": 'category: "A" <b>',
        "customers": 60,
        "buyers": 12,
        "value": 0.7,
        "lower": None,
        "upper": None,
    }
    paired = {"difference": None, "difference_lower": None, "difference_upper": None, "origins": 2}
    week = tuple(float(n) for n in range(5, 18))
    ends = (*range(7, 90, 7), 90)
    return Backtest(
        settings=settings,
        answers={90: some_answers(tuple(models))},
        compared={},
        rows=rows,
        slices=tuple({**group, "model": name, "metric": "auc", **paired} for name in ("repurchase", PEER)),
        columns={},
        texts={},
        weekly=tuple(Weekly(origin, ends, week, {"repurchase": week, PEER: week}) for origin in ORIGINS),
        fit_seconds={"repurchase": {ORIGINS[0]: 1.5}},
        not_fitted={"pareto": {ORIGINS[0]: "x < 3 & too few"}},
        best_peer=PEER,
        verdict=Verdict(True, "it beats the baseline 'recency'", "recency"),
    )


class Page(HTMLParser):
    """What a browser would see: elements with attributes, headings, text; unclosed elements fail."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(source)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "link"):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data + " "

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag in tags]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(a_backtest(), tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


def written(backtest: Backtest, folder: Path) -> str:
    write_report(folder / "report.html", backtest)
    return (folder / "report.html").read_text(encoding="utf-8")


# ---------------------------------------------------------------- the page
def test_the_page_loads_nothing_from_anywhere(source: str, page: Page) -> None:
    assert not re.search(r"https?:|//|url\(|@import|<script|<img|<iframe", source, re.IGNORECASE)
    assert all("src" not in attributes for _, attributes in page.found)
    links = [attributes["href"] or "" for attributes in page.all("a", "link")]
    assert links and all(link.startswith(("#", "data:,")) for link in links)


def test_names_from_the_data_are_text_and_never_markup(source: str, page: Page) -> None:
    assert page.all("b") == [] and "<shop>" not in source
    for name in (PEER, "Tom & Jerry <shop>", 'category: "A" <b>', "x < 3 & too few"):
        assert name in page.words


def test_every_address_inside_the_page_exists_once(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    asked = [(a["href"] or "")[1:] for a in page.all("a")]
    asked += [one for _, a in page.found for one in (a.get("aria-labelledby") or "").split()]
    assert set(asked) <= set(ids)


def test_every_table_has_a_caption_and_scoped_headings(page: Page) -> None:
    assert len(page.all("caption")) == len(page.all("table")) > 5
    assert all(th.get("scope") in ("col", "row") for th in page.all("th"))


def test_every_picture_is_described_in_words(page: Page) -> None:
    pictures = [svg for svg in page.all("svg") if svg.get("aria-hidden") != "true"]
    assert len(pictures) == len(album(a_backtest())) == len(page.all("desc"))
    assert all(svg["role"] == "img" and svg["aria-labelledby"] for svg in pictures)


def test_headings_skip_no_level(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_that_scroll_are_reached_by_keyboard(page: Page) -> None:
    wide = [a for a in page.all("div") if a.get("class") == "wide"]
    assert all(a["tabindex"] == "0" and a["aria-label"] and a["role"] == "group" for a in wide)


def test_the_page_fits_a_phone_and_a_dark_room(source: str, page: Page) -> None:
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert "prefers-color-scheme: dark" in source
    assert page.all("html") == [{"lang": "en"}]


def test_the_page_says_how_to_reproduce_it(page: Page) -> None:
    asked = "--origins 2 --step 90 --horizon 90 --seeds 1"
    assert f"repurchase backtest ORDERS --shop 'Tom & Jerry <shop>' --as-of 1998-02-13 {asked}" in page.words


def test_the_same_backtest_gives_the_same_bytes(source: str, tmp_path: Path) -> None:
    assert written(a_backtest(), tmp_path) == source


def test_a_report_of_20_models_at_10_origins_is_below_3_mb(tmp_path: Path) -> None:
    names = ["repurchase", *(f"peer number {n}" for n in range(19))]
    origins = tuple(range(10_000, 10_900, 90))
    small = a_backtest()
    settings = replace(small.settings, origins=origins, horizons=(90, 30), kinds=dict.fromkeys(names, "peer"))
    rows = tuple(
        a_row(name, f"metric_{n}", horizon=h) for name in names for n in range(19) for h in settings.horizons
    )  # fmt: skip
    loss = tuple(a_row(name) for name in names)
    weekly = tuple(replace(small.weekly[0], origin=origin) for origin in origins)
    answers = {90: some_answers(names, customers=60, origins=origins)}
    large = replace(small, settings=settings, rows=(*loss, *rows), weekly=weekly, answers=answers)
    assert len(written(large, tmp_path).encode()) < 3e6


def test_a_default_that_could_not_be_fitted_is_said_and_nothing_is_drawn(tmp_path: Path) -> None:
    blank = replace(a_backtest(), answers={90: ()}, weekly=(), rows=(), slices=(), best_peer=None)
    page = Page(written(blank, tmp_path))
    assert "Our model could not be fitted at any of 2 origins." in page.words
    assert page.all("figure") == []


def test_windows_in_which_nobody_bought_are_reported(tmp_path: Path) -> None:
    nothing = Outcome(np.zeros(40), np.zeros(40), np.zeros(40))
    answers = tuple(replace(one, outcome=nothing) for one in some_answers(("repurchase", PEER)))
    page = Page(written(replace(a_backtest(), answers={90: answers}), tmp_path))
    assert "nobody bought" in page.words and "nan" not in page.words


@pytest.mark.parametrize("customers", [1, 3])
def test_a_handful_of_customers_is_reported(tmp_path: Path, customers: int) -> None:
    answers = some_answers(("repurchase",), customers=customers, origins=ORIGINS[:1])
    page = Page(written(replace(a_backtest(), answers={90: answers}), tmp_path))
    assert "On 1 window of 90 days" in page.words


# ---------------------------------------------------------------- words
def test_the_headline_counts_buyers_in_the_first_tenth_and_the_level() -> None:
    p = np.array([0.9, 0.5, *[0.1] * 8])
    bought = np.array([1.0, 1.0, *[0.0] * 8])
    answers = (
        Answers(10_000, np.arange(10), Outcome(bought, bought, bought), {"repurchase": a_prediction(p)}),
    )
    said = headline(replace(a_backtest(), answers={90: answers}))
    assert "found 50 of 100 buyers in the first tenth" in said
    assert "off by 10 %" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"p_holm": 0.004, "difference": 0.01}, "worse"),
        ({"p_holm": 0.004, "difference": -0.01}, "better"),
        ({"p_holm": 0.2, "difference": 0.01}, "cannot be told"),
        ({"p_holm": NAN, "difference": 0.01}, "worse"),
        ({"p_holm": NAN, "difference_lower": -0.01}, "cannot be told"),
        ({"p_holm": NAN, "difference_lower": NAN, "difference_upper": NAN}, ""),
        ({"difference": NAN}, ""),
    ],
)
def test_a_verdict_follows_holm_and_else_the_interval(changed: dict[str, float], said: str) -> None:
    assert verdict(replace(a_row(PEER), **changed)) == said  # type: ignore[arg-type]


def test_the_standing_names_who_is_better_and_who_cannot_be_told_apart() -> None:
    rows = (a_row("one"), a_row("two", p_holm=0.5), a_row("three", difference=-0.01))
    said = standing(replace(a_backtest(), rows=rows), "log_loss")
    assert said == (
        "Log loss: better than 1 of 3 peers with certainty; not to be told apart from two; worse than three."
    )


def test_only_a_model_of_all_origins_is_marked_best(tmp_path: Path) -> None:
    rows = (a_row("repurchase", value=0.4), a_row("lucky", value=0.1, origins=1))
    found = written(replace(a_backtest(), rows=rows), tmp_path)
    assert "0.4000 (best)" in found and "0.1000 (best)" not in found
    assert "lucky</bdi> (1 of 2 origins)" in found


def test_peers_that_answered_everywhere_are_drawn_best_first() -> None:
    names = ("repurchase", "bad", "good", "seldom")
    first, second = some_answers(names)
    fewer = {name: told for name, told in second.predictions.items() if name != "seldom"}
    rows = (a_row("bad", value=0.5), a_row("good", value=0.3), a_row("seldom", value=0.1))
    backtest = replace(a_backtest(), answers={90: (first, replace(second, predictions=fewer))}, rows=rows)
    kinds = dict.fromkeys(names[1:], "peer")
    backtest = replace(backtest, settings=replace(backtest.settings, kinds=kinds))
    assert drawn(backtest) == ["repurchase", "good", "bad"]


@pytest.mark.parametrize(
    ("value", "digits", "signed", "said"),
    [(1234.5, 1, False, "1,234.5"), (-0.04, 1, True, "0.0"), (-2.0, 0, True, "−2"), (NAN, 1, False, "–")],
)
def test_numbers_are_written_for_people(value: float, digits: int, signed: bool, said: str) -> None:
    assert number(value, digits, signed=signed) == said


# ---------------------------------------------------------------- markup
def test_text_is_escaped_and_markup_is_not_escaped_twice() -> None:
    assert (
        element("p", "a < b", element("b", '"'), title='"&')
        == '<p title="&quot;&amp;">a &lt; b<b>&quot;</b></p>'
    )


def test_what_no_file_may_hold_is_replaced() -> None:
    assert text("a\x00b\ud800c\td") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c\td"


@pytest.mark.parametrize(
    ("name", "key"), [("lifetimes BG/NBD", "1_lifetimes_bg_nbd"), ("../<x>", "1_x"), ("§", "1")]
)
def test_a_models_name_becomes_a_safe_key(name: str, key: str) -> None:
    assert slug(name, 1) == key


# ---------------------------------------------------------------- numbers behind the pictures
def test_calibration_bins_hold_equally_many_customers() -> None:
    found = calibration_bins(Window(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.3, 0.5, 0.7])), bins=2)
    assert found.said.tolist() == pytest.approx([0.2, 0.6])
    assert found.came.tolist() == [0.0, 1.0]
    assert found.customers.tolist() == [2, 2]


def test_gain_counts_ties_alike_whatever_the_order_of_rows() -> None:
    p, bought = np.array([0.9, 0.5, 0.5, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])
    shares = np.array([0.0, 0.25, 0.5, 1.0])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        found = gain(Window(bought[order], p[order]), shares)
        assert found.tolist() == pytest.approx([0.0, 0.5, 0.75, 1.0])


def test_the_stability_index_is_the_sum_over_the_tenths() -> None:
    before, after = np.arange(100.0), np.r_[np.arange(50.0), np.arange(50.0)]
    by_hand = 5 * (0.2 - 0.1) * math.log(0.2 / 0.1) + 5 * (1e-4 - 0.1) * math.log(1e-4 / 0.1)
    assert stability_index(before, after) == pytest.approx(by_hand, abs=1e-12)
    assert stability_index(before, before) == 0.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_the_stability_index_is_never_negative(before: list[float], after: list[float]) -> None:
    assert stability_index(np.array(before), np.array(after)) >= 0.0


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_an_even_axis_holds_both_ends_with_few_ticks(least: float, width: float) -> None:
    axis = even_axis("x", least, least + width)
    room = 1e-6 * (axis.most - axis.least)
    assert axis.least <= least + room and least + width <= axis.most + room
    assert 2 <= len(axis.ticks) <= 7
    assert len({words for _, words in axis.ticks}) == len(axis.ticks)


@given(st.floats(0, 1))
def test_a_share_axis_ends_at_the_most_that_is_shown(most: float) -> None:
    axis = share_axis("x", most)
    assert most <= axis.most <= 1.0
    assert all(0.0 <= place <= 1.0 for place in axis.place(np.array([at for at, _ in axis.ticks])))


def test_pictures_hold_finite_places_only() -> None:
    for chart in album(a_backtest()).values():
        assert not re.search(r"\b(nan|inf)\b", svg(chart))


def test_a_last_week_that_is_not_full_is_not_drawn() -> None:
    actual = album(a_backtest())["tracking_1997-05-19"].lines[-1]
    assert (actual.name, len(actual.x), actual.x[-1]) == ("actual orders", 12, 12.0)


# ---------------------------------------------------------------- colours
def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb (WCAG 2.2)."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(weight * s for weight, s in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_all_text_and_lines_can_be_told_from_their_background(source: str, theme: int) -> None:
    colours = dict(
        re.findall(r"--([\w]+): (#[0-9a-f]{6});", source.split(":root {")[theme + 1].split("}")[0])
    )
    for background in ("page", "panel", "marked"):
        for words in ("text", "quiet", "good", "bad", "look0"):
            assert contrast(colours[words], colours[background]) >= 4.5
        for line in ("look0", "look1", "look2", "look3", "look4", "reference"):
            assert contrast(colours[line], colours[background]) >= 3.0
