"""Images and prompts through the network: maps at each image's size, calibrated heads, distance to the domain.

Knows tensors; returns numpy. Safe for threads: nothing is kept between calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from services.perception.saliency.checkpoint import Checkpoint, Network
from services.perception.saliency.configuration import SCORE_NAMES
from services.perception.saliency.pairs import Sight
from services.perception.saliency.preprocess import from_square, normalised, place, to_square
from services.perception.saliency.tokens import tokenise
from shared.images import Rgb


@dataclass(frozen=True)
class RawPrediction:
    """What the network says of one image, before calibration.

    Attributes:
        saliency: `(H, W)` float32 in [0, 1], at the image's size.
        any_logit: of any distortion.
        scores: in [0, 1] by name; those that training had no truth for say nothing.
        features: `(F,)` for the domain check.
        sight: what the verifier looks at.
    """

    saliency: npt.NDArray[np.float32]
    any_logit: float
    scores: Mapping[str, float]
    features: npt.NDArray[np.float32]
    sight: Sight


@dataclass(frozen=True)
class Prediction:
    """What a calibrated checkpoint says of one image; `domain_distance` is about 1 on training data.

    `sight` is what the verifier looks at; None where there is no verifier.
    """

    saliency: npt.NDArray[np.float32]
    any_distortion: float
    scores: Mapping[str, float]
    domain_distance: float
    in_domain: bool
    sight: Sight | None = None


def predict_raw(network: Network, images: Sequence[Rgb], prompts: Sequence[str]) -> list[RawPrediction]:
    """One prediction per image; the images may differ in size.

    Raises:
        ValueError: there is not one prompt per image.
    """
    if len(images) != len(prompts):
        raise ValueError(f"{len(images)} images and {len(prompts)} prompts")
    if not images:
        return []
    config = network.model.config
    placements = [place((image.shape[0], image.shape[1]), config.image_size_px) for image in images]
    squares = [to_square(image, where, config.image_mean) for image, where in zip(images, placements, strict=True)]
    pixels = torch.from_numpy(normalised(np.stack(squares), config.image_mean, config.image_std))
    ids, mask = tokenise(network.tokenizer, prompts, config.max_text_tokens)
    with torch.inference_mode():
        output = network.model(pixels.to(network.device), ids.to(network.device), mask.to(network.device))
        maps = output.map_logits.sigmoid().cpu().numpy()
        map_logits, score_logits = output.map_logits.cpu().numpy(), output.score_logits.cpu().numpy()
        fine = output.fine.cpu().numpy()
        logits = output.any_logit.cpu().numpy()
        scores = output.score_logits.sigmoid().cpu().numpy()
        features = output.features.float().cpu().numpy()
    return [
        RawPrediction(
            saliency=np.clip(from_square(maps[at], placements[at], (image.shape[0], image.shape[1])), 0.0, 1.0),
            any_logit=float(logits[at]),
            scores={name: float(value) for name, value in zip(SCORE_NAMES, scores[at], strict=True)},
            features=features[at],
            sight=Sight(
                squares[at],
                placements[at],
                fine[at].copy(),  # a sight outlives its batch
                map_logits[at].copy(),
                float(logits[at]),
                score_logits[at].copy(),
            ),
        )
        for at, image in enumerate(images)
    ]


@dataclass(frozen=True)
class Reading:
    """What the network says of an image under one prompt.

    Attributes:
        saliency: `(H, W)` in [0, 1].
        any_logit: of any distortion.
        agreement: in [0, 1], of what is seen with what is meant; None of a network that has learnt no label maps.
    """

    saliency: npt.NDArray[np.float32]
    any_logit: float
    agreement: float | None = None


def predict_under(network: Network, image: Rgb, prompts: Sequence[str]) -> list[Reading]:
    """One image under each of several prompts; it is encoded once, which is two fifths of a look."""
    if not prompts:
        return []
    config = network.model.config
    size_hw = (int(image.shape[0]), int(image.shape[1]))
    placement = place(size_hw, config.image_size_px)
    square = to_square(image, placement, config.image_mean)
    pixels = torch.from_numpy(normalised(square[None], config.image_mean, config.image_std)).to(network.device)
    ids, mask = tokenise(network.tokenizer, prompts, config.max_text_tokens)
    with torch.inference_mode():
        pyramid = network.model.image_encoder(pixels.to(network.model.dtype))
        output: Any = network.model.read(pyramid, ids.to(network.device), mask.to(network.device))
        maps, logits = output.map_logits.sigmoid().cpu().numpy(), output.any_logit.cpu().numpy()
        agreement = network.model.agreement(output.fine)
    agreements = [None] * len(prompts) if agreement is None else agreement.tolist()
    return [
        Reading(np.clip(from_square(one, placement, size_hw), 0.0, 1.0), float(logit), agreed)
        for one, logit, agreed in zip(maps, logits, agreements, strict=True)
    ]


def predict(checkpoint: Checkpoint, images: Sequence[Rgb], prompts: Sequence[str]) -> list[Prediction]:
    """As `predict_raw`, with the checkpoint's calibration and domain check."""
    raw = predict_raw(checkpoint.network, images, prompts)
    if not raw:
        return []
    distances = checkpoint.domain.distance(np.stack([one.features for one in raw]))
    return [
        Prediction(
            saliency=one.saliency,
            any_distortion=checkpoint.calibration.any_probability(one.any_logit),
            scores=one.scores,
            domain_distance=float(distance),
            in_domain=bool(distance <= checkpoint.calibration.domain_threshold),
            sight=one.sight if checkpoint.verifier is not None else None,
        )
        for one, distance in zip(raw, distances, strict=True)
    ]
