import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("TWOFOLD_KILLS", "20"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="killing forked writers needs a system with fork")
def test_a_writer_killed_at_any_moment_loses_doubles_and_halves_nothing(tmp_path):
    seed = time.time_ns() % 10**6
    command = [sys.executable, "-m", "tests.indexer.crashing", str(tmp_path), str(KILLS), str(seed)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == []
