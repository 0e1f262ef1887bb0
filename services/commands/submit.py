"""`retoucher submit`: the job of `retoucher retouch` on a server, through the client package.

It shows the same progress, says the same last line and writes the same folder; the work is the server's.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from services.commands.files import naming_the_image, require_file
from services.commands.progress import JobProgress, job_progress
from services.commands.remote import client, connected
from services.report.folder import RECORD, new_folder
from services.report.sentences import summary_line
from shared.contracts.jobs import JobRecord
from shared.contracts.loop import PublicEvent
from shared.errors import BadInput, ErrorCode, StageError
from shared.images import decode_gray

EDITED = "edited_mask.png"


@dataclass(frozen=True)
class SubmitArguments:
    """The command's options as parsed; `out` None writes nothing, `options` are the API's, None where not given."""

    image: str
    prompt: str
    server: str
    key_file: Path | None
    out: Path | None
    wait: bool
    overwrite: bool
    protect: Path | None
    regions: Path | None
    options: dict[str, Any]


def run(arguments: SubmitArguments) -> None:
    """Submits; the last line on stdout says what came of it, or without `wait` where the job is.

    Raises:
        RetoucherError: see `services.commands.remote.connected`; nothing has been written then.
    """
    if not arguments.wait and arguments.out is not None:
        raise BadInput(ErrorCode.BAD_OPTION, "--out needs the result, --no-wait does not wait for it: leave one out")
    try:
        with connected(arguments.server, arguments.key_file) as retoucher:
            line = _run(retoucher, arguments)
    except BadInput as error:
        raise naming_the_image(error, arguments.image) from error
    sys.stdout.write(f"{line}\n")


def _run(retoucher: client.Retoucher, arguments: SubmitArguments) -> str:
    if not arguments.wait:
        job = _submit(retoucher, arguments)
        return f"{job.id} {job.status}: {_address(arguments.server, job)}"
    if arguments.out is None:
        with job_progress() as progress:
            job, share = _finished(retoucher, arguments, progress)
        return f"{_summary(job, share)}; job: {_address(arguments.server, job)}"
    with new_folder(arguments.out, overwrite=arguments.overwrite) as staging, job_progress() as progress:
        job, share = _finished(retoucher, arguments, progress)
        progress.say("fetching the result")
        _fetch(retoucher, job, staging)
        summary = _summary(job, share)
    return f"{summary}; report: {arguments.out / 'report.html'}"


def _submit(retoucher: client.Retoucher, arguments: SubmitArguments) -> client.Job:
    remote = arguments.image.startswith(("http://", "https://"))
    options = {name: value for name, value in arguments.options.items() if value is not None}
    if arguments.protect is not None:
        options["protected"] = require_file(arguments.protect, "mask")
    if arguments.regions is not None:
        options["regions_mask"] = require_file(arguments.regions, "mask")
    image = arguments.image if remote else require_file(Path(arguments.image), "image")
    return retoucher.submit(image, arguments.prompt, **cast(client.Options, options))


def _finished(
    retoucher: client.Retoucher, arguments: SubmitArguments, progress: JobProgress
) -> tuple[client.Job, float]:
    """The job, ended well, and the share of pixels inside its edited masks, in [0, 1]."""
    progress.say("sending the image")
    job = _submit(retoucher, arguments)
    progress.say(f"queued as {job.id}")
    try:
        ended = job.wait(on_event=lambda event: progress(_public(event))).require_success()
        return ended, float((decode_gray(retoucher.artifact(ended.id, EDITED)) > 0).mean())
    except KeyboardInterrupt:
        progress.say(f"{job.id} goes on at the server: {_address(arguments.server, job)}")
        raise


def _fetch(retoucher: client.Retoucher, job: client.Job, folder: Path) -> None:
    """Every artifact under its name, the record last."""
    for name in job.artifacts:
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise StageError(ErrorCode.INTERNAL, f"the server names an artifact {name!r}: it would lie outside --out")
        path.parent.mkdir(exist_ok=True)
        retoucher.save_artifact(job.id, name, path)
    (folder / RECORD).write_text(job.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _address(server: str, job: client.Job) -> str:
    return f"{server.rstrip('/')}/v1/jobs/{job.id}"


def _public(event: client.Event) -> PublicEvent:
    return PublicEvent(seq=event.seq, job_id=event.job_id, type=event.type, at_s=event.at_s, data=event.data)


def _summary(job: client.Job, edited_share: float) -> str:
    """The line of `retouch`; the keys of its image store, which a record has, the server does not show."""
    shown = job.model_dump(mode="json")
    known = {name: shown[name] for name in JobRecord.model_fields if name in shown}
    known["input"] = {"original_ref": "", **(known.get("input") or {})}
    known["regions"] = [{"mask_ref": "", **region} for region in known["regions"]]
    known["patches"] = [{"image_ref": "", "alpha_ref": "", **patch} for patch in known["patches"]]
    try:
        return summary_line(JobRecord.model_validate(known), edited_share)
    except ValidationError as error:
        raise StageError(
            ErrorCode.INTERNAL,
            f"the server's record is of another version ({error.errors()[0]['msg']}): update this one",
        ) from error
