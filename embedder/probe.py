"""Checks before an embedder is handed out: the model sees what its row says, and there is room for text.

A leak is a later token that changes an earlier state: wanted under bidirectional attention, fatal under causal.
"""

import numpy as np

from embedder.engine import Engine
from embedder.method import Method
from embedder.prompt import Prompt, room

MINIMUM_ROOM = 8  # tokens
LENGTH = 12  # tokens of the leak test
MOVED = 1e-5


def check(method: Method, engine: Engine, *, limit: int | None = None) -> None:
    """ValueError if this row cannot be served by this engine, with the reason."""
    if "{before:pool}" in method.document and not engine.special("before"):
        raise ValueError(f"{method.name} pools the token an encoder puts before a text; {engine.name} puts none there")
    for side in ("query", "document"):
        if room(method, side, engine, limit=limit) < MINIMUM_ROOM:  # also resolves every role of the templates
            raise ValueError(f"{method.name} leaves under {MINIMUM_ROOM} tokens of text in {limit or engine.context}")
    for padded in (False, True):
        leaks = leak(engine, causal=method.causal, padded=padded)
        if leaks == method.causal:
            seen = "sees later tokens under causal" if leaks else "does not see later tokens under bidirectional"
            raise ValueError(f"{engine.name} {seen} attention ({'with' if padded else 'without'} padding): not served")


def leak(engine: Engine, *, causal: bool, padded: bool) -> bool:
    """Whether changing the last token changes the first state."""
    ids = engine.encode("one two three four five six seven eight nine ten eleven twelve thirteen")[:LENGTH]
    changed = [*ids[:-1], ids[0]]
    first = (1.0, *(0.0,) * (len(ids) - 1))
    prompts = [Prompt(tuple(ids), first), Prompt(tuple(changed), first)]
    if padded:
        long = ids * 2
        prompts.append(Prompt(tuple(long), (1.0, *(0.0,) * (len(long) - 1))))
    before, after = engine.vectors(prompts, causal=causal)[:2]
    return bool(np.abs(before - after).max() > MOVED)
