"""Table 5: the arithmetic by hand, and that a stopped ablation goes on where it was."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from services.evaluation.perception.ablation import AblationPlan, one_run, run
from services.evaluation.perception.ablation_figures import (
    RunFigures,
    Variant,
    ablation_report,
    spread,
    to_tables,
)
from services.evaluation.perception.figures import Figures
from services.perception.training.options import TrainingOptions
from shared.errors import BadInput, ErrorCode


def figures(value: float) -> Figures:
    return Figures(auc_judd=value, nss=value, cc=value, sim=value, kld=1 - value, image_auroc=None)


def runs(values: dict[Variant, list[float]]) -> list[RunFigures]:
    return [
        RunFigures(variant=variant, seed=seed, test="t", figures=figures(value))
        for variant, row in values.items()
        for seed, value in enumerate(row)
    ]


def test_the_variants_are_the_four_of_the_paper() -> None:
    switches = {variant: (variant.attention_refinement, variant.kld) for variant in Variant}
    assert switches == {
        Variant.FULL: (True, True),
        Variant.WITHOUT_ATTENTION: (False, True),
        Variant.WITHOUT_KLD: (True, False),
        Variant.WITHOUT_BOTH: (False, False),
    }


def test_mean_and_sample_deviation() -> None:
    assert spread([0.1, 0.2, 0.3]).mean == pytest.approx(0.2)
    assert spread([0.1, 0.2, 0.3]).sd == pytest.approx(0.1)
    assert spread([0.4]).sd is None


def test_claims_are_judged_seed_by_seed() -> None:
    report = ablation_report(
        runs(
            {
                Variant.FULL: [0.50, 0.60, 0.70],
                Variant.WITHOUT_ATTENTION: [0.45, 0.56, 0.64],  # lower with every seed, though seeds differ more
                Variant.WITHOUT_KLD: [0.55, 0.66, 0.74],
                Variant.WITHOUT_BOTH: [0.4, 0.5, 0.6],
            }
        ),
        "3 steps",
        "t",
    )
    assert report.seeds == 3
    assert report.variants[Variant.FULL]["cc"].mean == pytest.approx(0.6)
    assert report.variants[Variant.FULL]["cc"].sd == pytest.approx(0.1)
    assert "image_auroc" not in report.variants[Variant.FULL]
    assert [(claim.variant, claim.metric, claim.verdict) for claim in report.claims] == [
        (Variant.WITHOUT_ATTENTION, "sim", "as in the paper"),
        (Variant.WITHOUT_ATTENTION, "cc", "as in the paper"),
        (Variant.WITHOUT_KLD, "nss", "the other way round"),
        (Variant.WITHOUT_KLD, "auc_judd", "the other way round"),
    ]
    assert report.claims[0].difference.mean == pytest.approx(-0.05)
    noisy = {variant: [0.5, 0.6] for variant in Variant} | {Variant.WITHOUT_KLD: [0.7, 0.3]}
    assert {claim.verdict for claim in ablation_report(runs(noisy), "", "t").claims} == {"within the spread of seeds"}
    once = {variant: [0.5] for variant in Variant} | {Variant.WITHOUT_KLD: [0.1]}
    assert {claim.verdict for claim in ablation_report(runs(once), "", "t").claims} == {"one seed does not tell"}


def test_the_tables_fit_a_terminal() -> None:
    screen = Console(file=io.StringIO(), width=80)
    screen.print(to_tables(ablation_report(runs({variant: [0.5, 0.61] for variant in Variant}), "few steps", "t")))
    assert isinstance(screen.file, io.StringIO)
    text = screen.file.getvalue()
    assert "0.555" in text
    assert "±0.078" in text
    assert "…" not in text


def plan(out: Path, data: Path, **changes: object) -> AblationPlan:
    torch.set_num_threads(1)
    base = AblationPlan(
        out=out, steps=1, seeds=1, count=6, data=data, batch_size=2, image_size=64, width=40, calibration_count=12
    )
    return replace(base, **changes)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from services.datasets.benchmark import write_benchmark

    folder = tmp_path_factory.mktemp("data") / "train"
    write_benchmark(folder, 90, seed=2)
    return folder


def test_finished_runs_are_kept_and_measured_anew_on_other_images_alone(data: Path, tmp_path: Path) -> None:
    screen = Console(file=io.StringIO(), width=80)
    first = plan(tmp_path / "ablation", data)
    report = run(first, screen)
    assert json.loads((first.out / "ablation.json").read_text()) == report.model_dump(mode="json")
    assert {one.variant for one in report.runs} == set(Variant)
    weights = {path: path.stat().st_mtime_ns for path in first.out.glob("*/model.safetensors")}
    assert len(weights) == 4
    for variant in Variant:
        options = TrainingOptions.model_validate_json((first.out / f"{variant}-seed-0" / "run.json").read_text())
        assert (options.attention_refinement, options.kld) == (variant.attention_refinement, variant.kld)
        assert not options.state_folder.exists()

    (first.out / "full-seed-0" / "figures.json").unlink()  # stopped between training and measuring
    again = run(first, screen)
    assert again == report
    unchanged = {path: stamp for path, stamp in weights.items() if path.parent.name != "full-seed-0"}
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in unchanged.items())

    more = one_run(replace(first, count=8), Variant.WITHOUT_BOTH, 0, lambda line: None)
    assert more.test != report.test
    assert more.figures != next(one.figures for one in report.runs if one.variant is Variant.WITHOUT_BOTH)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in unchanged.items())


def test_a_folder_holds_one_ablation(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "ablation"
    out.mkdir()
    settings = plan(out, data)
    with pytest.raises(BadInput, match="--width"):
        run(replace(settings, width=50))
    assert not any(out.iterdir())
    (out / "plan.json").write_text('{"steps": 7}\n')
    with pytest.raises(BadInput, match="other options") as caught:
        run(settings)
    assert caught.value.code is ErrorCode.BAD_OPTION
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput) as caught:
        run(replace(settings, out=tmp_path / "file" / "below"))
    assert caught.value.code is ErrorCode.OUTPUT_NOT_WRITABLE


def test_a_damaged_result_is_a_clear_error(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "full-seed-0"
    folder.mkdir()
    (folder / "figures.json").write_text("{")
    with pytest.raises(BadInput, match="damaged"):
        one_run(plan(tmp_path, data), Variant.FULL, 0, lambda line: None)
