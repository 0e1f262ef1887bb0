"""Prompts as versioned files: the words and picture sizes of a request. Training and serving read the same ones."""

import tomllib
from importlib import resources
from string import Template

from pydantic import Field, ValidationError

from shared.contracts.base import Contract
from shared.errors import ErrorCode, MissingResource


class Prompt(Contract):
    """One version of what a model is told.

    Attributes:
        version: its file's name.
        whole_px: longest side that the whole picture is scaled down to.
        crop_px: longest side that a region's crop is scaled to.
        gap_px, line_px: of the outline around a region, from it and wide, in the scaled crop.
        context: what a crop shows around its region on each side, as a share of the region's longer side.
        system: the task, the same for every request.
        prompt: stands after the whole picture; takes `width`, `height` and `prompt`.
        region: stands after the crop; takes `x0`, `y0`, `x1`, `y1`.
        again: is added to `region` after an answer that could not be used; takes `reason`.
    """

    version: str
    whole_px: int = Field(ge=56)
    crop_px: int = Field(ge=56)
    gap_px: int = Field(ge=0)
    line_px: int = Field(ge=1)
    context: float = Field(ge=0)
    system: str
    prompt: str
    region: str
    again: str


def fill(template: str, **values: object) -> str:
    """The template with its names filled in, in one pass, so that a `$` in a value stays what it is."""
    return Template(template).substitute({name: str(value) for name, value in values.items()}).strip()


def prompt_versions() -> tuple[str, ...]:
    """The versions that there are, sorted."""
    names = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_prompt(version: str) -> Prompt:
    """The prompt of that version.

    Raises:
        MissingResource: there is none, or its file is damaged.
    """
    if version not in prompt_versions():
        known = ", ".join(prompt_versions())
        raise MissingResource(
            ErrorCode.MISSING_DATA, f"there is no reasoning prompt {version!r}: choose one of {known}"
        )
    text = resources.files(__name__).joinpath(f"{version}.toml").read_text(encoding="utf-8")
    try:
        return Prompt.model_validate({"version": version, **tomllib.loads(text)})
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        first_line = str(error).splitlines()[0]
        raise MissingResource(
            ErrorCode.MISSING_DATA, f"reasoning prompt {version}.toml is damaged ({first_line}): reinstall"
        ) from error
