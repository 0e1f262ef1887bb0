"""Public vision-language models as data, one TOML file each: which weights, how they are asked, served and trained.

Knows names and numbers, no model library and no server.
"""

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import Field, JsonValue, ValidationError

from shared.contracts.base import Contract
from shared.errors import ErrorCode, MissingResource

COMMIT = r"^[0-9a-f]{40}$"


class ChatFormat(Contract):
    """How a model is spoken to and how it answers, beyond what its own chat template does.

    Attributes:
        system: it has a turn for the task; without one the task stands at the head of the user's.
        thinks: it writes its thoughts before the answer, up to `</think>`.
        template_kwargs: for the chat template, as a server takes them (`chat_template_kwargs`).
    """

    system: bool = True
    thinks: bool = False
    template_kwargs: dict[str, JsonValue] = Field(default_factory=dict)


class ModelProfile(Contract):
    """One public model.

    Attributes:
        hub_id, revision: of the weights; revision is a commit, None where none is known that can be relied on.
        licence, commercial: of the weights, and whether it allows commercial use.
        dtype: of the weights.
        memory_mb: of a GPU that serves it with `serve`.
        prompt: version of what it is told.
        max_tokens: of an answer, thoughts included.
        chat: its format.
        in_process: transformers has its class, so that it runs without a server.
        training: `trl`, by `retoucher train reasoning-sft` and `reasoning-grpo`; `elsewhere`, by another framework.
        training_note: what there is to know of it.
        serve: options of vLLM.
    """

    name: str
    hub_id: str
    revision: str | None = Field(default=None, pattern=COMMIT)
    licence: str
    commercial: bool
    dtype: Literal["float16", "bfloat16"]
    memory_mb: int = Field(gt=0)
    prompt: str = "v1"
    max_tokens: int = Field(ge=64, le=16_384)
    chat: ChatFormat = ChatFormat()
    in_process: bool
    training: Literal["trl", "elsewhere"]
    training_note: str
    serve: tuple[str, ...]


@cache
def model_profiles() -> tuple[ModelProfile, ...]:
    """All, sorted by name.

    Raises:
        MissingResource: a file is damaged.
    """
    found: list[ModelProfile] = []
    for entry in sorted(resources.files(__name__).iterdir(), key=lambda entry: entry.name):
        if not entry.name.endswith(".toml"):
            continue
        try:
            data = tomllib.loads(entry.read_text(encoding="utf-8"))
            found.append(ModelProfile.model_validate({"name": entry.name.removesuffix(".toml"), **data}))
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            raise MissingResource(
                ErrorCode.MISSING_DATA,
                f"model profile {entry.name} is damaged ({str(error).splitlines()[0]}): reinstall",
            ) from error
    return tuple(found)
