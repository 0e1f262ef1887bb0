"""What a tool on a diffusers pipeline does when memory runs out, weights are missing, or nonsense comes back."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.tool_requests import a_request
from structlog.testing import capture_logs

from services.action.tools.base import EditResult, ToolDeclined, ToolKind
from services.action.tools.diffusion import DiffusionTool, Inputs, Limits, Recipe, Sampling
from services.action.tools.weights import Placement, Weights, load_pipeline
from shared.errors import ErrorCode, MissingResource, StageError

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

SIDE = 16
CPU = Placement()


@dataclass
class Output:
    images: np.ndarray
    nsfw_content_detected: list[bool] | None = None


@dataclass
class Pipeline:
    """Paints each picture with its seed; has room for so many at a time, and for more once it is offloaded."""

    room: int = 8
    room_offloaded: dict[str, int] = field(default_factory=dict)
    calls: list[int] = field(default_factory=list)
    error: type[Exception] = torch.OutOfMemoryError
    paint: Any = None

    def __call__(self, inputs: Inputs) -> Output:
        self.calls.append(len(inputs.images))
        if len(inputs.images) > self.room:
            raise self.error("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        if self.paint is not None:
            return self.paint(len(inputs.images))
        seeds = [generator.initial_seed() / 255 for generator in inputs.generators]
        return Output(np.stack([np.full((SIDE, SIDE, 3), value, np.float32) for value in seeds]))

    def remove_all_hooks(self) -> None:
        pass

    def enable_model_cpu_offload(self, device: str) -> None:
        self.room = self.room_offloaded.get("model", self.room)

    def enable_sequential_cpu_offload(self, device: str) -> None:
        self.room = self.room_offloaded.get("sequential", self.room)


def call(pipeline: Pipeline, inputs: Inputs, sampling: Sampling) -> Output:
    return pipeline(inputs)


RECIPE = Recipe("painter", ToolKind.MASK, ("Pipeline",), SIDE, 1, 8, 1, Sampling(2, 1.0), (), call)


def tool_of(pipeline: Pipeline, device: str = "cpu") -> DiffusionTool:
    return DiffusionTool(RECIPE, Weights("w", "MIT"), Placement(device=device), load=lambda *_: pipeline)


def seeds(answers: Sequence[EditResult | ToolDeclined]) -> list[int]:
    assert all(isinstance(answer, EditResult) for answer in answers), answers
    return [int(answer.image[0, 0, 0]) for answer in answers]


def batch(count: int) -> list[Any]:
    return [a_request(seed=number + 1) for number in range(count)]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_out_of_memory_a_smaller_batch_is_tried(error: type[Exception]) -> None:
    pipeline = Pipeline(room=2, error=error)
    with capture_logs() as logs:
        assert seeds(tool_of(pipeline).edit(batch(5))) == [1, 2, 3, 4, 5]
    assert pipeline.calls == [5, 2, 3, 1, 2]
    assert {entry["then"] for entry in logs} == {"half the batch"}


def test_then_parts_are_offloaded_and_the_record_says_so() -> None:
    pipeline = Pipeline(room=0, room_offloaded={"sequential": 1})
    tool = tool_of(pipeline, "cuda")
    answers = tool.edit(batch(2))
    assert seeds(answers) == [1, 2]
    assert [answer.notes for answer in answers] == [
        ("painter ran out of memory, so it runs slower from now on (offload sequential)",)
    ] * 2
    before = len(pipeline.calls)
    assert seeds(tool.edit(batch(1))) == [1]
    assert len(pipeline.calls) == before + 1  # it stays offloaded


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_then_the_error_is_clear(device: str) -> None:
    with pytest.raises(StageError, match=r"not enough memory for a single crop.*choose a profile") as caught:
        tool_of(Pipeline(room=0), device).edit(batch(2))
    assert "\n" not in caught.value.message


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    class Broken(Pipeline):
        def __call__(self, inputs: Inputs) -> Output:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        tool_of(Broken()).edit(batch(2))


def painted(value: float, side: int = SIDE, flagged: bool = False) -> Any:
    return lambda count: Output(np.full((count, side, side, 3), value, np.float32), [flagged] * count)


@pytest.mark.parametrize(
    ("paint", "said"),
    [
        (painted(float("nan")), "no numbers"),
        (painted(float("inf")), "no numbers"),
        (painted(0.5, side=24), "it drew .24, 24, 3., not .16, 16, 3."),
        (painted(0.0, flagged=True), "safety checker"),
    ],
)
def test_nonsense_is_declined_with_its_reason(paint: Any, said: str) -> None:
    answers = tool_of(Pipeline(paint=paint)).edit(batch(2))
    assert all(isinstance(answer, ToolDeclined) for answer in answers)
    assert re.search(said, str(answers[0]))


def test_too_few_pictures_are_an_error() -> None:
    with pytest.raises(StageError, match="gave 1 pictures for 2"):
        tool_of(Pipeline(paint=lambda count: Output(np.zeros((1, SIDE, SIDE, 3))))).edit(batch(2))


@pytest.mark.parametrize(
    "settings",
    [{"steps": "many"}, {"steps": 0}, {"strength": 0.0}, {"strength": 1.5}, {"strength": 0.2}, {"guidance": -1.0}],
)
def test_settings_that_no_tool_takes_are_an_error(settings: dict[str, Any]) -> None:
    with pytest.raises(StageError, match="cannot be called so"):
        tool_of(Pipeline()).edit([a_request(**settings)])


def missing(weights: Weights, how: Placement = CPU, kinds: tuple[str, ...] = ("X",)) -> MissingResource:
    with pytest.raises(MissingResource) as caught:
        load_pipeline("sd-inpainting", kinds, ("unet",), weights, how)
    assert "\n" not in caught.value.message
    return caught.value


def test_weights_that_are_nowhere() -> None:
    error = missing(Weights("sd-tiny-that-nobody-trained", "MIT"))
    assert error.code == ErrorCode.MISSING_CHECKPOINT
    assert "retoucher train" in error.message
    assert "checkpoints" in error.message


def test_a_hubs_weights_need_a_commit() -> None:
    assert "RETOUCHER_PROFILE_REVISIONS" in missing(Weights("owner/name", "MIT")).message


def test_a_hub_that_cannot_be_asked() -> None:
    weights = Weights("owner/name-not-in-any-cache", "MIT", revision="0" * 40)
    error = missing(weights, Placement(offline=True))
    assert error.code == ErrorCode.MISSING_CHECKPOINT
    assert "owner/name-not-in-any-cache" in error.message


def test_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    assert "cannot be loaded" in missing(Weights(str(tmp_path), "MIT")).message
    (tmp_path / "model_index.json").write_text('{"_class_name": "NoSuchPipeline"}')
    assert "cannot be loaded" in missing(Weights(str(tmp_path), "MIT")).message


def test_weights_of_another_pipeline_and_damaged_ones(tmp_path: Path) -> None:
    from fakes.small_pipelines import sd

    sd().save_pretrained(tmp_path)
    error = missing(Weights(str(tmp_path), "MIT"), kinds=("FluxFillPipeline",))
    assert "a StableDiffusionInpaintPipeline's, and the tool calls FluxFillPipeline" in error.message
    (tmp_path / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"not weights")
    assert (
        "cannot be loaded" in missing(Weights(str(tmp_path), "MIT"), kinds=("StableDiffusionInpaintPipeline",)).message
    )


@pytest.mark.parametrize("how", [Placement(device="cuda"), Placement(offload="model"), Placement(quantisation="nf4")])
def test_what_needs_a_gpu_says_so(how: Placement, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert missing(Weights(str(tmp_path), "MIT"), how).code == ErrorCode.NO_GPU


def test_tools_are_imported_without_torch() -> None:
    modules = "sd_inpainting, sdxl_inpainting, flux_fill, qwen_image_edit, instruct_pix2pix, gemini_flash_image"
    code = (
        f"import sys; from services.action.tools import {modules}; import services.action.build\n"
        "print(sorted({'torch', 'diffusers', 'transformers', 'google.genai'} & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "[]"


def test_limits_change_how_it_samples() -> None:
    tool = DiffusionTool(RECIPE, Weights("w", "MIT"), limits=Limits(steps=9, guidance=3.0), load=lambda *_: Pipeline())
    answer = tool.edit([a_request()])[0]
    assert isinstance(answer, EditResult)
    assert (answer.settings["steps"], answer.settings["guidance"]) == (9, 3.0)
