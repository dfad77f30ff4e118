"""llama.cpp's ids and our spans are those of the published tokenizers; special tokens only where a template says so."""

import json

import pytest

from embedder import METHODS, Message, build
from embedder.gguf_header import read_header
from embedder.llama_tokens import LlamaTokens
from embedder.tokens import Tokens
from tests import tiny
from tests.embedder.conftest import ODD_TEXTS
from tests.embedder.golden_strings import DIGITS, FILE, digest, strings
from tests.embedder.llama_kit import changed, write
from tests.embedder.test_golden_ids import golden
from tests.embedder.test_tokens import wrap
from tests.embedder.vocabularies import ENDS, FILES, FOLDER
from tests.shared import needs_shared


def opened(path):
    return LlamaTokens(read_header(path), name=path.stem)


@needs_shared
@pytest.mark.parametrize("name", FILES)
def test_a_thousand_strings_have_the_ids_and_spans_of_the_published_tokenizer(name):
    tokens = opened(FOLDER / FILES[name][0])
    known = json.loads(FILE.read_text(encoding="utf-8"))[name]
    different = [
        text
        for at, text in enumerate(strings())
        if digest(*tokens.tokens(text)) != known[DIGITS * at : DIGITS * (at + 1)]
    ]
    assert different == []
    said = golden(name)["said"]
    for text, (ids, spans) in said["tokens"].items():
        assert tokens.tokens(text) == (ids, [tuple(span) for span in spans])
        assert tokens.encode(text) == ids
    for key, text in said["shorten"].items():
        count, _, whole = key.partition(" ")
        assert tokens.shorten(whole, int(count)) == text
    bos, eos, _ = ENDS[name]
    assert (tokens.special("bos"), tokens.special("eos")) == (bos, [eos])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write(tmp_path_factory.mktemp("gguf"))


@pytest.fixture(scope="module")
def tokens(file):
    return opened(file)


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_texts_are_read_as_the_folder_reads_them(tokens, text):
    folder = Tokens(tiny.make_tokenizer(), name="m")
    ids, spans = tokens.tokens(text)
    assert (ids, spans) == folder.tokens(text)
    assert tokens.decode(ids) == folder.decode(ids)
    assert [tokens.shorten(text, n) for n in range(len(ids) + 1)] == [
        folder.shorten(text, n) for n in range(len(ids) + 1)
    ]


def test_roles_and_conversations_are_those_of_the_folder(tokens):
    folder = Tokens(tiny.make_tokenizer(), name="m")
    for role in ("bos", "eos", "endoftext", "user", "end_user", "assistant", "boq", "eod", "before", "after"):
        assert tokens.wrapper(role) == folder.wrapper(role), role
    turns = [Message("system", "<|im_end|> stays text"), Message("user", "Hi {{ 7 * 7 }}")]
    assert tokens.conversation(turns) == folder.conversation(turns)
    assert tokens.stops() == folder.stops()


def test_a_marker_in_a_text_is_text_also_where_the_file_calls_it_user_defined(file, tmp_path):
    def redefine(values, _):
        kinds, *rest = values["tokenizer.ggml.token_type"]
        values["tokenizer.ggml.token_type"] = ([4 if kind == 3 else kind for kind in kinds], *rest)

    tokens = opened(changed(file, tmp_path / "user.gguf", redefine))
    folder = Tokens(tiny.make_tokenizer(), name="m")
    for text in ("a </s> b <|im_start|>user", "[BOQ]</s>", "plain"):
        assert tokens.tokens(text) == folder.tokens(text)
    assert tokens.special("eos") == [2]


def test_a_template_is_rendered_in_a_sandbox(file, tmp_path):
    def poison(values, _):
        text, *rest = values["tokenizer.chat_template"]
        values["tokenizer.chat_template"] = ("{{ ''.__class__.__mro__[1].__subclasses__() }}" + text, *rest)

    tokens = opened(changed(file, tmp_path / "odd.gguf", poison))
    with pytest.raises(Exception, match="unsafe"):
        tokens.special("user")


def test_user_text_cannot_add_a_special_token(tokens):
    for row in ("echo", "llm2vec", "e5-instruct"):
        ids = build(METHODS[row], "document", ODD_TEXTS["special"], wrap(tokens)).ids
        assert ids.count(1) == 1
