"""Which method to use on these files, said only as far as the questions support it. Draws nothing.

The best of several is tested against each of the others over the same questions (a paired randomisation test); since it
was picked for being the best, its p values are multiplied by how many it is compared with (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

from app.evaluation import aligned

if TYPE_CHECKING:
    from indexer import Difference, Result

LEVEL = 0.05
Verdict = Literal["promote", "stay", "words", "tie", "alone"]


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do. `best` against `rival` (the default in use, else the next best), and all that are as good as `best`.

    "promote": better than the default, for sure. "stay": the default is the best, for sure. "words": no vectors are
    needed. "tie": not to be told apart yet. "alone": nothing to compare with.
    """

    verdict: Verdict
    best: Result
    rival: Result | None = None
    difference: Difference | None = None
    p: float = 1.0
    tied: tuple[Result, ...] = ()
    tokens: float | None = None
    needed: int | None = None

    @property
    def sure(self) -> bool:
        """Whether the questions support it."""
        return self.verdict in ("promote", "stay", "words")


def recommend(results: Sequence[Result], default: str = "") -> Advice | None:
    """What the latest results on one set say; `default` is the fingerprint of the space in use."""
    if not results:
        return None
    best, *others = sorted(results, key=lambda one: (*preferred(one), one.fingerprint != default))
    if not others:
        return Advice("alone", best)
    tests = {id(one): _tested(best, one, len(others)) for one in others}
    tied = tuple(one for one in others if tests[id(one)][1] >= LEVEL)
    rival = _rival(best, others, default)
    difference, p = tests[id(rival)]
    verdict: Verdict = "tie" if p >= LEVEL else "promote"
    if verdict == "promote":
        verdict = "words" if best.mode == "words" else "stay" if best.fingerprint == default else "promote"
    return Advice(verdict, best, rival, difference, p, tied, _ratio(best, rival), _needed(difference, len(best.rows)))


def preferred(one: Result) -> tuple[float, float]:
    """The better first, of equals the one that reads fewer tokens."""
    return -one.metrics["ndcg@10"].value, one.cost.tokens if one.cost else 0.0


def _rival(best: Result, others: Sequence[Result], default: str) -> Result:
    """What the best one has to beat: the default in the same mode, in any mode, else the next best."""
    if best.fingerprint != default:
        ours = [one for one in others if default and one.fingerprint == default]
        if ours:
            return next((one for one in ours if one.mode == best.mode), ours[0])
    return next((one for one in others if one.fingerprint != best.fingerprint), others[0])


def _tested(best: Result, other: Result, count: int) -> tuple[Difference, float]:
    from indexer import paired

    difference = paired(*aligned(best, other))
    return difference, min(1.0, difference.p * count)


def _ratio(best: Result, rival: Result) -> float | None:
    one, other = best.cost, rival.cost
    return one.tokens / other.tokens if one and other and one.tokens and other.tokens else None


def _needed(difference: Difference, queries: int) -> int | None:
    """About how many questions would show a difference of this size: its interval shrinks with their square root."""
    half = (difference.high - difference.low) / 2
    if difference.value <= 0 or not half:
        return None
    return max(queries + 1, math.ceil(queries * (half / difference.value) ** 2))


def sentence(advice: Advice, *, own: bool) -> str:
    """The advice as one reads it."""
    best, rival = advice.best, advice.rival
    where = "your folder" if own else best.dataset
    figure = _figure(best)
    first, second = named(best, rival), named(rival, best) if rival else ""
    if rival is None:
        return f"On {where}, {first} has nDCG {figure}. Measure another method to compare it with."
    against = f"against {rival.metrics['ndcg@10'].value:.2f} for {second}"
    cost = f", and costs {advice.tokens:.1f}× the tokens" if advice.tokens and advice.tokens >= 1.05 else ""
    cost = cost or (f", and takes {advice.tokens:.2f}× the tokens" if advice.tokens and advice.tokens <= 0.95 else "")
    if advice.verdict == "tie":
        return f"On {where}, {first} and {second} cannot be told apart yet (nDCG {figure}, {against})."
    if advice.verdict == "words":
        return f"On {where}, words alone win (nDCG {figure}, {against})."
    stays = ", which you use already," if advice.verdict == "stay" else ""
    return f"On {where}, {first}{stays} wins (nDCG {figure}, {against}){cost}."


def evidence(advice: Advice) -> str:
    """The test behind it, in words."""
    difference = advice.difference
    if difference is None:
        return ""
    queries = len(advice.best.rows)
    text = (
        f"Difference {difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}] over "
        f"{queries:,} questions: better on {difference.better:,}, worse on {difference.worse:,}; "
        f"paired randomisation test, p = {advice.p:.2g}."
    )
    if advice.verdict == "tie" and advice.needed:
        text += f" About {advice.needed:,} questions would show a difference of this size."
    also = [named(one, advice.best) for one in advice.tied if one is not advice.rival]
    if also:
        text += f" Not told apart from it either: {', '.join(also)}."
    return text


def named(result: Result, beside: Result | None = None) -> str:
    """A contender as a person calls it; its model is named where the one `beside` it is on another."""
    if result.mode == "words":
        return "words alone"
    other = beside is not None and beside.mode != "words" and beside.model != result.model
    model = f" on {PurePath(result.model).name}" if other and result.model else ""
    return result.method + model + (" with words" if result.mode == "hybrid" else "")


def _figure(result: Result) -> str:
    value = result.metrics["ndcg@10"]
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def advice_json(advice: Advice | None) -> dict[str, Any] | None:
    """The advice as the command line prints it."""
    if advice is None:
        return None
    difference = advice.difference
    return {
        "verdict": advice.verdict,
        "best": advice.best.label,
        "best_model": advice.best.model,
        "rival": advice.rival.label if advice.rival else None,
        "rival_model": advice.rival.model if advice.rival else None,
        "difference": round(difference.value, 4) if difference else None,
        "interval": [round(difference.low, 4), round(difference.high, 4)] if difference else None,
        "p": round(advice.p, 4),
        "tied": [one.label for one in advice.tied],
        "tokens_ratio": round(advice.tokens, 3) if advice.tokens else None,
    }
