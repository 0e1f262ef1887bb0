"""How a job ran, for its report: seconds by stage, why it stopped, and the command that does the same again."""

import shlex
from dataclasses import dataclass

from services.report.sentences import STAGES, STOP_REASONS
from shared.contracts.jobs import JobRecord, Mode, Preference


@dataclass(frozen=True)
class StageTime:
    """Seconds of all commands of a stage, and its share of the longest one, in percent."""

    name: str
    calls: int
    seconds: float
    share: float


def stage_times(record: JobRecord) -> tuple[StageTime, ...]:
    """Each stage once, in order of first use."""
    totals: dict[str, list[float]] = {}
    for timing in record.timings:
        totals.setdefault(timing.stage, []).append(timing.seconds)
    longest = max((sum(seconds) for seconds in totals.values()), default=0.0) or 1.0
    return tuple(
        StageTime(
            name=STAGES.get(stage, stage), calls=len(seconds), seconds=sum(seconds), share=100 * sum(seconds) / longest
        )
        for stage, seconds in totals.items()
    )


def stop_words(record: JobRecord) -> str:
    """Why the loop stopped."""
    return STOP_REASONS[record.stop_reason] if record.stop_reason else "it has not stopped"


def replay_command(record: JobRecord) -> str:
    """The command that does the same again on the same image; masks that were sent are named, not embedded."""
    options = record.options
    words = ["retoucher", "retouch", "IMAGE", "--prompt", record.input.prompt, "--out", "DIR"]
    words += ["--profile", record.profile, "--seed", str(options.seed)]
    if options.mode is not Mode.RETOUCH:
        words += ["--mode", options.mode.value]
    if options.tools is not None:
        words += ["--tools", ",".join(options.tools)]
    if options.preference is not Preference.AUTO:
        words += ["--preference", options.preference.value]
    if options.max_iterations is not None:
        words += ["--max-iterations", str(options.max_iterations)]
    if options.threshold is not None:
        words += ["--threshold", f"{options.threshold:g}"]
    for text in options.expected_text:
        words += ["--expected-text", text]
    if options.protected_ref is not None:
        words += ["--protect", "PROTECTED_MASK"]
    if options.regions_ref is not None:
        words += ["--regions", "REGIONS_MASK"]
    if options.force:
        words += ["--force"]
    if options.deadline_s is not None:
        words += ["--deadline", f"{options.deadline_s:g}"]
    if options.max_cost is not None:
        words += ["--max-cost", f"{options.max_cost:g}"]
    return shlex.join(words)
