"""Where `twofold` begins. Imports nothing before it can take Ctrl-C, which may come while the program is loading."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; a Ctrl-C before a command has begun is told in a line, as one within it is."""
    try:
        from app.cli import main as begin

        begin()
    except KeyboardInterrupt:
        print("twofold: stopped before anything was done", file=sys.stderr)  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    main()
