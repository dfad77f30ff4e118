"""The pages over a small engine, as the browser tests start them: `python -m tests.app.served run app/main.py ...`.

The writer waits, word by word, until a file called "go" lies in the home folder, so that a test decides how far an
answer has come. While it waits it keeps handing out nothing, so that other work goes on in between.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import app.house
from app.settings import Settings
from embedder import HashEngine, Message

FIRST = 5  # words written before the wait
HOME = Path(os.environ["TWOFOLD_HOME"])


class Paced(HashEngine):
    """Writes the first source's words: a few at once, the others when it may go on."""

    def stream(self, messages: Sequence[Message], *, stop: threading.Event, max_tokens: int) -> Iterator[str]:
        """The first words, a wait for the file, and the rest."""
        source = messages[0].content.split("Source 1:\n")[-1].split("\n\nSource 2")[0]
        for count, word in enumerate(source.split()[:max_tokens]):
            while count >= FIRST and not (HOME / "go").exists() and not stop.is_set():
                time.sleep(0.01)
                yield ""
            if stop.is_set():
                return
            yield word + " "


def opener(model: str, settings: Settings) -> HashEngine:
    """One engine, whatever was asked for."""
    return Paced()


if __name__ == "__main__":
    from streamlit.web.cli import main

    app.house.opener = opener
    main(sys.argv[1:])
