"""`retoucher evaluate retouch` on red squares: the loop is the product's, its detector and tool are made by hand."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.blob_loop import HandRetoucher, blob_local
from rich.console import Console

from services.action.tools.base import ToolKind
from services.evaluation.retouch.evaluate import RetouchEvaluation, evaluate_retouch, run
from services.evaluation.retouch.figures import RatedRow, RetouchReport
from services.evaluation.retouch.keeping import mask_beside, outside_difference
from services.evaluation.retouch.tables import to_tables
from services.local import Local
from shared.errors import BadInput, ErrorCode, MissingResource
from shared.images import encode_png


def console() -> Console:
    return Console(file=io.StringIO(), width=100, highlight=False)


def asked(data: Path, **changes: object) -> RetouchEvaluation:
    return replace(RetouchEvaluation(data, tools=False, ablations=False, sabotaged=0), **changes)  # type: ignore[arg-type]


def report_of(data: Path, local: Local, **changes: object) -> RetouchReport:
    return evaluate_retouch(asked(data, **changes), local, console())


def asked_of(local: Local) -> HandRetoucher:
    action: object = local.agents.action
    assert isinstance(action, HandRetoucher)
    return action


def rows(report: RetouchReport) -> dict[str, RatedRow]:
    return {row.arm: row for row in report.rows}


def test_a_loop_that_repairs_all_of_it(blobs: Path) -> None:
    report = report_of(blobs, blob_local())
    assert (report.blemished, report.healthy, report.blemishes) == (6, 3, 6)
    assert report.repaired_share == 1.0
    assert report.soft_share == 0.0
    assert report.healthy_edited_share == 0.0
    assert report.outside_max_difference == 0
    assert report.seconds_per_image > 0
    assert report.stage_seconds.keys() >= {"perceive", "retouch", "finalize"}
    before, after = report.fidelity.psnr_before.value, report.fidelity.psnr_after.value
    assert before is not None and after is not None and after > before + 5
    assert [(row.category, row.blemishes, row.repaired) for row in report.by_category] == [("object_redundancy", 6, 6)]
    assert [(row.tool, row.made, row.accepted) for row in report.tools] == [("noise", 6, 6)]
    assert report.iterations.value == 1.0
    assert (report.sabotage_refused, report.twin_accepted, report.rater) == (None, None, None)
    assert all(case.edited is not case.healthy for case in report.cases)


def test_what_is_not_found_counts_as_not_repaired(blobs: Path) -> None:
    report = report_of(blobs, blob_local(sure=False))
    assert report.repaired_share == 0.0
    assert report.soft_share is None
    assert report.intervals["repaired_share"].count == 6
    assert {case.outcome for case in report.cases} == {"nothing_to_fix"}


def test_verification_is_worth_something(blobs: Path) -> None:
    """The tool hides the red under a flat tone: the loop refuses it, the loop without verification keeps it."""
    report = report_of(blobs, blob_local(spoils=True), ablations=True)
    by_name = rows(report)
    assert by_name["loop"].edited_share.value == 0.0
    assert by_name["no-verification"].edited_share.value == 1.0
    assert by_name["no-verification"].soft_share.value == 1.0
    assert by_name["no-verification"].healthy_edited_share.value == 0.0
    assert by_name["no-verification"].outside_max_difference == 0
    assert by_name["one-iteration"].edited_share.value == 0.0
    refused = [case for case in report.cases if case.arm == "loop" and not case.healthy]
    assert all("a smear" in case.note for case in refused)
    rounds = {case.arm: case.iterations for case in report.cases if not case.healthy}
    assert rounds == {"loop": 2, "no-verification": 1, "one-iteration": 1}
    assert "no row without the reasoner" in " ".join(report.notes)


def test_a_tool_alone_is_given_the_proposed_mask_and_the_prompt(blobs: Path) -> None:
    local = blob_local()
    report = report_of(blobs, local, tools=True, limit=2)
    alone = rows(report)["alone:noise"]
    assert alone.edited_share.value == 1.0
    assert alone.outside_max_difference is None
    [request] = [one for one in asked_of(local).tool.requests if one.region.id == "whole"]
    assert (request.crop.shape, request.instruction) == ((64, 64, 3), "grey noise on a wall")
    assert 50 < request.mask.sum() < 200
    healthy = next(case for case in report.cases if case.arm == "alone:noise" and case.healthy)
    assert (healthy.edited, healthy.outcome) == (False, "nothing proposed")


def test_an_instruction_tool_alone_edits_the_whole_picture(blobs: Path) -> None:
    local = blob_local(kind=ToolKind.INSTRUCTION)
    report = report_of(blobs, local, tools=True, limit=2)
    assert rows(report)["alone:noise"].healthy_edited_share.value == 1.0
    assert rows(report)["loop"].healthy_edited_share.value == 0.0


def test_a_stopped_evaluation_goes_on_and_another_is_refused(blobs: Path, tmp_path: Path) -> None:
    out = tmp_path / "kept"
    report_of(blobs, blob_local(), out=out, limit=4)
    with (out / "cases.jsonl").open("a") as lines:
        lines.write('{"arm": "loo')  # killed while writing
    local = blob_local()
    report = report_of(blobs, local, out=out)
    assert len(asked_of(local).orders) == 4  # 2 of the 6 were known
    assert report.repaired_share == 1.0
    again = blob_local()
    assert report_of(blobs, again, out=out) == report
    assert not asked_of(again).orders
    for changes, said in (({"seed": 1}, "other values of seed"), ({"out": tmp_path}, "is not empty and no evaluation")):
        with pytest.raises(BadInput, match=said):
            report_of(blobs, blob_local(), **{"out": out, **changes})


def test_untouched_pixels_are_compared_on_the_files(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    original, result = tmp_path / "a.png", tmp_path / "b.png"
    original.write_bytes(encode_png(image))
    changed = image.copy()
    changed[5:9, 5:9] ^= 64
    result.write_bytes(encode_png(changed))
    assert outside_difference(original, result) is None
    mask = np.zeros((20, 30), np.uint8)
    mask[5:9, 5:9] = 255
    mask_beside(result).write_bytes(encode_png(mask))
    assert outside_difference(original, result) == 0
    mask[8, 8] = 0
    mask_beside(result).write_bytes(encode_png(mask))
    assert outside_difference(original, result) == 64
    mask_beside(result).write_bytes(encode_png(mask[:10]))
    with pytest.raises(BadInput, match="report this as a fault"):
        outside_difference(original, result)


def test_the_tables_hold_every_figure(blobs: Path) -> None:
    report = report_of(blobs, blob_local(), tools=True, ablations=True, sabotaged=2, limit=4)
    screen = console()
    screen.print(to_tables(report))
    assert isinstance(screen.file, io.StringIO)
    text = screen.file.getvalue()
    assert "…" not in text
    for words in ("100.0% [100.0%, 100.0%]", "alone:noise", "loop:noise", "no-verification", "another_blemish", "GMSD"):
        assert words in text


def test_the_command_refuses_before_it_measures(blobs: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="benchmark make"):
        run(asked(tmp_path), None, console())
    with pytest.raises(BadInput) as unknown:
        run(asked(blobs, profile="none-such"), None, console())
    assert unknown.value.code is ErrorCode.UNKNOWN_PROFILE
    with pytest.raises(MissingResource, match="retoucher train rater"):
        run(asked(blobs, profile="idle", rater=tmp_path), None, console())
    with pytest.raises(BadInput, match="cannot be written"):
        run(asked(blobs), tmp_path / "no" / "such.json", console())


def test_the_json_of_the_command(blobs: Path, tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    run(asked(blobs, profile="idle", limit=3), target, console())
    figures = json.loads(target.read_text())
    assert figures["repaired_share"] == 0.0
    assert figures["healthy_edited_share"] == 0.0
    assert figures["outside_max_difference"] == 0
    assert figures["seconds_per_image"] > 0
    assert figures["sabotage_refused"] is None and figures["twin_accepted"] is None
    assert [row["arm"] for row in figures["rows"]] == ["original", "loop"]
