"""Pictures of PDF pages, drawn by the confined process that also reads files: a hostile page cannot harm this one.

One process, kept between pages, one page at a time. It knows no screen.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer import Reader
    from indexer.loaders.document import Picture


class Papers:
    """Draws pages for any number of sessions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reader: Reader | None = None

    def draw(self, path: Path, page: int, start: int, end: int) -> Picture:
        """Page `page` (from 1), and a box for each line of the page's characters start:end; LoadError says why not."""
        from indexer import Reader

        with self._lock:
            if self._reader is None:
                self._reader = Reader()
            return self._reader.picture(path, page, start, end)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
