"""What `speed prefix` asks in its three ways, against a scripted server, and what it makes of a server's counters."""

import json
import re
import threading
from collections import Counter

import pytest
from fakes.small_server import Answer, Asked, json_answer, small_server
from fakes.vision_server import MODEL, Seen, says, vision_server

from services.cli import main
from services.commands.speed.prefix import PrefixPlan, Way, asked_in, run
from services.reasoning.prompts import load_prompt
from shared.errors import BadInput, StageError, Unavailable

PLAN = PrefixPlan("http://127.0.0.1:9/v1", MODEL, regions=5, rounds=2, image_px=256)
PROMPT = load_prompt("v1")


@pytest.fixture(autouse=True)
def _no_server_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "MODEL", "API_KEY"):
        monkeypatch.delenv(f"RETOUCHER_REASONING_{name}", raising=False)


@pytest.mark.parametrize(
    ("way", "beginnings", "pictures"), [(Way.SHARED, 1, 1), (Way.WORDS, 5, 1), (Way.PICTURES, 5, 5)]
)
def test_a_way_shares_what_it_says(way: Way, beginnings: int, pictures: int) -> None:
    asked = asked_in(way, PROMPT, PLAN, seed=1)
    assert len({one.system for one in asked}) == beginnings
    assert len({one.whole.data for one in asked}) == pictures
    assert len({one.crop.data for one in asked}) == len({one.region for one in asked}) == 5
    # As long in every way, and different from its first word on.
    assert {len(one.system) for one in asked} == {len("Request .\n") + 32 + len(PROMPT.system.strip())}
    assert all(re.match(r"Request [0-9a-f]{32}\.\n", one.system) for one in asked)


def test_nothing_is_asked_about_twice() -> None:
    pictures = [one.whole.data for seed in (1, 2) for one in asked_in(Way.SHARED, PROMPT, PLAN, seed)]
    assert len(set(pictures)) == 2


def test_it_asks_all_ways_alike_and_writes_what_it_measured(tmp_path, capsys) -> None:
    with vision_server(lambda seen, number: says()) as server:
        arguments = ["--url", server.url, "--model", MODEL, "--regions", "4", "--rounds", "2", "--image-px", "256"]
        with pytest.raises(SystemExit) as ended:
            main(["speed", "prefix", *arguments, "--answer-tokens", "64", "--json", str(tmp_path / "gain.json")])
    assert ended.value.code == 0
    assert len(server.seen) == 4 * (1 + 3 * 2)
    assert {seen.body["max_tokens"] for seen in server.seen} == {64}
    # Each round and way has its picture: one for four questions, or each its own; a first round is not counted.
    shared_by = Counter(Counter(seen.whole_url for seen in server.seen).values())
    assert shared_by == {4: 2 * 2, 1: 4 * (1 + 2)}
    gain = json.loads((tmp_path / "gain.json").read_text())
    assert [one["way"] for one in gain["ways"]] == [way.value for way in Way]
    assert gain["ways"][0]["times"] == 1.0
    assert all(len(one["seconds"]) == 2 and one["region_ms"] > 0 and one["kept"] is None for one in gain["ways"])
    assert "not told" in capsys.readouterr().out


class Counting:
    """A model server that keeps what it has seen the beginning of, and counts as vLLM does."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.queries = self.hits = 0
        self.one_at_a_time = threading.Lock()

    def __call__(self, request: Asked, number: int) -> Answer:
        with self.one_at_a_time:
            return self.answered(request)

    def answered(self, request: Asked) -> Answer:
        if request.path == "/metrics":
            counts = {"queries": self.queries, "hits": self.hits}
            lines = [f'vllm:prefix_cache_{name}_total{{engine="0"}} {float(count)}' for name, count in counts.items()]
            return Answer(200, "\n".join(["# HELP vllm:prefix_cache_hits_total tokens", *lines]).encode())
        beginning = json.dumps(json.loads(request.body)["messages"])[:400]
        self.queries += 100
        self.hits += 80 if beginning in self.known else 0
        self.known.add(beginning)
        return json_answer({"choices": [{"message": {"content": says()}, "finish_reason": "stop"}]})


def test_what_the_server_kept_is_read_from_its_counters(tmp_path) -> None:
    with small_server(Counting()) as server:
        run(PrefixPlan(f"{server.url}/v1", MODEL, 5, 2, 256), tmp_path / "gain.json")
    kept = [one["kept"] for one in json.loads((tmp_path / "gain.json").read_text())["ways"]]
    assert kept == pytest.approx([0.8 * 4 / 5, 0.0, 0.0])


def answer_500_once(seen: Seen, number: int) -> str | Answer:
    return Answer(500) if number == 7 else says()


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        (answer_500_once, Unavailable, "answered 500"),
        (lambda seen, number: Answer(200, b"<html>"), StageError, "web page"),
    ],
)
def test_a_time_without_all_answers_is_none(script, error, words) -> None:
    with vision_server(script) as server, pytest.raises(error, match=words):
        run(PrefixPlan(server.url, MODEL, 5, 2, 256), None)


@pytest.mark.parametrize("url", ["nonsense", "http://user:secret@127.0.0.1/v1"])
def test_an_address_that_is_none_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(BadInput, match="--url") as caught:
        run(PrefixPlan(url, MODEL, 5, 1, 256), None)
    assert "secret" not in caught.value.message
