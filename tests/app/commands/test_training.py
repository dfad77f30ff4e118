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


def test_pairs_are_written_by_a_server_then_refined(tmp_path, filled):
    server = http.server.HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    out = tmp_path / "made.jsonl"
    words = ("--url", f"http://127.0.0.1:{server.server_port}/v1", "--server-model", "some-model", "--groups", "sts")
    assert twofold("synthesize", out, "--count", 3, *words, "--json").json["examples"] == 3
    assert twofold("synthesize", out, "--count", 5, *words, "--json").json["examples"] == 5
    server.shutdown()
    server.server_close()
    mined = tmp_path / "mined.jsonl"
    ran = twofold(
        "synthesize", mined, "--refine", out, "--mine", 1, "--model", filled.model, "--method", "mean", "--json"
    )
    assert ran.json["pairs"] == 5 and len(mined.read_text("utf-8").splitlines()) == 5
    refused = twofold("synthesize", tmp_path / "x.jsonl")
    assert refused.code == 1 and "--url" in refused.err
