"""What all tools on diffusers' pipelines have in common: fitting, generators, memory, and judging what comes back.

A tool's own file says which pipeline it calls and with which arguments (`Recipe`); this one knows no pipeline.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import structlog
from PIL import Image
from pydantic import JsonValue

from services.action.tools.base import EditRequest, EditResult, ToolDeclined, ToolKind
from services.action.tools.fitting import fit, fit_mask, unfit
from services.action.tools.weights import Placement, Weights, load_pipeline, place
from shared.errors import ErrorCode, StageError
from shared.images import Rgb

log = structlog.get_logger()

_LESS_MEMORY: Mapping[str, str] = {"none": "model", "model": "sequential"}


@dataclass(frozen=True)
class Sampling:
    """How a call samples; a request's settings of these names stand above a tool's defaults.

    Attributes:
        strength: how much of the picture is drawn anew, in (0, 1]; a tool that knows no such thing has 1.
        guidance: how strongly the words are followed; 1 where there is none.
        image_guidance: how strongly the source is, where a pipeline has that.
    """

    steps: int
    guidance: float
    strength: float = 1.0
    image_guidance: float = 1.0

    def asked(self, settings: Mapping[str, JsonValue]) -> "Sampling":
        """These with what the request names.

        Raises:
            ValueError: a value is no number, or outside its range.
        """
        numbers: dict[str, float] = {}
        for name in ("steps", "guidance", "strength", "image_guidance"):
            value = settings.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{name} is {value!r}, not a number")
            numbers[name] = value
        steps = int(numbers.pop("steps", self.steps))
        made = replace(self, steps=steps, **numbers)
        # A pipeline takes the last `strength` of its steps: there must be one.
        if made.steps * made.strength < 1 or not 0 < made.strength <= 1 or made.guidance < 0:
            raise ValueError(f"steps {made.steps}, strength {made.strength}, guidance {made.guidance} will not do")
        return made

    @property
    def settings(self) -> dict[str, JsonValue]:
        """For the record."""
        return {
            "steps": self.steps,
            "guidance": self.guidance,
            "strength": self.strength,
            "image_guidance": self.image_guidance,
        }


@dataclass(frozen=True)
class Inputs:
    """A call's crops in the tool's square, with words and one generator each: lists of equal length."""

    images: list[Image.Image]
    masks: list[Image.Image]
    words: list[str]
    negatives: list[str]
    generators: list[Any]
    side_px: int

    def singly(self) -> Iterator["Inputs"]:
        """Each crop as a call of its own."""
        for image, mask, words, negative, generator in zip(
            self.images, self.masks, self.words, self.negatives, self.generators, strict=True
        ):
            yield Inputs([image], [mask], [words], [negative], [generator], self.side_px)


@dataclass(frozen=True)
class Recipe:
    """A tool on a pipeline.

    Attributes:
        name: of the tool.
        kind: mask-guided or instruction-driven.
        pipelines: class names that it can call.
        native_size_px, size_multiple_px: of its public models.
        max_batch: on a GPU.
        memory_mb: of its public models in half precision with one call of `max_batch`, estimated from their parameters.
        sampling: where nobody says otherwise.
        large_parts: what quantisation is worth while for.
        call: runs the pipeline; returns its output, whose `images` are `(B, S, S, 3)` float in [0, 1].
    """

    name: str
    kind: ToolKind
    pipelines: tuple[str, ...]
    native_size_px: int
    size_multiple_px: int
    max_batch: int
    memory_mb: int
    sampling: Sampling
    large_parts: tuple[str, ...]
    call: Callable[[Any, Inputs, Sampling], Any]


@dataclass(frozen=True)
class Limits:
    """What a profile says in place of a recipe's own; None for that."""

    native_size_px: int | None = None
    max_batch: int | None = None
    memory_mb: int | None = None
    steps: int | None = None
    guidance: float | None = None


@dataclass
class _Loaded:
    """A pipeline, and how much it was made to save memory."""

    pipeline: Any
    offload: str
    notes: list[str] = field(default_factory=list)


Load = Callable[[str, Sequence[str], Sequence[str], Weights, Placement], Any]
"""As `load_pipeline`."""

ON_THE_CPU = Placement()
AS_THE_RECIPE_SAYS = Limits()


class DiffusionTool:
    """Implements `Tool` on a diffusers pipeline. Callers take turns: a pipeline's scheduler has the state of a call.

    Args:
        recipe: the tool.
        weights: where its weights are.
        placement: how they run.
        limits: what a profile changes.
        load: loads the pipeline.
    """

    def __init__(
        self,
        recipe: Recipe,
        weights: Weights,
        placement: Placement = ON_THE_CPU,
        limits: Limits = AS_THE_RECIPE_SAYS,
        load: Load = load_pipeline,
    ) -> None:
        self._load = load
        self._turn = threading.Lock()
        self._recipe, self._weights, self._placement, self._limits = recipe, weights, placement, limits
        changed: dict[str, Any] = {}
        if limits.steps is not None:
            changed["steps"] = limits.steps
        if limits.guidance is not None:
            changed["guidance"] = limits.guidance
        self._sampling = replace(recipe.sampling, **changed)
        self._loaded: _Loaded | None = None

    @property
    def name(self) -> str:
        """See `Tool.name`."""
        return self._recipe.name

    @property
    def kind(self) -> ToolKind:
        """See `Tool.kind`."""
        return self._recipe.kind

    @property
    def native_size_px(self) -> int:
        """See `Tool.native_size_px`."""
        return self._limits.native_size_px or self._recipe.native_size_px

    @property
    def size_multiple_px(self) -> int:
        """See `Tool.size_multiple_px`."""
        return self._recipe.size_multiple_px

    @property
    def max_batch(self) -> int:
        """See `Tool.max_batch`. One on a CPU, where a batch gains nothing: so a replay has the same bits."""
        return 1 if self._placement.device == "cpu" else self._limits.max_batch or self._recipe.max_batch

    @property
    def memory_mb(self) -> int:
        """See `Tool.memory_mb`."""
        return self._recipe.memory_mb if self._limits.memory_mb is None else self._limits.memory_mb

    @property
    def licence(self) -> str:
        """See `Tool.licence`; of the weights."""
        return self._weights.licence

    @property
    def third_party(self) -> str | None:
        """Nobody: it runs in this process."""
        return None

    def warm_up(self) -> None:
        """See `Tool.warm_up`."""
        with self._turn:
            self._load_once()

    def _load_once(self) -> None:
        if self._loaded is None:
            pipeline = self._load(
                self.name, self._recipe.pipelines, self._recipe.large_parts, self._weights, self._placement
            )
            self._loaded = _Loaded(pipeline, self._placement.offload)

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        """See `Tool.edit`. Where memory runs out: half the batch, then offloading, then a clear error.

        Raises:
            MissingResource: weights, a package or a device are not there.
            StageError: settings that no tool takes, or no memory for a single crop.
        """
        if not batch:
            return []
        try:
            sampling = self._sampling.asked(batch[0].settings)
        except ValueError as error:
            raise StageError(
                ErrorCode.STAGE_FAILED, f"{self.name} cannot be called so ({error}): correct it"
            ) from error
        answers: list[EditResult | ToolDeclined] = []
        possible = [request for request in batch if request.mask.any()]
        with self._turn:
            self._load_once()
            outputs = iter(self._run(possible, sampling) if possible else ())
        for request in batch:
            if request.mask.any():
                answers.append(self._answer(request, sampling, *next(outputs)))
            else:
                answers.append(ToolDeclined("there is nothing to edit: the mask is empty"))
        return answers

    def _run(
        self, batch: Sequence[EditRequest], sampling: Sampling
    ) -> list[tuple[npt.NDArray[np.floating[Any]], bool]]:
        """For each request its `(S, S, 3)` picture, and whether the model's safety checker refused it."""
        import torch

        try:
            output = self._recipe.call(self._pipeline(), self._inputs(batch), sampling)
        except torch.OutOfMemoryError as error:
            reason = str(error)
        except RuntimeError as error:
            if "can't allocate memory" not in str(error):  # what torch says of the CPU's
                raise
            reason = str(error)
        else:
            images = list(output.images)
            if len(images) != len(batch):
                raise StageError(
                    ErrorCode.STAGE_FAILED,
                    f"{self.name} gave {len(images)} pictures for {len(batch)}: check its weights",
                )
            refused = getattr(output, "nsfw_content_detected", None) or [False] * len(images)
            return list(zip(images, map(bool, refused), strict=True))
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(batch) > 1:
            log.warning("tool_out_of_memory", tool=self.name, batch=len(batch), then="half the batch")
            middle = len(batch) // 2
            return self._run(batch[:middle], sampling) + self._run(batch[middle:], sampling)
        self._save_memory(reason)
        return self._run(batch, sampling)

    def _save_memory(self, reason: str) -> None:
        """Offloads more than before.

        Raises:
            StageError: there is nothing left to offload.
        """
        loaded = self._loaded
        more = _LESS_MEMORY.get(loaded.offload) if loaded is not None and self._placement.device != "cpu" else None
        if loaded is None or more is None:
            raise StageError(
                ErrorCode.STAGE_FAILED,
                f"{self.name} has not enough memory for a single crop ({' '.join(reason.split())[:120]}): set "
                "RETOUCHER_ACTION_QUANTISATION=nf4, free the device, or choose a profile with smaller models",
            )
        log.warning("tool_out_of_memory", tool=self.name, batch=1, then=f"offload {more}")
        place(loaded.pipeline, self._placement.device, more)
        loaded.offload = more
        loaded.notes = [f"{self.name} ran out of memory, so it runs slower from now on (offload {more})"]

    def _pipeline(self) -> Any:
        if self._loaded is None:
            raise StageError(ErrorCode.STAGE_FAILED, f"{self.name} is not loaded: call warm_up first")
        return self._loaded.pipeline

    def _inputs(self, batch: Sequence[EditRequest]) -> Inputs:
        import torch

        side = self.native_size_px
        return Inputs(
            images=[Image.fromarray(fit(request.crop, side)) for request in batch],
            masks=[Image.fromarray(np.where(fit_mask(r.mask, side), 255, 0).astype(np.uint8)) for r in batch],
            words=[request.instruction for request in batch],
            negatives=[request.negative for request in batch],
            # On the CPU, so that a seed means the same noise on every device.
            generators=[torch.Generator("cpu").manual_seed(request.seed) for request in batch],
            side_px=side,
        )

    def _answer(
        self, request: EditRequest, sampling: Sampling, picture: npt.NDArray[np.floating[Any]], refused: bool
    ) -> EditResult | ToolDeclined:
        side = self.native_size_px
        if refused:
            return ToolDeclined("the model's own safety checker refused what it drew")
        if picture.shape != (side, side, 3):
            return ToolDeclined(f"it drew {picture.shape}, not {(side, side, 3)}: its weights are of another size")
        if not np.isfinite(picture).all():
            return ToolDeclined("it drew pixels that are no numbers: its weights need another dtype, bfloat16 say")
        square: Rgb = np.round(np.clip(picture, 0.0, 1.0) * 255).astype(np.uint8)
        return EditResult(
            image=unfit(square, (request.crop.shape[0], request.crop.shape[1])),
            alpha=np.where(request.mask, 255, 0).astype(np.uint8),
            settings={
                **sampling.settings,
                "seed": request.seed,
                "words": request.instruction,
                "negative": request.negative,
                "model": self._weights.model,
                "revision": self._weights.revision,
                "dtype": self._placement.dtype,
                "size_px": side,
            },
            notes=tuple(self._loaded.notes) if self._loaded is not None else (),
        )
