"""Searching, comparing, asking."""

import pytest

from tests.app.commands.shelf import twofold

HIT = {"rank", "score", "path", "page", "start", "end", "text", "legs"}


def test_search_gives_the_fields_of_the_contract(filled):
    found = twofold("search", "extend a permit", "--home", filled.home, "--json", "--top", "2").json
    assert found["query"] == "extend a permit" and len(found["hits"]) == 2
    for rank, hit in enumerate(found["hits"], 1):
        assert set(hit) >= HIT and hit["rank"] == rank and set(hit["legs"]) == {"dense", "words"}
        assert all(set(leg) == {"rank", "score"} for leg in hit["legs"].values())


def test_the_best_hit_says_where_it_stands_and_where_else(filled):
    best = twofold("search", "permit extended twice", "--mode", "words", "--home", filled.home, "--json").json["hits"][
        0
    ]
    assert best["path"].endswith("permits.md") and len(best["also"]) == 1
    text = (filled.files / "permits.md").read_text()
    assert text[best["start"] : best["end"]] == best["text"]


@pytest.mark.parametrize("query", ["龙井", "西湖", "明前采摘的茶"])
def test_words_find_chinese_without_a_model(filled, query):
    found = twofold("search", query, "--mode", "words", "--home", filled.home, "--model", "/nowhere", "--json")
    assert found.json["hits"][0]["path"].endswith("茶.txt")


def test_a_reranked_hit_keeps_the_place_it_was_found_at(filled):
    found = twofold("search", "permit", "--rerank", "--home", filled.home, "--json").json
    assert sorted(hit["legs"]["retrieved"]["rank"] for hit in found["hits"]) == [1, 2, 3]
    assert all(hit["legs"]["likelihood"]["score"] < 0 for hit in found["hits"])


def test_a_search_by_a_method_that_is_not_there_names_the_command_that_adds_it(filled):
    ran = twofold("search", "permit", "--method", "last", "--home", filled.home)
    assert ran.code == 0 and "no vectors of last on tiny" in ran.err and "`twofold methods add last` makes" in ran.err


def test_filters_narrow_what_may_be_found(filled):
    asked = ("search", "permit", "--home", filled.home, "--json")
    hits = twofold(*asked, "--filter", "kind=txt").json["hits"]
    assert hits and all(hit["path"].endswith(".txt") for hit in hits)
    assert twofold(*asked, "--filter", "kind=txt", "--filter", "until=2001-01-01").json["hits"] == []


def test_text_of_documents_reaches_the_terminal_without_its_control_characters(filled):
    shown = twofold("search", "red warning", "--mode", "words", "--home", filled.home)
    assert "\x1b" not in shown.out and "[bold]markup[/bold]" in shown.out


def test_nothing_found_is_said_and_is_no_failure(filled):
    ran = twofold("search", "zyzzyva", "--mode", "words", "--home", filled.home)
    assert (ran.code, ran.out) == (0, "") and "nothing found" in ran.err


def test_an_untrained_use_is_noted_beside_the_answer(fresh):
    ran = twofold("ingest", fresh.files, *fresh.options[:-1], "qwen3-embedding", "--json")
    assert ran.json["files"]["added"] == 3 and "untrained use: qwen3-embedding" in ran.err


def test_ask_gives_the_fields_of_the_contract(filled):
    told = twofold(
        "ask", "How often may a permit be extended?", "--style", "quote", "--home", filled.home, "--json"
    ).json
    assert set(told) >= {"answer", "refused", "citations", "seconds_to_first_token"}
    for citation in told["citations"]:
        assert set(citation) >= {"ordinal", "path", "page", "start", "end", "text"}


def test_a_quote_stands_word_for_word_in_the_file_it_names(filled, monkeypatch):
    monkeypatch.setattr("app.saved.p_value", lambda *_: None)  # a random model knows of nothing whether it is here
    told = twofold(
        "ask", "How often may a permit be extended?", "--style", "quote", "--home", filled.home, "--json"
    ).json
    assert not told["refused"] and told["citations"]
    for citation in told["citations"]:
        with open(citation["path"], encoding="utf-8") as file:
            assert file.read()[citation["start"] : citation["end"]] == citation["text"]
        assert citation["text"] in told["answer"]


def test_a_person_reads_the_answer_then_its_sources(filled, monkeypatch):
    monkeypatch.setattr("app.saved.p_value", lambda *_: None)
    shown = twofold("ask", "How often may a permit be extended?", "--style", "quote", "--home", filled.home)
    assert shown.out.index("extended twice") < shown.out.index("[1] ") and "permits.md" in shown.out


def test_a_model_writes_when_it_is_asked_to(filled, monkeypatch):
    monkeypatch.setattr("app.saved.p_value", lambda *_: None)
    told = twofold("ask", "Who decides?", "--style", "write", "--home", filled.home, "--json")
    assert told.code == 0 and told.json["style"] == "write"


def test_chat_keeps_its_turns_until_the_input_ends(filled):
    ran = twofold(
        "chat", "--home", filled.home, "--style", "quote", "--json", stdin="Who decides?\nHow often?\n\nnever asked\n"
    )
    assert [turn["question"] for turn in ran.json["turns"]] == ["Who decides?", "How often?"]


@pytest.mark.parametrize("command", ["search", "ask"])
def test_an_empty_question_is_refused_with_a_reason(filled, command):
    ran = twofold(command, "  ", "--home", filled.home)
    assert ran.code == 1 and "is empty" in ran.err


def test_compare_puts_methods_side_by_side(fresh):
    twofold("ingest", fresh.files, *fresh.options)
    twofold("methods", "add", "last", "--home", fresh.home)
    told = twofold("compare", "permit", "--methods", "mean,last", "--home", fresh.home, "--json").json
    assert list(told["columns"]) == ["mean", "last"] and set(told["columns"]["last"][0]) >= HIT
    assert set(told["overlap"]["mean,last"]) == {"shared", "jaccard", "rbo"}
    shown = twofold("compare", "permit", "--methods", "mean,last", "--home", fresh.home)
    assert "mean and last" in shown.out
