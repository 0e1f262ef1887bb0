"""`retoucher doctor`: draws a misspelt sign, runs it through each agent of a profile, prints what passed and its cost.

What it proves: the profile's models load on this machine, every agent answers, and the whole loop repairs the sign;
where a vision-language model is set, that it can be reached and answers by the schema.
"""

import resource
import sys
import time
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.commands.progress import job_progress
from services.local import Local
from shared.action_settings import ActionSettings
from shared.contracts.jobs import Job, JobRecord, Outcome
from shared.contracts.loop import Diagnose
from shared.contracts.values import Region
from shared.environment import read_settings
from shared.errors import ErrorCode, RetoucherError, StageError
from shared.fonts import FOLDER
from shared.images import encode_png
from shared.profile_settings import ProfileSettings
from shared.profiles import Profile
from shared.reasoning_settings import ReasoningSettings

WRITTEN, MEANT = "COFFE HOUSE", "COFFEE HOUSE"
PROMPT = f'a shop front with a sign that says "{MEANT}"'
REASONER = "reasoner"


@dataclass(frozen=True)
class Check:
    """One line of the doctor's table; `seconds` is None where the agent was never reached."""

    agent: str
    passed: bool
    seconds: float | None
    found: str


def run(profile: str) -> None:
    """Prints the table; the last line is the verdict.

    Raises:
        BadInput: UNKNOWN_PROFILE.
        MissingResource: a model, font or package of the profile is not there.
        StageError: a check failed.
    """
    local = Local.in_memory(
        profile, read_settings(ReasoningSettings), read_settings(ActionSettings), read_settings(ProfileSettings)
    )
    job_id = local.submit(sign(), PROMPT)
    with job_progress() as progress:
        job = local.run(job_id, on_event=progress)
    checks = (*checks_of(job, local.record(job_id)), *reasoner_checks(local, job))
    _print(local.profile, checks)
    failed = [check.agent for check in checks if not check.passed]
    if failed:
        unanswered = next((check.found for check in checks if check.agent == REASONER and not check.passed), None)
        hint = unanswered or "run 'retoucher retouch' on a picture of yours and read its report"
        reason = job.error.message if job.error else hint
        raise StageError(ErrorCode.STAGE_FAILED, f"profile {profile} fails at {', '.join(failed)}: {reason}")
    sys.stdout.write(f"profile {profile} works on this machine\n")


def sign() -> bytes:
    """A 640x360 PNG of a sign with a misspelt word."""
    image = Image.new("RGB", (640, 360), (112, 122, 120))
    draw = ImageDraw.Draw(image)
    draw.rectangle((60, 110, 580, 250), fill=(242, 236, 220), outline=(60, 50, 40), width=4)
    face = ImageFont.truetype(FOLDER / "Lato-Bold.ttf", 64)
    draw.text((320, 180), WRITTEN, font=face, fill=(40, 30, 26), anchor="mm")
    return encode_png(np.asarray(image))


def checks_of(job: Job, record: JobRecord) -> tuple[Check, ...]:
    """One check for each agent, in the order in which they work."""
    seconds: dict[str, float] = {}
    for timing in job.timings:
        seconds[timing.stage] = seconds.get(timing.stage, 0.0) + timing.seconds
    accepted, tried = len(record.accepted_patch_ids), len(record.patches)
    repaired = record.outcome is Outcome.REPAIRED and record.largest_outside_difference == 0
    return (
        Check("perception", bool(record.regions), seconds.get("perceive"), f"{len(record.regions)} region(s) found"),
        Check("reasoning", bool(record.diagnoses), seconds.get("diagnose"), f"{len(record.diagnoses)} diagnosed"),
        Check("action", accepted > 0, seconds.get("retouch"), f"{accepted} of {tried} repairs accepted"),
        Check(
            "result", repaired, seconds.get("finalize"), record.outcome.value if record.outcome else job.status.value
        ),
    )


def reasoner_checks(local: Local, job: Job) -> tuple[Check, ...]:
    """Asks the vision-language model about the sign, which no detector's words stand in for here; none without one."""
    if not job.policy.has_reasoner:
        return ()
    place = next(iter(job.known), None)
    if place is None:
        return (Check(REASONER, passed=False, seconds=None, found="no region was found to ask about"),)
    started_s = time.perf_counter()
    command = Diagnose(step=job.step + 1, canvas=job.perceptions[0].canvas, regions=(_unread(place),))
    try:
        said = local.agents.reasoning.diagnose(job, command, dispatch=1).diagnoses[0]
    except RetoucherError as error:
        return (Check(REASONER, passed=False, seconds=time.perf_counter() - started_s, found=error.message),)
    opinion = f"calls the sign {'distorted' if said.distorted else 'fine'}"
    found = f"{said.source} answers by the schema; it {opinion}"
    return (Check(REASONER, passed=True, seconds=time.perf_counter() - started_s, found=found),)


def _unread(region: Region) -> Region:
    """The region as a detector that cannot read would report it."""
    return region.model_copy(update={"reading": None})


def _print(profile: Profile, checks: tuple[Check, ...]) -> None:
    console = Console(highlight=False)
    console.print(f"profile {profile.name}: {profile.description}", markup=False, soft_wrap=True)
    for weight in profile.weight_licences():
        console.print(f"weights: {weight.weight}, {weight.licence}", markup=False, soft_wrap=True)
    table = Table("agent", "check", "seconds", "what came of it", box=None, pad_edge=False)
    for check in checks:
        verdict = "[green]pass[/]" if check.passed else "[red]fail[/]"
        seconds = "-" if check.seconds is None else f"{check.seconds:.2f}"
        table.add_row(check.agent, verdict, seconds, escape(check.found))
    console.print(table)
    total = sum(check.seconds or 0.0 for check in checks)
    gpu = f"{total:.2f} GPU-seconds" if profile.device == "cuda" else "no GPU used"
    memory = f"peak memory {_peak_memory_mb():.0f} MB (the profile states {profile.peak_memory_mb} MB for large images)"
    console.print(f"{total:.2f} s for one image of 0.2 megapixels, {gpu}; {memory}", soft_wrap=True)


def _peak_memory_mb() -> float:
    """Largest resident size of this process so far; Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
