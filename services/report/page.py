"""report.html: one self-contained page about one job, fit to be sent to somebody who has never seen the program.

No external resource; the prompt and the words read in the image are escaped, and a content security policy lets only
the page's own script run. Pictures are scaled down until the page is smaller than `MAX_BYTES`.
"""

import base64
import hashlib
from datetime import UTC, datetime
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from services.report.pictures import JobPictures, Sizes
from services.report.running import replay_command, stage_times, stop_words
from services.report.sentences import Fate, as_sentence, headline, untouched_words
from services.report.view import overview_of, regions_of
from shared.contracts.jobs import Job, JobRecord

MAX_BYTES = 12_000_000
"""Mail servers commonly refuse attachments over 20 MB, and base64 in a mail adds a third."""

SCALES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15)


def render_report(job: Job, record: JobRecord, pictures: JobPictures) -> str:
    """The page as HTML text of less than `MAX_BYTES`, unless even thumbnails do not fit.

    Args:
        job: the finished job; its perceptions carry the appearance checks.
        record: what callers get of it.
        pictures: its images.
    """
    page = ""
    for scale in SCALES:
        page = _render(job, record, pictures, Sizes().scaled(scale))
        if len(page) < MAX_BYTES:
            break
    return page


def _render(job: Job, record: JobRecord, pictures: JobPictures, sizes: Sizes) -> str:
    regions = regions_of(job, record, pictures, sizes)
    script = _asset("report.js")
    return (
        _environment()
        .get_template("report.html")
        .render(
            record=record,
            headline=headline(record),
            untouched=untouched_words(record, pictures.edited_share),
            stop_words=stop_words(record),
            overview=overview_of(pictures, sizes),
            regions=regions,
            repaired=[view for view in regions if view.fate is Fate.REPAIRED],
            stages=stage_times(record),
            seconds=sum(timing.seconds for timing in record.timings),
            replay=replay_command(record),
            policy=job.policy.model_dump_json(indent=1),
            created=datetime.fromtimestamp(record.created_at_s, UTC),
            style=_asset("report.css"),
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("services.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence"] = as_sentence
    return environment


def _asset(name: str) -> str:
    return resources.files("services.report").joinpath("templates", name).read_text(encoding="utf-8")
