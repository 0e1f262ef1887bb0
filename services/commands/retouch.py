"""`retoucher retouch`: reads the files, runs one job in this process, writes the output folder, says the outcome."""

import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from services.commands.files import naming_the_image, read_file
from services.commands.options import tool_names
from services.commands.progress import job_progress
from services.local import Local
from services.report.folder import new_folder, write_files
from services.report.sentences import summary_line
from shared.action_settings import ActionSettings
from shared.contracts.jobs import Job, JobOptions, Mode, Preference, Status
from shared.environment import read_settings
from shared.errors import BadInput, ErrorCode, StageError
from shared.profile_settings import ProfileSettings
from shared.reasoning_settings import ReasoningSettings


@dataclass(frozen=True)
class RetouchArguments:
    """The command's options as parsed; None stands for the profile's value."""

    image: Path
    prompt: str
    out: Path
    mode: str = "retouch"
    profile: str = "tiny"
    tools: str | None = None
    preference: str = "auto"
    max_iterations: int | None = None
    threshold: float | None = None
    protect: Path | None = None
    regions: Path | None = None
    expected_text: tuple[str, ...] = ()
    force: bool = False
    seed: int = 0
    deadline_s: float | None = None
    max_cost: float | None = None
    overwrite: bool = False


def run(arguments: RetouchArguments) -> None:
    """Runs the job; the last line on stdout says what came of it.

    Raises:
        BadInput: an option, a file or the output folder will not do; nothing has been written then.
        StageError: the job failed; nothing has been written then.
    """
    options = _options(arguments)
    local = Local.in_memory(
        arguments.profile,
        read_settings(ReasoningSettings),
        read_settings(ActionSettings),
        read_settings(ProfileSettings),
    )
    with new_folder(arguments.out, overwrite=arguments.overwrite) as staging:
        job_id = _submit(local, arguments, options)
        with job_progress() as progress:
            job = local.run(job_id, on_event=progress)
            _require_success(job)
            progress.say("writing the report")
            written = write_files(local, job_id, staging)
    report = arguments.out / "report.html"
    sys.stdout.write(f"{summary_line(local.record(job_id), written.edited_share)}; report: {report}\n")


def _options(arguments: RetouchArguments) -> JobOptions:
    tools = tool_names(arguments.tools)
    try:
        return JobOptions(
            mode=Mode(arguments.mode),
            max_iterations=arguments.max_iterations,
            threshold=arguments.threshold,
            tools=None if tools is None else tuple(tools),
            preference=Preference(arguments.preference),
            expected_text=arguments.expected_text,
            force=arguments.force,
            seed=arguments.seed,
            deadline_s=arguments.deadline_s,
            max_cost=arguments.max_cost,
        )
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).removesuffix("_s").replace("_", "-")
        message = f"{option} {first['input']} is not valid: {first['msg'][0].lower()}{first['msg'][1:]}"
        raise BadInput(ErrorCode.BAD_OPTION, message) from error


def _submit(local: Local, arguments: RetouchArguments, options: JobOptions) -> str:
    limit = local.limits.max_bytes
    image = read_file(arguments.image, "image", limit)
    protected = read_file(arguments.protect, "mask", limit) if arguments.protect else None
    regions = read_file(arguments.regions, "mask", limit) if arguments.regions else None
    try:
        return local.submit(image, arguments.prompt, options, protected=protected, regions=regions)
    except BadInput as error:
        raise naming_the_image(error, arguments.image) from error


def _require_success(job: Job) -> None:
    if job.status is Status.SUCCEEDED:
        return
    if job.error is not None:
        raise StageError(ErrorCode(job.error.code), job.error.message)
    raise StageError(ErrorCode.STAGE_FAILED, f"the job ended {job.status.value} without a result: run it again")
