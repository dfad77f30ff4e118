"""Rich text: its words, through code pages and Unicode escapes; pictures, fonts and styles are left out."""

import re
from dataclasses import dataclass, replace

from indexer.loaders.document import Draft, Loaded, LoadError
from indexer.loaders.table import Job

TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})? ?"  # a control word
    rb"|\\'([0-9a-fA-F]{2})"  # a byte in hexadecimal
    rb"|\\([^a-z])"  # a control symbol
    rb"|([{}])"
    rb"|[\r\n]+"  # line ends mean nothing
    rb"|([^\\{}\r\n]+)"
)
# ruff: noqa: E501 - tables
DESTINATIONS = frozenset(
    b"fonttbl colortbl stylesheet info pict object themedata datastore listtable listoverridetable rsidtbl generator latentstyles "
    b"xmlnstbl fldinst filetbl revtbl header footer headerl headerr headerf footerl footerr footerf pgdsctbl mmathPr bkmkstart bkmkend "
    b"wgrffmtfilter nonshppict colorschememapping panose falt fontemb".split()
)
WORDS = {
    b"par": "\n\n", b"sect": "\n\n", b"page": "\n\n", b"line": "\n", b"tab": "\t", b"cell": " | ", b"row": "\n", b"emdash": "—",
    b"endash": "–", b"bullet": "•", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"emspace": " ", b"enspace": " ",
}  # fmt: skip
SYMBOLS = {b"~": "\u00a0", b"_": "-", b"{": "{", b"}": "}", b"\\": "\\", b"\n": "\n\n", b"\r": "\n\n"}
CHARSETS = {
    0: 1252, 77: 10000, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256, 186: 1257,
    204: 1251, 222: 874, 238: 1250,
}  # fmt: skip
DEEPEST = 1000  # groups within groups


@dataclass(frozen=True, slots=True)
class State:
    """What holds inside a group: hidden or not, characters to skip after a Unicode one, the code page."""

    hidden: bool = False
    fonts: bool = False
    skip: int = 1
    page: int = 1252


def read(data: bytes, job: Job) -> Loaded:
    """The whole document."""
    if not data.lstrip().startswith(b"{\\rtf"):
        raise LoadError("damaged: not rich text")
    text = Reader().text(data)
    draft = Draft(job.limits)
    for paragraph in re.split(r"\n\s*\n", text):
        draft.add("\n".join(line.strip(" \t|") for line in paragraph.split("\n")))
    return draft.done("rtf")


class Reader:
    """Reads tokens one after another, keeping the state of every open group."""

    def __init__(self) -> None:
        """Before the first group."""
        self.state = State()
        self.stack: list[State] = []
        self.out: list[str] = []
        self.bytes = bytearray()  # of the current code page, not decoded yet: a character may be two escapes
        self.ignore = 0  # characters that only stand for a Unicode one before them
        self.fonts: dict[int, int] = {}  # font number to code page
        self.font = 0
        self.base = 1252

    def text(self, data: bytes) -> str:
        """All words."""
        position = 0
        while position < len(data):
            match = TOKEN.match(data, position)
            if match is None:
                position += 1
                continue
            position = match.end()
            word, number, code, symbol, brace, plain = match.groups()
            if word == b"bin":
                position += max(0, int(number or 0))
            elif word:
                self.word(word, int(number) if number else None)
            elif code:
                self.put(bytes.fromhex(code.decode()))
            elif symbol:
                self.symbol(symbol)
            elif brace:
                self.group(brace)
            elif plain:
                self.put(plain)
        self.flush()
        return "".join(self.out)

    def group(self, brace: bytes) -> None:
        """A group opens or closes."""
        self.flush()
        self.ignore = 0
        if brace == b"{":
            if len(self.stack) > DEEPEST:
                raise LoadError("nested too deeply to be read")
            self.stack.append(self.state)
        elif self.stack:
            self.state = self.stack.pop()

    def put(self, raw: bytes) -> None:
        """Bytes of the current code page."""
        cut = min(self.ignore, len(raw))
        self.ignore -= cut
        if not self.state.hidden:
            self.bytes += raw[cut:]

    def flush(self) -> None:
        """Decode what has gathered."""
        if self.bytes:
            codec = {10000: "mac_roman", 1361: "johab", 65001: "utf-8", 936: "gb18030"}.get(
                self.state.page, f"cp{self.state.page}"
            )
            try:
                self.out.append(self.bytes.decode(codec, errors="replace"))
            except LookupError:
                self.out.append(self.bytes.decode("cp1252", errors="replace"))
            self.bytes.clear()

    def symbol(self, symbol: bytes) -> None:
        """A backslash and a mark."""
        if symbol == b"*":
            self.state = replace(self.state, hidden=True)
        elif symbol in SYMBOLS and not self.state.hidden:
            self.flush()
            self.out.append(SYMBOLS[symbol])

    def word(self, word: bytes, number: int | None) -> None:
        """A control word."""
        self.flush()
        if word == b"u" and number is not None:
            self.unicode(number)
        elif word == b"uc":
            self.state = replace(self.state, skip=max(0, min(number or 0, 8)))
        elif word == b"ansicpg" and number:
            self.base = number
            self.state = replace(self.state, page=number)
        elif word == b"f" and number is not None:
            self.font = number
            self.state = replace(self.state, page=self.fonts.get(number, self.base))
        elif word == b"fcharset" and self.state.fonts and number is not None:
            self.fonts[self.font] = CHARSETS.get(number, self.base) if number else self.base
        elif word in DESTINATIONS:
            self.state = replace(self.state, hidden=True, fonts=word == b"fonttbl")
        elif word in WORDS and not self.state.hidden:
            self.out.append(WORDS[word])

    def unicode(self, number: int) -> None:
        """A character by its number; halves of pairs are joined when the other half comes."""
        code = number % 0x10000
        self.ignore = self.state.skip
        if self.state.hidden:
            return
        if 0xDC00 <= code < 0xE000 and self.out and "\ud800" <= self.out[-1][-1:] < "\udc00":
            high = ord(self.out[-1][-1]) - 0xD800
            self.out[-1] = self.out[-1][:-1] + chr(0x10000 + (high << 10) + code - 0xDC00)
        else:
            self.out.append(chr(code))
