"""Bytes in, text out, or a refusal: an encoding shows in the bytes, is said by the file, or is told by what it yields.

A guess that is not clearly better than the next one is refused: a wrong text would be found, cited and believed.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from indexer.loaders.languages import LANGUAGES, SCRIPTS, SUPERSETS, Language, Script

SAMPLE = 20_000  # bytes of lines with something beyond ASCII that a guess looks at
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
ESCAPES = (b"\x1b$B", b"\x1b$@", b"\x1b(J", b"\x1b$)C", b"\x1b$(D")
DECLARED = re.compile(
    rb"""(?:<\?xml[^>]{0,200}?encoding|<meta[^>]{0,200}?charset|coding)\s*[=:]\s*["']?([\w.:-]{2,40})""", re.I
)
WORD = re.compile(r"[^\W\d_]+")
CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
CONTROL_BYTES = bytes({*range(32), 127} - {*b"\t\n\r\f\x1b"})
ASCII_LETTER = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
SYMBOLS = frozenset("‘’‚“”„–—…•·£€§©®°±²³µ¶«»¼½¾¿¡×÷™¢¥ªº´¨¸‹›†‡‰¬¦¹№\u00a0\u00ad\u200e\u200f")
WIDE = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
WIDE_SYMBOLS = re.compile(r"[\u2000-\u206f\u2460-\u24ff\u2500-\u27bf\u3000-\u303f\uff01-\uff60\uffe0-\uffe6\x00-\x7f]")
GLUED = re.compile(  # symbols inside a word, and some that no word begins or ends with
    r"(?<=[^\W\d_])[†§€£©®°²³µ´ªº½¿¡×÷•‰‹›„‚¢¶±¦¬¤¥¨¸‡¼¾](?=[^\W\d_])|(?<=[^\W\d_])[¶±¦¬¤¥¨¸‡¼¾]|[¶±¦¬¤¥¨¸‡¼¾](?=[^\W\d_])"
)
SURE, MARGIN = 0.2, 1.6  # the least a decoding must score, and how many times the next best
RARE = 0.6  # what an encoding less used for a language is worth beside the usual one


class EncodingError(ValueError):
    """Bytes whose encoding is not sure; str(error) is the reason."""


@dataclass(frozen=True, slots=True)
class Guess:
    """One decoding of the bytes and how much it looks like a language, 0 to 1."""

    text: str
    encoding: str
    language: str
    score: float


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """The text and its encoding's name; `declared` is what a header elsewhere says. EncodingError if not sure."""
    for mark, name in BOMS:
        if data.startswith(mark):
            return strict(data[len(mark) :], name), name
    found = wide_units(data) or escaped(data) or plain(data)
    if found:
        return found
    if looks_binary(data):
        raise EncodingError("not a text: it holds binary data")
    return said(data, declared) or guessed(data)


def strict(data: bytes, name: str) -> str:
    """Decode without tolerance, but for a last character cut in half; EncodingError where it does not fit."""
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        if error.start < len(data) - 4 or error.start < 8:
            raise EncodingError(f"marked as {name}, but byte {error.start:,} does not fit that encoding") from error
        return data[: error.start].decode(name)


def attempt(data: bytes, name: str) -> str | None:
    """The text in one encoding, or None where it does not fit or brings control characters."""
    try:
        text = strict(data, name)
    except (EncodingError, LookupError, UnicodeError):
        return None
    return None if CONTROL.search(text) else text


def plain(data: bytes) -> tuple[str, str] | None:
    """UTF-8, ASCII included; a few broken bytes among many good characters are replaced, and the name says so."""
    sample = data[:SAMPLE]
    if len(sample.translate(None, CONTROL_BYTES)) < 0.98 * len(sample):
        return None
    try:
        return strict(data, "utf-8"), "utf-8"
    except EncodingError:
        text = data.decode("utf-8", errors="replace")
        good = sum(1 for c in text if c > "\x7f" and c != "\ufffd")
        return (text, "utf-8, damaged") if good > 50 * text.count("\ufffd") else None


def escaped(data: bytes) -> tuple[str, str] | None:
    """The seven-bit encodings that switch by escape sequences."""
    if not data.isascii() or not any(mark in data for mark in (*ESCAPES, b"~{")):
        return None
    for name in ("iso2022_jp_2", "iso2022_kr", "hz") if b"\x1b" in data else ("hz",):
        text = attempt(data, name)
        if text and WIDE.search(text):
            return text, name
    return None


def wide_units(data: bytes) -> tuple[str, str] | None:
    """UTF-32 and UTF-16 without a mark, where zero bytes show that characters are that wide."""
    if b"\x00" not in data or len(data) < 4 or len(data) % 2:
        return None
    for name in ("utf-32-le", "utf-32-be") if len(data) % 4 == 0 else ():
        text = attempt(data, name)  # three of four high bytes are fixed: a fit is no accident
        if text:
            return text, name
    first, second = sorted(((ordinary(text), name) for name, text in units(data)), reverse=True)
    return (data.decode(first[1]), first[1]) if first[0] > 0.4 and first[0] > 2 * second[0] else None


def units(data: bytes) -> Iterator[tuple[str, str]]:
    """The bytes as UTF-16 in either order, "" where they do not fit."""
    for name in ("utf-16-le", "utf-16-be"):
        yield name, attempt(data, name) or ""


def ordinary(text: str) -> float:
    """The share of characters that are of an alphabet or common in Chinese, Japanese or Korean."""
    sample = text[:SAMPLE]
    common = frozenset[str]().union(*(script.common for script in SCRIPTS))
    known = sum(1 for c in sample if c < "\u2000" or c in SYMBOLS or c in common or WIDE_SYMBOLS.match(c))
    return known / len(sample) if sample else 0.0


def looks_binary(data: bytes) -> bool:
    """Whether there are bytes no text encoding uses."""
    return b"\x00" in data


def said(data: bytes, declared: str) -> tuple[str, str] | None:
    """The text in the encoding that a header, an XML or HTML line or a coding comment names, if it fits."""
    match = DECLARED.search(data[:4096])
    names = [name for name in map(superset, (declared, match[1].decode("ascii") if match else "")) if name]
    fitting = [(text, name) for name in names if (text := attempt(data, name)) and doubt(text) < 0.05]
    guesses = best_guesses(data) if fitting else []
    for text, name in fitting:
        own = max((guess.score for guess in guesses if guess.text == text), default=0.0)
        # many encodings fit any bytes: what is said is not believed against a much better reading
        if not guesses or guesses[0].score < 2 * max(own, SURE):
            return text, name
    return None


def superset(name: str) -> str:
    """The encoding to use for a declared name; "" where there is none."""
    name = name.strip("\"' ").lower().replace("-", "_")
    try:
        name = SUPERSETS.get(name) or codecs.lookup(name).name.replace("-", "_")
    except LookupError:
        return ""
    return SUPERSETS.get(name, name)


def doubt(text: str) -> float:
    """The share of characters beyond ASCII that are of private use or replaced."""
    beyond = [c for c in text[: 4 * SAMPLE] if not c.isascii()]
    odd = sum(1 for c in beyond if "\ue000" <= c <= "\uf8ff" or c == "\ufffd")
    return odd / len(beyond) if beyond else 0.0


def guessed(data: bytes) -> tuple[str, str]:
    """The decoding that looks most like a language, if it does so clearly."""
    guesses = best_guesses(data)
    best = guesses[0] if guesses else None
    if best is None or best.score < SURE:
        raise EncodingError("the character encoding could not be recognised; save it as UTF-8")
    rival = next((g for g in guesses if g.text != best.text), None)
    if rival and rival.score * MARGIN > best.score:
        either = f"{best.encoding} ({best.language}) or {rival.encoding} ({rival.language})"
        raise EncodingError(f"the character encoding is not sure: {either}; save it as UTF-8")
    return best.text, best.encoding


def best_guesses(data: bytes) -> list[Guess]:
    """Every decoding that fits, the likeliest first."""
    sample = cut_sample([line for line in data.splitlines(keepends=True) if not line.isascii()])
    return sorted(wide_guesses(data, sample) + narrow_guesses(data, sample), key=lambda guess: -guess.score)


def cut_sample(lines: list[bytes]) -> bytes:
    """Whole lines up to the size of a sample."""
    taken, size = [], 0
    for line in lines:
        taken.append(line)
        size += len(line)
        if size > SAMPLE:
            break
    return b"".join(taken)


def wide_guesses(data: bytes, sample: bytes) -> list[Guess]:
    """Decodings into Chinese, Japanese and Korean."""
    found = []
    for script in SCRIPTS:
        fitting = ((name, attempt(data, name)) for name in script.encodings)
        name, text = next(((name, text) for name, text in fitting if text), ("", ""))
        if text:  # the rest of a script's encodings only hold more characters
            found.append(Guess(text, name, script.name, share(sample.decode(name, errors="ignore"), script)))
    for name, text in units(data) if len(data) % 2 == 0 else ():
        best = max(SCRIPTS, key=lambda script: share(text[:SAMPLE], script))
        found.append(Guess(text, name, best.name, share(text[:SAMPLE], best)))
    return found


def share(text: str, script: Script) -> float:
    """How much of a text is a script's commonest characters, 0 to 1; one or two characters prove nothing."""
    beyond = WIDE_SYMBOLS.sub("", text)
    common = sum(1 for c in beyond if c in script.common)
    return float(min(1.0, 2 * max(0, common - 1) / (len(beyond) + 2)) ** 1.5)  # real texts are half common characters


def narrow_guesses(data: bytes, sample: bytes) -> list[Guess]:
    """Decodings into alphabets: letters of one language, in words, with its commonest words among them."""
    found: dict[str, Guess] = {}
    for name in dict.fromkeys(name for language in LANGUAGES for name in language.encodings):
        text = attempt(data, name)
        if text is None:
            continue
        look = Look(sample.decode(name, errors="replace"))
        for language in LANGUAGES:
            if name not in language.encodings:
                continue
            score = look.like(language) * (1.0 if name == language.encodings[0] else RARE)
            if name not in found or score > found[name].score:
                found[name] = Guess(text, name, language.name, score)
    return list(found.values())


class Look:
    """What of a text is compared with languages: its letters beyond ASCII and its words, counted once."""

    def __init__(self, text: str) -> None:
        """Count."""
        words = WORD.findall(text)
        foreign = [word for word in words if not word.isascii()]
        mixed = sum(1 for w in foreign if len(w) > 2 and w[1:] != w[1:].lower() and not w.isupper())
        blended = sum(1 for w in foreign if not ASCII_LETTER.isdisjoint(w))
        self.letters = Counter(c for c in text.lower() if not c.isascii() and c not in SYMBOLS)
        self.glued = len(GLUED.findall(text))
        self.words = Counter(word.lower() for word in words)
        self.total, self.foreign = max(len(words), 1), max(len(foreign), 1)
        self.regular = 1 - min(1.0, 10 * mixed / self.foreign)  # capitals inside words betray a wrong page
        self.pure = 1 - blended / self.foreign

    def like(self, language: Language) -> float:
        """How much this looks like a language, 0 to 1: one wrong letter in ten counts much, so fit has a high power."""
        letters = self.letters.total()
        if not letters and language.common:
            return 0.0
        good = sum(n for c, n in self.letters.items() if c in language.letters)
        fit = (good + 1) / (letters + self.glued + 1)
        known: float = sum(n for w, n in self.words.items() if w in language.words)
        if not language.common:
            base = 0.3 if known else 0.3 * letters / (letters + 0.6)  # one letter alone proves nothing
            return float(fit**8) * min(1.0, base + 4 * known / self.total) * self.regular
        # of another alphabet: markup in ours says nothing, letters of both in one word say no
        met = [n for w, n in self.words.items() if len(w) > 1 and w in language.words]  # one letter fits anything
        known = sum(met) * min(1.0, len(met) / 5)  # and one word repeated is no language
        usual = sum(n for c, n in self.letters.items() if c in language.common) / letters
        alike = min(1.0, 0.3 * (usual > 0.5) + 4 * known / self.foreign) * letters / (letters + 5)
        return float(fit**8) * alike * self.regular * self.pure
