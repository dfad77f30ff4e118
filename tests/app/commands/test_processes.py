"""Commands as processes: stopped by Ctrl-C, watching a folder, serving the pages."""

import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request

import pytest

from app.serve import ADDRESS, FIRST_PORT, answers, free_port
from tests.app.commands.shelf import started, twofold


def wait_for(ready, what, seconds=60.0):
    end = time.monotonic() + seconds
    while not (result := ready()):
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)
    return result


def documents(home):
    ran = twofold("status", "--home", home, "--json")
    return ran.json["documents"] if ran.code == 0 else 0


def test_ctrl_c_keeps_what_was_finished_and_says_so(fresh):
    for number in range(120):
        (fresh.files / f"{number}.txt").write_text(f"File {number} tells of permits. " * 40)
    with started("ingest", fresh.files, *fresh.options) as run:
        wait_for(lambda: documents(fresh.home) > 2, "the first documents")
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    kept = documents(fresh.home)
    assert run.returncode == 1 and "is kept" in err and 2 < kept < 123, (run.returncode, out, err, kept)
    assert twofold("doctor", "--check", "--home", fresh.home, "--json").json["found"] == []
    assert twofold("ingest", fresh.files, *fresh.options, "--json").json["files"]["unchanged"] >= kept - 1


def test_watching_reads_what_appears_and_ends_well(fresh):
    with started("ingest", fresh.files, *fresh.options, "--watch") as run:
        told = iter(run.stderr.readline, "")
        assert any("Watching" in line for line in told)
        (fresh.files / "new.md").write_text("A lighthouse needs no permit.")
        wait_for(lambda: documents(fresh.home) == 4, "the new file")
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=60)
    assert run.returncode == 0 and out.count("default: ") == 2 and "1 added" in out


def shake_hands(port, host):
    """The status line of a WebSocket handshake under a host's name."""
    with socket.create_connection((ADDRESS, port), timeout=10) as line:
        line.sendall(
            f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        return int(line.recv(64).split()[1])


@pytest.fixture(scope="module")
def served(filled):
    """The pages of the filled collection; their port is given by --json."""
    with started("app", "--home", filled.home, "--json", start_new_session=True) as run:
        lines = [run.stdout.readline() for _ in range(3)]
        assert lines[-1] == "}\n", run.stderr.read()
        yield int(json.loads("".join(lines))["address"].rpartition(":")[2])
        os.killpg(run.pid, signal.SIGINT)
        run.communicate(timeout=30)
    assert run.returncode == 0


def test_the_address_printed_answers(served):
    with urllib.request.urlopen(f"http://{ADDRESS}:{served}/", timeout=10) as page:
        assert page.status == 200
    assert answers(served)


def test_only_this_machine_can_reach_the_pages(served):
    with open("/proc/net/tcp", encoding="ascii") as table:
        heard = {row.split()[1].split(":")[0] for row in table if row.split()[1].endswith(f":{served:04X}")}
    assert heard == {"0100007F"}


@pytest.mark.parametrize(("host", "status"), [("localhost", 101), (ADDRESS, 101), ("evil.example", 403)])
def test_a_page_of_another_name_cannot_talk_to_ours(served, host, status):
    assert shake_hands(served, host) == status


def test_files_beside_the_pages_are_not_served(served):
    for path in ("app/static/main.py", "main.py", "..%2fmain.py", "app/static/..%2fmain.py"):
        try:
            with urllib.request.urlopen(f"http://{ADDRESS}:{served}/{path}", timeout=10) as page:
                assert b"<!doctype html>" in page.read(4000).lower()  # the page itself, whatever was asked for
        except urllib.error.HTTPError as refused:
            refused.close()


def test_a_taken_port_makes_way_for_the_next_unless_it_was_asked_for():
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first = free_port()
        taken.bind((ADDRESS, first))
        taken.listen()
        assert FIRST_PORT <= first < free_port()
        with pytest.raises(OSError, match=f"port {first} is taken"):
            free_port(first)
