"""`python -m embedder.training.pocket --data DIR`: make the bundled model again, resuming whatever is already made."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch

from embedder.loading import pick_device
from embedder.training.pocket.recipe import Kitchen


def main() -> None:
    """Read the options, run every stage."""
    options = argparse.ArgumentParser(prog="python -m embedder.training.pocket", description=__doc__)
    options.add_argument("--data", type=Path, required=True, help="folder with pairs/, pretrain/, eval/ and sts/")
    options.add_argument("--work", type=Path, default=Path("runs/pocket"), help="where stages keep their files")
    options.add_argument("--out", type=Path, default=Path("runs/pocket/model"), help="the model folder to write")
    options.add_argument("--device", default="auto", help="cpu, cuda, mps; auto takes the fastest there is")
    options.add_argument("--threads", type=int, default=0, help="CPU threads (0: as many as torch likes)")
    chosen = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    Kitchen(chosen.data, chosen.work, pick_device(chosen.device)).ship(chosen.out)


if __name__ == "__main__":
    main()
