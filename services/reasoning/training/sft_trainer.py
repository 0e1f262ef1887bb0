"""TRL's SFT trainer with more weight on the tokens that decide, and how often those are right in its log."""

import math
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn
from trl.trainer.sft_trainer import SFTTrainer

from services.reasoning.training.pixels import Pixels
from services.training.twins import twin_contrast, twins_told


class ReasonerSftTrainer(SFTTrainer):
    """The loss is the answer's mean cross-entropy; tokens of the decision count `decision_weight` times.

    An answer has fifty tokens, most of which follow from its category: at equal weights the few that are to be learned
    from the picture would be a tenth of the loss. `contrast_weight` times it is added how far a flaw's verdict fails to
    stand above its clean twin's, which differs in nothing else (as in `training.looking`).
    """

    def __init__(
        self, *, pixels: Pixels, decision_weight: float, contrast_weight: float = 0.0, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self._pixels = pixels
        self._decision_weight = decision_weight
        self._contrast_weight = contrast_weight

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor | tuple[Tensor, Any]:
        """The weighted loss of a joined batch; the log's entries are shares of right tokens and of right decisions."""
        decision = inputs.pop("decision")[:, 1:]  # a position predicts the token after it
        verdict, twin_of = inputs.pop("verdict") - 1, inputs.pop("twin_of")
        inputs["pixel_values"] = self._pixels.values(inputs["pixel_values"])
        if "places" in inputs:
            inputs["position_ids"] = inputs.pop("places").transpose(0, 1)
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        weights = outputs.label_mask.float() * torch.where(decision, self._decision_weight, 1.0)
        loss = -(outputs.log_probs * weights).sum() / weights.sum().clamp(min=1e-6)
        contrast, ordered = verdict_contrast(outputs.log_probs.gather(1, verdict[:, None]).squeeze(1), twin_of)
        if model.training:
            loss = loss + self._contrast_weight * contrast
        if num_items_in_batch is not None and model.training:  # the Trainer leaves the division to the loss then
            loss = loss / self.current_gradient_accumulation_steps
        metrics = self._metrics["train" if model.training else "eval"]
        right = outputs.is_top1.bool()
        metrics["token_accuracy"].append(right.sum() / outputs.label_mask.sum().clamp(min=1))
        metrics["decision_accuracy"].append((right | ~decision).all(dim=1).float().mean())
        metrics["twins_told"].append(ordered)
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """As the library's, with the figures read from the device: until now nothing waited for them."""
        model: Any = self.model
        metrics = self._metrics["train" if model.training else "eval"]
        for name, values in metrics.items():
            metrics[name] = [one for one in torch.stack(values).tolist() if math.isfinite(one)]
        for name in [name for name, values in metrics.items() if not values]:
            del metrics[name]
        super().log(logs, start_time)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        """Weights of a state, read as serving reads them; an adapter as the library does.

        The Trainer's own reads the file by raw names, and `save_pretrained` may write other ones than the network has.
        """
        target: Any = self.model if model is None else model
        if isinstance(target, PeftModel):
            load: Any = super()._load_from_checkpoint
            load(resume_from_checkpoint, model)
            return
        loaded = type(target).from_pretrained(Path(resume_from_checkpoint), dtype=torch.float32)
        target.load_state_dict(loaded.state_dict())


def verdict_contrast(log_probs: Tensor, twin_of: Tensor) -> tuple[Tensor, Tensor]:
    """`twin_contrast` of the log odds of `true`, and the share of pairs in the right order.

    Args:
        log_probs: `(B,)`, of the true verdict: `true` on a flaw, `false` on its twin.
        twin_of: `(B,)`, for a twin the index of the flaw, else -1.
    """
    # Two words are possible, so that the other's probability is what is left; at 1 it would be none.
    sure = log_probs.float().clamp(max=-1e-6)
    own = sure - torch.log(-torch.expm1(sure))
    odds = torch.where(twin_of >= 0, -own, own)  # a twin's are those of `false`
    return twin_contrast(odds, twin_of), twins_told(odds, twin_of)
