"""Prompts into batches: sorted by length, filled to a budget of tokens. No model is known here."""

from collections.abc import Sequence


def batches(lengths: Sequence[int], budget: int, *, parts: int = 1) -> list[list[int]]:
    """Indices grouped by falling length; a batch's size times its longest stays within `budget` tokens.

    At least `parts` batches come out where there are as many prompts, so that every worker has one.
    """
    budget = min(budget, max(-(-sum(lengths) // max(parts, 1)), 1))
    groups: list[list[int]] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if groups and (len(groups[-1]) + 1) * longest <= budget:
            groups[-1].append(index)
        else:
            groups.append([index])
            longest = max(lengths[index], 1)
    return groups


def filled(lengths: Sequence[int], budget: int, most: int) -> list[list[int]]:
    """Indices grouped by falling length where nothing is padded: a batch has `budget` tokens in all and `most` texts.

    A text longer than the budget is a batch of its own.
    """
    groups: list[list[int]] = []
    room = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if not groups or lengths[index] > room or len(groups[-1]) == most:
            groups.append([])
            room = budget
        groups[-1].append(index)
        room -= lengths[index]
    return groups
