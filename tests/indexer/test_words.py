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


def test_the_commonest_terms_are_left_out_where_they_cost_too_much(index, monkeypatch):
    with index.write() as connection:
        words.add(connection, ((n, f"common rare{n % 9} lonely{n}") for n in range(10, 60)))
        assert words.affordable(connection, "common rare3 lonely12") == '"common" OR "rare3" OR "lonely12"'
        monkeypatch.setattr(words, "BUDGET", 20)
        assert words.affordable(connection, "common rare3 lonely12") == '"lonely12" OR "rare3"'
        assert words.affordable(connection, "common") == '"common"'
        assert words.affordable(connection, "common absent") == '"common"'


@given(st.text())
def test_any_text_is_segmented_and_any_query_is_quoted(text):
    words.segment(text)
    assert words.match_any(text).count('"') == 2 * len(words.terms(text))


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
