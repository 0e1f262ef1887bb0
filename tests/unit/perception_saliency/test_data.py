"""Training data: a folder in the project's schema, samples drawn on the fly, examples and batches of them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes.blobs import BlobSample, BlobSource

from services.action.training.data import rendered_data as pairs_of
from services.datasets.schema import METADATA, BlemishRecord, QualityScores, RegionTruth, row
from services.datasets.sources import Mix, measured_on
from services.perception.metrics import truth_map
from services.perception.saliency.configuration import tiny_config
from services.perception.saliency.preprocess import place
from services.perception.saliency.tokens import build_tokenizer
from services.perception.training.data import folder_data, rendered_data
from services.perception.training.dataset import (
    LABEL_NAMES,
    SaliencyCollator,
    SaliencyDataset,
    TwinnedDataset,
    mask_in_square,
)
from services.perception.training.samples import FirstOf, score_targets, union_mask
from services.reasoning.training.data import rendered_data as regions_of
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask, mask_box
from shared.images import encode_png

BLOBS = BlobSource(20, size_hw=(48, 64))


def write_folder(folder: Path, mask_shape: tuple[int, int] | None = None) -> Path:
    """The blobs as a folder in the project's schema; every blemish cut into two masks."""
    folder.mkdir()
    lines = []
    for index in range(len(BLOBS)):
        sample = BLOBS[index]
        (folder / f"{index}.png").write_bytes(encode_png(sample.image))
        assert sample.clean is not None
        (folder / f"{index}_clean.png").write_bytes(encode_png(sample.clean))
        names = []
        for number, mask in enumerate(halves(sample.visible_masks)):
            names.append(f"{index}_{number}.png")
            stored = mask if mask_shape is None else np.zeros(mask_shape, np.bool_)
            (folder / names[-1]).write_bytes(encode_png(stored.astype(np.uint8) * 255))
        record = BlemishRecord(
            file_name=f"{index}.png",
            clean_file_name=f"{index}_clean.png",
            visible_mask_file_names=tuple(names),
            repair_mask_file_names=tuple(names),
            prompt=sample.prompt,
            size_hw=(48, 64),
            healthy=not names,
            source="blobs",
            scores=QualityScores(plausibility=sample.scores["plausibility"]),
            regions=tuple(
                RegionTruth(
                    category=Category.HAND,
                    description="a red square",
                    centre_xy_px=(1.0, 1.0),
                    box_xyxy_px=(0, 0, 1, 1),
                    visible_share=0.1,
                )
                for _ in names
            ),
        )
        lines.append(row(record))
    (folder / METADATA).write_text("".join(lines), encoding="utf-8")
    return folder


def halves(masks: tuple[Mask, ...]) -> list[Mask]:
    result = []
    for mask in masks:
        box = mask_box(mask)
        assert box is not None
        middle = (box[0] + box[2]) // 2
        for columns in (slice(0, middle), slice(middle, None)):
            half = np.zeros_like(mask)
            half[:, columns] = mask[:, columns]
            result.append(half)
    return result


def test_a_folder_gives_its_samples_and_holds_some_out(tmp_path: Path) -> None:
    data = folder_data(write_folder(tmp_path / "blobs"))
    assert (len(data.training), len(data.validation)) == (18, 2)
    for index in range(18):
        read, meant = data.training[index], BLOBS[index]
        np.testing.assert_array_equal(read.image, meant.image)
        np.testing.assert_array_equal(union_mask(read), union_mask(meant))
        assert read.prompt == meant.prompt
        assert read.clean is not None
        np.testing.assert_array_equal(read.clean, BLOBS[index].clean)
        assert read.scores == meant.scores
    np.testing.assert_array_equal(data.validation[1].image, BLOBS[19].image)
    assert "18 samples of the folder blobs (blobs); validation on 2 of its last tenth" in data.description
    both = folder_data(tmp_path / "blobs", write_folder(tmp_path / "others"))
    assert (len(both.training), len(both.validation)) == (20, 20)
    with pytest.raises(IndexError):
        data.training[18]


def test_what_a_folder_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="metadata"):
        folder_data(tmp_path)
    folder = write_folder(tmp_path / "blobs")
    (folder / "0.png").unlink()
    with pytest.raises(BadInput, match=r"0\.png cannot be read") as caught:
        folder_data(folder).training[0]
    assert caught.value.code == ErrorCode.FILE_NOT_READABLE
    odd = folder_data(write_folder(tmp_path / "odd", mask_shape=(8, 8)))
    with pytest.raises(BadInput, match="convert the data set anew") as caught:
        odd.training[1]
    assert caught.value.code == ErrorCode.MASK_SIZE_MISMATCH
    (folder / METADATA).write_text((folder / METADATA).read_text().splitlines(keepends=True)[0])
    with pytest.raises(BadInput, match="training needs more"):
        folder_data(folder)


def test_samples_are_drawn_when_asked_for() -> None:
    data = rendered_data(8, 4, seed=3)
    assert (len(data.training), len(data.validation)) == (8, 4)
    a, b = data.training[5], data.training[5]
    np.testing.assert_array_equal(a.image, b.image)
    assert a.prompt == b.prompt
    assert a.image.shape == (256, 256, 3)
    assert all(mask.shape == (256, 256) for mask in a.visible_masks)
    assert {"plausibility", "alignment", "overall"} == set(a.scores)
    assert not np.array_equal(a.image, data.validation[1].image)
    assert "seed 3" in data.description
    with pytest.raises(IndexError):
        data.validation[4]
    with pytest.raises(BadInput):
        rendered_data(8, 4, seed=3, size=300)


@pytest.mark.parametrize(
    ("mix", "held"), [("balanced", "balanced"), ("paper", "paper"), ("prompts", "balanced"), ("hard", "balanced")]
)
def test_trainings_of_a_mix_are_measured_on_the_same_one(mix: Mix, held: str) -> None:
    assert measured_on(mix) == held
    saliency = rendered_data(2, 2, 3, mix=mix)
    validations: list[object] = [saliency.validation, pairs_of(2, 2, 3, mix).validation]
    assert [getattr(one, "mix", None) for one in validations] == [held, held]
    looking = regions_of(2, 2, 3, mix=mix).looking
    assert looking is not None and [one.mix for one in looking] == [mix, held]


def test_a_batch_holds_what_the_network_and_its_loss_take() -> None:
    config = tiny_config(600, width=40, image_size_px=64)
    dataset = SaliencyDataset(BLOBS, config)
    batch = SaliencyCollator(build_tokenizer(["a wall of grey noise"], 600), config)([dataset[0], dataset[1]])
    assert set(LABEL_NAMES) < set(batch)
    assert batch["squares"].shape == (2, 64, 64, 3)
    assert batch["squares"].dtype == torch.uint8
    assert bool((batch["squares"][:, :8] == batch["squares"][0, 0, 0]).all())  # 48 rows of 64, centred
    assert batch["distorted"].tolist() == [0.0, 1.0]
    assert batch["truth"].shape == (2, 16, 16)
    assert float(batch["truth"][0].max()) == 0
    assert 0.5 < float(batch["truth"][1].max()) <= 1
    fixations = batch["fixations"][1].numpy()
    np.testing.assert_array_equal(fixations[8:56], union_mask(BLOBS[1]))
    coarse = truth_map(fixations).reshape(16, 4, 16, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(batch["truth"][1].numpy(), coarse, atol=1e-5)
    assert torch.isnan(batch["scores"][:, 1:]).all()
    assert batch["scores"][:, 0].tolist() == pytest.approx([1.0, 0.4])


def test_a_blemish_of_a_pixel_stays_visible() -> None:
    mask = np.zeros((1000, 800), np.bool_)
    mask[500, 400] = True
    square = mask_in_square(mask, place((1000, 800), 64))
    assert square.sum() == 1
    rows, columns = np.nonzero(square)
    assert (rows[0], columns[0]) == pytest.approx((32, 32), abs=1)


def test_first_of_a_source() -> None:
    few = FirstOf(BLOBS, 3)
    assert len(few) == 3
    assert len(FirstOf(BLOBS, 100)) == 20
    np.testing.assert_array_equal(few[2].image, BLOBS[2].image)
    with pytest.raises(IndexError):
        few[3]
    assert np.isnan(score_targets(few[0])[1:]).all()


def test_a_blemished_sample_is_followed_by_its_clean_twin() -> None:
    config = tiny_config(600, width=40, image_size_px=64)
    dataset = TwinnedDataset(BLOBS, config)
    healthy, blemished = dataset[0], dataset[1]
    assert len(healthy) == 1
    image, twin = blemished
    assert image.fixations.any()
    assert not twin.fixations.any()
    assert twin.prompt == image.prompt
    assert np.isnan(twin.scores).all()
    assert (image.square != twin.square).any(axis=2).sum() >= image.fixations.sum()
    collator = SaliencyCollator(build_tokenizer(["grey noise on a wall"], 600), config)
    batch = collator([healthy, blemished])
    assert batch["distorted"].tolist() == [0.0, 1.0, 0.0]
    assert batch["twin_of"].tolist() == [-1, -1, 1]


@dataclass(frozen=True)
class _One:
    """A source of one sample."""

    sample: BlobSample
    label_counts: tuple[int, ...] = (2,)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> BlobSample:
        return self.sample


BLEMISHED = BlobSource(4, labelled=True)[1]


def test_what_the_prompt_decides_is_asked_under_both_prompts() -> None:
    config = tiny_config(vocab_size=600, image_size_px=64)
    sample = replace(BLEMISHED, other_prompt="a red blob on a wall")
    items = TwinnedDataset(_One(sample), config)[0]
    image, twin, wrong, right = items
    assert [one.is_twin for one in items] == [False, True, False, True]
    assert image.prompt == twin.prompt != wrong.prompt == right.prompt == "a red blob on a wall"
    np.testing.assert_array_equal(wrong.square, twin.square)
    np.testing.assert_array_equal(right.square, image.square)
    np.testing.assert_array_equal(wrong.truth, image.truth)
    assert image.labels is not None and wrong.labels is not None
    np.testing.assert_array_equal(wrong.labels, image.labels[::-1])  # what is seen, and what would be, exchanged
    assert not right.fixations.any() and not twin.fixations.any()
    assert np.isnan(wrong.scores).all() and np.isnan(right.scores).all()
    batch = SaliencyCollator(build_tokenizer(["a wall"], 600), config)([items])
    assert batch["twin_of"].tolist() == [-1, 0, -1, 2]
    assert batch["distorted"].tolist() == [1.0, 0.0, 1.0, 0.0]


def test_a_spoilt_place_is_a_blemish_of_the_twin() -> None:
    place = np.zeros((64, 64), np.bool_)
    place[8:20, 30:44] = True
    assert BLEMISHED.clean is not None
    image = BLEMISHED.clean.copy()
    image[place] = 255
    config = tiny_config(vocab_size=600, image_size_px=64)
    *_, twin, spoilt = TwinnedDataset(_One(replace(BLEMISHED, spoilt=(image, place))), config)[0]
    assert not spoilt.is_twin and spoilt.prompt == BLEMISHED.prompt
    np.testing.assert_array_equal(spoilt.fixations, place)
    np.testing.assert_array_equal(spoilt.square, image)
    assert ((spoilt.square != twin.square).any(axis=2) <= place).all()


def test_labels_tell_what_is_seen_and_what_would_be_were_nothing_wrong() -> None:
    flawed, twin = TwinnedDataset(BlobSource(4, labelled=True), tiny_config(vocab_size=10, image_size_px=64))[1]
    assert flawed.labels is not None and twin.labels is not None
    (seen, meant), (clean_seen, clean_meant) = flawed.labels, twin.labels
    assert seen.any() and not np.array_equal(seen, meant)
    assert all(np.array_equal(one, meant) for one in (clean_seen, clean_meant))
