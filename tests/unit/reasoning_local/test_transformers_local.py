"""A model in process: a batch of questions, its limits, and what it says where a model is not there."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from services.reasoning.backends.base import Failed, Picture, Question, Said
from services.reasoning.backends.transformers_local import TransformersLocal
from services.reasoning.models import ChatFormat
from services.reasoning.network import Network, Written, load_network
from services.reasoning.reasoners import Source
from shared.errors import ErrorCode, MissingResource, StageError, Unavailable
from shared.images import encode_png


def questions(count: int) -> list[Question]:
    """Of one image: the crops and places differ."""
    whole = Picture(encode_png(np.full((80, 80, 3), 120, np.uint8)), "image/png")
    return [
        Question(
            "Judge.",
            whole,
            "Prompt: x",
            Picture(encode_png(np.full((60, 60 + 20 * number, 3), 40 * number, np.uint8)), "image/png"),
            f"Place: {number}",
        )
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def network(small_reasoner: Path) -> Network:
    return load_network(Source("small", str(small_reasoner)))


class Scripted(Network):
    """A network that writes by a script, and remembers how many it was asked at once."""

    def __init__(self, room: int, *written: Written) -> None:
        object.__setattr__(self, "room", room)
        object.__setattr__(self, "written", written)
        object.__setattr__(self, "asked", [])

    def write(self, questions, max_tokens, temperature=0.0, within_s=None):
        self.asked.append(len(questions))
        return None if len(questions) > self.room else [self.written[0]] * len(questions)


SMALL = Source("small")


def backend_of(scripted: Network, source: Source = SMALL, **options: object) -> TransformersLocal:
    backend = TransformersLocal(source, max_tokens=10, **options)
    backend._loaded = scripted
    return backend


def test_a_batch_writes_what_each_question_gets_alone(small_reasoner: Path) -> None:
    network = load_network(Source("small", str(small_reasoner)))
    network.model.double()  # random weights nearly tie, and rounding must not decide
    with torch.no_grad():
        for weights in network.model.model.parameters():
            weights.mul_(4.0)  # so small, they would write the same whatever is asked
    asked = questions(3)
    together = network.write(asked, 12)
    alone = [network.write([one], 12)[0] for one in asked]
    assert together == alone
    assert len({one.text for one in together}) > 1


SHORT = {
    "type": "object",
    "properties": {"sound": {"type": "boolean"}, "part": {"type": "string", "enum": ["hand", "face"]}},
    "required": ["sound", "part"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_even_random_weights_write_by_the_schema(temperature: float, small_reasoner: Path) -> None:
    network = load_network(Source("small", str(small_reasoner)), schema=SHORT)
    torch.manual_seed(0)
    written = network.write(questions(3), 64, temperature)
    assert written is not None and all(one.ended for one in written)
    for one in written:
        said = json.loads(one.text)
        assert list(said) == ["sound", "part"] and said["part"] in ("hand", "face")
        assert one.text == json.dumps(said)  # with the white space that models are taught


def test_a_model_that_thinks_aloud_is_not_held(small_reasoner: Path) -> None:
    source = Source("small", str(small_reasoner), chat=ChatFormat(thinks=True))
    assert load_network(source, schema=SHORT).guide is None


def test_the_longest_answer_is_cut_and_called_so(small_reasoner: Path) -> None:
    backend = TransformersLocal(Source("small", str(small_reasoner)), max_tokens=4, batch=2)
    replies = backend.ask(questions(3))
    assert len(replies) == 3 and all(isinstance(reply, Said) and not reply.complete for reply in replies)
    assert backend.model == "small"


def test_a_temperature_draws_and_none_repeats(network: Network) -> None:
    torch.manual_seed(3)
    drawn = {network.write(questions(1), 8, temperature=2.0)[0].text for _ in range(3)}
    assert len(drawn) > 1
    assert network.write(questions(1), 8) == network.write(questions(1), 8)


def test_an_answer_that_ends_by_itself_is_whole_and_one_out_of_time_is_not() -> None:
    ended = Written("{}", tokens=4, ended=True)
    assert backend_of(Scripted(9, ended)).ask(questions(2)) == [Said("{}")] * 2
    stopped = Written("{", tokens=4, ended=False)
    (late,) = backend_of(Scripted(9, stopped)).ask(questions(1))
    assert isinstance(late, Failed) and isinstance(late.error, Unavailable)
    assert "RETOUCHER_REASONING_BUDGET_S" in late.error.message
    full = Written("{", tokens=10, ended=False)
    assert backend_of(Scripted(9, full)).ask(questions(1)) == [Said("{", complete=False)]


def test_nobody_is_asked_after_the_end() -> None:
    scripted = Scripted(9, Written("{}", 4, ended=True))
    replies = backend_of(scripted).ask(questions(2), within_s=0.0)
    assert scripted.asked == [] and all(isinstance(reply, Failed) for reply in replies)


def test_where_memory_ends_batches_are_halved_for_good() -> None:
    scripted = Scripted(2, Written("{}", 4, ended=True))
    backend = backend_of(scripted, batch=8)
    assert backend.ask(questions(5)) == [Said("{}")] * 5
    assert scripted.asked == [5, 2, 3, 1, 2]
    scripted.asked.clear()
    assert backend.ask(questions(3)) == [Said("{}")] * 3 and max(scripted.asked) <= 2


def test_a_model_that_does_not_fit_at_all_says_so() -> None:
    replies = backend_of(Scripted(0, Written("{}", 4, ended=True))).ask(questions(2))
    assert all(isinstance(reply, Failed) and isinstance(reply.error, StageError) for reply in replies)
    assert "does not fit" in replies[0].error.message


def test_thoughts_are_taken_off_where_a_model_thinks() -> None:
    source = Source("glm", chat=ChatFormat(thinks=True))
    written = Written('<think>{"a": 1} maybe</think><answer>{"b": 2}</answer>', 9, ended=True)
    assert backend_of(Scripted(9, written), source).ask(questions(1)) == [Said('{"b": 2}')]


def unusable(model: str, **source: object) -> MissingResource:
    with pytest.raises(MissingResource) as caught:
        TransformersLocal(Source("small", model, **source)).warm_up()
    assert caught.value.code is ErrorCode.MISSING_CHECKPOINT and "\n" not in caught.value.message
    return caught.value


def test_a_folder_that_is_not_one_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    message = unusable(str(tmp_path / "none")).message
    assert f"in {tmp_path / 'none'}" in message and "retoucher train reasoning-sft --data DIR --out" in message


def test_damage_is_named(small_reasoner: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(small_reasoner, tmp_path / "copy")
    (copy / "model.safetensors").write_bytes(b"not weights")
    assert "cannot be loaded" in unusable(str(copy)).message
    (copy / "model.safetensors").unlink()
    assert "cannot be loaded" in unusable(str(copy)).message


def test_weights_of_another_shape_are_refused(small_reasoner: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(small_reasoner, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] = 3
    (copy / "config.json").write_text(json.dumps(config))
    assert "cannot be loaded" in unusable(str(copy)).message
    config["text_config"]["layer_types"] = ["full_attention"] * 3
    (copy / "config.json").write_text(json.dumps(config))
    assert "weights do not fit the configuration" in unusable(str(copy)).message


def test_libraries_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "services.reasoning.network", None)
    with pytest.raises(MissingResource, match=r"install agentic-retoucher\[vlm\]"):
        TransformersLocal(Source("small", "nowhere")).warm_up()


def test_a_hub_id_that_is_not_here_is_named_with_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    message = unusable("no-one/nothing", revision="0" * 40).message
    assert f"hf download no-one/nothing --revision {'0' * 40}" in message


def test_a_gpu_that_is_not_there_is_named(small_reasoner: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(MissingResource, match="torch sees none"):
        TransformersLocal(Source("small", str(small_reasoner)), device="cuda").warm_up()
