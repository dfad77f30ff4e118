"""Writing: the text a causal model would write, in pieces, ended when it is told to."""

import threading

import pytest
import torch

from embedder import Message, Writer
from tests import tiny

ASK = [Message("user", "Who sat on the mat?")]


def write(engine, *, max_tokens=12, stop=None):
    return list(engine.stream(ASK, stop=stop or threading.Event(), max_tokens=max_tokens))


@pytest.mark.parametrize("family", ["llama", "gpt2", "mistral-window", "bloom"])
def test_writing_equals_greedy_generation(make_engine, family):
    engine = make_engine(family)
    ids = engine._tokens.conversation(ASK)
    stops = sorted(engine._tokens.stops())
    prompt = torch.tensor([ids])
    whole = engine._model.generate(
        prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=12, do_sample=False, eos_token_id=stops
    )[0, len(ids) :].tolist()
    text = engine._tokens.decode([i for i in whole if i not in stops], specials=False)
    assert text.startswith("".join(write(engine)))
    assert len("".join(write(engine))) >= len(text.rstrip("\ufffd")) - 4


def test_writing_after_bidirectional_embedding_is_unchanged(make_engine):
    engine = make_engine("qwen2")
    before = write(engine)
    engine._encoder()
    assert write(engine) == before


def test_a_stop_ends_it_at_the_next_token(llama):
    stop = threading.Event()
    pieces = llama.stream(ASK, stop=stop, max_tokens=50)
    next(pieces)
    stop.set()
    assert len(list(pieces)) <= 1


def test_closing_the_stream_ends_it(llama):
    pieces = llama.stream(ASK, stop=threading.Event(), max_tokens=50)
    next(pieces)
    pieces.close()
    assert list(pieces) == []


def test_no_more_tokens_are_written_than_asked(llama):
    assert len(llama.encode("".join(write(llama, max_tokens=5)))) <= 12
    assert write(llama, max_tokens=0) == []


def test_a_question_beyond_the_context_is_refused(llama):
    with pytest.raises(ValueError, match="leave no room to write in a context of 512"):
        list(llama.stream([Message("user", "word " * 800)], stop=threading.Event(), max_tokens=5))


def test_a_plain_text_is_continued_without_a_chat_template(make_engine):
    engine = make_engine("gpt2")
    assert "".join(engine.complete("The cat", stop=threading.Event(), max_tokens=8))


def test_the_score_is_the_mean_log_probability(llama):
    context, text = [*llama.special("bos"), *llama.encode("The cat")], llama.encode(" sat on the mat")
    with torch.no_grad():
        logp = llama._model(torch.tensor([[*context, *text]])).logits[0].log_softmax(-1)
    wanted = [float(logp[len(context) + i - 1, token]) for i, token in enumerate(text)]
    assert llama.score("The cat", " sat on the mat") == pytest.approx(sum(wanted) / len(wanted), abs=1e-5)


def test_a_long_context_is_shortened_for_a_score_and_an_empty_text_has_none(llama):
    assert llama.score("word " * 2000, "end") < 0
    with pytest.raises(ValueError, match="0 tokens has no score"):
        llama.score("context", "")


def test_engines_are_writers(engine):
    assert isinstance(engine, Writer)


def test_a_model_without_a_chat_template_says_so(tmp_path):
    from embedder import open_engine

    engine = open_engine(str(tiny.save("gpt2", tmp_path, chat=False)))
    assert not engine.chats
    with pytest.raises(ValueError, match="has no chat template"):
        engine.stream(ASK, stop=threading.Event())
