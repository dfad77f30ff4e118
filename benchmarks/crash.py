"""Kill a writer at random moments and look at what is left; prints what was wrong, and how many kills there were.

    python -m benchmarks.crash [--kills 50] [--seed 0]

Each round changes a folder, starts an ingestion, a removal or a new space in a forked process, and kills it with
SIGKILL at a random moment. The collection must then be sound as it lies, and after a normal start be the folder.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tests.indexer.crashing import main as crash


def main() -> None:
    """Kill, look, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        wrong = crash(Path(work), options.kills, options.seed)
    print(f"{options.kills} kills, seed {options.seed}, {time.monotonic() - started:.0f} s: {len(wrong)} things wrong")
    print(*wrong, sep="\n")


if __name__ == "__main__":
    main()
