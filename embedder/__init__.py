"""A decoder language model as embedder and as writer; knows no files to index, no SQL, no screen.

Importing this package loads no model library: torch comes with the first engine.
"""

from embedder.card import Card, read_card
from embedder.embedder import Embedder, combine, open_embedder
from embedder.engine import Engine, Message, Writer, open_engine
from embedder.hash_engine import HashEngine
from embedder.inspecting import Seen, inspect
from embedder.method import ENCODERS, INSTRUCTIONS, METHODS, Method, find_method, with_demonstrations
from embedder.prompt import Prompt, build, room

__all__ = [
    "ENCODERS",
    "INSTRUCTIONS",
    "METHODS",
    "Card",
    "Embedder",
    "Engine",
    "HashEngine",
    "Message",
    "Method",
    "Prompt",
    "Seen",
    "Writer",
    "build",
    "combine",
    "find_method",
    "inspect",
    "open_embedder",
    "open_engine",
    "read_card",
    "room",
    "with_demonstrations",
]
