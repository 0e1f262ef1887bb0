"""What a tiny model's picture encoder learns before the model learns to speak: what is seen where, and what is wrong.

An answer has a few letters to learn from, a picture some hundred patches. So the encoder first tells, of each patch of
a region's crop, the part and colour that lie there and the category of the blemish; of the crop as a whole, what is
wrong; and crops of clean twins are to seem less wrong than the blemished ones (Burges et al. 2005, "Learning to rank
using gradient descent"). The heads are thrown away: the language model reads the same tokens.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset
from transformers import PrinterCallback, ProcessorMixin, Trainer, TrainingArguments, set_seed

from services.datasets.benchmark.parts import LABEL_COUNTS
from services.datasets.proposals.propose import Proposal, propose
from services.datasets.sources import DrawnSamples, ToldSample
from services.reasoning.contract import CATEGORY_NAMES, NO_CATEGORY
from services.reasoning.prompts import Prompt, load_prompt
from services.reasoning.request import Marked, crop_box, outlined_crop
from services.reasoning.training.models import begun_with, load_model, save_servable
from services.reasoning.training.options import LOOKING_LOG, SftOptions
from services.training.log_file import LogFile
from services.training.trainer import common_arguments, last_state
from shared.contracts.categories import Category
from shared.contracts.values import Region
from shared.images import Rgb

SOUND = CATEGORY_NAMES.index(NO_CATEGORY)
UNTOLD = -100
"""Of what a picture alone does not tell: whether it agrees with its prompt."""
_OF_THE_PROMPT = frozenset({Category.ATTRIBUTE, Category.COUNT})
_ROUNDS, _MOST = 2, 6
"""How often regions of a sample are proposed, and how many are looked at: to draw a sample is dear."""
_PATCH_SHARE = 0.25
"""Of a patch that shows a blemish, so much is covered by it."""
_BACKDROP_WEIGHT, _SOUND_WEIGHT = 0.2, 0.1
"""Of the values that most patches have."""
_COUNTS = (*LABEL_COUNTS, len(CATEGORY_NAMES))

Maps = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Look:
    """A region's crop and what is to be told of it.

    Attributes:
        picture: `(h, w, 3)` uint8, as the model is shown it.
        maps: `(3, H, W)` int64 of the cut, by pixel of the image: part, colour, category of the blemish.
        category: index into `CATEGORY_NAMES` of what is wrong, or `UNTOLD`.
        is_twin: it is the clean twin of the one before.
    """

    picture: Rgb
    maps: Maps
    category: int
    is_twin: bool


class Looks(Dataset[tuple[Look, ...]]):
    """Crops of the regions that are proposed of each sample, each beside the same cut of the clean twin."""

    def __init__(self, samples: DrawnSamples, prompt: Prompt) -> None:
        self._samples = samples
        self._prompt = prompt

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> tuple[Look, ...]:
        """Those of one sample, or of the next of which anything is proposed: a batch is never empty.

        Raises:
            ValueError: nothing is proposed of any.
        """
        for step in range(len(self._samples)):
            looks = self._of((index + step) % len(self._samples))
            if looks:
                return looks
        raise ValueError("nothing is proposed of any sample")

    def _of(self, index: int) -> tuple[Look, ...]:
        sample = self._samples[index]
        rng = random.Random(f"{self._samples.seed}/{index}/looks")
        proposals = [one for _ in range(_ROUNDS) for one in propose(sample, rng) if not one.on_twin]
        rng.shuffle(proposals)
        return tuple(look for one in proposals[:_MOST] for look in looks_at(sample, one, self._prompt))


def looks_at(sample: ToldSample, proposal: Proposal, prompt: Prompt) -> list[Look]:
    """The crop and, where it shows a blemish, the same cut of the clean twin.

    Raises:
        ValueError: the sample is not labelled.
    """
    if sample.labels is None or sample.clean_labels is None or sample.clean is None:
        raise ValueError("only labelled samples can be looked at")
    told = SOUND if proposal.truth is None else CATEGORY_NAMES.index(proposal.truth.category.value)
    if proposal.truth is not None and proposal.truth.category in _OF_THE_PROMPT:
        told = UNTOLD
    wrong = np.full(sample.image.shape[:2], SOUND, np.uint8)
    for mask, truth in zip(sample.visible_masks, sample.truths, strict=True):
        if truth.category not in _OF_THE_PROMPT:
            wrong[mask] = CATEGORY_NAMES.index(truth.category.value)
    looks = [_look(sample.image, sample.labels, wrong, proposal, prompt, told, is_twin=False)]
    if told not in (SOUND, UNTOLD):
        sound = np.full_like(wrong, SOUND)
        looks.append(_look(sample.clean, sample.clean_labels, sound, proposal, prompt, SOUND, is_twin=True))
    return looks


def _look(
    image: Rgb,
    labels: npt.NDArray[np.uint8],
    wrong: npt.NDArray[np.uint8],
    proposal: Proposal,
    prompt: Prompt,
    category: int,
    *,
    is_twin: bool,
) -> Look:
    box = proposal.box_xyxy_px
    x0, y0, x1, y1 = crop_box(box, prompt.context, (image.shape[0], image.shape[1]))
    region = Region(id="r1", box_xyxy_px=box, mask_ref="proposal", detector="proposal", evidence=1.0)
    maps = np.concatenate([labels, wrong[None]])[:, y0:y1, x0:x1]
    picture = outlined_crop(image, Marked(region, proposal.mask.astype(np.uint8) * 255), prompt)
    return Look(picture, maps.astype(np.int64), category, is_twin)


@dataclass(frozen=True)
class LookCollator:
    """Looks as the picture encoder takes them: its patches in its own order, and the targets in the same."""

    processor: ProcessorMixin

    def __call__(self, rows: Sequence[tuple[Look, ...]]) -> dict[str, Tensor]:
        """`pixel_values`, `image_grid_thw`; `patches` `(T, 4, 3)` int64, `category` and `twin_of` `(B,)` int64."""
        looks = [look for row in rows for look in row]
        processor: Any = self.processor
        batch: dict[str, Tensor] = dict(processor.image_processor([one.picture for one in looks], return_tensors="pt"))
        grids = batch["image_grid_thw"].tolist()
        batch["patches"] = torch.cat([_by_token(one.maps, h, w) for one, (_, h, w) in zip(looks, grids, strict=True)])
        batch["category"] = torch.tensor([one.category for one in looks])
        batch["twin_of"] = torch.tensor([at - 1 if one.is_twin else -1 for at, one in enumerate(looks)])
        return batch


def _by_token(maps: Maps, height: int, width: int) -> Tensor:
    """The maps at a grid of patches, by token of four patches: `(height * width / 4, 4, 3)`."""
    size = (width, height)
    planes = [cv2.resize(one.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) for one in maps]
    covered = cv2.resize((maps[2] != SOUND).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    if (maps[2] != SOUND).any():
        # A nearest pixel may miss what covers a good part of the patch: the commonest category of the cut stands in.
        commonest = np.bincount(maps[2][maps[2] != SOUND]).argmax()
        there = covered >= min(_PATCH_SHARE, float(covered.max()))
        planes[2] = np.where(there, np.where(planes[2] == SOUND, commonest, planes[2]), SOUND)
    grid = torch.from_numpy(np.stack(planes, axis=-1).astype(np.int64))
    return grid.reshape(height // 2, 2, width // 2, 2, len(planes)).transpose(1, 2).reshape(-1, 4, len(planes))


class Looker(nn.Module):
    """A picture encoder with heads on the tokens that the language model reads."""

    def __init__(self, visual: nn.Module, width: int) -> None:
        super().__init__()
        self.visual = visual
        self.patches = nn.Linear(width, 4 * sum(_COUNTS))
        self.attention = nn.Linear(width, 1)
        self.whole = nn.Linear(width, len(CATEGORY_NAMES))

    def forward(self, pixel_values: Tensor, image_grid_thw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`(T, 4, sum of counts)` of patches; `(B, 13)` of crops; `(T,)` which crop a token belongs to."""
        tokens = self.visual(pixel_values, image_grid_thw).pooler_output.float()
        sizes = image_grid_thw.prod(dim=1) // 4
        owner = torch.repeat_interleave(torch.arange(len(sizes), device=tokens.device), sizes)
        own = owner[None] == torch.arange(len(sizes), device=tokens.device)[:, None]
        weights = self.attention(tokens).squeeze(1).masked_fill(~own, -torch.inf).softmax(dim=1)
        patches = self.patches(tokens).float().unflatten(1, (4, -1))
        return patches, self.whole(weights @ tokens).float(), owner


def looking_losses(patches: Tensor, whole: Tensor, owner: Tensor, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """The losses by name: `seen` (parts and colours), `wrong` (patches' categories), `category`, `contrast`."""
    parts, colours, wrong = torch.split(patches, list(_COUNTS), dim=-1)
    told = inputs["patches"]
    sound_weights = torch.ones(len(CATEGORY_NAMES), device=wrong.device)
    sound_weights[SOUND] = _SOUND_WEIGHT
    seen = [_weighted(logits, told[..., at]) for at, logits in enumerate((parts, colours))]
    at_patches = functional.cross_entropy(wrong.flatten(0, 1), told[..., 2].flatten(), weight=sound_weights)
    named = functional.cross_entropy(whole, inputs["category"], ignore_index=UNTOLD, reduction="sum")
    named = named / (inputs["category"] != UNTOLD).sum().clamp(min=1)
    return {
        "seen": torch.stack(seen).mean(),
        "wrong": at_patches,
        "category": named,
        "contrast": _contrast(wrong, whole, owner, inputs),
    }


def _weighted(logits: Tensor, told: Tensor) -> Tensor:
    weights = torch.ones(logits.shape[-1], device=logits.device)
    weights[0] = _BACKDROP_WEIGHT
    return functional.cross_entropy(logits.flatten(0, 1), told.flatten(), weight=weights)


def _contrast(wrong: Tensor, whole: Tensor, owner: Tensor, inputs: dict[str, Tensor]) -> Tensor:
    """softplus(clean - blemished) of how wrong each seems: as a whole, and where the blemish is. 0 without twins.

    Twins are cut alike, so that their patches lie in the same order.
    """
    clean = torch.nonzero(inputs["twin_of"] >= 0).squeeze(1)
    if not len(clean):
        return whole.new_zeros(())
    losses = []
    for one in clean.tolist():
        other = int(inputs["twin_of"][one])
        losses.append(functional.softplus(_wrongness(whole[one]) - _wrongness(whole[other])))
        there = inputs["patches"][owner == other][..., 2] != SOUND
        if there.any():
            gap = _wrongness(wrong[owner == one][there]) - _wrongness(wrong[owner == other][there])
            losses.append(functional.softplus(gap).mean())
    return torch.stack(losses).sum() / len(clean)


def _wrongness(logits: Tensor) -> Tensor:
    """Log odds that anything is wrong."""
    any_category = torch.cat([logits[..., :SOUND], logits[..., SOUND + 1 :]], dim=-1)
    return any_category.logsumexp(dim=-1) - logits[..., SOUND]


class LookingTrainer(Trainer):
    """A Trainer of `Looker`; the sum of `looking_losses` is the loss, their means are logged."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._sums: dict[str, list[float]] = {}

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The loss of a batch; with `return_outputs`, the logits of whole crops too."""
        patches, whole, owner = model(inputs["pixel_values"], inputs["image_grid_thw"])
        losses = looking_losses(patches, whole, owner, inputs)
        known = inputs["category"] != UNTOLD
        right = (whole.argmax(dim=1) == inputs["category"])[known].float().mean()
        told = _wrongness(whole)
        clean = torch.nonzero(inputs["twin_of"] >= 0).squeeze(1)
        ordered = (told[inputs["twin_of"][clean]] > told[clean]).float().mean()
        for name, value in {**losses, "right": right, "twins_told": ordered}.items():
            if value.isfinite():
                self._sums.setdefault(f"{'' if model.training else 'eval_'}{name}", []).append(value.item())
        loss = torch.stack(list(losses.values())).sum()
        return (loss, {"whole": whole}) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """As `Trainer.log`, with the mean of each part since the last entry."""
        evaluated = any(name.startswith("eval_") for name in logs)
        for name in [name for name in self._sums if name.startswith("eval_") == evaluated]:
            values = self._sums.pop(name)
            logs = {**logs, name: round(sum(values) / len(values), 4)}
        super().log(logs, start_time)


def learn_to_look(
    options: SftOptions, training: DrawnSamples, validation: DrawnSamples, report: Callable[[str], None]
) -> None:
    """Trains the picture encoder of the model that the run begins with; writes it to `options.looked_folder`.

    A stopped run goes on from its last state.

    Args:
        options: the run; `looking_steps` of it.
        training: labelled samples to learn from.
        validation: others to measure on.
        report: takes lines of progress.
    """
    run = options.looking
    set_seed(run.seed)
    model, processor = load_model(begun_with(options), revision=options.revision, device=options.device)
    named: Any = model
    looker = Looker(named.model.visual, named.config.text_config.hidden_size)
    prompt = load_prompt(options.prompt)
    arguments = TrainingArguments(
        **common_arguments(run),
        per_device_train_batch_size=options.batch_size,
        per_device_eval_batch_size=options.batch_size,
        dataloader_num_workers=options.workers,
        dataloader_persistent_workers=options.workers > 0,
        eval_strategy="steps",
        eval_steps=run.evaluate_every,
        prediction_loss_only=True,
        label_names=["patches", "category", "twin_of"],
        remove_unused_columns=False,
    )
    trainer = LookingTrainer(
        model=looker,
        args=arguments,
        train_dataset=Looks(training, prompt),
        eval_dataset=Looks(validation, prompt),
        data_collator=LookCollator(processor),
        callbacks=[LogFile(options.out / LOOKING_LOG, report)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=last_state(run))
    save_servable(model, processor, options.looked_folder, half=False)


def looked(folder: Path) -> bool:
    """Whether an encoder that learned to look lies there."""
    return (folder / "config.json").is_file()
