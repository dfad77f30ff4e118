"""The sample folder reads whole, in two languages; the collected real files never stop the reader."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from indexer.chunk import cut
from indexer.load import LoadError, Reader, readable
from tests.indexer.test_chunk import words
from tests.shared import SHARED, needs_shared

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_every_sample_is_read_with_a_title_or_text_and_is_small():
    with Reader() as reader:
        loaded = {path: reader.load(path) for path in sorted(EXAMPLES.iterdir())}
    assert len(loaded) >= 15
    assert {document.kind for document in loaded.values()} >= set(
        "md txt html pdf docx pptx xlsx csv ipynb code json".split()
    )
    assert "gb18030" in {document.encoding for document in loaded.values()}
    chinese = [path for path, document in loaded.items() if document.text.count("的") > 5]
    assert 4 <= len(chinese) <= len(loaded) - 4
    assert all(path.stat().st_size < 200_000 for path in loaded)
    assert all(cut(document, words, size=200, overlap=20) for document in loaded.values())


@needs_shared
def test_real_files_each_become_a_document_or_a_reason():
    files = [path for path in sorted((SHARED / "data/documents").rglob("*")) if path.is_file() and readable(path)][::12]
    failed = []
    with Reader() as reader:
        for path in files:
            try:
                loaded = reader.load(path)
            except LoadError as error:
                failed.append(str(error))
                continue
            assert loaded.text.strip()
            assert loaded.pages
            assert loaded.blocks
        assert reader.resident < 1 * 2**30
    assert len(failed) < 0.1 * len(files)
    assert not [reason for reason in failed if "crashed" in reason or "longer than" in reason]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 * 2**20  # KiB


@needs_shared
@pytest.mark.parametrize("size", [64, 256])
def test_chunks_of_real_documents_are_spans_within_their_size(size):
    files = [path for path in sorted((SHARED / "data/documents/zh_oi_wiki").rglob("*.md"))][::8]
    with Reader() as reader:
        for path in files:
            loaded = reader.load(path)
            for chunk in cut(loaded, words, size=size, overlap=size // 8):
                body = loaded.text[chunk.start : chunk.end]
                assert body == body.strip()
                assert len(words(body)) == chunk.tokens <= size
