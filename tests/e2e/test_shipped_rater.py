"""The rater that ships: small, apart from the perception agent, and better than chance on drawings it never saw."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("skia")

import services.evaluation
from services.datasets.sources import DrawnSamples
from services.evaluation.retouch.rater import require_apart
from services.evaluation.retouch.rater_card import score_agreement
from shared.profiles import load_profile

RATER = Path(services.evaluation.__file__).parent / "checkpoints" / "rater-tiny"


def test_it_is_small_apart_and_says_what_it_is() -> None:
    assert (RATER / "model.safetensors").stat().st_size < 16_000_000
    assert "What it cannot do" in (RATER / "CARD.md").read_text(encoding="utf-8")
    require_apart(RATER, load_profile("tiny-editing"))


def test_it_prefers_clean_twins_far_more_often_than_chance_would() -> None:
    found = {one.name: one for one in score_agreement(RATER, DrawnSamples(80, 77, split="test"), 80)}
    assert set(found) == {"plausibility", "alignment", "overall"}
    for name in ("plausibility", "overall"):
        preferred = found[name].prefers_twin
        assert preferred is not None and preferred > 0.6
