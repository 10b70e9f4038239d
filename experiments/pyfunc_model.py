"""The registered model as MLflow serves it: one self-contained file that imports nothing of Repurchase.

MLflow copies this file beside the bundle. It answers P(at least one order in the `horizon_days` after `as_of`) for
the feature columns of its signature, from the bundle's plain numbers. Each part is named after the file in models/
that it repeats; tests/experiments/test_pyfunc_model.py holds it to the answers of models/ensemble.py.
"""

import hashlib
import json
import warnings
from datetime import date
from pathlib import Path

import lightgbm
import mlflow
import numpy as np

# MLflow advises type hints on `predict`, at every load; they would replace the signature by a guess.
warnings.filterwarnings("ignore", message=".*Add type hints to the `predict` method", category=UserWarning)

KNOTS = np.array([7, 14, 30, 60, 90, 120, 180, 270, 365], dtype=np.float64)
LONGEST_WINDOW = 365  # days; the level's grid goes on for so long after the last day that it knows
RECENCY_EDGES = np.array(
    [7, 14, 21, 30, 45, 60, 90, 120, 150, 180, 240, 300, 365, 545, 730], dtype=np.float64
)
NODES = 32


class RepurchaseModel(mlflow.pyfunc.PythonModel):
    """Features in, probabilities out."""

    def load_context(self, context):
        """Verify every file of the bundle before anything parses it, then read it."""
        folder = Path(context.artifacts["bundle"])
        self.manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        texts = {name: _verified(folder / name, entry) for name, entry in self.manifest["files"].items()}
        self.ensemble, self.level = json.loads(texts["ensemble.json"]), json.loads(texts["level.json"])
        self.base = json.loads(texts[f"{self.ensemble['base']}.json"])
        self.lightgbm = json.loads(texts["lightgbm.json"]) if self.ensemble["lightgbm"] else None
        boosters = ("orders.txt", "free.txt") if self.lightgbm else ()
        self.boosters = [lightgbm.Booster(model_str=texts[name]) for name in boosters]

    def predict(self, context, model_input, params=None):
        """Return one probability per row."""
        asked = params or {}
        horizon = _horizon(asked.get("horizon_days"), self.manifest["horizon"])
        day = _day(asked.get("as_of") or self.manifest["as_of"])
        columns = {
            name: np.asarray(model_input[name], dtype=np.float64) for name in self.manifest["features"]
        }
        return self._at_horizon(columns, horizon, day)

    def _at_horizon(self, columns, horizon, day):
        """Read the curve (models/curve.py): 1 - exp(-hazard), the hazard linear between knots and never falling."""
        knots = KNOTS[: int(np.searchsorted(KNOTS, horizon)) + 1]
        levels = np.array([_level_shift(self.level, day, h) for h in knots])
        curve = np.maximum.accumulate(_sigmoid(self._logits(columns, knots) + levels), axis=1)
        hazard = -np.log1p(-np.minimum(curve, 1 - 1e-9))
        days, hazard = np.append(0.0, knots), np.column_stack((np.zeros(len(hazard)), hazard))
        share = (horizon - days[-2]) / (days[-1] - days[-2])
        return -np.expm1(-((1 - share) * hazard[:, -2] + share * hazard[:, -1]))

    def _logits(self, columns, knots):
        """Return the logits at the knots without the level (models/ensemble.py); (n, len(knots))."""
        z = np.column_stack([_logit(self._base(columns, h)[0]) for h in knots])
        if self.lightgbm and self.ensemble["weight"]:
            z = z + self.ensemble["weight"] * self._bend(columns, knots)
        return self.ensemble["slope"] * z + np.array(self.ensemble["anchors"][: len(knots)])

    def _bend(self, columns, knots):
        """Ask at the trained horizons and interpolate over log days (models/lightgbm.py); (n, len(knots))."""
        trained = self.lightgbm["horizons"]
        known = np.column_stack([self._bend_at(columns, k, h) for k, h in enumerate(trained)])
        parts = [np.interp(np.log(knots), np.log(trained), part) for part in np.eye(len(trained))]
        return known @ np.array(parts)

    def _bend_at(self, columns, k, horizon):
        """Return the mean of what both boosters say of the customers at the k-th trained horizon; (n,)."""
        p, alive = self._base(columns, horizon)
        start, fixed = _logit(p), [columns[name] for name in self.lightgbm["features"]]
        design = np.column_stack((*fixed, np.full(len(p), float(horizon)), alive, start))
        threads = 1 if len(design) < 2000 else 0
        from_base, free = (one.predict(design, raw_score=True, num_threads=threads) for one in self.boosters)
        return 0.5 * (from_base + free - start) + self.lightgbm["anchors"][k]

    def _base(self, columns, horizon):
        """Return the base model's P(at least one order) and P(alive); (n,) each."""
        if self.ensemble["base"] == "recency":
            days = columns["recency_days"]
            return _recency(self.base, days, horizon), _recency(self.base, days, 365.0)
        answer = {"paretonbd": _pareto, "mbgcnbdk": _erlang}.get(self.ensemble["base"], _beta_geometric)
        summary = columns["frequency"], columns["recency"], columns["tenure"]
        return answer(self.base["parameters"], *summary, horizon)


# ---------------------------------------------------------------- what was asked, and what is read
def _horizon(asked, main):
    horizon = float(main if asked is None else asked)
    if not 0 < horizon <= KNOTS[-1]:
        raise ValueError(f"horizon_days must be above 0 and at most 365; {horizon:g} was asked")
    return horizon


def _day(as_of):
    """Return the days since 1970-01-01."""
    try:
        return (date.fromisoformat(as_of) - date(1970, 1, 1)).days
    except ValueError:
        raise ValueError(f"as_of must be a date such as 1998-04-01, or empty; {as_of!r} was asked") from None


def _verified(path, entry):
    """Return the text of a file once its checksum is right."""
    found = path.read_bytes()
    if hashlib.sha256(found).hexdigest() != entry["sha256"]:
        raise ValueError(f"the bundle is damaged: {path.name} is not the file that its manifest describes")
    return found.decode("utf-8")


# ---------------------------------------------------------------- the level of the date (models/level.py)
def _level_shift(level, day, horizon):
    """Return what is added to the logits for the window of `horizon` days after `day`."""
    known = sorted(map(int, level["offsets"]))
    offsets = [level["offsets"][str(h)] for h in known]
    offset = np.interp(np.log(horizon), np.log(known), offsets) if known else 0.0
    return _mean_level(level, _known_day(level, day), horizon) + offset


def _known_day(level, day):
    """Return the day, or the same date in an earlier year if the grid ends before."""
    last = level["first_day"] + level["step_days"] * len(level["values"]) - LONGEST_WINDOW
    years = max(0, -(-(day - last) // 364)) if len(level["values"]) > 1 else 0
    return day - 364 * years


def _mean_level(level, day, horizon):
    """Return the mean over the window: the grid's running integral, read at both ends."""
    values, step = np.array(level["values"]), level["step_days"]
    edges = level["first_day"] + step * np.arange(len(values) + 1, dtype=np.float64)
    ends = np.array([day, day + horizon])
    integral = np.interp(ends, edges, np.append(0.0, np.cumsum(values)) * step)
    integral += np.maximum(ends - edges[-1], 0.0) * values[-1] + np.minimum(ends - edges[0], 0.0) * values[0]
    return (integral[1] - integral[0]) / horizon


# ---------------------------------------------------------------- base models: P(at least one order) and P(alive)
# q: parameters, times in days; x: order days less one; t_x, age: days from the first order to the last and to now.
def _beta_geometric(q, x, t_x, age, horizon):
    """BG/NBD, and MBG/NBD (modified): models/closed_form.py."""
    slept = (q["r"] + x) * np.log1p((age - t_x) / (q["alpha"] + t_x))
    stayed = q["b"] + (x if q["modified"] else np.maximum(x, 1) - 1)
    alive = _sigmoid(-slept - np.log(q["a"] / stayed))
    alive = np.where((x > 0) | q["modified"], alive, 1.0)
    return alive * -np.expm1(-(q["r"] + x) * np.log1p(horizon / (q["alpha"] + age))), alive


def _erlang(q, x, t_x, age, horizon):
    """MBG/CNBD-k: models/btyd_erlang.py."""
    silent = _log_silent(q, x, t_x, age)
    alive = _sigmoid(silent - np.log(q["a"] / (q["b"] + x)))
    longer = _log_silent(q, x, t_x, age + horizon) - silent
    return alive * -np.expm1(np.minimum(longer, 0.0)), alive


def _log_silent(q, x, t_x, age):
    """Return log P(fewer than k ticks since the last order | still a customer); (n,)."""
    shape, silent = q["r"] + q["k"] * x, age - t_x
    w, ticks = silent / (q["alpha"] + age), np.ones_like(x)
    for j in range(q["k"] - 1, 0, -1):
        ticks = 1.0 + (shape + (j - 1.0)) / j * w * ticks
    return np.log(ticks) - shape * np.log1p(silent / (q["alpha"] + t_x))


def _pareto(q, x, t_x, age, horizon):
    """Pareto/NBD: models/btyd_pareto.py."""
    shape, seen, hazard, silent = q["r"] + x, q["alpha"] + t_x, q["beta"] + t_x, age - t_x
    died = q["s"] / hazard * _decay_integral(seen, shape, hazard, q["s"] + 1.0, silent)
    late = shape * np.log1p(silent / seen) + q["s"] * np.log1p(silent / hazard)
    alive = _sigmoid(-(np.log(np.maximum(died, 1e-300)) + late))
    seen, hazard = q["alpha"] + age, q["beta"] + age
    ordered = shape / seen * _decay_integral(seen, shape + 1.0, hazard, q["s"], horizon)
    return alive * np.clip(ordered, 0.0, 1.0), alive


def _decay_integral(scale, shape, other_scale, other_shape, length):
    """Integrate (1 + u/scale)^-shape (1 + u/other_scale)^-other_shape over 0 to length: models/btyd_quadrature.py."""
    steep = 1.0 / (shape / scale + other_shape / other_scale)
    end = np.minimum(length, scale * np.expm1(np.minimum(40.0 / shape, 600.0)))
    end = np.minimum(end, other_scale * np.expm1(np.minimum(40.0 / other_shape, 600.0)))
    stretch, total = np.log1p(end / steep), 0.0
    places, weights = np.polynomial.legendre.leggauss(NODES)
    for place, weight in zip((1.0 + places) / 2.0, weights / 2.0, strict=True):
        log_u = stretch * place
        u = steep * np.expm1(log_u)
        left = np.exp(log_u - shape * np.log1p(u / scale) - other_shape * np.log1p(u / other_scale))
        total = total + left * (stretch * steep) * weight
    return total


def _recency(shares, days, horizon):
    """Return the share that bought by days since the last order: models/recency.py, models/shares.py; (n,)."""
    known = np.array(shares["horizons"], dtype=np.float64)
    hazard = -np.log1p(-np.minimum(np.array(shares["bought"]), 0.98))
    nearest = np.clip(horizon, known[0], known[-1])
    by_class = np.array([np.interp(nearest, known, one) for one in hazard.T]) * (horizon / nearest)
    p = 1 - np.exp(-by_class[np.searchsorted(RECENCY_EDGES, days)])
    return p * (1 - 1e-6 * days / (days + 365.0))


# ---------------------------------------------------------------- arithmetic
def _logit(p):
    safe = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(safe / (1 - safe))


def _sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -700.0, 700.0)))


mlflow.models.set_model(RepurchaseModel())
