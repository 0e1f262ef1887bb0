"""Table 3's bookkeeping on cases counted by hand: which images, which masks, which prompts."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluation.perception.figures import Figures, relative_cc_losses
from services.evaluation.perception.measure import BATCH, measure, shuffled_prompts
from services.evaluation.perception.tally import Judged, Tally
from services.evaluation.perception.truth import TrueImage, TrueRegion
from services.perception.metrics import disc_mask, mean_metrics, saliency_metrics, truth_map
from shared.contracts.categories import Category
from shared.geometry import Mask
from shared.images import Rgb

SIDE = 40


def square(x: int, y: int, side: int = 6) -> Mask:
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[y : y + side, x : x + side] = True
    return mask


def region(category: Category, x: int, y: int) -> TrueRegion:
    return TrueRegion(category, square(x, y), (x + 3.0, y + 3.0))


def image(*regions: TrueRegion, prompt: str = "a", foreground: Mask | None = None) -> TrueImage:
    return TrueImage(np.zeros((SIDE, SIDE, 3), np.uint8), prompt, regions, foreground)


HAND, TEXT = region(Category.HAND, 4, 4), region(Category.TEXT, 30, 28)


def test_a_tally_means_over_images_and_each_category_has_its_own_masks() -> None:
    both, only_hand, healthy = image(HAND, TEXT), image(HAND), image()
    on_hand = Judged(truth_map(HAND.mask), 0.9)
    tally = Tally()
    for truth, judged in ((both, on_hand), (only_hand, on_hand), (healthy, Judged(on_hand.saliency, 0.9))):
        tally.add(truth, judged)
    on_both = saliency_metrics(on_hand.saliency, HAND.mask | TEXT.mask)
    exact = saliency_metrics(on_hand.saliency, HAND.mask)
    overall = tally.overall()
    assert overall.cc == pytest.approx((on_both.cc + exact.cc) / 2)
    assert overall.kld == pytest.approx(mean_metrics([on_both, exact]).kld)
    assert overall.image_auroc == 0.5  # the healthy image is judged like the others
    per_category = tally.per_category()
    assert list(per_category) == ["hand", "text"]
    assert per_category["hand"].cc == pytest.approx(1.0)
    assert per_category["text"].cc < 0.1
    assert tally.counts() == {"hand": 2, "text": 1}
    assert (tally.images, tally.healthy) == (3, 1)


def test_the_image_level_auroc_of_a_category_is_against_healthy_images_alone() -> None:
    tally = Tally()
    flat = np.ones((SIDE, SIDE), np.float32)
    for truth, score in ((image(HAND), 0.9), (image(TEXT), 0.1), (image(), 0.5), (image(), 0.2)):
        tally.add(truth, Judged(flat, score))
    assert tally.overall().image_auroc == 0.5  # 2 of 4 pairs
    assert {name: one.image_auroc for name, one in tally.per_category().items()} == {"hand": 1.0, "text": 0.0}


def test_without_healthy_images_there_is_no_auroc_and_without_blemished_ones_nothing() -> None:
    tally = Tally()
    tally.add(image(HAND), Judged(truth_map(HAND.mask), 0.3))
    assert tally.overall().image_auroc is None
    empty = Tally()
    empty.add(image(), Judged(truth_map(HAND.mask), 0.3))
    with pytest.raises(ValueError, match="no blemished image"):
        empty.overall()


def test_shares_that_would_be_edited_are_counted_apart() -> None:
    tally = Tally()
    flat = np.ones((SIDE, SIDE), np.float32)
    for truth, edited in ((image(HAND), True), (image(TEXT), False), (image(HAND), True), (image(), False)):
        tally.add(truth, Judged(flat, 0.5, edited))
    assert tally.edited_share(healthy=False) == pytest.approx(2 / 3)
    assert tally.edited_share(healthy=True) == 0.0
    silent = Tally()
    silent.add(image(HAND), Judged(flat, 0.5))
    assert silent.edited_share(healthy=False) is None


def test_discs_replace_the_masks() -> None:
    disc = image(HAND).with_discs().mask()
    np.testing.assert_array_equal(disc, disc_mask([(7.0, 7.0)], (SIDE, SIDE)))
    assert 0 < disc.sum() < HAND.mask.sum()


class ReadsPrompts:
    """Knows the truth, and looks at the place that the prompt names."""

    def __init__(self) -> None:
        self.largest_batch = 0

    def __call__(self, images: Sequence[Rgb], prompts: Sequence[str]) -> Sequence[Judged]:
        self.largest_batch = max(self.largest_batch, len(images))
        return [Judged(truth_map(HAND.mask if prompt == "hand" else TEXT.mask), 0.5) for prompt in prompts]


def test_measuring_streams_and_shuffled_prompts_cost_what_they_cost() -> None:
    truths = [image(HAND, prompt="hand"), image(TEXT, prompt="text")] * 10
    network = ReadsPrompts()
    steps: list[int] = []
    found = measure(
        iter(truths), network, other_prompts=shuffled_prompts([one.prompt for one in truths]), advance=steps.append
    )
    assert network.largest_batch == BATCH
    assert sum(steps) == len(truths)
    assert found.network.overall().cc == pytest.approx(1.0)
    shuffled = found.shuffled_prompt()
    assert shuffled is not None
    assert shuffled.overall.cc < 0.1
    assert shuffled.relative_cc_loss.keys() == {"overall", "hand", "text"}
    assert shuffled.relative_cc_loss["text"] == pytest.approx(1 - shuffled.per_category["text"].cc)
    figures = found.baseline_figures()
    assert list(figures) == ["uniform", "centre_prior", "spectral_residual"]
    assert found.oracle_missing == len(truths)
    assert (figures["uniform"].auc_judd, figures["uniform"].nss, figures["uniform"].cc) == (0.5, 0.0, 0.0)


def test_the_oracle_and_rahf_stand_beside_where_they_are_known() -> None:
    things = square(2, 2, 12)
    truths = [image(HAND, foreground=things), image(foreground=things)]
    found = measure(truths, ReadsPrompts(), rahf=ReadsPrompts())
    figures = found.baseline_figures()
    assert figures.keys() == {"uniform", "centre_prior", "foreground_oracle", "spectral_residual", "rahf"}
    assert 0.3 < figures["foreground_oracle"].cc < 0.9
    assert figures["foreground_oracle"].image_auroc == 0.5
    assert figures["rahf"] == found.network.overall()
    assert found.shuffled_prompt() is None


@given(st.lists(st.sampled_from("abcd"), min_size=0, max_size=12), st.integers(0, 5))
def test_every_image_gets_other_words_of_the_same_set(prompts: list[str], seed: int) -> None:
    others = shuffled_prompts(prompts, seed)
    if len(set(prompts)) < 2:
        assert others is None
        return
    assert others is not None
    assert len(others) == len(prompts)
    assert set(others) <= set(prompts)
    assert all(a != b for a, b in zip(prompts, others, strict=True))
    assert others == shuffled_prompts(prompts, seed)


def test_distinct_prompts_are_each_used_once() -> None:
    prompts = [str(i) for i in range(20)]
    others = shuffled_prompts(prompts)
    assert others is not None
    assert sorted(others) == sorted(prompts)


def test_a_relative_loss_needs_something_to_lose() -> None:
    def figures(value: float) -> Figures:
        return Figures(auc_judd=0, nss=0, cc=value, sim=0, kld=0, image_auroc=None)

    right = {"a": figures(0.5), "b": figures(0.0), "c": figures(0.2)}
    shuffled = {"a": figures(0.4), "b": figures(0.3), "c": figures(0.3)}
    assert relative_cc_losses(right, shuffled) == {"a": pytest.approx(0.2), "b": None, "c": pytest.approx(-0.5)}
