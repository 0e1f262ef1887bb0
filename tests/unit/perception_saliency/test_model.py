"""The network: shapes, padding, both encoders, both ablations, saving and loading, the tokenizer, placement."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import T5Config, T5EncoderModel, ViTConfig, ViTModel

from services.perception.saliency.configuration import (
    DistortionSaliencyConfig,
    text_table,
    tiny_config,
    vision_table,
)
from services.perception.saliency.modelling import DistortionSaliencyModel, SaliencyOutput
from services.perception.saliency.preprocess import from_square, normalised, place, to_square
from services.perception.saliency.tokens import build_tokenizer, tokenise
from services.perception.training.build import pretrained_network
from services.perception.training.options import PretrainedEncoders
from shared.errors import ErrorCode, MissingResource

PROMPTS = ["a woman with a red cup", "two dogs on a chair", "a sign that says CAFÉ", "an open hand"]


def small_config(encoder: str = "hybrid", attention_refinement: bool = True) -> DistortionSaliencyConfig:
    side = 64
    vision = (
        vision_table(width=32, blocks=1, heads=2, image_size_px=side // 16, patch_px=1, channels=32)
        if encoder == "hybrid"
        else vision_table(width=32, blocks=3, heads=2, image_size_px=side, patch_px=16)
    )
    return DistortionSaliencyConfig(
        encoder=encoder,
        image_size_px=side,
        stem_widths=(16, 24, 32),
        vision=vision,
        text=text_table(100, width=32, layers=1, heads=2),
        fusion_width=32,
        fusion_heads=2,
        pyramid_width=16,
        attention_refinement=attention_refinement,
    )


def look(model: DistortionSaliencyModel, ids: torch.Tensor, mask: torch.Tensor, seed: int = 0) -> SaliencyOutput:
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randn(ids.shape[0], 3, 64, 64, generator=generator)
    with torch.inference_mode():
        return model.eval()(pixels, ids, mask)


@pytest.mark.parametrize("encoder", ["hybrid", "vit"])
@pytest.mark.parametrize("attention_refinement", [True, False])
def test_shapes_and_saving(encoder: str, attention_refinement: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = DistortionSaliencyModel(small_config(encoder, attention_refinement))
    assert (model.refinement is not None) == attention_refinement
    ids, mask = torch.randint(3, 100, (2, 7)), torch.ones(2, 7, dtype=torch.long)
    output = look(model, ids, mask)
    assert output.map_logits is not None
    assert output.map_logits.shape == (2, 16, 16)
    assert output.any_logit is not None
    assert output.any_logit.shape == (2,)
    assert output.score_logits is not None
    assert output.score_logits.shape == (2, 4)
    assert output.features is not None
    assert output.features.ndim == 2
    model.save_pretrained(tmp_path)
    again = look(DistortionSaliencyModel.from_pretrained(tmp_path), ids, mask)
    for name, value in output.items():
        torch.testing.assert_close(value, again[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("encoder", ["hybrid", "vit"])
def test_every_parameter_learns(encoder: str) -> None:
    torch.manual_seed(0)
    model = DistortionSaliencyModel(small_config(encoder)).train()
    output = model(torch.randn(2, 3, 64, 64), torch.randint(3, 100, (2, 7)), torch.ones(2, 7, dtype=torch.long))
    (output.map_logits.square().sum() + output.any_logit.sum() + output.score_logits.sum()).backward()
    # T5's relative positions and the keys' biases (softmax does not see them) may be all but zero; none may be absent.
    without = [name for name, weights in model.named_parameters() if weights.grad is None]
    assert without == []


def test_padding_changes_nothing_but_the_prompt_does() -> None:
    torch.manual_seed(0)
    model = DistortionSaliencyModel(small_config())
    with torch.no_grad():
        model.map_head.weight.mul_(50)
    ids = torch.randint(3, 100, (1, 5))
    short = look(model, ids, torch.ones(1, 5, dtype=torch.long))
    padded_ids = torch.cat([ids, torch.zeros(1, 3, dtype=torch.long)], dim=1)
    padded_mask = torch.tensor([[1, 1, 1, 1, 1, 0, 0, 0]])
    padded = look(model, padded_ids, padded_mask)
    for name in ("map_logits", "any_logit", "score_logits"):
        torch.testing.assert_close(short[name], padded[name], atol=1e-4, rtol=1e-4)
    other = look(model, ids.flip(1) + 1, torch.ones(1, 5, dtype=torch.long))
    assert not torch.allclose(short["map_logits"], other["map_logits"], atol=1e-3)
    assert torch.equal(short["features"], other["features"])  # the domain is the image's alone


def test_each_image_is_seen_alone() -> None:
    torch.manual_seed(0)
    model = DistortionSaliencyModel(small_config())
    ids, mask = torch.randint(3, 100, (3, 5)), torch.ones(3, 5, dtype=torch.long)
    pixels = torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        together = model.eval()(pixels, ids, mask)
        alone = model(pixels[1:2], ids[1:2], mask[1:2])
    torch.testing.assert_close(together.map_logits[1:2], alone.map_logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(together.any_logit[1:2], alone.any_logit, atol=1e-4, rtol=1e-4)


def test_the_shipped_shape_is_small() -> None:
    model = DistortionSaliencyModel(tiny_config(4000))
    assert sum(weights.numel() for weights in model.parameters()) < 6e6


def test_unknown_encoder_and_missing_tables_are_errors() -> None:
    with pytest.raises(ValueError, match="choose `hybrid` or `vit`"):
        DistortionSaliencyModel(small_config("swin"))
    with pytest.raises(ValueError, match="`text` table"):
        DistortionSaliencyModel(DistortionSaliencyConfig())


def test_pretrained_encoders_keep_their_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    vision = ViTModel(ViTConfig(**vision_table(width=32, blocks=3, heads=2, image_size_px=64, patch_px=16)))
    text = T5EncoderModel(T5Config(**text_table(600, width=48, layers=1, heads=2)))
    vision.save_pretrained(tmp_path / "vit")
    text.save_pretrained(tmp_path / "t5")
    build_tokenizer(PROMPTS * 4, 600).save_pretrained(tmp_path / "t5")
    network = pretrained_network(
        PretrainedEncoders(vision=str(tmp_path / "vit"), text=str(tmp_path / "t5")), attention_refinement=True
    )
    pixels = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        inside = network.model.image_encoder.vit(pixel_values=pixels).last_hidden_state
        before = vision.eval()(pixel_values=pixels).last_hidden_state
        ids, mask = tokenise(network.tokenizer, PROMPTS, 16)
        assert torch.equal(inside, before)
        assert torch.equal(
            network.model.text_encoder(input_ids=ids).last_hidden_state, text.eval()(input_ids=ids).last_hidden_state
        )
        output = network.model.eval()(torch.randn(4, 3, 64, 64), ids, mask)
    assert output.map_logits.shape == (4, 16, 16)
    with pytest.raises(MissingResource, match="no-such-vit") as caught:
        pretrained_network(PretrainedEncoders(vision=str(tmp_path / "no-such-vit"), text=str(tmp_path / "t5")), True)
    assert caught.value.code == ErrorCode.MISSING_CHECKPOINT


def test_tokenizer_spells_what_it_never_saw(tmp_path: Path) -> None:
    tokenizer = build_tokenizer(PROMPTS * 4, 600, max_tokens=16)
    for prompt in (*PROMPTS, "Xylophon Ödön (42%)"):
        ids = tokenizer(prompt)["input_ids"]
        assert tokenizer.unk_token_id not in ids, prompt
        assert tokenizer.decode(ids, skip_special_tokens=True) == prompt
    assert len(tokenizer) <= 600
    tokenizer.save_pretrained(tmp_path)
    again = type(tokenizer).from_pretrained(tmp_path)
    assert again("two red dogs")["input_ids"] == tokenizer("two red dogs")["input_ids"]
    ids, mask = tokenise(tokenizer, ["a hand", "x" * 400], 16)
    assert ids.shape == mask.shape == (2, 16)


@given(st.integers(1, 400), st.integers(1, 400))
def test_placement_keeps_the_shape_and_comes_back(height: int, width: int) -> None:
    placement = place((height, width), 64)
    assert max(placement.height, placement.width) == 64
    assert 0 <= placement.top <= 64 - placement.height
    image = np.full((height, width, 3), 200, np.uint8)
    square = to_square(image, placement, (0.5, 0.5, 0.5))
    assert (square == 200).all(axis=2).sum() == placement.height * placement.width
    assert set(np.unique(square)) <= {128, 200}
    back = from_square(np.full((16, 16), 0.25, np.float32), placement, (height, width))
    assert back.shape == (height, width)
    np.testing.assert_allclose(back, 0.25)


def test_normalised_is_zero_at_the_mean() -> None:
    squares = np.full((1, 4, 4, 3), 51, np.uint8)
    values = normalised(squares, (0.2, 0.2, 0.1), (0.5, 0.5, 0.5))
    assert values.shape == (1, 3, 4, 4)
    np.testing.assert_allclose(values[0, :, 0, 0], [0, 0, 0.2], atol=1e-6)


def test_agreement_is_the_chance_that_what_is_seen_is_what_is_meant() -> None:
    config = small_config()
    assert DistortionSaliencyModel(config).agreement(torch.zeros(1, 16, 4, 4)) is None
    config.label_counts = (2, 3, 2, 3)
    model = DistortionSaliencyModel(config).eval()
    assert model.label_head is not None
    with torch.inference_mode():
        model.label_head.weight.zero_()
        model.label_head.bias.copy_(torch.tensor([9.0, 0, 0, 0, 9, 9, 0, 0, 0, 9]))
        sure = model.agreement(torch.zeros(2, 16, 4, 4))
        model.label_head.bias.zero_()
        unsure = model.agreement(torch.zeros(2, 16, 4, 4))
    assert sure is not None and unsure is not None
    torch.testing.assert_close(sure, torch.ones(2), atol=1e-3, rtol=0)
    torch.testing.assert_close(unsure, torch.full((2,), 1 / 2 * 1 / 3))


@pytest.mark.parametrize("encoder", ["hybrid", "vit"])
def test_one_image_read_under_several_prompts_is_what_each_prompt_alone_says(encoder: str) -> None:
    torch.manual_seed(0)
    model = DistortionSaliencyModel(small_config(encoder)).eval()
    ids, mask, pixels = torch.randint(3, 100, (3, 12)), torch.ones(3, 12, dtype=torch.long), torch.randn(1, 3, 64, 64)
    mask[2, 8:] = 0
    with torch.inference_mode():
        together = model.read(model.image_encoder(pixels), ids, mask)
        apart = [model(pixels, ids[at : at + 1], mask[at : at + 1]) for at in range(3)]
    for name in ("map_logits", "any_logit", "score_logits", "fine"):
        alone = torch.cat([getattr(one, name) for one in apart])
        torch.testing.assert_close(getattr(together, name), alone, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(together.any_logit[0], together.any_logit[1])
