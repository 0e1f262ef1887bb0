"""TRL's SFT trainer with more weight on the tokens that decide, and how often those are right in its log."""

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn
from trl.trainer.sft_trainer import SFTTrainer


class ReasonerSftTrainer(SFTTrainer):
    """The loss is the answer's mean cross-entropy; tokens of the decision count `decision_weight` times.

    An answer has fifty tokens, most of which follow from its category: at equal weights the few that are to be learned
    from the picture would be a tenth of the loss.
    """

    def __init__(self, *, decision_weight: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._decision_weight = decision_weight

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor | tuple[Tensor, Any]:
        """The weighted loss of a batch; the entries of the log are shares of right tokens and of right decisions."""
        decision = inputs.pop("decision")[:, 1:]  # a position predicts the token after it
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        weights = outputs.label_mask.float() * torch.where(decision, self._decision_weight, 1.0)
        loss = -(outputs.log_probs * weights).sum() / weights.sum().clamp(min=1e-6)
        if num_items_in_batch is not None and model.training:  # the Trainer leaves the division to the loss then
            loss = loss / self.current_gradient_accumulation_steps
        metrics = self._metrics["train" if model.training else "eval"]
        right = outputs.is_top1.bool()
        metrics["token_accuracy"].append((right.sum() / outputs.label_mask.sum().clamp(min=1)).item())
        metrics["decision_accuracy"].append((right | ~decision).all(dim=1).float().mean().item())
        return (loss, outputs) if return_outputs else loss

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
