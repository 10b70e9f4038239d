"""The registered model as MLflow serves it: one self-contained file that imports nothing of Repurchase.

MLflow copies this file beside the bundle. It answers P(at least one order in `horizon_days`) for the feature
columns of its signature, from the bundle's plain numbers. tests/experiments/test_pyfunc_model.py holds it to
the answers of models/ensemble.py.
"""

import hashlib
import json
import warnings
from pathlib import Path

import lightgbm
import mlflow
import numpy as np

# MLflow advises type hints on `predict`, at every load; they would replace the signature by a guess.
warnings.filterwarnings("ignore", message=".*Add type hints to the `predict` method", category=UserWarning)


class RepurchaseModel(mlflow.pyfunc.PythonModel):
    """Features in, probabilities out."""

    def load_context(self, context):
        """Verify every file of the bundle before anything parses it, then read it."""
        folder = Path(context.artifacts["bundle"])
        self.manifest = json.loads((folder / "manifest.json").read_text())
        for name, entry in self.manifest["files"].items():
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != entry["sha256"]:
                raise ValueError(f"the bundle is damaged: {name} is not the file that its manifest describes")
        read = {p.stem: json.loads(p.read_text()) for p in folder.glob("*.json")}
        self.ensemble = read["ensemble"]
        self.base = read[self.ensemble["base"]]
        self.bent = read.get("lightgbm")
        if self.bent:
            self.booster = lightgbm.Booster(model_str=(folder / "orders.txt").read_text())

    def predict(self, context, model_input, params=None):
        """Return one probability per row."""
        asked = (params or {}).get("horizon_days")
        horizon = float(self.manifest["horizon"] if asked is None else asked)
        if not 0 < horizon <= 365:
            raise ValueError("horizon_days must be above 0 and at most 365")
        columns = {
            name: np.asarray(model_input[name], dtype=np.float64) for name in self.manifest["features"]
        }
        return self._at(columns, horizon)

    def _at(self, columns, horizon):
        """Read the curve: 1 - exp(-hazard), the hazard linear between the knots and never falling."""
        knots = np.array([7, 14, 30, 60, 90, 120, 180, 270, 365], dtype=np.float64)
        needed = knots[: int(np.searchsorted(knots, horizon)) + 1]
        curve = np.column_stack([self._chance(columns, h) for h in needed])
        hazard = -np.log1p(-np.minimum(np.maximum.accumulate(curve, axis=1), 1 - 1e-9))
        days, hazard = np.append(0.0, needed), np.column_stack((np.zeros(len(hazard)), hazard))
        share = (horizon - days[-2]) / (days[-1] - days[-2])
        return -np.expm1(-((1 - share) * hazard[:, -2] + share * hazard[:, -1]))

    def _chance(self, columns, horizon):
        z = _logit(self._base(columns, horizon)[0])
        if self.bent and self.ensemble["weight"]:
            z = z + self.ensemble["weight"] * self._bend(columns, horizon)
        return 1 / (1 + np.exp(-(z + self.ensemble["level"])))

    def _bend(self, columns, horizon):
        """Ask the booster at its trained horizons and interpolate over log days."""
        fixed = [columns[name] for name in self.bent["features"]]
        answers = []
        for h in self.bent["horizons"]:
            p, alive = self._base(columns, h)
            design = np.column_stack((*fixed, alive, np.full(len(p), float(h)), _logit(p)))
            answers.append(self.booster.predict(design, raw_score=True))
        known = np.log(np.array(self.bent["horizons"], dtype=np.float64))
        return np.array([np.interp(np.log(horizon), known, row) for row in np.column_stack(answers)])

    def _base(self, columns, horizon):
        """Return P(at least one order) and P(alive): BG/NBD, MBG/NBD, or shares by days since the last order."""
        if self.ensemble["base"] == "recency":
            return self._recency(columns, horizon), self._recency(columns, 365.0)
        q = self.base["parameters"]
        x, t_x, age = columns["frequency"], columns["recency"], columns["tenure"]
        slept = np.exp((q["r"] + x) * np.log((q["alpha"] + age) / (q["alpha"] + t_x)))
        left = q["b"] + x if q["modified"] else q["b"] + np.maximum(x, 1) - 1
        alive = 1 / (1 + np.where((x > 0) | q["modified"], q["a"] / left * slept, 0.0))
        silent = np.exp((q["r"] + x) * np.log((q["alpha"] + age) / (q["alpha"] + age + horizon)))
        return alive * (1 - silent), alive

    def _recency(self, columns, horizon):
        edges = (7, 14, 21, 30, 45, 60, 90, 120, 150, 180, 240, 300, 365, 545, 730)
        days = columns["recency_days"]
        known = np.array(self.base["horizons"], dtype=np.float64)
        hazard = -np.log1p(-np.minimum(np.array(self.base["bought"]), 0.98))
        nearest = np.clip(horizon, known[0], known[-1])
        at = np.array([np.interp(nearest, known, column) for column in hazard.T]) * (horizon / nearest)
        p = 1 - np.exp(-at[np.searchsorted(np.array(edges, dtype=np.float64), days)])
        return p * (1 - 1e-6 * days / (days + 365.0))


def _logit(p):
    safe = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(safe / (1 - safe))


mlflow.models.set_model(RepurchaseModel())
