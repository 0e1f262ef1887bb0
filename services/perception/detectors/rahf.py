"""RAHF as a detector: the public RichHF predictor's heat map, cut into regions, and its four scores.

It has no "any distortion" head and no domain check. Torch is imported when the first picture comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from services.perception.detectors.base import Detection, Finding, Scene
from services.perception.saliency.regions import RegionSettings, evidence_in, salient_regions
from shared.contracts.values import Region
from shared.errors import ErrorCode, MissingResource

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from services.perception.rahf import Rahf

HeatMap = Literal["implausibility", "misalignment", "worst"]


@dataclass(frozen=True)
class RahfPrediction:
    """`(H, W)` float32 heat maps and scores by name, all in [0, 1]; a higher score is better."""

    heat_maps: Mapping[str, npt.NDArray[np.float32]]
    scores: Mapping[str, float]


@dataclass(frozen=True)
class RahfSource:
    """Where the weights are.

    Attributes:
        state_dict: the public checkpoint's file.
        tokenizer: folder or hub id of the T5 tokenizer it was trained with.
        revision: of the hub id.
        vision_heads: attention heads of the ViT; None for 64 channels each, as all published ViTs have.
    """

    state_dict: Path
    tokenizer: str = "google-t5/t5-base"
    revision: str | None = None
    vision_heads: int | None = None


class RahfDetector:
    """Finds what RAHF's heat map highlights.

    Args:
        source: the weights; opened on first use.
        heat_map: which one is cut into regions: `implausibility` (artifacts), `misalignment` (what contradicts the
            prompt), or the `worst` of both at each pixel.
        regions: how it is cut; RAHF has no calibration of its own, so the profile chooses.
        device: `cpu` or a CUDA device.
        dtype: `float32`, `bfloat16` or `float16`.
    """

    name = "rahf"

    def __init__(
        self,
        source: RahfSource,
        heat_map: HeatMap = "implausibility",
        regions: RegionSettings = RegionSettings(tau=0.3),  # noqa: B008  # frozen
        device: str = "cpu",
        dtype: str = "float32",
    ) -> None:
        self._source = source
        self._heat_map = heat_map
        self._regions = regions
        self._device = device
        self._dtype = dtype
        self._lock = Lock()
        self._loaded: tuple[Rahf, PreTrainedTokenizerBase] | None = None

    def detect(self, scene: Scene) -> Detection:
        """Regions and map; `any_distortion` is None.

        Raises:
            MissingResource: the weights or the tokenizer cannot be had, or the GPU is not there.
        """
        prediction = self.predict(scene)
        maps = prediction.heat_maps
        saliency = np.maximum(*maps.values()) if self._heat_map == "worst" else maps[self._heat_map]
        return Detection(
            findings=tuple(
                Finding(region.box_xyxy_px, region.mask, region.evidence)
                for region in salient_regions(saliency, self._regions)
            ),
            saliency=saliency,
            scores=prediction.scores,
        )

    def evidence_at(self, scene: Scene, detection: Detection, regions: Sequence[Region]) -> Sequence[float]:
        """The map's evidence in each region's box.

        Raises:
            ValueError: the detection has no map.
        """
        if detection.saliency is None:
            raise ValueError("a detection without a map is not of the RAHF detector")
        return [evidence_in(detection.saliency, region.box_xyxy_px) for region in regions]

    def predict(self, scene: Scene) -> RahfPrediction:
        """Both heat maps at the image's size, and the four scores.

        Raises:
            MissingResource: as `detect`.
        """
        import torch

        network, tokenizer = self._load()
        pixels = torch.from_numpy(vit_pixels(scene, network.shape.vision.image_size_px))[None]
        with torch.inference_mode():
            output = network(pixels.to(self._device, next(network.parameters()).dtype), [scene.prompt], tokenizer)
            maps = {name: value[0].float().cpu().numpy() for name, value in output.heat_maps.items()}
            scores = {name: float(value[0]) for name, value in output.scores.items()}
        size_wh = scene.image.shape[1], scene.image.shape[0]
        return RahfPrediction(
            heat_maps={
                name: np.clip(cv2.resize(one, size_wh, interpolation=cv2.INTER_LINEAR), 0, 1).astype(np.float32)
                for name, one in maps.items()
            },
            scores=scores,
        )

    def _load(self) -> tuple[Rahf, PreTrainedTokenizerBase]:
        import torch
        from transformers import AutoTokenizer

        from services.perception.rahf_state import load_rahf
        from services.perception.saliency.checkpoint import DTYPES

        with self._lock:
            if self._loaded is None:
                if self._device.startswith("cuda") and not torch.cuda.is_available():
                    raise MissingResource(
                        ErrorCode.NO_GPU, "this profile runs RAHF on a GPU and torch sees none: choose one for the CPU"
                    )
                network = load_rahf(self._source.state_dict, self._source.vision_heads)
                try:
                    tokenizer = AutoTokenizer.from_pretrained(self._source.tokenizer, revision=self._source.revision)
                except (OSError, ValueError) as error:
                    line = " ".join(str(error).split())[:200]
                    raise MissingResource(
                        ErrorCode.MISSING_CHECKPOINT,
                        f"RAHF's tokenizer {self._source.tokenizer!r} cannot be loaded ({line}): "
                        "give a hub id that can be reached or a folder with its files",
                    ) from error
                self._loaded = network.to(self._device, DTYPES[self._dtype]), tokenizer
            return self._loaded


def vit_pixels(scene: Scene, side: int) -> npt.NDArray[np.float32]:
    """The image as the public ViT processor gives it: `(3, side, side)` float32 in [-1, 1], stretched to a square.

    Pillow's bilinear filter, which averages when it shrinks, as in that processor.
    """
    square = Image.fromarray(scene.image).resize((side, side), Image.Resampling.BILINEAR)
    values = np.asarray(square, np.float32) / 255
    return np.ascontiguousarray(((values - 0.5) / 0.5).transpose(2, 0, 1))
