"""The verifier: its window on a patch, its file beside the network that it was trained on, its training on blobs."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes.blobs import BlobSource
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from typer.testing import CliRunner

from services.cli import app
from services.datasets.tries import TriedImage, TriesWriter, Try
from services.perception.detectors.base import Scene
from services.perception.detectors.saliency import SaliencyDetector
from services.perception.saliency.checkpoint import load_checkpoint
from services.perception.saliency.pairs import CELLS, FACTS, PIXELS, Laid, Sight, pair_of
from services.perception.saliency.preprocess import place
from services.perception.saliency.verifier import VERIFIER_FILE, VERIFIER_SETTINGS_FILE, Verifier, stacked
from services.perception.training.options import TrainingOptions
from services.perception.training.run import TrainingData, train_perception
from services.perception.training.verifier import VerifierTraining, train_verifier
from shared.appearance import check_patch
from shared.contracts.values import AppearanceCheck
from shared.errors import BadInput, MissingResource
from shared.geometry import expand, mask_box
from shared.images import crop

SIDE = 64
CHECK = AppearanceCheck(patch_id="p", detail_ratio=1.0, colour_shift=2.0, seam=1.0)


def sight(seed: int, size_hw: tuple[int, int] = (SIDE, SIDE)) -> Sight:
    rng = np.random.default_rng(seed)
    return Sight(
        square=rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8),
        placement=place(size_hw, SIDE),
        fine=rng.normal(size=(5, 16, 16)).astype(np.float32),
        map_logits=rng.normal(size=(16, 16)).astype(np.float32),
        any_logit=1.0,
        score_logits=np.zeros(4, np.float32),
    )


@given(
    left=st.integers(0, 119),
    top=st.integers(0, 79),
    width=st.integers(1, 120),
    height=st.integers(1, 80),
    seed=st.integers(0, 3),
)
def test_every_patch_has_a_window(left: int, top: int, width: int, height: int, seed: int) -> None:
    """At the border too, and on an image that is no square: finite numbers, and the patch is in it."""
    box = (left, top, min(120, left + width), min(80, top + height))
    alpha = np.full((box[3] - box[1], box[2] - box[0]), 255, np.uint8)
    pair = pair_of(sight(seed, (80, 120)), sight(seed + 1, (80, 120)), (80, 120), Laid(box, alpha, CHECK))
    assert pair.fine.shape == (2, 5, CELLS, CELLS) and pair.maps.shape == (2, CELLS, CELLS)
    assert pair.pixels.shape == (2, 3, PIXELS, PIXELS) and pair.facts.shape == (FACTS,)
    assert all(np.isfinite(part).all() for part in vars(pair).values())
    assert pair.pixel_cover.max() > 0 and pair.cover.max() > 0
    assert pair.pixels.min() >= -1 and pair.pixels.max() <= 1


def test_one_pixel_of_a_large_image_has_a_window() -> None:
    size_hw = (6000, 5000)
    one = sight(0, size_hw)
    pair = pair_of(one, one, size_hw, Laid((4000, 3000, 4001, 3001), np.full((1, 1), 255, np.uint8), CHECK))
    assert pair.pixel_cover.max() > 0 and pair.cover.max() > 0
    assert all(np.isfinite(part).all() for part in vars(pair).values())


def test_nothing_is_to_be_said_of_a_patch_that_covers_nothing() -> None:
    with pytest.raises(ValueError, match="covers nothing"):
        pair_of(sight(0), sight(1), (SIDE, SIDE), Laid((0, 0, 8, 8), np.zeros((8, 8), np.uint8), CHECK))


def test_what_did_not_change_looks_the_same() -> None:
    one = sight(0)
    pair = pair_of(one, one, (SIDE, SIDE), Laid((20, 24, 40, 40), np.full((16, 20), 255, np.uint8), CHECK))
    assert np.array_equal(pair.pixels[0], pair.pixels[1]) and np.array_equal(pair.fine[0], pair.fine[1])
    assert np.array_equal(pair.facts[:5], pair.facts[5:10])


def test_a_batch_says_what_each_pair_alone_does() -> None:
    torch.manual_seed(0)
    model = Verifier(5, 8).eval()
    laid = Laid((20, 24, 40, 40), np.full((16, 20), 255, np.uint8), CHECK)
    pairs = [pair_of(sight(seed), sight(seed + 9), (SIDE, SIDE), laid) for seed in range(3)]
    with torch.inference_mode():
        together = model(stacked(pairs))
        alone = torch.cat([model(stacked([pair])) for pair in pairs])
    assert torch.allclose(together, alone, atol=1e-5)


def blob_tries(out: Path, count: int, seed: int) -> Path:
    """Red squares, painted over by the clean twin (right), or by another red one (wrong); healthy ones are left."""
    source = BlobSource(count, seed)
    rng = np.random.default_rng(seed)
    with TriesWriter(out) as writer:
        for index in range(count):
            sample = source[index]
            tries = []
            for mask in sample.visible_masks:
                found = mask_box(mask)
                assert found is not None and sample.clean is not None
                box = expand(found, 2, (SIDE, SIDE))
                alpha = np.full((box[3] - box[1], box[2] - box[0]), 255, np.uint8)
                red = np.broadcast_to(np.asarray([230, 30, 30], np.uint8), (*alpha.shape, 3)).copy()
                red[rng.random(alpha.shape) < 0.2] = 0
                clean = crop(sample.clean, box)
                tries += [
                    Try("twin", "none", box, found, clean, alpha, True, 9.0),
                    Try("attempt", "brush", box, found, clean // 2 + clean // 2, alpha, True, 9.0),
                    Try("attempt", "brush", box, found, red, alpha, False, 0.0),
                    Try("mean", "none", box, found, red, alpha, False, 0.0),
                ]
            writer.write(TriedImage(f"{index}.png", sample.image, sample.prompt, not tries, tuple(tries)))
    return out


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saliency network that knows red squares, with a verifier that knows what repairs them."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("verifier")
    checkpoint = folder / "saliency-blobs"
    data = TrainingData(BlobSource(96), BlobSource(24, seed=1), "red squares on grey noise")
    options = TrainingOptions(
        out=checkpoint, steps=15, batch_size=8, image_size_px=SIDE, width=40, vocab_size=600, learning_rate=2e-3,
        log_every=10, evaluate_every=1000, save_every=1000, validation_count=24, calibration_count=24, domain_count=24,
    )  # fmt: skip
    train_perception(options, data, report=lambda line: None)
    run = VerifierTraining(
        checkpoint=checkpoint,
        data=(blob_tries(folder / "a", 24, 5), blob_tries(folder / "b", 12, 6)),
        validation=(blob_tries(folder / "v", 18, 7),),
        epochs=6,
        batch_size=16,
        ema=0.9,
        max_colour_shift=99.0,
        max_seam=99.0,
        width=16,
    )
    train_verifier(run, report=lambda line: None)
    return checkpoint


def test_it_learns_what_a_repair_is(trained: Path) -> None:
    settings = json.loads((trained / VERIFIER_SETTINGS_FILE).read_text())
    figures = settings["validation"]
    assert figures["auroc_attempts"] > 0.95 and figures["sabotage_refused"] >= 0.97
    assert figures["right_kept"] > 0.8 and figures["wrong_kept"] < 0.2
    assert (figures["attempts"], figures["attempts_right"], figures["healthy"]) == (24, 12, 6)
    assert 0 < settings["min_repaired"] < 1
    assert settings["tau_any"] <= json.loads((trained / "calibration.json").read_text())["tau_any"]
    card = (trained / "VERIFIER.md").read_text()
    assert "retoucher train verifier" in card and f"{figures['auroc_attempts']}" in card


def test_the_detector_judges_by_it(trained: Path) -> None:
    detector = SaliencyDetector(trained)
    samples = [one for one in (BlobSource(30, 1)[index] for index in range(30)) if one.visible_masks]
    sample = next(one for one in samples if detector.detect(Scene(one.image, one.prompt)).in_domain)
    assert sample.clean is not None
    box = mask_box(sample.visible_masks[0])
    assert box is not None
    alpha = np.full((box[3] - box[1], box[2] - box[0]), 255, np.uint8)
    before = Scene(sample.image, sample.prompt)
    said = []
    still_red = sample.image.copy()
    still_red[box[1] : box[3] : 3, box[0] : box[2] : 2] = 0
    for after in (sample.clean, still_red):
        seen = detector.detect(Scene(after, sample.prompt))
        check = check_patch(sample.image, after, "p", box, alpha)
        [value] = detector.verify(before, seen, [Laid(box, alpha, check)])
        said.append(value)
        # A patch that carries the scene out of the domain is judged, too, and so is one on a scene that was strange.
        astray = type(seen)(**{**vars(seen), "in_domain": False})
        assert detector.verify(before, astray, [Laid(box, alpha, check)]) == [value]
        strange = Scene(np.zeros_like(sample.image), sample.prompt)
        assert not detector.detect(strange).in_domain
        [of_strange] = detector.verify(strange, seen, [Laid(box, alpha, check)])
        assert of_strange is not None
    assert said[0] is not None and said[1] is not None and said[0] > said[1]
    limits = detector.detect(before).thresholds
    settings = load_checkpoint(trained).verifier
    assert limits is not None and settings is not None
    assert (limits.min_repaired, limits.tau_any) == (settings.settings.min_repaired, settings.settings.tau_any)


def test_a_picture_is_looked_at_once_however_often_its_patches_are_verified(trained: Path) -> None:
    looked: list[Scene] = []

    def watched(predict: Any) -> Any:
        def counting(scenes: Sequence[Scene]) -> Any:
            looked.extend(scenes)
            return predict(scenes)

        return counting

    detector = SaliencyDetector(trained, gather=watched)
    image = next(sample.image for sample in (BlobSource(30, 1)[at] for at in range(30)) if sample.visible_masks)
    after = image.copy()
    after[4:12, 4:12] = image[20:28, 20:28]
    alpha = np.full((8, 8), 255, np.uint8)
    laid = Laid((4, 4, 12, 12), alpha, check_patch(image, after, "p", (4, 4, 12, 12), alpha))
    seen = detector.detect(Scene(after, "blobs"))
    first, again = (detector.verify(Scene(image, "blobs"), seen, [laid]) for _ in range(2))
    assert first == again and len(looked) == 2
    detector.detect(Scene(image, "stripes"))
    detector.verify(Scene(image.copy(), "stripes"), seen, [laid])  # other words, another look
    assert [scene.prompt for scene in looked] == ["blobs", "blobs", "stripes"]


def test_another_network_in_its_folder_is_refused(trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "other")
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    with pytest.raises(MissingResource, match="another network") as caught:
        load_checkpoint(folder)
    assert "train verifier" in caught.value.message


@pytest.mark.parametrize("damage", ["{}", "not JSON"])
def test_damaged_settings_are_refused(trained: Path, tmp_path: Path, damage: str) -> None:
    folder = shutil.copytree(trained, tmp_path / "other")
    (folder / VERIFIER_SETTINGS_FILE).write_text(damage)
    with pytest.raises(MissingResource, match="train verifier"):
        load_checkpoint(folder)


def test_weights_that_are_gone_are_named(trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "other")
    (folder / VERIFIER_FILE).unlink()
    with pytest.raises(MissingResource, match="train verifier"):
        load_checkpoint(folder)


def test_a_network_without_one_has_none(trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "other")
    (folder / VERIFIER_SETTINGS_FILE).unlink()
    detector = SaliencyDetector(folder)
    seen = detector.detect(Scene(BlobSource(3)[1].image, "a red square"))
    assert seen.sight is None and seen.thresholds is not None and seen.thresholds.min_repaired is None


def test_thresholds_are_chosen_anew_without_training(trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "other")
    weights = (folder / VERIFIER_FILE).read_bytes()
    tries = blob_tries(tmp_path / "t", 9, 8)
    run = VerifierTraining(
        checkpoint=folder, data=(tries,), validation=(tries,), max_sabotage=1.0, max_colour_shift=99.0, max_seam=99.0
    )
    strict = run.model_copy(update={"max_sabotage": 0.0})
    loose = train_verifier(run, thresholds_only=True, report=lambda line: None)
    assert loose.min_repaired == 0.0
    assert train_verifier(strict, thresholds_only=True, report=lambda line: None).min_repaired > 0.0
    assert (folder / VERIFIER_FILE).read_bytes() == weights
    (folder / VERIFIER_SETTINGS_FILE).unlink()
    with pytest.raises(MissingResource, match="without --go-on and --thresholds-only"):
        train_verifier(run, thresholds_only=True, report=lambda line: None)


def test_it_goes_on_from_what_it_knows(trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "other")
    tries = blob_tries(tmp_path / "t", 9, 8)
    run = VerifierTraining(
        checkpoint=folder, data=(tries,), validation=(tries,), go_on=True, epochs=1, batch_size=16, learning_rate=1e-6,
        ema=0.0, width=24,
    )  # fmt: skip
    before = load_file(folder / VERIFIER_FILE)
    train_verifier(run, report=lambda line: None)
    after = load_file(folder / VERIFIER_FILE)
    # By so small a step nothing is forgotten, its shape and what it measures by included.
    assert all(torch.allclose(before[name].float(), after[name].float(), atol=2e-3) for name in before)
    assert torch.equal(before["facts_mean"], after["facts_mean"])
    train_verifier(run.model_copy(update={"learning_rate": 1e-2}), report=lambda line: None)
    assert not torch.equal(before["narrow.weight"], load_file(folder / VERIFIER_FILE)["narrow.weight"])
    (folder / VERIFIER_FILE).unlink()
    with pytest.raises(MissingResource, match="verifier"):
        train_verifier(run, report=lambda line: None)


def test_tries_of_one_sort_alone_teach_nothing(trained: Path, tmp_path: Path) -> None:
    sample = BlobSource(3)[1]
    alpha = np.full((8, 8), 255, np.uint8)
    with TriesWriter(tmp_path / "t") as writer:
        one = Try("attempt", "brush", (0, 0, 8, 8), (0, 0, 8, 8), np.zeros((8, 8, 3), np.uint8), alpha, False, None)
        writer.write(TriedImage("1.png", sample.image, sample.prompt, False, (one,)))
    options = VerifierTraining(checkpoint=trained, data=(tmp_path / "t",), validation=(tmp_path / "t",))
    with pytest.raises(BadInput, match="collect more"):
        train_verifier(options, report=lambda line: None)


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--width", "20"], "--width"), (["--learning-rate", "0"], "--learning-rate")]
)
def test_wrong_options_are_bad_input(arguments: list[str], said: str, tmp_path: Path) -> None:
    folders = ["--checkpoint", str(tmp_path), "--data", str(tmp_path), "--validation", str(tmp_path)]
    result = CliRunner().invoke(app, ["train", "verifier", *folders, *arguments])
    assert isinstance(result.exception, BadInput) and said in result.exception.message
