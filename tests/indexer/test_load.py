"""The reader survives every file: within its limits, confined, and with a reason a person understands."""

from __future__ import annotations

import ctypes
import gzip
import io
import os
import resource
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.load import LOADERS, Limits, LoadError, Reader, readable
from indexer.loaders import __main__ as child
from indexer.loaders import confine


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(Limits(seconds=20)) as reader:
        yield reader


def packed(**members: bytes) -> bytes:
    """A zip file; "__" in a name stands for a slash and "_" before its last part for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name.replace("__", "/").replace("_", "."), data)
    return buffer.getvalue()


def nested(levels: int) -> bytes:
    data = b"inside"
    for level in range(levels):
        data = packed(**{f"a_{'txt' if level == 0 else 'zip'}": data})
    return data


BIG = b"x" * 3_000_000
HOSTILE = {
    "empty.txt": (b"", "the file is empty"),
    "blank.md": (b" \n\n ", "no text in it"),
    "program.txt": (b"\x7fELF" + bytes(range(256)) * 50, "binary data"),
    "renamed.pdf": (b"hello, I am a text", "neither of two PDF readers"),
    "truncated.docx": (packed(word__document_xml=BIG)[:400], "not a complete zip package"),
    "hollow.pptx": (packed(a_txt=b"tea"), "ppt/presentation.xml is missing"),
    "old.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Office file under a new name"),
    "locked.xlsx": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "protected by a password",
    ),
    "bomb.docx": (packed(word__document_xml=BIG), "perhaps a zip bomb"),
    "bomb.zip": (packed(a_txt=BIG), "perhaps a zip bomb"),
    "bomb.txt.gz": (gzip.compress(BIG), "perhaps a bomb"),
    "deep.zip": (nested(6), "more than 3 levels deep"),
    "deep.json": (b"[" * 100_000, "nested too deeply"),
    "deep.rtf": (b"{\\rtf1" + b"{" * 100_000, "nested too deeply"),
    "loop.pdf": (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[2 0 R]/Count 999999>>endobj\n"
        b"trailer<</Root 1 0 R>>",
        "more than 20,000 pages",
    ),
    "large.log": (b"nothing new\n" * 300_000, "characters, split the file|split the file"),
    "noise.eml": (b"just some words\n\nwithout any header", "not a mail"),
    "notes.xyz": (b"tea", "not read"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_cannot_be_read_has_a_reason_and_the_next_one_is_read(name, reader, tmp_path):
    data, reason = HOSTILE[name]
    (tmp_path / name).write_bytes(data)
    (tmp_path / "next.txt").write_text("tea")
    with pytest.raises(LoadError, match=reason):
        reader.load(tmp_path / name, Limits(seconds=20, bytes=2_000_000, characters=500_000))
    assert reader.load(tmp_path / "next.txt").text == "tea"


def test_a_file_outside_is_not_read_into_a_text(reader, tmp_path):
    (tmp_path / "secret").write_text("the recipe")
    outside = f'<!DOCTYPE a [<!ENTITY out SYSTEM "file://{tmp_path}/secret">]>'
    (tmp_path / "a.xml").write_text(f"<?xml version='1.0'?>{outside}<a><b>&out;</b><c>tea</c></a>")
    assert reader.load(tmp_path / "a.xml").text == "tea"


def test_entities_that_multiply_are_refused(reader, tmp_path):
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    (tmp_path / "a.xml").write_text(f'<!DOCTYPE a [<!ENTITY e0 "lol">{entities}]><a><b>&e11;</b><c>tea</c></a>')
    with pytest.raises(LoadError, match="grows without end"):
        reader.load(tmp_path / "a.xml")


def test_time_out_of_hand_ends_the_process_and_a_new_one_reads_on(reader, tmp_path):
    (tmp_path / "a.txt").write_text("tea")
    (tmp_path / "slow.eml").write_bytes(
        b"Subject: x\nContent-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\n" * 200_000
    )
    reader.load(tmp_path / "a.txt")
    with pytest.raises(LoadError, match=r"longer than 0\.05 seconds"):
        reader.load(tmp_path / "slow.eml", Limits(seconds=0.05))
    assert reader.load(tmp_path / "a.txt").text == "tea"


def test_memory_out_of_hand_is_a_reason_and_not_a_crash_of_ours(reader, tmp_path):
    (tmp_path / "greedy.rtf").write_bytes(b"{\\rtf1 " + b"\\u1234 ?" * 3_000_000)
    with pytest.raises(LoadError, match=r"memory|crashed"):
        reader.load(tmp_path / "greedy.rtf", Limits(seconds=60, memory=200 * 2**20))


def test_a_process_killed_between_files_is_replaced_without_a_word(reader, tmp_path):
    (tmp_path / "a.txt").write_text("tea")
    reader.load(tmp_path / "a.txt")
    assert reader.process is not None
    os.kill(reader.process.pid, 9)
    assert reader.load(tmp_path / "a.txt").text == "tea"


def test_a_parent_with_a_model_in_memory_does_not_wear_its_reading_process_out(tmp_path):
    (tmp_path / "a.txt").write_text("tea")
    model = bytearray(600 * 2**20)
    model[:: 2**12] = b"1" * len(model[:: 2**12])  # every page is really there
    with Reader() as reader:
        reader.load(tmp_path / "a.txt")
        first = reader.process
        reader.load(tmp_path / "a.txt")
        assert first is not None and reader.process is first and reader.resident < 200 * 2**20


def test_what_is_no_ordinary_file_is_not_opened(reader, tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(LoadError, match="not an ordinary file"):
        reader.load(tmp_path / "pipe.txt")
    with pytest.raises(LoadError, match="no longer there"):
        reader.load(tmp_path / "gone.txt")


CANARY = """
import os, socket, sys
from indexer.loaders import confine
confine.confine(2**30)
for name, act in {
    "write": lambda: open(sys.argv[1] + "/written", "w"),
    "remove": lambda: os.unlink(sys.argv[1] + "/kept"),
    "connect": lambda: socket.create_connection(("127.0.0.1", int(sys.argv[2])), 1),
    "run": lambda: os.execv("/bin/true", ["true"]) if os.fork() == 0 else os.wait()[1] and 1 / 0,
}.items():
    try:
        act()
        print("did", name)
    except BaseException as error:
        print("stopped", name)
        os._exit(9) if name == "run" and not isinstance(error, ZeroDivisionError) else None
"""


def test_a_parser_taken_over_can_write_remove_connect_and_run_nothing(tmp_path):
    if sys.platform != "linux" or ctypes.CDLL(None).syscall(confine.LANDLOCK_CREATE, None, 0, 1) < 1:
        pytest.skip("this system has no Landlock")
    (tmp_path / "kept").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [sys.executable, "-c", CANARY, str(tmp_path), str(server.getsockname()[1])]
        out = subprocess.run(arguments, capture_output=True, text=True, check=False).stdout
    assert [line for line in out.splitlines() if line.startswith("did")] == []
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_the_reading_process_has_limits_and_imports_no_model_and_no_database(reader, tmp_path):
    (tmp_path / "a.txt").write_text("tea")
    reader.load(tmp_path / "a.txt")
    assert reader.process is not None
    maps = Path(f"/proc/{reader.process.pid}/maps")
    if not maps.exists():
        pytest.skip("this system does not show what a process has loaded")
    assert not any(word in maps.read_text() for word in ("torch", "faiss", "sqlite"))
    assert resource.prlimit(reader.process.pid, resource.RLIMIT_AS)[1] == Limits().memory
    assert resource.prlimit(reader.process.pid, resource.RLIMIT_FSIZE) == (0, 0)


def test_modules_lying_in_the_current_folder_are_not_imported(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('taken over')")
    (tmp_path / "a.json").write_text('{"tea": "green"}')
    monkeypatch.chdir(tmp_path)
    with Reader() as reader:
        assert reader.load(Path("a.json")).text == "tea: green"


@pytest.mark.parametrize(
    "name", ["茶 馆\n\U0001f375.txt", os.fsdecode(b"caf\xe9.txt"), "x" * 240 + ".txt", "; rm -rf $HOME.txt"]
)
def test_any_name_a_file_can_have_is_read(name, reader, tmp_path):
    (tmp_path / name).write_text("tea")
    assert reader.load(tmp_path / name).text == "tea"


def test_nonsense_from_the_reading_process_is_refused(reader, tmp_path, monkeypatch):
    monkeypatch.setattr(
        reader, "_answer", lambda request, limits: ({"pages": [["", 0, 99]], "blocks": 0, "title": ""}, b"tea")
    )
    with pytest.raises(LoadError, match=r"nonsense|do not fit"):
        reader.load(tmp_path / "a.txt")


def test_types_are_known_by_name_alone():
    assert all(readable(Path("x" + suffix.upper())) for suffix in LOADERS)
    assert readable(Path("Makefile"))
    assert not any(map(readable, (Path("a.png"), Path("a"), Path("a.exe"))))


def test_reasons_name_what_a_person_can_understand():
    assert child.reason(MemoryError()) == "needs more memory than the limit allows"
    assert child.reason(PermissionError(13, "Permission denied")) == "could not be opened: Permission denied"
    assert child.reason(KeyError("x")).startswith("damaged, or not what its name says (KeyError")


def test_a_process_started_while_another_thread_closes_is_closed_too(monkeypatch):
    reader = Reader()
    started = []
    real = subprocess.Popen.wait

    def wait_and_start(process, *args, **options):
        code = real(process, *args, **options)
        if not started:  # what a reading thread does when its process is gone
            started.append(reader._start(reader.limits))
        return code

    reader._start(reader.limits)
    monkeypatch.setattr(subprocess.Popen, "wait", wait_and_start)
    reader.close()
    assert reader.process is started[0]
    reader.close()
    assert started[0].poll() is not None
