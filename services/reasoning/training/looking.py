"""What a tiny model's picture encoder learns before the model learns to speak: what is seen where, and what is wrong.

An answer has a few letters to learn from, a picture some hundred patches. So the encoder first tells, of each patch of
a region's crop, the part and colour that lie there and the category of the blemish; of the crop as a whole, what is
wrong; and crops of clean twins are to seem less wrong than the blemished ones (Burges et al. 2005, "Learning to rank
using gradient descent"). The heads are thrown away: the language model reads the same tokens.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PrinterCallback, Trainer, TrainingArguments, set_seed

from services.datasets.sources import DrawnSamples
from services.reasoning.contract import CATEGORY_NAMES
from services.reasoning.prompts import load_prompt
from services.reasoning.training.batches import Joiner, Prepared
from services.reasoning.training.encoder import encode_together
from services.reasoning.training.looks import PATCH_COUNTS, SOUND, UNTOLD, LookCollator, Looks
from services.reasoning.training.models import load_first, save_servable
from services.reasoning.training.options import LOOKING_LOG, SftOptions
from services.reasoning.training.pixels import Pixels
from services.training.optimisers import optimiser_of
from services.training.trainer import batch_arguments, common_arguments, drawn_once, last_state, watching
from services.training.twins import twin_contrast, twins_told

_BACKDROP_WEIGHT, _SOUND_WEIGHT = 0.2, 0.1
"""Of the values that most patches have."""


class Looker(nn.Module):
    """A picture encoder with heads on the tokens that the language model reads."""

    def __init__(self, visual: nn.Module, width: int) -> None:
        super().__init__()
        self.visual = visual
        self.patches = nn.Linear(width, 4 * sum(PATCH_COUNTS))
        self.attention = nn.Linear(width, 1)
        self.whole = nn.Linear(width, len(CATEGORY_NAMES))

    def forward(self, pixel_values: Tensor, image_grid_thw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`(T, 4, sum of counts)` of patches; `(B, 13)` of crops; `(T,)` which crop a token belongs to."""
        tokens = self.visual(pixel_values, image_grid_thw).pooler_output.float()
        sizes = image_grid_thw.prod(dim=1) // 4
        owner = torch.repeat_interleave(torch.arange(len(sizes), device=tokens.device), sizes, output_size=len(tokens))
        own = owner[None] == torch.arange(len(sizes), device=tokens.device)[:, None]
        weights = self.attention(tokens).squeeze(1).masked_fill(~own, -torch.inf).softmax(dim=1)
        patches = self.patches(tokens).float().unflatten(1, (4, -1))
        return patches, self.whole(weights @ tokens).float(), owner


def looking_losses(patches: Tensor, whole: Tensor, owner: Tensor, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """The losses by name: `seen` (parts and colours), `wrong` (patches' categories), `category`, `contrast`."""
    parts, colours, wrong = torch.split(patches, list(PATCH_COUNTS), dim=-1)
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
    """`twin_contrast` of how wrong each seems: as a whole, and where the blemish is. 0 without twins.

    Twins are cut alike, so that their patches lie in the same order.
    """
    twin_of, odds = inputs["twin_of"], _wrongness(wrong)
    crops, tokens = torch.arange(len(whole), device=owner.device), torch.arange(len(owner), device=owner.device)
    begins = torch.searchsorted(owner, crops)
    other = twin_of[owner]  # by token of a clean twin, the blemished crop
    partner = torch.where(other >= 0, tokens - begins[owner] + begins[other.clamp(min=0)], tokens)
    there = (inputs["patches"][partner][..., 2] != SOUND) & (other >= 0)[:, None]
    gaps = functional.softplus(odds - odds[partner]) * there
    sums, counts = (odds.new_zeros(len(whole)).index_add(0, owner, one.float().sum(dim=1)) for one in (gaps, there))
    by_patch = (sums / counts.clamp(min=1)).sum() / (twin_of >= 0).sum().clamp(min=1)
    return twin_contrast(_wrongness(whole), twin_of) + by_patch


def _wrongness(logits: Tensor) -> Tensor:
    """Log odds that anything is wrong."""
    any_category = torch.cat([logits[..., :SOUND], logits[..., SOUND + 1 :]], dim=-1)
    return any_category.logsumexp(dim=-1) - logits[..., SOUND]


class LookingTrainer(Trainer):
    """A Trainer of `Looker`; the sum of `looking_losses` is the loss, their means are logged.

    Args:
        pixels: how patches are packed.
        arguments: of `Trainer`.
    """

    def __init__(self, *, pixels: Pixels, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._pixels = pixels
        self._figures: dict[str, list[Tensor]] = {}  # on the device: to read one is to wait for it

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The loss of a batch; with `return_outputs`, the logits of whole crops too."""
        patches, whole, owner = model(self._pixels.values(inputs["pixel_values"]), inputs["image_grid_thw"])
        losses = looking_losses(patches, whole, owner, inputs)
        known = inputs["category"] != UNTOLD
        right = (whole.argmax(dim=1) == inputs["category"])[known].float().mean()
        told = twins_told(_wrongness(whole), inputs["twin_of"])
        for name, value in {**losses, "right": right, "twins_told": told}.items():
            self._figures.setdefault(f"{'' if model.training else 'eval_'}{name}", []).append(value.detach())
        loss = torch.stack(list(losses.values())).sum()
        return (loss, {"whole": whole}) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """As `Trainer.log`, with the mean of each part since the last entry."""
        evaluated = any(name.startswith("eval_") for name in logs)
        for name in [name for name in self._figures if name.startswith("eval_") == evaluated]:
            mean = torch.stack(self._figures.pop(name)).nanmean().item()
            if math.isfinite(mean):
                logs = {**logs, name: round(mean, 4)}
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
    model, processor = load_first(options)
    named: Any = model
    encode_together(model)
    looker = Looker(named.model.visual, named.config.text_config.hidden_size)
    prompt, collate, pixels = load_prompt(options.prompt), LookCollator(processor), Pixels.of(processor)
    arguments = TrainingArguments(
        **common_arguments(run),
        **batch_arguments(run, options.batch_size),
        prediction_loss_only=True,
        label_names=["patches", "category", "twin_of"],
    )
    trainer = LookingTrainer(
        pixels=pixels,
        model=looker,
        args=arguments,
        **optimiser_of(run),
        train_dataset=drawn_once(run, Prepared(Looks(training, prompt), collate, pixels)),
        eval_dataset=Prepared(Looks(validation, prompt), collate, pixels),
        data_collator=Joiner(),
        callbacks=watching(run, options.out / LOOKING_LOG, report),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=last_state(run))
    save_servable(model, processor, options.looked_folder, half=False)


def looked(folder: Path) -> bool:
    """Whether an encoder that learned to look lies there."""
    return (folder / "config.json").is_file()
