"""Profiles are data: which detectors, reasoner, tools and thresholds run together (DESIGN.md, "What it is").

One TOML file each in this folder. Knows names, not the classes behind them: `services.local` wires those.
"""

import re
import tomllib
from importlib import resources
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from shared.contracts.base import Contract
from shared.contracts.jobs import LoopPolicy
from shared.errors import BadInput, ErrorCode, MissingResource


class WeightLicence(Contract):
    """A weight that the profile loads, its licence, and whether that licence allows commercial use.

    `tool` is whose weight it is; None where a detector's or the reasoner's.
    """

    weight: str
    licence: str
    commercial: bool
    tool: str | None = None


HUB_COMMIT = r"^[0-9a-f]{40}$"
HUB_NAME = r"^[\w.-]+/[\w.-]+$"


class ToolModel(Contract):
    """The weights behind a tool, and what the profile makes of it.

    Attributes:
        weights: a model hub's `owner/name`, a folder, or a name below `services/action/checkpoints`.
        revision: commit of a hub's repository; None for a folder, and where the operator has to name it.
        licence: SPDX id, or the licence's own name.
        commercial: whether it allows commercial use.
        memory_mb: on the device, weights and one full batch.
        variant: of a hub's files, `fp16` say; None for the plain ones.
        native_size_px, max_batch: side of the square that crops are seen in, and crops in a call; None for the tool's.
        offload: what is moved to the device only while it is needed: whole parts (`model`) or layers (`sequential`).
        quantisation: of the largest part's weights.
        steps, guidance: in place of the planner's.
        seconds: of one edit, for time budgets; None where nobody has measured it.
        price: of one edit, in US dollars.
        suppositions: what an instruction editor is told where nobody said what is wrong, one try after the other, once
            to repair the place was not enough.
    """

    weights: str
    revision: str | None = Field(default=None, pattern=HUB_COMMIT)
    licence: str
    commercial: bool
    memory_mb: int = Field(ge=0)
    variant: str | None = None
    native_size_px: int | None = Field(default=None, ge=8)
    max_batch: int | None = Field(default=None, ge=1)
    offload: Literal["none", "model", "sequential"] = "none"
    quantisation: Literal["none", "int8", "nf4"] = "none"
    steps: int | None = Field(default=None, ge=1)
    guidance: float | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, gt=0)
    price: float = Field(default=0.0, ge=0)
    suppositions: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()

    @property
    def on_a_hub(self) -> bool:
        """Whether the weights are named as a hub names them, `owner/name`."""
        return re.match(HUB_NAME, self.weights) is not None and not self.weights.startswith(".")


class Profile(Contract):
    """A way of running all three agents.

    Attributes:
        detectors, tools: names, in order of preference.
        tool_models: weights of those tools that have any, by the tool's name.
        reasoner: the vision-language model that diagnoses: a name below `services/reasoning/checkpoints` or
            `services/reasoning/models`, a folder, or a hub id with its commit (`owner/name@<commit>`); `none`, where a
            diagnosis is what the detector itself knows.
        reasoner_at: in this process, or on a server. Settings say which (`shared.reasoning_settings`), never a file.
        saliency_checkpoint: folder of the saliency detector's weights: a path, or a name below
            `services/perception/checkpoints`; None where there is no such detector.
        rahf_weights: file of the RAHF detector's public state dict; None where there is no such detector.
        rahf_tokenizer: hub id or folder of the T5 tokenizer that RAHF was trained with.
        device, dtype: where networks run; `cpu`, `float32` where there are none.
        peak_memory_mb: of the whole process on the largest accepted image.
        threads: per model session.
        deadline_s: the default of a job.
        licences: of each weight that is not a tool's.
        policy: the loop's thresholds.
    """

    name: str
    description: str
    detectors: tuple[str, ...]
    reasoner: str = Field(min_length=1, max_length=500)
    reasoner_at: Literal["process", "server"] = "process"
    tools: tuple[str, ...]
    tool_models: dict[str, ToolModel] = Field(default_factory=dict)
    saliency_checkpoint: str | None = None
    rahf_weights: str | None = None
    rahf_tokenizer: str = "google-t5/t5-base"
    device: Literal["cpu", "cuda"] = "cpu"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    peak_memory_mb: int = Field(gt=0)
    threads: int = Field(default=2, ge=1)
    deadline_s: float = Field(default=600.0, gt=0)
    licences: tuple[WeightLicence, ...] = ()
    policy: LoopPolicy = LoopPolicy()

    @model_validator(mode="after")
    def _has_the_tools_of_its_models(self) -> Self:
        strange = sorted(set(self.tool_models) - set(self.tools))
        if strange:
            raise ValueError(f"tool_models names {', '.join(strange)}, not among tools")
        return self

    def weight_licences(self) -> tuple[WeightLicence, ...]:
        """Of every weight, the tools' among them."""
        of_tools = tuple(
            WeightLicence(weight=model.weights, licence=model.licence, commercial=model.commercial, tool=name)
            for name, model in self.tool_models.items()
        )
        return self.licences + of_tools


NO_REASONER = "none"


def profile_names() -> tuple[str, ...]:
    """The profiles that ship, sorted."""
    folder = resources.files(__name__)
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_profile(name: str) -> Profile:
    """The profile of that name.

    Raises:
        BadInput: UNKNOWN_PROFILE, with the names that there are.
        MissingResource: its file does not hold a valid profile.
    """
    if name not in profile_names():
        known = ", ".join(profile_names())
        raise BadInput(ErrorCode.UNKNOWN_PROFILE, f"there is no profile {name!r}: choose one of {known}")
    text = resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    try:
        profile = Profile.model_validate({"name": name, **tomllib.loads(text)})
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        first_line = str(error).splitlines()[0]
        raise MissingResource(
            ErrorCode.MISSING_DATA, f"profile {name}.toml is damaged ({first_line}): reinstall"
        ) from error
    policy = profile.policy.model_copy(update={"has_reasoner": profile.reasoner != NO_REASONER})
    return profile.model_copy(update={"policy": policy})
