"""What Prometheus reads at /metrics: counters of one process, and how the model and the ranking stand just now.

Several worker processes share their counters through files (PROMETHEUS_MULTIPROC_DIR, which the front door sets before
it starts them), so that any of them answers for all; figures of a single process are then left out. Labels hold routes,
methods, states and versions: never an id, an address or the name of a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    values,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from serving.service import Service

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))


class Metrics:
    """The counters of one application, in a registry of its own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        one = self.registry = CollectorRegistry()
        self.requests = Counter(
            "repurchase_requests", "Answered requests.", ("route", "method", "status"), registry=one
        )
        self.seconds = Histogram(
            "repurchase_request_seconds",
            "Time from a request's header to the end of its answer.",
            ("route", "method"),
            buckets=_SECONDS,
            registry=one,
        )
        self.scored = Counter("repurchase_scored_customers", "Customers scored live.", registry=one)
        self.swaps = Counter(
            "repurchase_swaps",
            "Newer models and rankings: taken (done) or refused.",
            ("kind", "result"),
            registry=one,
        )
        self.rate_limited = Counter("repurchase_rate_limited", "Requests answered with 429.", registry=one)
        self.turned_away = Counter(
            "repurchase_turned_away",
            "Requests answered with 503 since too many were at work (busy), or with 408 or 504 (late).",
            ("why",),
            registry=one,
        )
        self.audit_failures = Counter(
            "repurchase_audit_failures", "Lines that the audit log could not take.", registry=one
        )
        for kind, result in product(("store", "model"), ("done", "refused")):
            self.swaps.labels(kind, result)  # from 0 on, so that the first one is a rise
        for why in ("busy", "late"):
            self.turned_away.labels(why)
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer; `route` is the path's template, not the path."""
        found = self._known.get((route, method, status))
        if found is None:
            shown = method if method in _METHODS else "other"
            found = self.requests.labels(route, shown, str(status)), self.seconds.labels(route, shown)
            if shown == method:
                self._known[route, method, status] = found
        found[0].inc()
        found[1].observe(seconds)

    def page(self, service: Service, *, now: datetime) -> bytes:
        """Return everything in Prometheus' text format."""
        standing = CollectorRegistry()
        standing.register(_Standing(service, now))
        if _is_shared():
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        else:
            counted = self.registry
            for process in (ProcessCollector, PlatformCollector, GCCollector):
                process(registry=standing)
        return generate_latest(counted) + generate_latest(standing)


def _is_shared() -> bool:
    return values.ValueClass is not values.MutexValue


class _Standing(Collector):
    """How the model, the ranking and the keys stand at one moment."""

    def __init__(self, service: Service, now: datetime) -> None:
        self._service = service
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield the figures; those of the ranking only where there is one."""
        current = self._service.current
        model = GaugeMetricFamily(
            "repurchase_model_info", "The model that answers (always 1).", labels=("version", "currency")
        )
        model.add_metric((current.scorer.model_version, current.scorer.currency), 1)
        yield model
        if current.store is not None:
            age = age_seconds(current.store.manifest["scored_at"], self._now)
            yield _gauge("repurchase_ranking_rows", "Customers in the ranking.", current.store.count)
            yield _gauge("repurchase_ranking_age_seconds", "Seconds since the ranking was scored.", age)
            valid = not is_stale(current.store.manifest["valid_until"], self._now.astimezone(current.zone))
            yield _gauge("repurchase_ranking_valid", "1 up to the ranking's valid_until, then 0.", valid)
        if self._service.keys is not None:
            failed = CounterMetricFamily(
                "repurchase_keys_reload_failures", "Times that a changed key file could not be read."
            )
            failed.add_metric((), self._service.keys.failures)
            yield failed


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=float(value))


def age_seconds(scored_at: datetime | str, now: datetime) -> float:
    """Return the seconds since a ranking was scored; its manifest holds the time as text or as a moment."""
    at = datetime.fromisoformat(scored_at) if isinstance(scored_at, str) else scored_at
    return (now - (at if at.tzinfo else at.replace(tzinfo=UTC))).total_seconds()


def is_stale(valid_until: object, local_now: datetime) -> bool:
    """Tell whether the last day of validity (a date, or its text) is over in the shop's time."""
    return str(valid_until) < local_now.date().isoformat()
