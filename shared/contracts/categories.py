"""The twelve distortion categories in six dimensions (paper 3.1; DESIGN.md names those that the paper leaves open)."""

from enum import StrEnum


class Dimension(StrEnum):
    """The six high-level dimensions."""

    HUMAN_ANATOMY = "human_anatomy"
    ATTRIBUTE_INCONSISTENCY = "attribute_inconsistency"
    SPATIAL = "spatial"
    OBJECT = "object"
    ACTION_INTERACTION = "action_interaction"
    MISCELLANEOUS = "miscellaneous"


class Category(StrEnum):
    """The twelve fine-grained categories."""

    HAND = "hand"
    FACE = "face"
    LIMB = "limb"
    BODY = "body"
    ATTRIBUTE = "attribute"
    COUNT = "count"
    PERSPECTIVE = "perspective"
    PLACEMENT = "placement"
    OBJECT_DEFORMATION = "object_deformation"
    OBJECT_REDUNDANCY = "object_redundancy"
    INTERACTION = "interaction"
    TEXT = "text"


DIMENSION_OF: dict[Category, Dimension] = {
    Category.HAND: Dimension.HUMAN_ANATOMY,
    Category.FACE: Dimension.HUMAN_ANATOMY,
    Category.LIMB: Dimension.HUMAN_ANATOMY,
    Category.BODY: Dimension.HUMAN_ANATOMY,
    Category.ATTRIBUTE: Dimension.ATTRIBUTE_INCONSISTENCY,
    Category.COUNT: Dimension.ATTRIBUTE_INCONSISTENCY,
    Category.PERSPECTIVE: Dimension.SPATIAL,
    Category.PLACEMENT: Dimension.SPATIAL,
    Category.OBJECT_DEFORMATION: Dimension.OBJECT,
    Category.OBJECT_REDUNDANCY: Dimension.OBJECT,
    Category.INTERACTION: Dimension.ACTION_INTERACTION,
    Category.TEXT: Dimension.MISCELLANEOUS,
}
