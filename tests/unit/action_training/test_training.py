"""Training small tools on synthetic blobs: they learn, resume as if never stopped, load as their tool loads them."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from fakes.blob_pairs import BlobPairs
from fakes.tool_requests import a_request

pytest.importorskip("diffusers")

from safetensors.torch import load_file

from services.action.tools.base import EditResult
from services.action.training.build import build_parts
from services.action.training.card import Trained
from services.action.training.critic import Critic
from services.action.training.judges import Judges
from services.action.training.loop import steps_taken
from services.action.training.losses import Batch, Pool, batch_of, denoiser_loss, ladder, own_way_loss
from services.action.training.options import ToolTraining
from services.action.training.run import PairData, judge_folder, train_tool, trained_tool
from shared.errors import BadInput, ErrorCode, MissingResource

DATA = PairData(BlobPairs(12), BlobPairs(6, seed=1), "red squares on soft walls")


def quiet(line: str) -> None:
    assert "\n" not in line


def options(out: Path, **changes: Any) -> ToolTraining:
    base = ToolTraining(
        tool="instruct-pix2pix",
        out=out,
        side_px=16,
        latent_channels=4,
        vae_channels=8,
        unet_channels=(8, 16),
        vae_steps=4,
        steps=6,
        batch_size=4,
        crops_per_blemish=1,
        log_every=2,
        save_every=3,
        validation_count=2,
        inference_steps=2,
    )
    return base.model_copy(update=changes)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("run") / "editor-blobs"
    run = options(out, vae_steps=60, steps=60)
    train_tool(run, DATA, report=quiet, command="retoucher train editor --out X")
    judge_folder(run, DATA.validation, quiet)
    return out


def test_it_learns_and_leaves_a_folder_that_its_tool_loads(trained: Path) -> None:
    entries = [json.loads(line) for line in (trained / "training_log.jsonl").read_text().splitlines()]
    for stage in ("autoencoder", "denoiser"):
        losses = [entry["loss"] for entry in entries if entry["stage"] == stage]
        assert losses[-1] < 0.7 * losses[0], (stage, losses)
    gate = json.loads((trained / "gate.json").read_text())
    assert gate["count"] == 2
    card = (trained / "CARD.md").read_text()
    assert "red squares on soft walls" in card and "retoucher train editor --out X" in card
    assert ("NOT passed" in card) is not gate["passed"]
    answer = trained_tool("instruct-pix2pix", trained, 16).edit([a_request(steps=2)])[0]
    assert isinstance(answer, EditResult)
    assert answer.image.std() > 0


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_resumed_run_ends_as_one_that_was_never_stopped(optimizer: str, tmp_path: Path) -> None:
    straight = options(tmp_path / "straight", optimizer=optimizer)
    train_tool(straight, DATA, report=quiet)
    stopped = options(tmp_path / "stopped", optimizer=optimizer)

    def stop(line: str) -> None:
        if line.startswith("denoiser 4/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_tool(stopped, DATA, report=stop)
    assert (stopped.state_folder / "denoiser.pt").is_file()
    assert not (stopped.out / "model_index.json").exists()
    train_tool(stopped, DATA, resume=True, report=quiet)
    for part in ("unet", "vae"):
        a, b = (load_file(run.out / part / "diffusion_pytorch_model.safetensors") for run in (straight, stopped))
        assert a.keys() == b.keys()
        for name, weights in a.items():
            assert torch.equal(weights, b[name]), (part, name)
            assert weights.dtype == torch.float16


def test_init_from_begins_with_the_weights_and_the_tokenizer(trained: Path, tmp_path: Path) -> None:
    run = options(tmp_path / "next", init_from=trained, steps=1, vae_steps=0, learning_rate=1e-9)
    train_tool(run, DATA, report=quiet)
    judge_folder(run, DATA.validation, quiet)
    a, b = (load_file(folder / "unet" / "diffusion_pytorch_model.safetensors") for folder in (trained, run.out))
    for name, weights in a.items():
        torch.testing.assert_close(weights, b[name], atol=1e-3, rtol=1e-3)
    assert f"the checkpoint {trained.name}" in (run.out / "CARD.md").read_text()
    with pytest.raises(BadInput, match="not a StableDiffusionInpaintPipeline"):
        train_tool(options(tmp_path / "x", tool="sd-inpainting", init_from=trained), DATA, report=quiet)
    with pytest.raises(MissingResource) as caught:
        train_tool(options(tmp_path / "y", init_from=tmp_path / "nowhere"), DATA, report=quiet)
    assert caught.value.code == ErrorCode.MISSING_CHECKPOINT


def test_a_checkpoint_goes_on_with_crops_of_another_side(trained: Path, tmp_path: Path) -> None:
    run = options(tmp_path / "larger", init_from=trained, steps=2, vae_steps=0, side_px=32)
    train_tool(run, DATA, report=quiet)
    sizes = [json.loads((one / "unet" / "config.json").read_text())["sample_size"] for one in (trained, run.out)]
    assert sizes == [8, 16]
    answer = trained_tool("instruct-pix2pix", run.out, 32).edit([a_request(steps=2)])[0]
    assert isinstance(answer, EditResult)


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_the_ladder_leads_where_the_scheduler_does(steps: int, trained: Path) -> None:
    scheduler = build_parts(options(trained, init_from=trained), ()).scheduler
    way = ladder(scheduler, steps)
    ours = theirs = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    assert [rung.time for rung in way] == scheduler.timesteps.tolist()
    for rung in way:
        velocity = torch.tanh(theirs.flip(-1))
        theirs = scheduler.step(velocity, torch.tensor(rung.time), theirs).prev_sample
        ours = rung.down(ours, torch.tanh(ours.flip(-1)))
        torch.testing.assert_close(ours, theirs)


def test_its_own_way_is_what_the_pipeline_draws(trained: Path) -> None:
    torch.manual_seed(0)
    parts = build_parts(options(trained, init_from=trained), ())
    source, target = (torch.rand(2, 3, 16, 16) * 2 - 1 for _ in range(2))
    batch = Batch(source, target, torch.ones(2, 1, 16, 16), torch.ones(2, 8).long())
    way = ladder(parts.scheduler, 3)
    loss = own_way_loss(parts, batch, torch.Generator().manual_seed(1), 0.1, inpaint=False, way=way)
    loss.backward()
    assert all(one.grad is not None for one in parts.unet.parameters())
    drawn = parts.pipeline("instruct-pix2pix")(
        prompt_embeds=parts.text_encoder(batch.tokens)[0].detach(),
        image=(source + 1) / 2,
        latents=torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1)),
        num_inference_steps=3,
        guidance_scale=1.0,
        output_type="latent",
    ).images
    decoded = parts.vae.decode(drawn / parts.vae.config.scaling_factor).sample
    error = (decoded - target).square().mean(dim=(1, 2, 3))
    torch.testing.assert_close(loss, (0.01 * torch.log1p(error / 0.01)).mean())


def test_no_loss_asks_the_device_for_a_number(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU each such question waits for all that was asked before."""
    parts = build_parts(options(trained, init_from=trained), ())
    pool = Pool(torch.zeros(4, 16, 16, 9).byte(), torch.ones(4).bool(), torch.ones(4, 8).long())
    way = ladder(parts.scheduler, 2)
    noise = torch.Generator().manual_seed(1)

    def asked(self: torch.Tensor) -> float:
        raise AssertionError("a number of a tensor")

    for name in ("item", "__float__", "__int__", "__bool__", "tolist"):
        monkeypatch.setattr(torch.Tensor, name, asked)
    batch = batch_of(pool, torch.arange(3), noise)
    denoiser_loss(parts, batch, noise, 0.1, inpaint=False).backward()
    judges = Judges(Critic(8), 0.1, lambda crops: (crops[:, :, ::2], crops), 0.1)
    own_way_loss(parts, batch, noise, 0.1, inpaint=False, way=way, judges=judges).backward()


def test_a_run_ends_by_the_clock_and_resumes_as_ended(tmp_path: Path) -> None:
    run = options(tmp_path / "run", steps=1_000_000, minutes=0.03, varied=True, own_way_share=0.5, own_way_from=0.5)
    train_tool(run, DATA, report=quiet)
    steps = steps_taken(run.out / "training_log.jsonl", "denoiser")
    assert 1 < steps < 1_000
    assert Trained.of(run.out).steps == steps
    train_tool(run, DATA, resume=True, report=quiet)
    assert steps_taken(run.out / "training_log.jsonl", "denoiser") == steps


def test_a_run_may_learn_from_its_own_way(trained: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"init_from": trained, "vae_steps": 0, "steps": 3}
    folders = []
    for share in (0.0, 1.0):
        run = options(tmp_path / f"share{share}", own_way_share=share, **changes)
        train_tool(run, DATA, report=quiet)
        folders.append(load_file(run.out / "unet" / "diffusion_pytorch_model.safetensors"))
    assert any(not torch.equal(weights, folders[1][name]) for name, weights in folders[0].items())


def test_a_run_with_a_critic_resumes_as_if_never_stopped(trained: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "init_from": trained, "vae_steps": 0, "own_way_share": 0.7, "critic_weight": 0.05, "save_every": 2,
    }  # fmt: skip
    whole = options(tmp_path / "whole", steps=4, **changes)
    train_tool(whole, DATA, report=quiet)
    parts = options(tmp_path / "parts", steps=4, **changes)

    def stop(line: str) -> None:
        if line.startswith("denoiser 2/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_tool(parts.model_copy(update={"log_every": 1}), DATA, report=stop)
    train_tool(parts.model_copy(update={"log_every": 1}), DATA, resume=True, report=quiet)
    one, other = (load_file(run.out / "unet" / "diffusion_pytorch_model.safetensors") for run in (whole, parts))
    assert all(torch.equal(weights, other[name]) for name, weights in one.items())
    without = options(tmp_path / "without", steps=4, **{**changes, "critic_weight": 0.0})
    train_tool(without, DATA, report=quiet)
    plain = load_file(without.out / "unet" / "diffusion_pytorch_model.safetensors")
    assert any(not torch.equal(weights, plain[name]) for name, weights in one.items())
    judged = {**changes, "critic_weight": 0.0, "perceptual": tmp_path / "saliency", "perceptual_weight": 0.1}
    seen = options(tmp_path / "seen", steps=4, **judged)
    train_tool(seen, DATA, report=quiet, see=lambda crops: (crops,))
    others = load_file(seen.out / "unet" / "diffusion_pytorch_model.safetensors")
    assert any(not torch.equal(weights, plain[name]) for name, weights in others.items())
    for part in ("unet", "vae"):
        assert "_name_or_path" not in json.loads((seen.out / part / "config.json").read_text())


def test_an_inpainter_trains_and_its_tool_loads_it(tmp_path: Path) -> None:
    run = options(tmp_path / "inpainter", tool="sd-inpainting", bf16=True)
    train_tool(run, DATA, report=quiet)
    answer = trained_tool("sd-inpainting", run.out, 16).edit([a_request(steps=2, size_hw=(40, 30))])[0]
    assert isinstance(answer, EditResult)
    assert answer.image.shape == (40, 30, 3)
    judge_folder(run, DATA.validation, quiet)
    assert "An inpainter" in (run.out / "CARD.md").read_text()


def test_a_folder_holds_one_run(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--resume"):
        train_tool(options(trained), DATA, report=quiet)
    with pytest.raises(BadInput, match="no run to resume"):
        train_tool(options(tmp_path / "none"), DATA, resume=True, report=quiet)
    with pytest.raises(BadInput, match="seed") as caught:
        train_tool(options(trained, steps=60, vae_steps=60, seed=3), DATA, resume=True, report=quiet)
    assert caught.value.code == ErrorCode.BAD_OPTION


def test_eyes_and_their_option_go_together(tmp_path: Path) -> None:
    run = options(tmp_path / "run", perceptual=tmp_path / "saliency")
    with pytest.raises(ValueError, match="give both or neither"):
        train_tool(run, DATA, report=print)
    assert not run.out.exists()


def test_data_without_blemishes_is_refused(tmp_path: Path) -> None:
    class Healthy(BlobPairs):
        def __getitem__(self, index: int) -> Any:
            return BlobPairs(3)[2]

    with pytest.raises(BadInput, match="no blemish"):
        train_tool(options(tmp_path / "run"), PairData(Healthy(4), Healthy(2), ""), report=quiet)


def test_a_checkpoint_may_be_judged_anew(trained: Path) -> None:
    before = (trained / "gate.json").read_text()
    judge_folder(options(trained, steps=60, vae_steps=60), DATA.validation, quiet)
    assert (trained / "gate.json").read_text() == before
    with pytest.raises(BadInput, match="no tool was trained"):
        Trained.of(trained / "unet")
