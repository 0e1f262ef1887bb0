"""Training on synthetic blobs: it learns, resumes as if never stopped, begins from a checkpoint, and then serves."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes.blobs import BlobSource
from safetensors.torch import load_file

from services.perception.build import gathered
from services.perception.calibration import load_calibration
from services.perception.detectors.base import Scene
from services.perception.detectors.saliency import SaliencyDetector
from services.perception.saliency.checkpoint import load_network
from services.perception.saliency.configuration import MAX_TEXT_TOKENS
from services.perception.saliency.tokens import tokenise
from services.perception.training.build import build_network
from services.perception.training.calibrate import Counts
from services.perception.training.mean import average
from services.perception.training.options import TrainingOptions
from services.perception.training.run import TrainingData, know_anew, recalibrate, train_perception
from services.perception.training.samples import FirstOf
from shared.contracts.values import Region
from shared.errors import BadInput, ErrorCode, MissingResource

DATA = TrainingData(BlobSource(96), BlobSource(24, seed=1), "red squares on grey noise")


def quiet(line: str) -> None:
    assert "\n" not in line


def options(out: Path, **changes: object) -> TrainingOptions:
    base = TrainingOptions(
        out=out,
        steps=6,
        batch_size=8,
        image_size_px=64,
        width=40,
        vocab_size=600,
        learning_rate=2e-3,
        log_every=2,
        evaluate_every=1000,
        save_every=3,
        validation_count=8,
        calibration_count=24,
        domain_count=24,
    )
    return base.model_copy(update=changes)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("run") / "saliency-blobs"
    train_perception(options(out, steps=30, validation_count=24), DATA, report=quiet)
    return out


def test_it_learns_and_leaves_a_checkpoint_that_serves(trained: Path) -> None:
    calibration = json.loads((trained / "calibration.json").read_text())
    validation = calibration["validation"]
    assert validation["cc"] > 0.6
    assert validation["kld"] < 1.2
    assert validation["image_auroc"] > 0.9
    assert {path.name for path in trained.iterdir()} >= {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "calibration.json",
        "domain.safetensors",
        "CARD.md",
        "run.json",
        "training_log.jsonl",
    }
    card = (trained / "CARD.md").read_text()
    assert "red squares on grey noise" in card
    assert "Seed 0; 30 steps of 8 samples (240 in all" in card
    entries = [json.loads(line) for line in (trained / "training_log.jsonl").read_text().splitlines()]
    first, last = entries[0], [entry for entry in entries if "loss_kld" in entry][-1]
    assert last["loss_kld"] < 0.6 * first["loss_kld"]
    assert any("eval_cc" in entry for entry in entries)


def test_the_detector_finds_the_blemish_and_its_evidence_falls_with_the_repair(trained: Path) -> None:
    detector = SaliencyDetector(trained)
    found, healthy, gains = 0, 0, []
    source = BlobSource(30, seed=2)
    for index in range(len(source)):
        sample = source[index]
        scene = Scene(image=sample.image, prompt=sample.prompt)
        detection = detector.detect(scene)
        assert detection.saliency is not None
        assert detection.saliency.shape == sample.image.shape[:2]
        assert detection.any_distortion is not None
        assert set(detection.scores) == {"plausibility"}  # the blobs have no other
        if not sample.visible_masks:
            healthy += detection.any_distortion < 0.5
            continue
        if not detection.findings:
            continue
        worst = detection.findings[0]
        x0, y0, x1, y1 = worst.box_xyxy_px
        found += bool((sample.visible_masks[0][y0:y1, x0:x1] & worst.mask).any())
        region = Region(id="r1", box_xyxy_px=worst.box_xyxy_px, mask_ref="m", detector="saliency", evidence=0.5)
        assert sample.clean is not None
        repaired = Scene(image=sample.clean, prompt=sample.prompt)
        before = detector.evidence_at(scene, detection, [region])[0]
        assert before == worst.evidence
        gains.append(before - detector.evidence_at(repaired, detector.detect(repaired), [region])[0])
    assert found >= 16
    assert healthy >= 8
    assert np.mean(gains) > 0.2


def test_other_images_are_out_of_the_domain(trained: Path) -> None:
    detector = SaliencyDetector(trained)
    sample = BlobSource(3, seed=5)[0]
    assert detector.detect(Scene(sample.image, sample.prompt)).in_domain
    ramp = np.repeat(np.linspace(0, 255, 64, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    detection = detector.detect(Scene(ramp, "a photograph"))
    assert not detection.in_domain
    assert "does not know images like this one" in detection.warnings[0]
    regions = [
        Region(id=name, box_xyxy_px=(0, 0, 64, 64), mask_ref="m", detector=name, evidence=0.5)
        for name in ("saliency", "text")
    ]
    own, foreign = detector.evidence_at(Scene(ramp, "a photograph"), detection, regions)
    assert own > 0.0 == foreign  # it has no opinion on others' regions in images that it does not know
    assert detector.detect(Scene(np.zeros((40, 90, 3), np.uint8), "night")).saliency is not None


def test_pictures_of_two_callers_go_through_the_network_together(trained: Path) -> None:
    counts: list[int] = []
    gather = gathered(30.0, lambda count, waits_s: counts.append(count))
    together, by_itself = SaliencyDetector(trained, gather=gather), SaliencyDetector(trained)
    source = BlobSource(8, seed=7)
    scenes = [Scene(source[index].image, source[index].prompt) for index in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(together.detect, scenes))
    assert counts == [8]
    for scene, detection in zip(scenes, found, strict=True):
        expected = by_itself.detect(scene)
        assert detection.saliency is not None
        assert expected.saliency is not None
        np.testing.assert_allclose(detection.saliency, expected.saliency, atol=1e-4)


def test_half_precision_says_the_same(trained: Path) -> None:
    sample = BlobSource(6, seed=6)[4]
    scene = Scene(sample.image, sample.prompt)
    whole, half = (SaliencyDetector(trained, dtype=dtype).detect(scene) for dtype in ("float32", "bfloat16"))
    assert whole.saliency is not None
    assert half.saliency is not None
    np.testing.assert_allclose(half.saliency, whole.saliency, atol=0.08)
    assert whole.in_domain
    assert half.in_domain
    assert half.any_distortion == pytest.approx(whole.any_distortion, abs=0.1)


def test_a_resumed_run_ends_as_one_that_was_never_stopped(tmp_path: Path) -> None:
    straight = options(tmp_path / "straight")
    result = train_perception(straight, DATA, report=quiet)
    assert result.steps == 6

    stopped = options(tmp_path / "stopped")
    with pytest.raises(KeyboardInterrupt):
        train_perception(
            stopped, TrainingData(Breaks(DATA.training, after=96 + 8 * 4), DATA.validation, ""), report=quiet
        )
    assert (stopped.state_folder / "checkpoint-3").is_dir()
    assert not (stopped.out / "model.safetensors").exists()
    resumed = train_perception(stopped, DATA, resume=True, report=quiet)
    assert resumed.steps == 6
    a, b = (load_file(one.out / "model.safetensors") for one in (straight, stopped))
    assert a.keys() == b.keys()
    for name, weights in a.items():
        assert torch.equal(weights, b[name]), name
    assert resumed.calibration == result.calibration
    steps = [json.loads(line)["step"] for line in (stopped.out / "training_log.jsonl").read_text().splitlines()]
    assert sorted(set(steps)) == [2, 4, 6]


class Breaks:
    """A source that is interrupted after so many reads, as by Ctrl+C."""

    def __init__(self, source: BlobSource, after: int) -> None:
        self._source = source
        self._left = after
        self.label_counts = source.label_counts

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> object:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        return self._source[index]


def test_init_from_begins_with_the_weights_and_the_tokenizer(trained: Path, tmp_path: Path) -> None:
    run = options(tmp_path / "next", init_from=trained, steps=1, learning_rate=1e-9)
    train_perception(run, DATA, report=quiet)
    a, b = (load_file(folder / "model.safetensors") for folder in (trained, run.out))
    for name, weights in a.items():
        torch.testing.assert_close(weights, b[name], atol=1e-6, rtol=1e-5)
    assert (run.out / "tokenizer.json").read_text() == (trained / "tokenizer.json").read_text()
    assert f"the checkpoint {trained.name}" in (run.out / "CARD.md").read_text()
    with pytest.raises(BadInput, match="attention refinement"):
        train_perception(options(tmp_path / "other", init_from=trained, attention_refinement=False), DATA, report=quiet)


def test_what_is_seen_where_is_learnt_beside_the_blemishes(trained: Path, tmp_path: Path) -> None:
    labelled = TrainingData(BlobSource(96, labelled=True), BlobSource(24, seed=1), "red squares, named")
    run = options(tmp_path / "named", init_from=trained, steps=12, warmup_share=0.0)
    train_perception(run, labelled, report=quiet)
    config = json.loads((run.out / "config.json").read_text())
    assert config["label_counts"] == [2, 2]
    entries = [json.loads(line) for line in (run.out / "training_log.jsonl").read_text().splitlines()]
    losses = [entry["loss_labels"] for entry in entries if "loss_labels" in entry]
    assert losses[-1] < 0.6 * losses[0]
    without = options(tmp_path / "unnamed", init_from=run.out, steps=1)
    train_perception(without, DATA, report=quiet)
    assert json.loads((without.out / "config.json").read_text())["label_counts"] == []
    assert not [name for name in load_file(without.out / "model.safetensors") if name.startswith("label_head")]


def test_a_folder_holds_one_run(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--resume"):
        train_perception(options(trained), DATA, report=quiet)
    with pytest.raises(BadInput, match="no run to resume"):
        train_perception(options(tmp_path / "none"), DATA, resume=True, report=quiet)
    with pytest.raises(BadInput, match="seed") as caught:
        train_perception(options(trained, steps=30, validation_count=24, seed=3), DATA, resume=True, report=quiet)
    assert caught.value.code == ErrorCode.BAD_OPTION


@pytest.mark.parametrize("switch", [{"kld": False}, {"attention_refinement": False}])
def test_ablations_train(switch: dict[str, bool], tmp_path: Path) -> None:
    train_perception(options(tmp_path / "run", steps=2, bf16=True, **switch), DATA, report=quiet)
    name = "KLD loss" if "kld" in switch else "attention refinement"
    assert f"without {name}" in (tmp_path / "run" / "CARD.md").read_text()


def test_calibration_may_be_done_anew(trained: Path) -> None:
    before = (trained / "calibration.json").read_text()
    recalibrate(trained, "cpu", DATA, Counts(24, 24), quiet)
    assert json.loads((trained / "calibration.json").read_text()) == json.loads(before)
    known = (trained / "domain.safetensors").read_bytes()
    recalibrate(trained, "cpu", DATA, Counts(24, 12), quiet)
    assert (trained / "domain.safetensors").read_bytes() != known  # of fewer images
    recalibrate(trained, "cpu", DATA, Counts(24, 24), quiet)
    assert (trained / "domain.safetensors").read_bytes() == known
    healthy = TrainingData(DATA.training, FirstOf(BlobSource(1), 1), "")
    with pytest.raises(BadInput, match="healthy and blemished"):
        recalibrate(trained, "cpu", healthy, Counts(24, 24), quiet)


def test_the_domain_alone_may_be_learnt_anew(trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "again")
    before = load_calibration(folder)
    known = know_anew(folder, "cpu", DATA, Counts(12, 12), quiet)
    assert known == load_calibration(folder)
    assert known.domain_threshold != before.domain_threshold
    assert (folder / "domain.safetensors").read_bytes() != (trained / "domain.safetensors").read_bytes()
    assert know_anew(folder, "cpu", DATA, Counts(24, 24), quiet) == before
    assert (folder / "domain.safetensors").read_bytes() == (trained / "domain.safetensors").read_bytes()


def test_a_missing_checkpoint_names_itself_and_its_command(tmp_path: Path) -> None:
    detector = SaliencyDetector(tmp_path / "absent")
    with pytest.raises(MissingResource, match="retoucher train perception") as caught:
        detector.detect(Scene(np.zeros((64, 64, 3), np.uint8), "x"))
    assert caught.value.code == ErrorCode.MISSING_CHECKPOINT
    assert str(tmp_path / "absent") in caught.value.message
    assert "model.safetensors" in caught.value.message


def test_a_damaged_checkpoint_is_a_clear_error(trained: Path, tmp_path: Path) -> None:
    for path in trained.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(MissingResource, match="cannot be loaded"):
        SaliencyDetector(tmp_path).detect(Scene(np.zeros((64, 64, 3), np.uint8), "x"))


def test_a_gpu_that_is_not_there_is_a_clear_error(trained: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(MissingResource) as caught:
        SaliencyDetector(trained, device="cuda").detect(Scene(np.zeros((64, 64, 3), np.uint8), "x"))
    assert caught.value.code == ErrorCode.NO_GPU


def test_the_detector_is_imported_without_torch() -> None:
    code = (
        "import services.perception.detectors.saliency, sys; print(sorted({'torch','transformers'} & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "[]"


def test_a_checkpoint_goes_on_with_more_fusion_and_says_what_it_said(trained: Path) -> None:
    before, squares = load_network(trained), torch.zeros(1, 3, 64, 64)
    run = options(trained.parent / "deeper", init_from=trained, fusion_blocks=3)
    after = build_network(run)
    assert (before.model.config.fusion_blocks, len(after.model.fusion)) == (2, 3)
    ids, mask = tokenise(after.tokenizer, ["a wall of grey noise"], 32)
    with torch.no_grad():
        one, other = (network.model.float().eval()(squares, ids, mask) for network in (before, after))
    torch.testing.assert_close(one.map_logits, other.map_logits)
    torch.testing.assert_close(one.any_logit, other.any_logit)
    with pytest.raises(BadInput, match="cannot do with 1"):
        build_network(run.model_copy(update={"fusion_blocks": 1}))


def test_a_checkpoint_of_short_prompts_goes_on_with_whole_ones(trained: Path, tmp_path: Path) -> None:
    short = tmp_path / "short"
    shutil.copytree(trained, short)
    config = json.loads((short / "config.json").read_text())
    (short / "config.json").write_text(json.dumps(config | {"max_text_tokens": 64}))
    network = build_network(options(tmp_path / "long", init_from=short))
    assert network.model.config.max_text_tokens == MAX_TEXT_TOKENS == network.tokenizer.model_max_length


def test_the_mean_of_networks_has_the_mean_of_their_weights(trained: Path, tmp_path: Path) -> None:
    train_perception(options(tmp_path / "on", init_from=trained, steps=2), DATA, report=quiet)
    train_perception(options(tmp_path / "small", width=80, steps=1), DATA, report=quiet)
    average([trained, tmp_path / "on"], tmp_path / "mean")
    one, other, mean = (
        load_file(folder / "model.safetensors") for folder in (trained, tmp_path / "on", tmp_path / "mean")
    )
    assert any(not torch.equal(one[name], other[name]) for name in one)
    for name, weights in mean.items():
        torch.testing.assert_close(weights, (0.5 * one[name].float() + 0.5 * other[name].float()).half())
    recalibrate(tmp_path / "mean", "cpu", DATA, Counts(24, 24), quiet)
    assert (tmp_path / "mean" / "calibration.json").is_file()
    with pytest.raises(BadInput, match="differ in shape"):
        average([trained, tmp_path / "small"], tmp_path / "none")
    with pytest.raises(BadInput, match="two networks"):
        average([trained], tmp_path / "none")
    with pytest.raises(BadInput, match="already"):
        average([trained, trained], tmp_path / "mean")
    assert not (tmp_path / "none").exists()


def test_a_checkpoint_goes_on_at_another_size(trained: Path, tmp_path: Path) -> None:
    train_perception(
        options(
            tmp_path / "larger", init_from=trained, image_size_px=96, steps=1, warmup_share=0.0, learning_rate=1e-6
        ),
        DATA,
        report=quiet,
    )
    config = json.loads((tmp_path / "larger" / "config.json").read_text())
    assert (config["image_size_px"], config["vision"]["image_size"]) == (96, 6)
    calibration = json.loads((tmp_path / "larger" / "calibration.json").read_text())
    assert calibration["validation"]["cc"] > 0.4  # what was learnt at the smaller size still holds
