"""`retoucher speed prefix`: what it is worth that all questions about an image begin alike.

The regions of one image are asked about as serving asks, all at once. Three ways take turns: with the same beginning
(task, whole picture, prompt), with other words at the head of each question, so that nothing a server computed for one
helps another, and with another picture each, too, so that not even the encoded picture can be kept. No picture is asked
about twice. Times are compared within one run, on one server, which should have nothing else to do.
"""

import statistics
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console
from rich.table import Table

from services.commands.speed.figures import write_json
from services.commands.speed.prefix_counters import Counters
from services.reasoning.backends.base import Failed, NotUnderstood, Question
from services.reasoning.backends.openai_http import OpenAiHttp
from services.reasoning.backends.retrying import Retrying
from services.reasoning.contract import answer_schema
from services.reasoning.prompts import Prompt, load_prompt
from services.reasoning.reasoners import Source, served
from services.reasoning.request import Marked, questions
from shared.contracts.values import Region
from shared.environment import read_settings
from shared.errors import BadInput, ErrorCode, StageError
from shared.images import Rgb
from shared.reasoning_settings import ReasoningSettings

IMAGE_PROMPT = "a market square with many people, stalls and signs on a summer evening"


class Way(StrEnum):
    """How alike the questions of one image begin; nothing is shared in the last."""

    SHARED = "the same beginning"
    WORDS = "other words at the head"
    PICTURES = "other words and another picture"


@dataclass(frozen=True)
class PrefixPlan:
    """Which server and model, how many regions of an image of so many pixels a side, how often; tokens of an answer."""

    url: str
    model: str
    regions: int
    rounds: int
    image_px: int
    answer_tokens: int | None = None


class Measured(BaseModel):
    """One way. `seconds`: of all regions of an image, for each round. Lower is better.

    Attributes:
        region_ms: median over the rounds, for one region.
        times: as many times as with the same beginning.
        kept: share of the questions' tokens that the server had computed already; None where it does not say.
    """

    model_config = ConfigDict(frozen=True)

    way: Way
    seconds: tuple[float, ...]
    region_ms: float
    times: float
    kept: float | None


class PrefixGain(BaseModel):
    """The whole measurement."""

    model_config = ConfigDict(frozen=True)

    model: str
    prompt: str
    regions: int
    image_px: int
    ways: tuple[Measured, ...]


def run(plan: PrefixPlan, json_file: Path | None) -> None:
    """Measures, prints the table, writes the JSON.

    Raises:
        BadInput: the address is none.
        Unavailable, StageError: the server does not answer every question.
    """
    settings = _settings(plan)
    source = served(plan.model)
    backend = OpenAiHttp(source, answer_schema(), settings, Retrying(tries=1))
    report = measured(plan, source, backend, Counters(settings))
    _print(report)
    if json_file is not None:
        write_json(json_file, report)


def measured(plan: PrefixPlan, source: Source, backend: OpenAiHttp, counters: Counters) -> PrefixGain:
    """The ways in turn, each round beginning with another one, after a round that does not count."""
    prompt = load_prompt(source.prompt)
    seconds: dict[Way, list[float]] = {way: [] for way in Way}
    kept: dict[Way, list[float | None]] = {way: [] for way in Way}
    ways = list(Way)
    _asked(backend, asked_in(Way.PICTURES, prompt, plan, seed=0))  # compiles, fills buffers
    for number in range(plan.rounds):
        for place, way in enumerate(ways[number % len(ways) :] + ways[: number % len(ways)]):
            questions_of_it = asked_in(way, prompt, plan, seed=1 + number * len(ways) + place)
            before = counters.read()
            seconds[way].append(_asked(backend, questions_of_it))
            kept[way].append(counters.kept_since(before))
    shared_s = statistics.median(seconds[Way.SHARED])
    return PrefixGain(
        model=backend.model,
        prompt=prompt.version,
        regions=plan.regions,
        image_px=plan.image_px,
        ways=tuple(
            Measured(
                way=way,
                seconds=tuple(seconds[way]),
                region_ms=1000.0 * statistics.median(seconds[way]) / plan.regions,
                times=statistics.median(seconds[way]) / shared_s,
                kept=_mean(kept[way]),
            )
            for way in ways
        ),
    )


def asked_in(way: Way, prompt: Prompt, plan: PrefixPlan, seed: int) -> Sequence[Question]:
    """The questions about one image; whatever the way, they are as many and as long."""
    image = picture(plan.image_px, seed)
    places = [Marked(one, np.full(_size(one), 255, np.uint8)) for one in _regions(plan)]
    head = _head()
    if way is Way.SHARED:
        return [_headed(one, head) for one in questions(prompt, image, IMAGE_PROMPT, places)]
    if way is Way.WORDS:
        return [_headed(one, _head()) for one in questions(prompt, image, IMAGE_PROMPT, places)]
    own = (questions(prompt, _touched(image, number), IMAGE_PROMPT, [one])[0] for number, one in enumerate(places))
    return [_headed(one, _head()) for one in own]


def picture(side_px: int, seed: int) -> Rgb:
    """Soft coloured spots: as many tokens as any picture of that size, and few bytes."""
    spots = np.random.default_rng(seed).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(spots).resize((side_px, side_px), Image.Resampling.BICUBIC))


def _touched(image: Rgb, number: int) -> Rgb:
    """Another picture to whoever compares, the same to whoever looks: its corner differs."""
    touched = image.copy()
    touched[:16, :16] = number
    return touched


def _regions(plan: PrefixPlan) -> list[Region]:
    """In rows and columns."""
    columns = int(np.ceil(np.sqrt(plan.regions)))
    step = plan.image_px // columns
    found: list[Region] = []
    for number in range(plan.regions):
        x0, y0 = step * (number % columns) + step // 4, step * (number // columns) + step // 4
        box = (x0, y0, x0 + step // 2, y0 + step // 2)
        found.append(Region(id=f"r{number}", box_xyxy_px=box, mask_ref="none", detector="user", evidence=1.0))
    return found


def _size(region: Region) -> tuple[int, int]:
    x0, y0, x1, y1 = region.box_xyxy_px
    return y1 - y0, x1 - x0


def _head() -> str:
    return f"Request {uuid.uuid4().hex}."


def _headed(question: Question, head: str) -> Question:
    return replace(question, system=f"{head}\n{question.system}")


def _asked(backend: OpenAiHttp, asked: Sequence[Question]) -> float:
    """Seconds until the last answer.

    Raises:
        Unavailable, StageError: one did not come, and a time with it would mean nothing.
    """
    began_s = time.perf_counter()
    replies = backend.ask(asked)
    took_s = time.perf_counter() - began_s
    for reply in replies:
        if isinstance(reply, Failed):
            raise reply.error
        if isinstance(reply, NotUnderstood):
            raise StageError(ErrorCode.STAGE_FAILED, f"the answer of {backend.model} {reply.reason}: check the server")
    return took_s


def _settings(plan: PrefixPlan) -> ReasoningSettings:
    """Those of serving, key and time-out included, for this server."""
    read_settings(ReasoningSettings)  # tells what is wrong in the environment by its name
    given = {"url": plan.url, "model": plan.model, "max_tokens": plan.answer_tokens, "concurrency": plan.regions}
    try:
        return ReasoningSettings.model_validate(given)
    except ValidationError as error:
        reason = error.errors(include_input=False, include_url=False)[0]["msg"].removeprefix("Value error, ")
        message = f"--url or --answer-tokens will not do ({reason}): an address mostly ends in /v1"
        raise BadInput(ErrorCode.BAD_OPTION, message) from None


def _mean(shares: Sequence[float | None]) -> float | None:
    told = [share for share in shares if share is not None]
    return statistics.fmean(told) if told else None


def _print(report: PrefixGain) -> None:
    table = Table("questions with", "ms per region", "times", "tokens kept", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for one in report.ways:
        kept = "not told" if one.kept is None else f"{one.kept:.0%}"
        table.add_row(one.way, f"{one.region_ms:.1f}", f"{one.times:.2f}", kept)
    Console(highlight=False).print(table)
    rounds = len(report.ways[0].seconds)
    sys.stdout.write(
        f"{report.model}, prompt {report.prompt}, {report.regions} regions of a picture of {report.image_px} px "
        f"at once; medians of {rounds} rounds\n"
    )
