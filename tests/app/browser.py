"""A real Chromium on the real pages, for the tests that need timing, reloads, uploads over the wire and style."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("chromium", "chromium-browser", "google-chrome", "chrome")
REST_MS = 250
IDLE = """rest => {
    const state = document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state')
    const main = document.querySelector('[data-testid=stMainBlockContainer]')
    const styled = getComputedStyle(document.documentElement).getPropertyValue('--tf-accent')
    if (state !== 'notRunning' || !main?.innerText.trim() || !styled || document.fonts.status !== 'loaded') return false
    const drawn = [location.href, main.scrollHeight, main.innerText.length, main.querySelectorAll('*').length].join()
    const now = performance.now()
    if (window.drawn !== drawn) [window.drawn, window.since] = [drawn, now]
    return now - window.since >= rest
}"""  # a page that has not begun is not running either; a click into a page that still moves hits its neighbour


def chromium() -> str:
    """The path of a Chromium, or ""."""
    named = os.environ.get("TWOFOLD_CHROMIUM", "")
    return named or next((path for name in PLACES if (path := shutil.which(name))), "")


def playwright() -> Any:
    """Playwright's synchronous face; the test is skipped, saying what to do, where it or Chromium is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install 'twofold[dev]'")
    if not chromium():
        pytest.skip("no Chromium: apt-get install chromium, or set TWOFOLD_CHROMIUM to one")
    return api


class Served:
    """The pages in a process of their own, over a home folder; `small`: with the test double for a model."""

    def __init__(self, home: Path, log: Path, *, small: bool = True) -> None:
        self.home = home
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            self.port = door.getsockname()[1]
        settings = {"TWOFOLD_HOME": str(home), "HF_HUB_OFFLINE": "1"} | ({"TWOFOLD_METHOD": "mean"} if small else {})
        options = [f"--server.port={self.port}", "--server.headless=true", "--browser.gatherUsageStats=false"]
        module = "tests.app.served" if small else "streamlit"
        command = [sys.executable, "-m", module, "run", str(ROOT / "app" / "main.py"), *options]
        self.log = log
        with log.open("wb") as written:  # a pipe that nobody reads would stop the server one day
            self.process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **settings}, stdout=written, stderr=written
            )
        self._wait(log)

    @property
    def address(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.port}"

    def _wait(self, log: Path, patience_s: float = 180.0) -> None:
        end = time.monotonic() + patience_s
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(f"the pages did not start:\n{log.read_text(errors='replace')[-2000:]}")

    def go(self) -> None:
        """Let the writer write on."""
        (self.home / "go").touch()

    def hold(self) -> None:
        """Let the writer wait after its first words."""
        (self.home / "go").unlink(missing_ok=True)

    def close(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait(10)


def idle(page: Any) -> None:
    """Wait until the page's script has run to its end."""
    page.wait_for_selector("[data-testid=stApp]")
    page.wait_for_timeout(150)  # a click needs a moment to become a run
    page.wait_for_function(IDLE, arg=REST_MS)


def visit(page: Any, served: Served, path: str = "") -> None:
    """Open a page and wait until it is there."""
    page.goto(f"{served.address}/{path}")
    idle(page)
