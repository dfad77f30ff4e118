import json
import threading

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score

from indexer import Interval
from indexer.evaluate import Stopped
from indexer.measured import Measurements, cell_of, of_cells, of_task
from indexer.passkey import Cell
from indexer.task_measures import Encoder, _threshold
from indexer.task_sets import read_bitext, read_split
from indexer.tasks import TABLE, TASKS, kind_of, run_task

TOPICS = {"sea": "waves tide harbour gull", "bread": "flour oven crust dough", "law": "court judge statute appeal"}
SENTENCES = [(f"{word} {words}", topic) for topic, words in TOPICS.items() for word in "one two six ten".split()]


def lines(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def reranking(folder):
    rows = [
        {
            "query": text,
            "positive": [f"{text} again"],
            "negative": [other for other, kind in SENTENCES if kind != topic],
        }
        for text, topic in SENTENCES
    ]
    lines(folder / "reranking.jsonl", rows)


def pairs(folder):
    same = [f"1\t{text}\t{text} too" for text, _ in SENTENCES]
    apart = [f"0\t{text}\tquite something else {n}" for n, (text, _) in enumerate(SENTENCES)]
    (folder / "pairs.tsv").write_text("\n".join(["label\tleft\tright", *same, *apart]))


def classification(folder):
    rows = [{"text": text, "label": topic} for text, topic in SENTENCES]
    lines(folder / "train.jsonl", rows[::2])
    lines(folder / "test.jsonl", rows[1::2])


def clustering(folder):
    lines(folder / "clusters.jsonl", [{"text": text, "label": topic} for text, topic in SENTENCES])


def bitext(folder):
    rows = [f"{text}\t{text} {n}" for n, (text, _) in enumerate(SENTENCES)]
    (folder / "bitext.tsv").write_text("\n".join(["en\tzh", *rows]))


def sts(folder):
    rows = [f"{5 if n % 2 else 0}\t{text}\t{text if n % 2 else 'other'}" for n, (text, _) in enumerate(SENTENCES)]
    (folder / "test.tsv").write_text("\n".join(rows))


@pytest.mark.parametrize("write", [reranking, pairs, classification, clustering, bitext, sts], ids=lambda w: w.__name__)
def test_every_kind_is_told_by_its_files_and_easy_sets_are_solved(write, tmp_path, embedder):
    write(tmp_path)
    task = kind_of(tmp_path)
    assert task.name == write.__name__
    result = run_task(tmp_path, embedder)
    main = result.metrics[task.main]
    assert main.value > 0.8 and main.low <= main.value <= main.high
    assert next(iter(result.metrics)) == task.main and result.json()["items"] == result.items > 2
    assert all(-1 <= value.low <= value.high <= 1 for value in result.metrics.values())


def test_an_unknown_folder_is_told_every_layout(tmp_path):
    with pytest.raises(FileNotFoundError) as told:
        kind_of(tmp_path)
    assert all(task.layout in str(told.value) for task in TABLE)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        kind_of(tmp_path / "none")


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("reranking.jsonl", '{"query": "a", "positive": []}\n', "line 1"),
        ("pairs.tsv", "1\ta\tb\n1\tc\td\n", "do not"),
        ("clusters.jsonl", '{"text": "a", "label": 1}\n{"text": "b", "label": 1}\n', "two labels"),
        ("bitext.tsv", "a\tb\n", "at least 2"),
    ],
)
def test_a_file_of_another_shape_is_refused_with_the_reason(file, text, reason, tmp_path, embedder):
    (tmp_path / file).write_text(text)
    with pytest.raises(ValueError, match=reason):
        run_task(tmp_path, embedder)


def test_labels_may_be_numbers_and_one_alone_is_refused(tmp_path):
    for name in ("train", "test"):
        lines(tmp_path / f"{name}.jsonl", [{"text": "a", "label": 1}, {"text": "b", "label": 1}])
    with pytest.raises(ValueError, match="one label only"):
        read_split(tmp_path)


def test_a_translation_said_twice_is_asked_once(tmp_path):
    (tmp_path / "bitext.tsv").write_text("a\tx\na\ty\nb\tx\nc\tz\nd\tw\n")
    found = read_bitext(tmp_path)
    assert len(set(found.left)) == len(found.left) and len(set(found.right)) == len(found.right)


def test_the_best_threshold_is_the_best_of_all():
    chance = np.random.default_rng(5)
    for _ in range(30):
        cosines, gold = chance.random(12), chance.integers(0, 2, 12)
        best = max(accuracy_score(gold, cosines >= at) for at in [*cosines, 2.0])
        assert accuracy_score(gold, cosines >= _threshold(cosines, gold)) == pytest.approx(best)


def test_reranking_is_the_mean_of_each_querys_average_precision(tmp_path, embedder):
    reranking(tmp_path)
    wanted = []
    for line in (tmp_path / "reranking.jsonl").read_text().splitlines():
        row = json.loads(line)
        texts = row["positive"] + row["negative"]
        query = embedder.queries([row["query"]], instruction=TASKS["reranking"].instruction)[0]
        gold = [1] * len(row["positive"]) + [0] * len(row["negative"])
        wanted.append(average_precision_score(gold, embedder.documents(texts) @ query))
    assert run_task(tmp_path, embedder).metrics["map"].value == pytest.approx(np.mean(wanted), abs=1e-6)


def test_a_measurement_can_be_stopped(tmp_path, embedder):
    bitext(tmp_path)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        run_task(tmp_path, embedder, stop=stop)


def test_the_encoder_keeps_the_order_and_tells_how_far_it_is(embedder):
    seen = []
    texts = ["a b c", "", "a", "a b c"] + [f"text {n}" for n in range(100)]
    rows = Encoder(embedder, tell=lambda step: seen.append((step.done, step.total)))(texts)
    np.testing.assert_allclose(rows[0], embedder.queries(["a b c"])[0], atol=1e-6)
    assert not rows[1].any() and (rows[0] == rows[3]).all() and seen == [(64, 103), (103, 103)]


def test_figures_are_kept_and_the_newest_of_each_method_shown(collection, tmp_path, embedder):
    clustering(tmp_path)
    kept = Measurements(collection.catalogue)
    for _ in range(2):
        last = kept.keep(of_task(run_task(tmp_path, embedder), "mean", "hash"))
    cells = [Cell("mean", "zh", 256, Interval(0.5, 0.4, 0.6), 50)]
    kept.keep(of_cells(cells, "mean", "hash", "f"))
    newest = kept.latest()
    assert newest["clustering", tmp_path.name][0].id == last and len(newest["clustering", tmp_path.name]) == 1
    (row,) = newest["passkey", "passkey"]
    assert row.figures == {"zh 256": Interval(0.5, 0.4, 0.6)} and cell_of("zh 256") == ("zh", 256)
    kept.forget("passkey", "passkey")
    assert [row.task for row in kept.all()] == ["clustering", "clustering"]
