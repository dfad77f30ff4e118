"""Starts the pages on this machine alone, and says where they are once they answer. Knows nothing of what they show."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from app.settings import Settings

PAGES = Path(__file__).parent / "main.py"
ADDRESS = "127.0.0.1"
HOSTS = (ADDRESS, "localhost")
FIRST_PORT = 8501
START_SECONDS = 120.0
# Nothing but this machine may connect, and nothing is sent anywhere; a page of another site cannot talk to it either.
STREAMLIT: Mapping[str, str] = {
    "server.address": ADDRESS,
    "server.headless": "true",
    "server.enableXsrfProtection": "true",
    "server.enableCORS": "true",
    "server.enableStaticServing": "false",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "browser.gatherUsageStats": "false",
    "browser.serverAddress": ADDRESS,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "global.developmentMode": "false",
}


def free_port(wanted: int = 0) -> int:
    """The port to serve on: `wanted` and no other, or for 0 the first free one from FIRST_PORT on."""
    for port in [wanted] if wanted else range(FIRST_PORT, FIRST_PORT + 100):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as door:
            if os.name == "posix":  # a port just left is free, as it is for the server itself
                door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                door.bind((ADDRESS, port))
            except OSError:
                continue
            return port
    what = f"port {wanted} is" if wanted else f"ports {FIRST_PORT} to {FIRST_PORT + 99} are"
    raise OSError(f"{what} taken on {ADDRESS}: choose another with --port")


def command_line(port: int) -> list[str]:
    """What starts the pages."""
    options = [f"--{name}={value}" for name, value in {**STREAMLIT, "server.port": str(port)}.items()]
    options += [f"--server.allowedHosts={host}" for host in HOSTS]
    return [sys.executable, "-m", "streamlit", "run", str(PAGES), *options]


def answers(port: int) -> bool:
    """Whether the pages' health endpoint says ok."""
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot reach this machine
    try:
        with straight.open(f"http://{ADDRESS}:{port}/_stcore/health", timeout=2) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def serve(settings: Settings, port: int, ready: Callable[[str], None], log: Path) -> int:
    """Run the pages until they are stopped; `ready` gets the address once they answer. The exit code is theirs."""
    environment = {**os.environ, **settings.environment()}
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("ab") as written:
        pages = subprocess.Popen(
            command_line(port), env=environment, stdout=written, stderr=written, stdin=subprocess.DEVNULL
        )
    ends = (signal.SIGINT, signal.SIGTERM)  # SIGINT too: a shell that starts us in the background had it ignored
    before = [signal.signal(end, signal.default_int_handler) for end in ends]
    try:
        wait_until_up(pages, port, log)
        ready(f"http://{ADDRESS}:{port}")
        return pages.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        stop(pages)
        for end, handler in zip(ends, before, strict=True):
            signal.signal(end, handler)


def wait_until_up(pages: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when the pages answer; a start that fails tells where its log is."""
    end = time.monotonic() + START_SECONDS
    while not answers(port):
        if pages.poll() is not None:
            raise RuntimeError(f"the pages stopped while starting (exit code {pages.returncode}); see {log}")
        if time.monotonic() > end:
            raise RuntimeError(f"the pages did not answer within {START_SECONDS:.0f} s; see {log}")
        time.sleep(0.1)


def stop(pages: subprocess.Popen[bytes], patience_s: float = 10.0) -> None:
    """End the pages, gently first."""
    if pages.poll() is None:
        pages.terminate()
        try:
            pages.wait(patience_s)
        except subprocess.TimeoutExpired:
            pages.kill()
            pages.wait()
