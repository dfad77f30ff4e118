"""The block of settings a Markdown file may begin with ("front matter"): how far it goes, and the title it gives.

Between lines of --- it is YAML (Jekyll, Hugo, Docusaurus, Quarto), between lines of +++ it is TOML (Hugo, Zola).
No character of the text is touched: the block stays part of it, and a search finds what it says.
"""

import re
import tomllib
from typing import Any

import yaml

BEGINS = re.compile(r"---[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*[\"']?[^\W\d][\w .-]*[\"']?[ \t]*:(?:\s)")
ENDS = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
TOML = re.compile(r"\+\+\+[ \t]*\n(?P<body>.*?)^\+\+\+[ \t]*$", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"^title[ \t]*:[ \t]*(?P<text>[^\n]*)$", re.MULTILINE | re.IGNORECASE)
MOST = 20_000  # characters; what opens with a ruler and closes it later than that is a text


def front(text: str) -> tuple[int, str]:
    """Where the settings end (0: there are none), and the title they give ("" for none)."""
    head = text[:MOST]
    if toml := TOML.match(head):
        return toml.end(), _title(_toml(toml["body"]))
    if not BEGINS.match(head):
        return 0, ""
    start = head.index("\n") + 1
    end = ENDS.search(head, start)
    if end is None:
        return 0, ""
    body = head[start : end.start()]
    return end.end(), _title(_yaml(body)) or _line(body)


def _yaml(body: str) -> Any:
    """The settings, every scalar as the string it is written as; None where they are no YAML after all."""
    try:
        return yaml.load(body, Loader=yaml.BaseLoader)  # it makes strings, lists and dictionaries, nothing else
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def _toml(body: str) -> Any:
    try:
        return tomllib.loads(body)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def _title(settings: Any) -> str:
    if not isinstance(settings, dict):
        return ""
    found = [value for key, value in settings.items() if str(key).lower() == "title" and isinstance(value, str)]
    return " ".join(found[0].split()) if found else ""


def _line(body: str) -> str:
    """The line of the title, from settings that YAML refuses: most often for a colon in an unquoted title."""
    found = LINE.search(body)
    text = found["text"].strip() if found else ""
    return "" if text[:1] in ("|", ">", "[", "{", "&", "*") else text.strip("\"'")
