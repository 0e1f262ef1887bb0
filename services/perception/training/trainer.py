"""transformers' Trainer for the saliency network: its loss, its validation metrics, its log.

The metrics are those that evaluation reports, on the same truth maps.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import EvalPrediction, Trainer

from services.perception.metrics import SaliencyMetrics, image_auroc, mean_metrics, saliency_metrics
from services.perception.saliency.checkpoint import load_model
from services.perception.saliency.modelling import SaliencyOutput
from services.perception.training.dataset import LABEL_NAMES
from services.perception.training.losses import Targets, contrast_loss, label_loss, saliency_losses
from services.perception.training.options import LossSettings

_PARTS = ("pixels", "mse", "kld", "any_distortion", "scores", "contrast", "labels")


class SaliencyTrainer(Trainer):
    """A Trainer whose loss is `saliency_losses`; the loss's parts are logged beside their sum.

    Args:
        loss_settings: weights of the loss.
        arguments: as `Trainer` takes them.
    """

    def __init__(self, *, loss_settings: LossSettings, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._loss_settings = loss_settings
        self._sums = torch.zeros(len(_PARTS))
        self._count = 0

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor | tuple[Tensor, SaliencyOutput]:
        """The loss of a batch; with `return_outputs`, the network's outputs too."""
        output: SaliencyOutput = model(
            pixel_values=_normalised(inputs["squares"], model),
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
        )
        if output.map_logits is None or output.any_logit is None or output.score_logits is None:
            raise ValueError("the network gave no map or no heads")
        targets = Targets(inputs["truth"], inputs["distorted"], inputs["scores"])
        losses = saliency_losses(output.map_logits, output.any_logit, output.score_logits, targets, self._loss_settings)
        total = losses.total
        if model.training:
            contrast = contrast_loss(output.map_logits, output.any_logit, inputs["truth"], inputs["twin_of"])
            total = total + self._loss_settings.contrast_weight * contrast
            named = torch.zeros_like(total)
            if output.label_logits is not None and "label_maps" in inputs:
                named = label_loss(output.label_logits, inputs["label_maps"].long())
                total = total + self._loss_settings.label_weight * named
            own = [losses.pixels, losses.mse, losses.kld, losses.any_distortion, losses.scores]
            parts = torch.stack([*own, contrast.detach(), named.detach()])
            self._sums = self._sums.to(parts.device) + parts
            self._count += 1
        return (total, output) if return_outputs else total

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        """Loads the weights of a state that a run resumes from, as serving does: none may be left over or missing.

        The Trainer's own reads the file by raw names; `save_pretrained` writes a ViT under its older names, so that
        it would warn, leave the ViT at random, and go on.
        """
        target = self.model if model is None else model
        if target is None:
            raise ValueError("there is no network to load the state into")
        target.load_state_dict(load_model(Path(resume_from_checkpoint)).state_dict())

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """As `Trainer.log`, with the mean of each part of the loss since the last entry."""
        if "loss" in logs and self._count:
            means = (self._sums / self._count).tolist()
            logs = {**logs, **{f"loss_{name}": round(value, 5) for name, value in zip(_PARTS, means, strict=True)}}
            self._sums.zero_()
            self._count = 0
        super().log(logs, start_time)


def _normalised(squares: Tensor, model: nn.Module) -> Tensor:
    """As `preprocess.normalised`, where the network lies: `(B, S, S, 3)` uint8 to `(B, 3, S, S)` float32."""
    config: Any = model.config
    mean, std = (torch.tensor(values, device=squares.device) for values in (config.image_mean, config.image_std))
    return ((squares.float() / 255 - mean) / std).permute(0, 3, 1, 2)


def validation_metrics(prediction: EvalPrediction) -> dict[str, float]:
    """Table 3's figures on blemished validation images, and the AUROC of the "any distortion" head on all.

    Args:
        prediction: `predictions` are map logits `(N, h, w)`, any logits `(N,)`, score logits `(N, 4)`; `label_ids` in
            the order of `LABEL_NAMES`.
    """
    map_logits, any_logits, score_logits = (np.asarray(part, np.float32) for part in prediction.predictions)
    truth = dict(zip(LABEL_NAMES, map(np.asarray, prediction.label_ids), strict=True))
    fixations, distorted = truth["fixations"].astype(np.bool_), truth["distorted"] > 0.5
    per_image = [one_image(map_logits[at], fixations[at]) for at in np.flatnonzero(distorted)]
    result = dict(vars(mean_metrics(per_image))) if per_image else {}
    if distorted.any() and not distorted.all():
        result["image_auroc"] = image_auroc(any_logits, distorted)
    known = np.isfinite(truth["scores"])
    if known.any():
        error = np.abs(_sigmoid(score_logits) - truth["scores"])[known]
        result["score_mae"] = float(error.mean())
    return result


def one_image(map_logits: npt.NDArray[np.float32], fixations: npt.NDArray[np.bool_]) -> SaliencyMetrics:
    """The metrics of one predicted map, raised to the size of its `(S, S)` mask."""
    side = fixations.shape[0]
    saliency = cv2.resize(_sigmoid(map_logits), (side, side), interpolation=cv2.INTER_LINEAR)
    return saliency_metrics(np.clip(saliency, 0.0, 1.0), fixations)


def _sigmoid(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)
