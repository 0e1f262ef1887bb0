"""What was measured of a model on validation regions, kept beside its weights: whether it may veto a region.

`calibration.json` lies in the model's folder; who serves the model reads it. Knows no torch.
"""

from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError

from shared.contracts.base import Contract, UnitFloat
from shared.errors import BadInput, ErrorCode, MissingResource

CALIBRATION_FILE = "calibration.json"
VETO_DISTORTED_RECALL, VETO_HEALTHY_RECALL = 0.90, 0.85
"""What a model must reach for its "nothing is wrong" to drop a region (DESIGN.md, "The loop")."""


class ReasonerCalibration(Contract):
    """Figures of a model on a named split.

    Attributes:
        prompt: version of the request that it was taught.
        split: what it was measured on.
        regions: how many.
        json_valid: share of answers by the contract, nothing holding the model to it.
    """

    prompt: str
    split: str
    regions: int = Field(ge=1)
    accuracy: UnitFloat
    distorted_recall: UnitFloat
    healthy_recall: UnitFloat
    json_valid: UnitFloat
    may_veto: bool

    @classmethod
    def reached(cls, distorted_recall: float, healthy_recall: float) -> bool:
        """Whether such recalls allow a veto."""
        return distorted_recall >= VETO_DISTORTED_RECALL and healthy_recall >= VETO_HEALTHY_RECALL

    @classmethod
    def measured(
        cls,
        *,
        prompt: str,
        split: str,
        regions: int,
        accuracy: float,
        distorted_recall: float | None,
        healthy_recall: float | None,
        json_valid: float,
    ) -> Self:
        """The figures, and the right to veto that follows from them.

        Raises:
            BadInput: MISSING_DATA, there was no distorted region, or no sound one.
        """
        if distorted_recall is None or healthy_recall is None:
            raise BadInput(ErrorCode.MISSING_DATA, "a card needs healthy and distorted regions: give more samples")
        return cls(
            prompt=prompt,
            split=split,
            regions=regions,
            accuracy=accuracy,
            distorted_recall=distorted_recall,
            healthy_recall=healthy_recall,
            json_valid=json_valid,
            may_veto=cls.reached(distorted_recall, healthy_recall),
        )

    def save(self, folder: Path) -> None:
        """Writes it into a model's folder."""
        (folder / CALIBRATION_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load_calibration(folder: Path) -> ReasonerCalibration:
    """What lies in a model's folder.

    Raises:
        MissingResource: MISSING_CHECKPOINT, there is none or it is damaged.
    """
    path = folder / CALIBRATION_FILE
    try:
        return ReasonerCalibration.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"{path} cannot be read ({str(error).splitlines()[0]}): train the model by `retoucher train reasoning-sft`",
        ) from error
