"""RAHF against a reference that computes from the raw state dict with transformers' ViT and T5, at reduced width."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional
from transformers import T5Config, T5ForConditionalGeneration, ViTConfig, ViTModel

from services.perception.detectors.base import Scene
from services.perception.detectors.rahf import RahfDetector, RahfSource
from services.perception.rahf import HEAT_MAPS, SCORES
from services.perception.rahf_state import load_rahf, rahf_of
from services.perception.saliency.regions import RegionSettings
from services.perception.saliency.tokens import build_tokenizer
from shared.contracts.values import Region
from shared.errors import ErrorCode, MissingResource

SIDE, PATCH, WIDTH = 48, 8, 64
GRID = SIDE // PATCH
HEADS = 2
PROMPTS = ["a woman holds a cup", "two dogs"]


def vision() -> ViTModel:
    return ViTModel(
        ViTConfig(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=HEADS,
            intermediate_size=48,
            image_size=SIDE,
            patch_size=PATCH,
        )
    ).eval()


def text() -> T5ForConditionalGeneration:
    config = T5Config(
        vocab_size=600, d_model=WIDTH, d_kv=16, d_ff=96, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    return T5ForConditionalGeneration(config).eval()


def head_weights(prefix: str, kind: str) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}

    def conv(name: str, before: int, after: int, transposed: bool = False) -> None:
        shape = (before, after, 3, 3) if transposed else (after, before, 3, 3)
        state[f"{prefix}{name}.weight"] = torch.randn(shape) * (1.0 / (3 * before**0.5))
        state[f"{prefix}{name}.bias"] = torch.randn(after) * 0.1

    def norm(name: str, channels: int) -> None:
        state[f"{prefix}{name}.scale"] = torch.rand(channels, 1, 1) + 0.5

    if kind == "heat":
        conv("conv_layers.0", WIDTH, 24)
        norm("conv_layers.2", 24)
        conv("conv_layers.3", 24, 12)
        norm("conv_layers.5", 12)
        before = 12
        for at, after in enumerate((24, 12, 6)):
            conv(f"deconv_layers.{at}.0", before, after, transposed=True)
            norm(f"deconv_layers.{at}.1", after)
            for conv_at, norm_at in ((0, 1), (3, 4)):
                conv(f"conv_layers2.{at}.{conv_at}", after, after)
                norm(f"conv_layers2.{at}.{norm_at}", after)
            before = after
        conv("last_conv1", before, 6)
        conv("last_conv2", 6, 1)
        return state
    before = WIDTH
    for at, divisor in enumerate((1, 2, 4, 8, 16, 64)):
        conv(f"conv_layers.{3 * at}", before, WIDTH // divisor)
        norm(f"conv_layers.{3 * at + 1}", WIDTH // divisor)
        before = WIDTH // divisor
    for at, (entering, leaving) in {0: (GRID**2 * before, 32), 2: (32, 16), 4: (16, 1)}.items():
        state[f"{prefix}linear_layers.{at}.weight"] = torch.randn(leaving, entering) * entering**-0.5
        state[f"{prefix}linear_layers.{at}.bias"] = torch.randn(leaving) * 0.1
    return state


def public_state(
    per_task: bool = True, old_names: bool = True
) -> tuple[dict[str, Tensor], ViTModel, T5ForConditionalGeneration]:
    """A state dict in the public checkpoint's layout, and the encoders whose weights are in it."""
    torch.manual_seed(0)
    vit, t5 = vision(), text()
    state = {f"vit.{name}": value.clone() for name, value in vit.state_dict().items()}
    if old_names:
        state = {old_vit_name(name): value for name, value in state.items()}
    state |= {f"t5.{name}": value.clone() for name, value in t5.state_dict().items()}
    state["visual_token_projection.weight"] = torch.randn(WIDTH, 32) * 0.2
    state["visual_token_projection.bias"] = torch.randn(WIDTH) * 0.1
    for name in HEAT_MAPS if per_task else ("",):
        state |= head_weights(f"heatmap_predictor.{name}." if name else "heatmap_predictor.", "heat")
    for name in SCORES if per_task else ("",):
        state |= head_weights(f"score_predictor.{name}." if name else "score_predictor.", "score")
    return state, vit, t5


def old_vit_name(name: str) -> str:
    """The module names of transformers 4, which the public checkpoint was written with."""
    name = re.sub(r"^vit\.layers\.", "vit.encoder.layer.", name)
    for new, old in (
        ("attention.q_proj", "attention.attention.query"),
        ("attention.k_proj", "attention.attention.key"),
        ("attention.v_proj", "attention.attention.value"),
        ("attention.o_proj", "attention.output.dense"),
        ("mlp.fc1", "intermediate.dense"),
        ("mlp.fc2", "output.dense"),
    ):
        name = name.replace(new, old)
    return name


def norm_of(x: Tensor, scale: Tensor) -> Tensor:
    return x * torch.rsqrt((x * x).mean(1, keepdim=True) + 1e-8) * scale


def reference_heat(state: dict[str, Tensor], p: str, x: Tensor) -> Tensor:
    def conv(name: str, value: Tensor) -> Tensor:
        return functional.conv2d(value, state[f"{p}{name}.weight"], state[f"{p}{name}.bias"], padding=1)

    for at in (0, 3):
        x = norm_of(functional.relu(conv(f"conv_layers.{at}", x)), state[f"{p}conv_layers.{at + 2}.scale"])
    for at in range(3):
        weight, bias = state[f"{p}deconv_layers.{at}.0.weight"], state[f"{p}deconv_layers.{at}.0.bias"]
        x = functional.conv_transpose2d(x, weight, bias, stride=2, padding=1, output_padding=1)
        x = functional.relu(norm_of(x, state[f"{p}deconv_layers.{at}.1.scale"]))
        y = functional.relu(norm_of(conv(f"conv_layers2.{at}.0", x), state[f"{p}conv_layers2.{at}.1.scale"]))
        x = functional.relu(x + norm_of(conv(f"conv_layers2.{at}.3", y), state[f"{p}conv_layers2.{at}.4.scale"]))
    return torch.sigmoid(conv("last_conv2", functional.relu(conv("last_conv1", x))))[:, 0]


def reference_score(state: dict[str, Tensor], p: str, x: Tensor) -> Tensor:
    for at in range(0, 18, 3):
        x = functional.conv2d(x, state[f"{p}conv_layers.{at}.weight"], state[f"{p}conv_layers.{at}.bias"], padding=1)
        x = functional.relu(norm_of(x, state[f"{p}conv_layers.{at + 1}.scale"]))
    x = x.flatten(1)
    for at in (0, 2, 4):
        x = functional.linear(x, state[f"{p}linear_layers.{at}.weight"], state[f"{p}linear_layers.{at}.bias"])
        x = functional.relu(x) if at < 4 else torch.sigmoid(x)
    return x[:, 0]


def reference_grid(
    state: dict[str, Tensor], vit: ViTModel, t5: T5ForConditionalGeneration, pixels: Tensor, ids: Tensor
) -> Tensor:
    tokens = vit(pixel_values=pixels).last_hidden_state
    tokens = functional.linear(tokens, state["visual_token_projection.weight"], state["visual_token_projection.bias"])
    joined = torch.cat([tokens, t5.encoder.embed_tokens(ids)], dim=1)
    hidden = t5.encoder(inputs_embeds=joined).last_hidden_state[:, 1 : 1 + GRID**2]
    return hidden.transpose(1, 2).reshape(1, WIDTH, GRID, GRID)


@pytest.mark.parametrize("old_names", [True, False])
def test_it_is_the_public_network(old_names: bool) -> None:
    state, vit, t5 = public_state(old_names=old_names)
    tokenizer = build_tokenizer(PROMPTS * 3, 600)
    network = rahf_of(state, "test", vision_heads=HEADS)
    pixels = torch.randn(1, 3, SIDE, SIDE)
    with torch.inference_mode():
        output = network(pixels, [PROMPTS[0]], tokenizer)
        ids = tokenizer(PROMPTS[0], return_tensors="pt")["input_ids"]
        grid = reference_grid(state, vit, t5, pixels, ids)
        for name in HEAT_MAPS:
            expected = reference_heat(state, f"heatmap_predictor.{name}.", grid)
            assert expected.std() > 1e-4  # else agreement would say nothing
            torch.testing.assert_close(output.heat_maps[name], expected, atol=1e-5, rtol=1e-4)
        for name in SCORES:
            expected = reference_score(state, f"score_predictor.{name}.", grid)
            torch.testing.assert_close(output.scores[name], expected, atol=1e-5, rtol=1e-4)
    assert set(output.heat_maps) == set(HEAT_MAPS)
    assert set(output.scores) == set(SCORES)


def test_shared_heads_are_told_by_the_text_which_map_is_meant() -> None:
    state, vit, t5 = public_state(per_task=False)
    tokenizer = build_tokenizer(PROMPTS * 3, 600, max_tokens=128)
    network = rahf_of(state, "test", vision_heads=HEADS)
    pixels = torch.randn(1, 3, SIDE, SIDE)
    with torch.inference_mode():
        output = network(pixels, [PROMPTS[1]], tokenizer)
        marked = tokenizer(f"<output> HEATMAP: misalignment </output> {PROMPTS[1]}", return_tensors="pt")["input_ids"]
        expected = reference_heat(state, "heatmap_predictor.", reference_grid(state, vit, t5, pixels, marked))
        torch.testing.assert_close(output.heat_maps["misalignment"], expected, atol=1e-5, rtol=1e-4)
        marked = tokenizer(f"<output> SCORE: overall </output> {PROMPTS[1]}", return_tensors="pt")["input_ids"]
        score = reference_score(state, "score_predictor.", reference_grid(state, vit, t5, pixels, marked))
        torch.testing.assert_close(output.scores["overall"], score, atol=1e-5, rtol=1e-4)
    assert not torch.equal(output.heat_maps["misalignment"], output.heat_maps["implausibility"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("missing", "last_conv1"),
        ("surplus", "extra_head"),
        ("shape", "size mismatch"),
        ("no vit", "vit.embeddings"),
    ],
)
def test_every_weight_has_its_place(change: str, said: str) -> None:
    state, _, _ = public_state()
    if change == "missing":
        del state["heatmap_predictor.misalignment.last_conv1.bias"]
    elif change == "surplus":
        state["extra_head.weight"] = torch.zeros(1)
    elif change == "shape":
        state["score_predictor.overall.linear_layers.4.weight"] = torch.zeros(1, 5)
    else:
        state = {name: value for name, value in state.items() if not name.startswith("vit.")}
    with pytest.raises(MissingResource, match=said) as caught:
        rahf_of(state, "weights.pt", vision_heads=HEADS)
    assert caught.value.code == ErrorCode.MISSING_CHECKPOINT
    assert "weights.pt is not a RAHF state dict" in caught.value.message


def test_heads_that_do_not_divide_are_refused() -> None:
    state, _, _ = public_state()
    with pytest.raises(MissingResource, match="does not divide into 0 heads"):
        rahf_of(state, "weights.pt")  # 32 channels are less than one published head
    with pytest.raises(MissingResource, match="does not divide into 3 heads"):
        rahf_of(state, "weights.pt", vision_heads=3)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rahf")
    state, _, _ = public_state()
    torch.save(state, folder / "model.pt")
    save_file({name: value.contiguous() for name, value in state.items()}, folder / "model.safetensors")
    build_tokenizer(PROMPTS * 3, 600).save_pretrained(folder / "tokenizer")
    return folder


def test_the_detector_gives_maps_of_the_image_regions_and_scores(weights: Path) -> None:
    rng = np.random.default_rng(0)
    scene = Scene(cv2.resize(rng.integers(0, 255, (9, 13, 3), dtype=np.uint8), (130, 90)), PROMPTS[0])
    source = RahfSource(weights / "model.pt", str(weights / "tokenizer"), vision_heads=HEADS)
    prediction = RahfDetector(source).predict(scene)
    assert {name: one.shape for name, one in prediction.heat_maps.items()} == dict.fromkeys(HEAT_MAPS, (90, 130))
    assert all(0 <= score <= 1 for score in prediction.scores.values())

    tau = float(np.quantile(prediction.heat_maps["implausibility"], 0.97))
    detector = RahfDetector(source, regions=RegionSettings(tau=tau))
    detection = detector.detect(scene)
    assert detection.saliency is not None
    np.testing.assert_array_equal(detection.saliency, prediction.heat_maps["implausibility"])
    assert detection.any_distortion is None
    assert detection.in_domain
    assert detection.findings
    assert detection.scores == prediction.scores
    worst = detection.findings[0]
    region = Region(id="r", box_xyxy_px=worst.box_xyxy_px, mask_ref="m", detector="rahf", evidence=0.1)
    assert detector.evidence_at(scene, detection, [region]) == [worst.evidence]
    both = RahfDetector(source, heat_map="worst").detect(scene).saliency
    np.testing.assert_array_equal(both, np.maximum(*prediction.heat_maps.values()))


def test_safetensors_and_torch_files_are_the_same(weights: Path) -> None:
    a, b = (load_rahf(weights / name, HEADS).state_dict() for name in ("model.pt", "model.safetensors"))
    assert a.keys() == b.keys()
    assert all(torch.equal(value, b[name]) for name, value in a.items())


def test_what_is_missing_is_named(weights: Path, tmp_path: Path) -> None:
    scene = Scene(np.zeros((64, 64, 3), np.uint8), "x")
    with pytest.raises(MissingResource, match=r"absent\.pt.*RichHF") as caught:
        RahfDetector(RahfSource(tmp_path / "absent.pt")).detect(scene)
    assert caught.value.code == ErrorCode.MISSING_CHECKPOINT
    with pytest.raises(MissingResource, match="tokenizer"):
        RahfDetector(RahfSource(weights / "model.pt", str(tmp_path / "no-tokenizer"), vision_heads=HEADS)).detect(scene)
    (tmp_path / "broken.pt").write_bytes(b"not a file of torch")
    (tmp_path / "broken.safetensors").write_bytes(b"not one either")
    torch.save([1, 2, 3], tmp_path / "list.pt")
    for name in ("broken.pt", "broken.safetensors", "list.pt"):
        with pytest.raises(MissingResource, match=name.replace(".", r"\.")):
            load_rahf(tmp_path / name)
