"""Is it a text at all? Refuses what a broken font or a wrong parse made of a file, with a reason a person can check."""

from indexer.loaders.document import Loaded, LoadError

SAMPLE = 100_000  # characters looked at
MOST_BROKEN = 0.1  # share of visible characters that are replaced, of private use or unassigned controls
PICTURED = frozenset(("docx", "pptx", "xlsx", "odt", "odp", "ods", "epub", "rtf"))
LEAST = 50  # visible characters below which a share says nothing


def check(loaded: Loaded) -> Loaded:
    """The document itself, or LoadError where it has no text or its text cannot be read by anyone."""
    visible = [c for c in loaded.text[:SAMPLE] if not c.isspace()]
    if not visible and not loaded.text.strip():
        pictured = "; pictures are not read" if loaded.kind in PICTURED else ""
        raise LoadError(loaded.notes[0] if loaded.notes else f"no text in it{pictured}")
    broken = sum(1 for c in visible if is_broken(c))
    if broken > MOST_BROKEN * len(visible) and len(visible) >= LEAST:
        share = broken / len(visible)
        raise LoadError(
            f"its text cannot be read: {share:.0%} of the characters mean nothing outside the file's own fonts"
        )
    return loaded


def is_broken(character: str) -> bool:
    """Whether a character says nothing: replaced, of private use, or never assigned."""
    code = ord(character)
    return code == 0xFFFD or 0xE000 <= code <= 0xF8FF or 0x80 <= code < 0xA0 or code >= 0xF0000
