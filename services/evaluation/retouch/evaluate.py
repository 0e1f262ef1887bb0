"""`retoucher evaluate retouch`: the whole loop over a benchmark folder, beside its tools alone and its own ablations.

Each picture goes through every row before the next, so that a stopped run has whole comparisons; what is known is on
disk, and a run with the same `--out` goes on.
"""

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from services.datasets.schema import METADATA, BlemishRecord, read_records
from services.evaluation.intervals import mean
from services.evaluation.output import Measuring, publish, require_folder_of
from services.evaluation.retouch import summary
from services.evaluation.retouch.attempt import Arm
from services.evaluation.retouch.cases import ImageCase, WholeCase
from services.evaluation.retouch.figures import RetouchReport
from services.evaluation.retouch.keeping import EvaluationKey, Kept
from services.evaluation.retouch.loop_arm import LoopArm, one_iteration, without_reasoner, without_verification
from services.evaluation.retouch.measure import case_of, whole_case
from services.evaluation.retouch.pairs import export_pairs
from services.evaluation.retouch.pictures import Picture, folder_pictures
from services.evaluation.retouch.rater import WEIGHTS, Rater, Rates, require_apart, require_rater
from services.evaluation.retouch.sabotage import RIGHT, Bad, Scrap, sabotage_picture, scrap_of
from services.evaluation.retouch.tables import to_tables
from services.evaluation.retouch.tool_alone import ToolAlone
from services.evaluation.sabotage import figures_of
from services.local import Local
from shared.action_settings import AS_THE_PROFILE_SAYS, ActionSettings
from shared.contracts.jobs import JobOptions
from shared.errors import BadInput, ErrorCode
from shared.fingerprints import fingerprint
from shared.profile_settings import AS_WRITTEN, ProfileSettings
from shared.reasoning_settings import NO_SERVER, ReasoningSettings

SABOTAGED_BLEMISHES = 40
_PLAIN_EVERY = 5
"""Images between two lines of progress where there is no terminal: each takes a while."""


@dataclass(frozen=True)
class RetouchEvaluation:
    """What is asked.

    Attributes:
        data: a folder in the project's schema.
        profile: which detectors, reasoner, tools and thresholds.
        out: where cases and results are kept; None keeps them nowhere.
        limit: the first so many images; None for all.
        rater: a checkpoint's folder; None leaves the ratings out.
        tools: rows of each tool, alone and in the loop.
        ablations: rows without verification, without the reasoner, with one iteration.
        sabotaged: blemishes that the sabotage table tries; 0 leaves it out.
        export_pairs: where blinded pairs for people are written; None writes none.
        seed: of every job, and of the pairs.
        device: of the rater.
        reasoning, action, changes: the operator's settings, as `Local.in_memory` takes them.
    """

    data: Path
    profile: str = "tiny"
    out: Path | None = None
    limit: int | None = None
    rater: Path | None = None
    tools: bool = True
    ablations: bool = True
    sabotaged: int = SABOTAGED_BLEMISHES
    export_pairs: Path | None = None
    seed: int = 0
    device: str = "cpu"
    reasoning: ReasoningSettings = NO_SERVER
    action: ActionSettings = AS_THE_PROFILE_SAYS
    changes: ProfileSettings = AS_WRITTEN


def run(asked: RetouchEvaluation, json_file: Path | None, console: Console | None = None) -> RetouchReport:
    """The command: measures, shows progress, prints the tables, writes what was asked for.

    Raises:
        BadInput: the folder has no metadata, or a file that cannot be read; `out` holds another evaluation; or
            something cannot be written.
        MissingResource: a model of the profile, or the rater, is not there.
    """
    console = console or Console(highlight=False)
    if json_file is not None:
        require_folder_of(json_file)
    local = Local.in_memory(asked.profile, asked.reasoning, asked.action, asked.changes)
    report = evaluate_retouch(asked, local, console)
    publish(console, to_tables(report), report, json_file)
    return report


def evaluate_retouch(asked: RetouchEvaluation, local: Local, console: Console) -> RetouchReport:
    """All figures of the agents of `local`; raises as `run`."""
    records = tuple(read_records(asked.data))[: asked.limit]
    if not records:
        raise BadInput(ErrorCode.MISSING_DATA, f"{asked.data} holds no image: give a folder that has some")
    if asked.rater is not None:
        require_rater(asked.rater)
        require_apart(asked.rater, local.profile)
    with ExitStack() as stack:
        folder = asked.out or Path(stack.enter_context(TemporaryDirectory()))
        kept = Kept(folder, _key(asked, local))
        rate = None if asked.rater is None else Rater(asked.rater, asked.device)
        arms = arms_of(local, tools=asked.tools, ablations=asked.ablations)
        _measure(asked, local, arms, kept, rate, records, console)
        if asked.export_pairs is not None:
            compared = [arm.name for arm in arms if arm.name == summary.LOOP or isinstance(arm, ToolAlone)]
            export_pairs(asked.export_pairs, asked.data, records, kept, compared, asked.seed)
        return _report(asked, local, arms, kept, records)


def arms_of(local: Local, *, tools: bool, ablations: bool) -> tuple[Arm, ...]:
    """The rows, the loop as it is first."""
    arms: list[Arm] = [LoopArm(summary.LOOP, local)]
    for tool in local.agents.action.tools if tools else ():
        arms += [ToolAlone(local, tool), LoopArm(f"loop:{tool.name}", local, JobOptions(tools=(tool.name,)))]
    if ablations:
        arms += [without_verification(local), one_iteration(local)]
        if local.profile.policy.has_reasoner:
            arms.append(without_reasoner(local))
    return tuple(arms)


def _key(asked: RetouchEvaluation, local: Local) -> EvaluationKey:
    profile = local.profile.model_dump_json(exclude={"description", "licences"})
    return EvaluationKey(
        data=asked.data.resolve().name,
        metadata_sha256=fingerprint(asked.data / METADATA),
        profile=local.profile.name,
        profile_sha256=hashlib.sha256(profile.encode()).hexdigest(),
        rater_sha256=None if asked.rater is None else fingerprint(asked.rater / WEIGHTS),
        seed=asked.seed,
    )


def _measure(
    asked: RetouchEvaluation,
    local: Local,
    arms: Sequence[Arm],
    kept: Kept,
    rate: Rates | None,
    records: Sequence[BlemishRecord],
    console: Console,
) -> None:
    """Has every picture go through every row, and through sabotage while that wants more; keeps what is known."""
    open_records = [record for record in records if not _known(asked, arms, kept, record)]
    done = len(records) - len(open_records)
    scrap: Scrap | None = None
    with Measuring(console, len(records), done, _PLAIN_EVERY) as progress:
        for picture in folder_pictures(asked.data, open_records):
            _rows(asked, arms, kept, rate, picture)
            if _wants_sabotage(asked, kept) and picture.file not in kept.sabotage and not picture.healthy:
                kept.keep_sabotage(sabotage_picture(local, picture, scrap, asked.seed))
            scrap = scrap_of(picture) or scrap
            progress.advance(1)


def _known(asked: RetouchEvaluation, arms: Sequence[Arm], kept: Kept, record: BlemishRecord) -> bool:
    rows = all((arm.name, record.file_name) in kept.cases for arm in arms)
    return rows and (record.healthy or record.file_name in kept.sabotage or not _wants_sabotage(asked, kept))


def _wants_sabotage(asked: RetouchEvaluation, kept: Kept) -> bool:
    return sum(bool(case.trials) for case in kept.sabotage.values()) < asked.sabotaged


def _rows(asked: RetouchEvaluation, arms: Sequence[Arm], kept: Kept, rate: Rates | None, picture: Picture) -> None:
    missing = [arm for arm in arms if (arm.name, picture.file) not in kept.cases]
    known = [case for (_, file), case in kept.cases.items() if file == picture.file]
    before: WholeCase | None = known[0].before if known else None
    for arm in missing:
        attempt = arm(picture, asked.seed)
        before = before or whole_case(picture, picture.image, rate)
        files = asked.data / picture.file, kept.write_result(arm.name, picture, attempt)
        kept.keep(case_of(arm.name, picture, attempt, files, rate, before))


def _report(
    asked: RetouchEvaluation, local: Local, arms: Sequence[Arm], kept: Kept, records: Sequence[BlemishRecord]
) -> RetouchReport:
    by_arm: dict[str, list[ImageCase]] = {
        arm.name: [kept.cases[arm.name, record.file_name] for record in records] for arm in arms
    }
    loop = by_arm[summary.LOOP]
    trials = [
        trial
        for record in records
        if (case := kept.sabotage.get(record.file_name)) is not None
        for trial in case.trials
    ]
    table = figures_of(trials, Bad, RIGHT) if trials and asked.sabotaged else ()
    repaired, soft, healthy, seconds = (
        summary.repaired(loop),
        summary.soft(loop),
        summary.healthy_edited(loop),
        mean([case.seconds for case in loop]),
    )
    return RetouchReport(
        repaired_share=repaired.value,
        soft_share=soft.value,
        healthy_edited_share=healthy.value,
        outside_max_difference=max(
            (case.outside for cases in by_arm.values() for case in cases if case.outside is not None), default=0
        ),
        seconds_per_image=seconds.value or 0.0,
        sabotage_refused=summary.treated_right(table, right=False),
        twin_accepted=summary.treated_right(table, right=True),
        intervals={
            "repaired_share": repaired,
            "soft_share": soft,
            "healthy_edited_share": healthy,
            "seconds_per_image": seconds,
        },
        rows=summary.rows_of(by_arm),
        fidelity=summary.fidelity_change(loop),
        by_category=summary.by_category(loop),
        tools=summary.tool_rows(loop),
        iterations=summary.iterations(loop),
        stage_seconds=summary.stage_seconds(loop),
        sabotage=table,
        sabotage_stands=len({trial.file for trial in trials}),
        data=asked.data.resolve().name,
        profile=local.profile.name,
        rater=None if asked.rater is None else asked.rater.resolve().name,
        seed=asked.seed,
        blemished=sum(not record.healthy for record in records),
        healthy=sum(record.healthy for record in records),
        blemishes=sum(len(record.regions) for record in records),
        notes=_notes(asked, local, records, bool(trials)),
        cases=tuple(case for cases in by_arm.values() for case in cases),
    )


def _notes(asked: RetouchEvaluation, local: Local, records: Sequence[BlemishRecord], tried: bool) -> tuple[str, ...]:
    notes = []
    if asked.rater is None:
        notes.append("no ratings: give the folder of a rater (`retoucher train rater`) as --rater")
    if asked.ablations and not local.profile.policy.has_reasoner:
        notes.append("no row without the reasoner: the profile has none, its detectors say what is wrong")
    if any(not record.healthy and record.clean_file_name is None for record in records):
        notes.append("blemishes without a clean twin count neither as repaired nor as unrepaired")
    if asked.sabotaged and not tried:
        notes.append("no sabotage table: the profile ordered no repair of a known blemish, so nothing was verified")
    return tuple(notes)
