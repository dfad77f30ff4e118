"""`twofold train` and `twofold synthesize`, from files and from a collection, to a model that opens."""

import http.server
import json
import threading

import pytest

from tests.app.commands.shelf import twofold

pytest.importorskip("peft", reason="training comes with the extra `train`")
pytest.importorskip("accelerate", reason="training comes with the extra `train`")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    file = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    rows = [{"query": f"question {n}", "positive": f"answer {n} of the harbour", "task": "qa"} for n in range(40)]
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return file


def test_recipes_are_listed_with_their_figures():
    listed = {row["name"]: row for row in twofold("train", "--json").json["recipes"]}
    assert listed["repllama"]["stages"][0]["skipped"] == ["k_proj"] and listed["sgpt"]["stages"][0]["rate"] == 4e-4
    shown = twofold("train").out
    assert all(name in shown for name in listed)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("simsce", "--data", "x", "--out", "y"), "did you mean 'simcse'"),
        (("e5", "--out", "y"), "nothing to learn from"),
        (("e5", "--data", "/nowhere", "--out", "y"), "no file or folder /nowhere"),
        (("e5", "--data", "x", "--stages", "mntp", "--out", "y"), "no stage mntp"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(words, reason):
    ran = twofold("train", *words)
    assert ran.code == 1 and reason in ran.err and len(ran.err.splitlines()) == 1


def test_a_recipe_runs_from_files_to_a_model_that_searches(pairs, filled, tmp_path):
    words = ("--data", pairs, "--model", filled.model, "--steps", 3, "--batch", 4, "--tokens", 16)
    cost = twofold("train", "e5", *words, "--dry-run", "--json").json["stages"]
    assert cost[0]["steps"] == 3 and cost[0]["tokens"] > 0 and cost[0]["seconds"] > 0
    ran = twofold("train", "e5", *words, "--out", tmp_path / "mine", "--json")
    assert ran.json["method"] == "e5-instruct" and ran.json["stages"][0]["steps"] == 3
    assert "supervised 3/3: loss" in ran.err
    told = twofold("models", tmp_path / "mine", "--json").json
    assert told["method"] == "e5-instruct" and "arXiv:2401.00368" in told["card"]
    row = twofold("embed", "--side", "query", "--model", tmp_path / "mine", stdin='{"id": 1, "text": "a question"}')
    assert row.code == 0 and "untrained" not in row.err and len(json.loads(row.out)["vector"]) == 32


def test_a_recipe_learns_from_the_collection(filled, tmp_path):
    ran = twofold(
        "train", "simcse", "--from-collection", "--home", filled.home, "--model", filled.model, "--steps", 2,
        "--batch", 2, "--out", tmp_path / "mine", "--json",
    )  # fmt: skip
    assert ran.json["data"]["sources"] == ["the collection default"] and ran.json["data"]["texts"] == 3


class Server(http.server.BaseHTTPRequestHandler):
    """A server of OpenAI's protocol that always writes the same kind of sentence trio."""

    count = 0

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).count += 1
        assert asked["model"] == "some-model" and asked["temperature"] == 1.0
        said = json.dumps({key: f"{key} number {self.count}" for key in ("S1", "S2", "S3")})
        body = json.dumps({"choices": [{"message": {"content": said}}]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Be quiet."""


class Fickle(Server):
    """A server that is busy once, and whose answers are now and then of no use."""

    count = 0
    said = (
        "I would rather not.", '{"S1": "a sentence that breaks', '{"S1": "one", "S2": "two"}',
        '{"S1": "A same thing", "S2": "b", "S3": "c"}', 'Here: {"S1": "a  same thing", "S2": "B", "S3": "other"}',
    )  # fmt: skip

    def do_POST(self):
        type(self).count += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.count == 1:
            self.send_error(503)
            return
        number = self.count - 2
        good = json.dumps({key: f"{key} 第{number}" for key in ("S1", "S2", "S3")}, ensure_ascii=False)
        said = self.said[number] if number < len(self.said) else f"```json\n{good}\n```"
        body = json.dumps({"choices": [{"message": {"content": said}}]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def served(request):
    """The options that name a server of a class of this file, running."""
    server = http.server.HTTPServer(("127.0.0.1", 0), request.param)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "--url", f"http://127.0.0.1:{server.server_port}/v1", "--server-model", "some-model", "--groups", "sts"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("served", [Fickle], indirect=True)
def test_what_a_server_says_amiss_is_dropped_and_counted(tmp_path, served, monkeypatch):
    monkeypatch.setattr("embedder.training.authors.time.sleep", lambda seconds: None)  # before a busy server's next try
    out = tmp_path / "made.jsonl"
    made = twofold("synthesize", out, "--count", 4, *served, "--json").json
    unusable = {"no JSON": 1, "broken JSON": 1, "keys missing": 1, "there was one like it": 1}
    assert made["examples"] == 4 and made["dropped"] == unusable and made["answers"] == 8
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len({row["query"].casefold() for row in rows}) == 4 and "第" in rows[-1]["query"]


@pytest.mark.parametrize("served", [Server], indirect=True)
def test_pairs_are_written_by_a_server_then_refined(tmp_path, filled, served):
    out = tmp_path / "made.jsonl"
    assert twofold("synthesize", out, "--count", 3, *served, "--json").json["examples"] == 3
    assert twofold("synthesize", out, "--count", 5, *served, "--json").json["examples"] == 5
    mined = tmp_path / "mined.jsonl"
    ran = twofold(
        "synthesize", mined, "--refine", out, "--mine", 1, "--model", filled.model, "--method", "mean", "--json"
    )
    assert ran.json["pairs"] == 5 and len(mined.read_text("utf-8").splitlines()) == 5
    refused = twofold("synthesize", tmp_path / "x.jsonl")
    assert refused.code == 1 and "--url" in refused.err
