"""The rule by which a new recipe becomes champion. Recipes are compared, refitted on the same rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from contracts.training import Prediction
from experiments.evaluate import Difference, Evaluation, log_loss_gain, value_gini_gain
from experiments.recipe import Recipe

# A loss of more than this against the champion must be excluded by the paired 95 % interval.
LOG_LOSS_MARGIN = 0.005  # of the champion's log loss
VALUE_GINI_MARGIN = 0.01


@dataclass(frozen=True)
class Champion:
    """What a challenger meets: the champion's recipe and the day as of which it was trained."""

    recipe: Recipe
    as_of: int


@dataclass(frozen=True)
class Decision:
    """Whether the challenger becomes champion, and every comparison that led there."""

    promoted: bool
    reason: str
    against_baseline: Difference | None = None
    baseline: str | None = None
    against_champion: Difference | None = None
    value_against_champion: Difference | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def decide(evaluation: Evaluation | None, challenger: str, champion: Prediction | None) -> Decision:
    """Apply the rule; `champion` is the champion recipe's prediction for the same customers, if there is one.

    The best baseline must be beaten in log loss with a lower bound above 0. Against a champion the interval
    must exclude a loss above LOG_LOSS_MARGIN and VALUE_GINI_MARGIN.
    """
    if evaluation is None or challenger not in evaluation.predictions:
        return Decision(False, "the history is too short to judge the recipe out of time")
    ours, baseline = evaluation.predictions[challenger], evaluation.best_baseline
    if baseline is None:
        return Decision(False, "no baseline could be fitted to be beaten")
    gain = log_loss_gain(evaluation.outcome, ours, evaluation.predictions[baseline])
    if not gain.lower > 0:
        return Decision(False, f"it does not beat the baseline '{baseline}' with certainty", gain, baseline)
    if champion is None:
        return Decision(
            True,
            f"it beats the baseline '{baseline}', and there is no champion to compare with",
            gain,
            baseline,
        )
    loss = log_loss_gain(evaluation.outcome, ours, champion)
    value = value_gini_gain(evaluation.outcome, ours, champion)
    champion_loss = evaluation.metrics[challenger]["log_loss"] + loss.mean
    kept = loss.lower >= -LOG_LOSS_MARGIN * champion_loss
    ranked = value.lower >= -VALUE_GINI_MARGIN
    what = {
        (True, True): "it is not worse than the champion's recipe beyond the margins",
        (False, True): "a loss in log loss beyond the margin cannot be excluded",
        (True, False): "a loss in value Gini beyond the margin cannot be excluded",
        (False, False): "losses in log loss and value Gini beyond the margins cannot be excluded",
    }[kept, ranked]
    figures = f"log loss {_shown(loss)}, value Gini {_shown(value)}; more is better"
    return Decision(kept and ranked, f"{what} ({figures})", gain, baseline, loss, value)


def _shown(found: Difference) -> str:
    return f"{found.mean:+.4f} [{found.lower:+.4f}, {found.upper:+.4f}]"
