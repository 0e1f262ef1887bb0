"""`retoucher doctor`: draws a misspelt sign, runs it through each agent of a profile, prints what passed and its cost.

What it proves: the profile's models load on this machine, every agent answers, and the whole loop repairs the sign.
"""

import resource
import sys
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.table import Table

from services.commands.progress import job_progress
from services.local import Local
from shared.contracts.jobs import Job, JobRecord, Outcome
from shared.errors import ErrorCode, StageError
from shared.fonts import FOLDER
from shared.images import encode_png
from shared.profiles import Profile

WRITTEN, MEANT = "COFFE HOUSE", "COFFEE HOUSE"
PROMPT = f'a shop front with a sign that says "{MEANT}"'


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
    local = Local.in_memory(profile)
    job_id = local.submit(sign(), PROMPT)
    with job_progress() as progress:
        job = local.run(job_id, on_event=progress)
    checks = checks_of(job, local.record(job_id))
    _print(local.profile, checks)
    failed = [check.agent for check in checks if not check.passed]
    if failed:
        reason = job.error.message if job.error else "run 'retoucher retouch' on a picture of yours and read its report"
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


def _print(profile: Profile, checks: tuple[Check, ...]) -> None:
    console = Console(highlight=False)
    console.print(f"profile {profile.name}: {profile.description}", markup=False, soft_wrap=True)
    for weight in profile.licences:
        console.print(f"weights: {weight.weight}, {weight.licence}", markup=False, soft_wrap=True)
    table = Table("agent", "check", "seconds", "what came of it", box=None, pad_edge=False)
    for check in checks:
        verdict = "[green]pass[/]" if check.passed else "[red]fail[/]"
        table.add_row(check.agent, verdict, "-" if check.seconds is None else f"{check.seconds:.2f}", check.found)
    console.print(table)
    total = sum(check.seconds or 0.0 for check in checks)
    gpu = f"{total:.2f} GPU-seconds" if profile.device == "cuda" else "no GPU used"
    memory = f"peak memory {_peak_memory_mb():.0f} MB (the profile states {profile.peak_memory_mb} MB for large images)"
    console.print(f"{total:.2f} s for one image of 0.2 megapixels, {gpu}; {memory}", soft_wrap=True)


def _peak_memory_mb() -> float:
    """Largest resident size of this process so far; Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
