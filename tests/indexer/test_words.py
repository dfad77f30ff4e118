import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import words
from indexer.catalogue import Catalogue
from tests.shared import SHARED, needs_shared

TEXTS = {
    1: "静夜思：床前明月光，疑是地上霜。低头思故乡。",
    2: "朝の運用手順 (morning operations) v2",
    3: "전문 검색 엔진을 만드는 방법",
    4: "The café served ERR_FIN_403 errors all day; customers were running away.",
    5: "ＦＵＬＬ ｗｉｄｔｈ letters",
}


@pytest.fixture
def index(tmp_path):
    catalogue = Catalogue(tmp_path / "words.sqlite")
    with catalogue.write() as connection:
        words.add(connection, TEXTS.items())
    yield catalogue
    catalogue.close()


def found(index: Catalogue, query: str) -> list[int]:
    with index.read() as connection:
        return [chunk for chunk, _ in words.search(connection, words.match_any(query), 10)]


@pytest.mark.parametrize(
    ("query", "chunk"),
    [
        ("故乡", 1), ("明月光", 1), ("明月", 1), ("霜", 1), ("朝の運用", 2), ("검색", 3), ("cafe", 4),
        ("ERR_FIN_403", 4), ("run", 4), ("customer", 4), ("full width", 5), ("ｃａｆｅ", 4),
    ],
)  # fmt: skip
def test_words_of_every_script_are_found(index, query, chunk):
    assert found(index, query)[0] == chunk


@pytest.mark.parametrize(
    "query", ['"', "AND OR NOT", "a* OR b", "body:x", "(((", "明月 NEAR(", "'; DROP TABLE words; --", "-"]
)
def test_nothing_in_a_query_is_an_operator(index, query):
    found(index, query)
    assert found(index, "明月") == [1]


def test_removed_chunks_are_not_found_and_leave_no_trace(index):
    with index.write() as connection:
        words.remove(connection, TEXTS.items())
        words.compact(connection)
    assert found(index, "明月") == []
    with index.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM words_docsize").scalar() == 0


def test_stop_words_count_only_where_nothing_else_is_there():
    assert words.terms("What is the tax law?") == ["tax", "law"]
    assert words.terms("to be or not to be") == ["to", "be", "or", "not"]
    assert words.terms("?!") == []


def test_scores_of_given_chunks_equal_those_of_the_search(index):
    with index.read() as connection:
        match = words.match_any("running customers 明月")
        ranked = dict(words.search(connection, match, 10))
        assert words.scores(connection, match, [1, 4, 5]) == pytest.approx(ranked)


@pytest.fixture
def crowded(index, monkeypatch):
    """An index too large to score whole: every chunk is common, few share a rarer word."""
    with index.write() as connection:
        words.add(connection, ((n, f"common rare{n % 9} lonely{n}") for n in range(10, 60)))
    for name, value in {"SMALL": 20, "CANDIDATES": 7, "BUDGET": 30}.items():
        monkeypatch.setattr(words, name, value)
    return index


def test_a_small_index_is_scored_whole(crowded, monkeypatch):
    monkeypatch.setattr(words, "SMALL", 100)
    with crowded.read() as connection:
        assert words.affordable(connection, "common rare3 lonely12") == words.match_any("common rare3 lonely12")


def test_in_a_large_index_the_rarest_terms_choose_and_all_that_are_affordable_score(crowded):
    with crowded.read() as connection:
        match = words.affordable(connection, "common rare3 lonely12")
        assert match == words.Match('"lonely12" OR "rare3"', '"lonely12" OR "rare3"')
        assert words.affordable(connection, "rare4 rare3") == words.Match('"rare4" OR "rare3"', '"rare4"')
        exact = dict(words.search(connection, words.match_any("rare4 rare3"), 50))
        found = dict(words.search(connection, words.affordable(connection, "rare4 rare3"), 50))
        assert sorted(found) == [n for n in range(10, 60) if n % 9 == 4]
        assert found == pytest.approx({chunk: exact[chunk] for chunk in found})


def test_a_common_word_alone_is_searched_up_to_a_cap(crowded, monkeypatch):
    monkeypatch.setattr(words, "BUDGET", 9)
    with crowded.read() as connection:
        for query in ("common", "common absent"):
            assert len(words.search(connection, words.affordable(connection, query), 50)) == 9
        assert words.search(connection, words.affordable(connection, "absent"), 50) == []


def test_counts_are_taken_again_when_the_index_has_grown(crowded):
    with crowded.write() as connection:
        assert words.affordable(connection, "lonely12 rare3").needed == '"lonely12" OR "rare3"'
        words.add(connection, ((n, "lonely12") for n in range(60, 90)))
        assert words.affordable(connection, "lonely12 rare3").needed == '"rare3"'


def test_a_filter_reaches_the_chunks_that_are_scored(crowded, monkeypatch):
    monkeypatch.setattr(words, "BUDGET", 3)
    with crowded.read() as connection:
        match = words.affordable(connection, "common")
        listed = "SELECT value FROM json_each(:wanted)"
        found = words.search(connection, match, 9, within=listed, values={"wanted": "[50, 51, 52, 53]"})
    assert {chunk for chunk, _ in found} == {50, 51, 52}


@given(st.text())
def test_any_text_is_segmented_and_any_query_is_quoted(text):
    words.segment(text)
    assert words.match_any(text).scored.count('"') == 2 * len(words.terms(text))


@needs_shared
@pytest.mark.parametrize(("name", "bm25"), [("cranfield", 0.308), ("xquad-zh", 0.969)])
def test_words_are_no_worse_than_the_bm25_of_the_data(name, bm25):
    from indexer import Evaluator, read_beir

    evaluator = Evaluator(read_beir(SHARED / "data" / "eval" / name))
    assert evaluator.run(None, "words").metrics["ndcg@10"].value > bm25 - 0.02
    evaluator.close()


def test_the_index_keeps_no_copy_of_the_text(index):
    with index.read() as connection:
        assert connection.exec_driver_sql("SELECT body FROM words WHERE rowid = 1").scalar() is None
