"""The columns of GenBlemish-27K, found by name and type among the features that a copy declares.

The published names are unseen: `ROLES` and `LISTS` hold the likely ones, and anything else is an error that says what
was found. Knows Hugging Face `datasets`' feature types, nothing of files and pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.errors import BadInput, ErrorCode

ROLES: Mapping[str, tuple[str, ...]] = {
    "image": ("image",),
    "prompt": ("prompt", "caption", "input_prompt"),
    "mask": ("mask", "masks", "region_mask", "distortion_mask", "mask_image"),
    "category": ("category", "categories", "category_label", "label", "labels", "type"),
    "description": ("description", "descriptions", "text", "caption"),
}
"""Names that a column may have, in order of preference; all but `image` and `prompt` belong to a region."""
OF_REGION = ("mask", "category", "description")
LISTS = ("regions", "annotations", "blemishes", "distortions", "artifacts", "objects")
"""Names of a column that holds all regions as a list of structs."""


@dataclass(frozen=True)
class Columns:
    """Where each role is found; `listed` is the column of structs that hold the regions' roles, None without one."""

    of: Mapping[str, str]
    listed: str | None


def find_columns(features: Mapping[str, Any] | None) -> Columns:
    """Finds the roles, by name and by whether the feature is an image.

    Raises:
        BadInput: BAD_OPTION, with the features that were found.
    """
    features = features or {}
    listed = next((name for name in LISTS if _is_list_of_structs(features.get(name))), None)
    inside: Mapping[str, Any] = _inner(features[listed]) if listed else features
    found: dict[str, str] = {}
    for role, names in ROLES.items():
        where = inside if role in OF_REGION else features
        free = [name for name in names if name in where and (where is not features or name not in found.values())]
        fitting = [name for name in free if _fits(role, _inner(where[name]))]
        if fitting:
            found[role] = fitting[0]
    missing = [role for role in ROLES if role not in found]
    if missing:
        have = "; ".join(f"{name}: {feature}" for name, feature in features.items()) or "none"
        expected = "; ".join(f"{role}: {' or '.join(ROLES[role])}" for role in missing)
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"GenBlemish-27K is read by its features, and {', '.join(missing)} is not among them. Found: {have}. "
            f"Expected: {expected} (image and mask as images): rename the columns of the copy",
        )
    return Columns(found, listed)


def _is_list_of_structs(feature: Any) -> bool:
    return _inner(feature) is not feature and isinstance(_inner(feature), Mapping)


def _inner(feature: Any) -> Any:
    """What a list holds; the feature itself where it is none."""
    from datasets import LargeList, List

    if isinstance(feature, List | LargeList):
        return feature.feature
    return feature


def _fits(role: str, feature: Any) -> bool:
    from datasets import ClassLabel, Image, Value

    return isinstance(feature, Image if role in ("image", "mask") else Value | ClassLabel)


def class_names(features: Mapping[str, Any], columns: Columns) -> Sequence[str]:
    """The names of a ClassLabel; none where labels are plain values."""
    from datasets import ClassLabel

    where = _inner(features[columns.listed]) if columns.listed else features
    label = _inner(where[columns.of["category"]])
    return tuple(label.names) if isinstance(label, ClassLabel) else ()


def regions_of(row: Mapping[str, Any], columns: Columns, roles: Sequence[str]) -> list[dict[str, Any]]:
    """The regions of a row, by role: a list of structs, equally long lists, or one of each; an absent mask is none."""
    if columns.listed:
        return [{role: entry[columns.of[role]] for role in roles} for entry in row[columns.listed] or ()]
    values = {role: row[columns.of[role]] for role in roles}
    if not any(isinstance(value, list) for value in values.values()):
        return [values] if any(value not in (None, "") for value in values.values()) else []
    lists = {role: value if isinstance(value, list) else [value] for role, value in values.items()}
    if len({len(value) for value in lists.values()}) > 1:
        counts = ", ".join(f"{len(value)} in {columns.of[role]}" for role, value in lists.items())
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"a row of GenBlemish-27K has different numbers of regions ({counts}), "
            "so it does not say which mask is whose: give a copy with one mask per region",
        )
    return [dict(zip(lists, entry, strict=True)) for entry in zip(*lists.values(), strict=True)]
