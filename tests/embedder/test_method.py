"""Rows as data: what is refused when one is written, and how one is found."""

import pytest

from embedder import INSTRUCTIONS, METHODS, HashEngine, Method, build, find_method, with_demonstrations
from embedder.template import parse


def row(**changes: str) -> Method:
    values = {"name": "r", "title": "", "source": "", "query": "{text}", "document": "{text}", "pool": "mean"}
    return Method(**(values | changes))


def test_every_row_says_where_it_comes_from():
    for name, method in METHODS.items():
        assert name == method.name
        assert method.title and method.source
        assert bool(method.instruction) == method.wants_instruction


def test_every_published_method_has_a_row():
    wanted = """pocket mean last cpt-text sgpt sgpt-specb prompteol prompteol-icl repllama udever e5-instruct echo
        echo-trained llm2vec gritlm bge-en-icl qwen3-embedding gte-qwen2-instruct"""
    assert set(wanted.split()) <= set(METHODS)


def test_an_unknown_method_names_the_nearest_and_all():
    with pytest.raises(ValueError, match=r"'prompt-eol'; did you mean 'prompteol'\? Methods: bge-en-icl, cpt-text"):
        find_method("prompt-eol")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pool": "max"}, "not one of last, mean, ramp"),
        ({"query": "no text"}, "has no {text}"),
        ({"query": "{instruction} {text}"}, "needs a default instruction"),
        ({"document": "{instruction} {text}", "instruction": "x"}, "documents carry no instruction"),
        ({"query": "{text:mean}"}, "the only mark is :pool"),
        ({"query": "{text!r}"}, "unknown mark"),
        ({"query": "{0} {text}"}, "not a name"),
    ],
)
def test_a_row_that_could_not_be_built_is_refused(changes: dict[str, str], reason: str):
    with pytest.raises(ValueError, match=reason):
        row(**changes)


def test_a_side_is_query_or_document():
    with pytest.raises(ValueError, match="not one of query, document"):
        build(METHODS["echo"], "passage", "x", HashEngine())


def test_escaped_braces_are_literal():
    assert [piece.value for piece in parse("{{a}} {text}")] == ["{a} ", "text"]


def test_demonstrations_are_a_parameter_and_stay_text():
    engine = HashEngine()
    method = with_demonstrations("prompteol", (("A {text} cat.", "Cat"), ("A dog.", "Dog")))
    words = engine.decode(build(method, "query", "x", engine).ids)
    assert words.count("{ text }") == 1
    assert words.index("Cat") < words.index("Dog") < words.index(" x ")


def test_demonstrations_of_bge_stand_before_the_query_only():
    method = with_demonstrations("bge-en-icl", (("Find it", "where", "here"),))
    assert method.query.startswith("{bos}<instruct>Find it\n<query>where\n<response>here\n\n<instruct>{instruction}")
    assert method.document == METHODS["bge-en-icl"].document


def test_a_row_without_demonstrations_says_so():
    with pytest.raises(ValueError, match="takes no demonstrations"):
        with_demonstrations("echo", ())


def test_instructions_have_names():
    assert INSTRUCTIONS["scifact"].startswith("Given a scientific claim")
    assert METHODS["pocket"].instruction == INSTRUCTIONS["answer"]
