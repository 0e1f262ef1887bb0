"""`retoucher evaluate perception-ablation`: trains the four variants of Table 5 with several seeds and measures each.

Each run has a folder of its own: a stopped ablation goes on where it was, a finished run is not repeated.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from rich.console import Console

from services.evaluation.output import write_json
from services.evaluation.perception.ablation_figures import (
    AblationReport,
    RunFigures,
    Variant,
    ablation_report,
    to_tables,
)
from services.evaluation.perception.figures import Figures
from services.evaluation.perception.measure import batches
from services.evaluation.perception.predictors import SaliencyPredictor
from services.evaluation.perception.tally import Tally
from services.evaluation.perception.truth import drawn_images
from services.perception.saliency.checkpoint import load_network
from services.perception.training.data import folder_data, rendered_data
from services.perception.training.options import TrainingOptions
from services.perception.training.run import TrainingData, train_perception
from services.training.runs import OPTIONS_FILE
from shared.errors import BadInput, ErrorCode

REPORT_FILE = "ablation.json"
PLAN_FILE = "plan.json"
RUN_FILE = "figures.json"
_VALIDATION = 64
"""Images per validation: the ablation is measured on the test split, not on these."""
_TEST_SEED = 0
_FIRST_DATA_SEED = 1


@dataclass(frozen=True)
class AblationPlan:
    """What is trained and measured.

    Attributes:
        out: folder of the runs.
        steps, batch_size, learning_rate, image_size, width, device, bf16: of each run, as `retoucher train perception`
            has them.
        seeds: 0 to this number less one. Each seed draws its own training samples, the same for all variants.
        count: of the test split's images that each run is measured on.
        data: a folder to train on instead, the same for all seeds; much faster than drawing for each variant anew.
        calibration_count: images for thresholds, which the figures do not depend on.
    """

    out: Path
    steps: int
    seeds: int = 3
    count: int = 288
    data: Path | None = None
    batch_size: int = 16
    learning_rate: float = 1e-3
    image_size: int = 256
    width: int = 160
    device: Literal["cpu", "cuda"] = "cpu"
    bf16: bool = False
    calibration_count: int = 72

    @property
    def budget(self) -> str:
        """For the report."""
        source = "drawn samples" if self.data is None else f"samples of {self.data.resolve().name}"
        return f"{self.steps} steps of {self.batch_size} {source}, {self.seeds} seeds"

    @property
    def test(self) -> str:
        """Names the images that every run is measured on."""
        return f"{self.count} images of the benchmark's test split, seed {_TEST_SEED}"

    def options(self, variant: Variant, seed: int) -> TrainingOptions:
        """Of one run.

        Raises:
            BadInput: BAD_OPTION, a value that training does not take.
        """
        try:
            return TrainingOptions(
                out=self.out / f"{variant.value}-seed-{seed}",
                seed=seed,
                steps=self.steps,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                pixel_scale=0.0,  # the paper's ablation is of equation 2,
                twins=False,  # which knows no twins
                attention_refinement=variant.attention_refinement,
                kld=variant.kld,
                bf16=self.bf16,
                device=self.device,
                image_size_px=self.image_size,
                width=self.width,
                log_every=max(1, self.steps // 10),
                evaluate_every=self.steps + 1,  # training ends with a validation anyway
                save_every=max(1, self.steps // 4),
                validation_count=_VALIDATION,
                calibration_count=self.calibration_count,
                domain_count=self.calibration_count,
            )
        except ValidationError as error:
            first = error.errors()[0]
            name = "--" + str(first["loc"][0]).removesuffix("_px").replace("_", "-")
            raise BadInput(ErrorCode.BAD_OPTION, f"{name}: {first['msg']}: choose another value") from error

    def training_data(self, seed: int) -> TrainingData:
        """What the runs of that seed learn from.

        Raises:
            BadInput: the folder has no metadata, another schema, or too few rows.
        """
        if self.data is not None:
            return folder_data(self.data)
        drawn = max(self.steps * self.batch_size, self.calibration_count)
        return rendered_data(drawn, max(_VALIDATION, self.calibration_count), _FIRST_DATA_SEED + seed, labelled=False)


def run(plan: AblationPlan, console: Console | None = None) -> AblationReport:
    """The command: trains and measures what is not there yet, prints the tables, writes `ablation.json` into `out`.

    Raises:
        BadInput: a run in `out` was started with other options, or `out` cannot be written.
        MissingResource: NO_GPU.
    """
    console = console or Console(highlight=False)
    _claim(plan)
    runs: list[RunFigures] = []
    for seed in range(plan.seeds):  # so that an unfinished ablation has whole seeds to compare
        for variant in Variant:
            name = f"{variant.value}, seed {seed}"
            console.print(f"{name} ({len(runs) + 1} of {plan.seeds * len(Variant)})", markup=False)
            runs.append(one_run(plan, variant, seed, lambda line: console.print(line, markup=False, soft_wrap=True)))
    report = ablation_report(runs, plan.budget, plan.test)
    write_json(plan.out / REPORT_FILE, report.model_dump_json(indent=2))
    console.print(to_tables(report))
    return report


def one_run(plan: AblationPlan, variant: Variant, seed: int, report: Callable[[str], None]) -> RunFigures:
    """One variant with one seed: trained, or continued, or as it was found; raises as `run`."""
    options = plan.options(variant, seed)
    path = options.out / RUN_FILE
    before = _found(path)
    if before is None:
        resume = (options.out / OPTIONS_FILE).is_file()
        train_perception(
            options,
            plan.training_data(seed),
            resume=resume,
            report=report,
            command="retoucher evaluate perception-ablation",
        )
    else:
        options.check_resumes()
    if before is None or before.test != plan.test:
        before = RunFigures(variant=variant, seed=seed, test=plan.test, figures=_measured(plan, options.out))
        write_json(path, before.model_dump_json(indent=2))
    shutil.rmtree(options.state_folder, ignore_errors=True)  # the optimiser's states, ten times the weights
    return before


def _claim(plan: AblationPlan) -> None:
    """Makes the folder this ablation's, or finds that it already is: runs on other data would not be comparable."""
    for variant in Variant:
        plan.options(variant, 0)  # what training does not take is refused before anything is written
    path = plan.out / PLAN_FILE
    settings = json.dumps(
        {
            "data": None if plan.data is None else str(plan.data.resolve()),
            "steps": plan.steps,
            "batch_size": plan.batch_size,
            "learning_rate": plan.learning_rate,
            "image_size": plan.image_size,
            "width": plan.width,
            "bf16": plan.bf16,
        },
        indent=2,
    )
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8").strip() if path.is_file() else None
    except OSError as error:
        raise BadInput(
            ErrorCode.OUTPUT_NOT_WRITABLE, f"{plan.out} cannot be written ({error.strerror}): give another --out"
        ) from error
    if before is None:
        write_json(path, settings)
    elif before != settings:
        raise BadInput(
            ErrorCode.BAD_OPTION, f"{plan.out} holds an ablation with other options ({PLAN_FILE}): give another --out"
        )


def _found(path: Path) -> RunFigures | None:
    if not path.is_file():
        return None
    try:
        return RunFigures.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE, f"{path} is damaged: remove it to measure this run again"
        ) from error


def _measured(plan: AblationPlan, folder: Path) -> Figures:
    network = SaliencyPredictor(load_network(folder, plan.device))
    tally = Tally(categories=False)
    for batch in batches(drawn_images(_TEST_SEED, plan.count, "test", 256)):
        judged = network([one.image for one in batch], [one.prompt for one in batch])
        for truth, one in zip(batch, judged, strict=True):
            tally.add(truth, one)
    return tally.overall()
