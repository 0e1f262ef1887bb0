"""`retoucher evaluate perception` from a folder to its JSON. The checkpoint knows nothing: the way is tested."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from services.datasets.schema import METADATA, read_records, row
from services.datasets.sources import FolderSamples
from services.evaluation.perception.evaluate import SHIPPED_CHECKPOINT, PerceptionEvaluation, run
from services.evaluation.perception.predictors import RahfPredictor, SaliencyPredictor
from services.perception.detectors.base import Scene
from services.perception.detectors.rahf import RahfPrediction
from services.perception.detectors.saliency import SaliencyDetector
from services.perception.metrics import image_auroc, mean_metrics, saliency_metrics
from services.perception.saliency.checkpoint import load_network
from services.perception.training.samples import union_mask
from shared.errors import BadInput, ErrorCode, MissingResource

SIX = {"auc_judd", "nss", "cc", "sim", "kld", "image_auroc"}


def console() -> Console:
    return Console(file=io.StringIO(), width=80, highlight=False)


def printed(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_the_json_holds_table_3(drawn: Path, checkpoint: Path, tmp_path: Path) -> None:
    screen, target = console(), tmp_path / "figures.json"
    run(PerceptionEvaluation(drawn, checkpoint), target, screen)
    report = json.loads(target.read_text())
    assert report["overall"].keys() == SIX
    assert report["baselines"].keys() == {"uniform", "centre_prior", "foreground_oracle", "spectral_residual"}
    held = {region.category.value for record in read_records(drawn) for region in record.regions}
    assert report["per_category"].keys() == held
    assert report["shuffled_prompt"]["per_category"].keys() == held
    assert report["shuffled_prompt"]["relative_cc_loss"].keys() == held | {"overall"}
    for figures in (*report["per_category"].values(), *report["baselines"].values(), report["discs"]):
        assert figures.keys() == SIX
    assert report["baselines"]["uniform"]["cc"] == 0
    assert report["baselines"]["foreground_oracle"]["cc"] > report["baselines"]["centre_prior"]["cc"]
    assert report["blemished"] + report["healthy"] == 12
    assert report["photographs"] is None
    assert "foreground oracle" in printed(screen)
    assert "…" not in printed(screen)  # every figure fits


def test_the_figures_are_those_of_the_detector_itself(drawn: Path, checkpoint: Path) -> None:
    report = run(PerceptionEvaluation(drawn, checkpoint), None, console())
    seen = SaliencyPredictor(load_network(checkpoint))
    source = FolderSamples(drawn, tuple(read_records(drawn)))
    detector = SaliencyDetector(checkpoint)
    metrics, logits, distorted = [], [], []
    for index in range(len(source)):
        sample = source[index]
        mask = union_mask(sample)
        saliency = detector.detect(Scene(sample.image, sample.prompt)).saliency
        assert saliency is not None
        logits += [one.distortion for one in seen([sample.image], [sample.prompt])]
        distorted.append(mask.any())
        if mask.any():
            metrics.append(saliency_metrics(saliency, mask))
    for name, value in vars(mean_metrics(metrics)).items():
        assert getattr(report.overall, name) == pytest.approx(value, rel=1e-3), name
    assert report.overall.image_auroc == image_auroc(logits, distorted)  # calibration keeps the order
    assert report.would_edit.healthy is not None
    assert report.would_edit.blemished is not None


def test_colours_are_counted_where_they_are_asked_for(drawn: Path, checkpoint: Path) -> None:
    assert run(PerceptionEvaluation(drawn, checkpoint), None, console()).colours is None
    screen = console()
    figures = run(PerceptionEvaluation(drawn, checkpoint, colours=True), None, screen).colours
    assert figures is not None
    assert max(figures.first, figures.seen) <= figures.told <= figures.wrong and figures.first <= figures.among
    assert "wrong colours that are known for such" in printed(screen)


def test_notes_say_what_is_missing(drawn: Path, checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(drawn, tmp_path / "copy"))
    (folder / "benchmark.json").unlink()
    blemished = [record for record in read_records(folder) if record.regions][:3]
    same = [record.model_copy(update={"prompt": "people"}) for record in blemished]
    (folder / METADATA).write_text("".join(map(row, same)), encoding="utf-8")
    screen = console()
    report = run(PerceptionEvaluation(folder, checkpoint), None, screen)
    assert "foreground_oracle" not in report.baselines
    assert report.shuffled_prompt is None
    assert report.overall.image_auroc is None
    assert [note.split(":")[0] for note in report.notes] == [
        "no foreground oracle",
        "no shuffled prompts",
        "no image-level AUROC",
    ]
    assert all(note.split(":")[0] in printed(screen) for note in report.notes)


def test_what_is_not_there_is_named_before_anything_is_measured(drawn: Path, checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingResource, match="retoucher train perception --data DIR --out") as missing:
        run(PerceptionEvaluation(drawn, tmp_path / "none"), None, console())
    assert missing.value.code is ErrorCode.MISSING_CHECKPOINT
    with pytest.raises(MissingResource, match="RAHF's weights are not in"):
        run(PerceptionEvaluation(drawn, checkpoint, rahf=tmp_path / "rahf.pt"), None, console())
    with pytest.raises(BadInput) as bad:
        run(PerceptionEvaluation(tmp_path, checkpoint), None, console())
    assert bad.value.code is ErrorCode.FILE_NOT_READABLE
    (tmp_path / METADATA).write_text("".join(row(one) for one in read_records(drawn) if one.healthy))
    with pytest.raises(BadInput, match="no blemished image"):
        run(PerceptionEvaluation(tmp_path, checkpoint), None, console())
    for target in (tmp_path / "no" / "folder.json", tmp_path):
        with pytest.raises(BadInput, match="cannot be written") as unwritable:
            run(PerceptionEvaluation(drawn, checkpoint), target, console())
        assert unwritable.value.code is ErrorCode.OUTPUT_NOT_WRITABLE
    screen = console()
    with pytest.raises(BadInput, match=r"absent\.png"):
        run(PerceptionEvaluation(drawn, checkpoint, images=(tmp_path / "absent.png",)), None, screen)
    assert printed(screen) == ""


def test_without_a_checkpoint_the_shipped_one_is_taken(drawn: Path) -> None:
    measured = run(PerceptionEvaluation(drawn), None, console())
    assert measured.checkpoint == SHIPPED_CHECKPOINT.name == "saliency-tiny"
    assert measured.overall.cc > measured.baselines["foreground_oracle"].cc


class TwoMaps:
    """As `RahfDetector.predict`: a quarter of the map each, and its overall score."""

    def predict(self, scene: Scene) -> RahfPrediction:
        first, second = np.zeros((2, *scene.image.shape[:2]), np.float32)
        first[:, 0], second[0] = 0.25, 0.5
        scores = {"plausibility": 0.1, "alignment": 0.2, "aesthetics": 0.3, "overall": 0.75}
        return RahfPrediction({"implausibility": first, "misalignment": second}, scores)


def test_rahf_is_judged_by_the_worse_map_and_its_overall_score() -> None:
    (judged,) = RahfPredictor(TwoMaps())([np.zeros((3, 4, 3), np.uint8)], ["a"])
    np.testing.assert_array_equal(judged.saliency, [[0.5] * 4, [0.25, 0, 0, 0], [0.25, 0, 0, 0]])
    assert judged.distortion == 0.25
    assert judged.edited is None
