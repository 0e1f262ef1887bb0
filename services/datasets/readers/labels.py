"""A data set's own labels, mapped to the project's categories by a table, which the user may extend by a JSON file.

Never guesses: an unknown label is an error that names all that were found, each with an example.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode

BODY_WORDS: Mapping[str, Category] = {
    **dict.fromkeys(("hand", "finger", "thumb", "palm", "fist", "fingernail", "nail"), Category.HAND),
    **dict.fromkeys(
        ("face", "facial", "eye", "eyebrow", "mouth", "nose", "lip", "teeth", "ear", "chin"), Category.FACE
    ),
    **dict.fromkeys(("limb", "arm", "leg", "foot", "feet", "elbow", "knee", "wrist", "ankle", "toe"), Category.LIMB),
    **dict.fromkeys(("body", "bodies", "torso", "neck", "waist", "shoulder", "chest", "head"), Category.BODY),
}
"""Words of a caption that say which part of a body a label without one (`distorted components`) is about."""


def plain(label: str) -> str:
    """A label as tables write it: lower case, words of letters and digits with one space between."""
    return " ".join(re.findall(r"[a-z0-9]+", label.casefold()))


def body_part(caption: str) -> Category | None:
    """The part of a body that the caption names first; None where it names none."""
    for word in plain(caption).split():
        category = BODY_WORDS.get(word) or BODY_WORDS.get(word.removesuffix("s"))
        if category:
            return category
    return None


@dataclass(frozen=True)
class LabelTable:
    """Labels in their plain form.

    Attributes:
        data_set: for messages.
        categories: what each label means.
        of_parts: labels that say how and not what: a body part in the caption decides, else `categories`.
        dropped: labels whose regions the user wants left out.
    """

    data_set: str
    categories: Mapping[str, Category]
    of_parts: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()

    def category(self, label: str, caption: str = "") -> Category | None:
        """The category, None for a label that is left out; ask `check` before.

        Raises:
            KeyError: a label that `check` would have refused.
        """
        name = plain(label)
        if name in self.dropped:
            return None
        return (body_part(caption) if name in self.of_parts else None) or self.categories[name]

    def check(self, labelled: Iterable[tuple[str, str]]) -> None:
        """Refuses labels that the table does not hold.

        Args:
            labelled: (label, caption) of every region.

        Raises:
            BadInput: UNKNOWN_CATEGORY, with each unknown label, how often it occurs and one of its captions.
        """
        counts: Counter[str] = Counter()
        examples: dict[str, str] = {}
        for label, caption in labelled:
            if plain(label) not in self.categories and plain(label) not in self.dropped:
                counts[label] += 1
                examples.setdefault(label, caption)
        if counts:
            found = ", ".join(
                f"'{label}' ({count}x, e.g. \"{examples[label][:60]}\")" for label, count in counts.most_common(20)
            )
            raise BadInput(
                ErrorCode.UNKNOWN_CATEGORY,
                f"{self.data_set} has labels that no table holds: {found}; known are {', '.join(self.categories)}: "
                "map them in a JSON file and give it as --labels",
            )

    def extended(self, path: Path) -> "LabelTable":
        """This table and the user's: an object of label to category, to another label of the table, or to null.

        Raises:
            BadInput: FILE_NOT_READABLE, BAD_OPTION (no such object) or UNKNOWN_CATEGORY (a value that is neither).
        """
        categories, of_parts, dropped = dict(self.categories), set(self.of_parts), set(self.dropped)
        for label, meaning in _object(path).items():
            name, target = plain(label), plain(str(meaning))
            dropped.discard(name)
            of_parts.discard(name)
            if meaning is None:
                dropped.add(name)
            elif str(meaning) in set(Category):
                categories[name] = Category(str(meaning))
            elif target in self.categories:
                categories[name] = self.categories[target]
                of_parts.update({name} if target in self.of_parts else ())
            else:
                raise BadInput(
                    ErrorCode.UNKNOWN_CATEGORY,
                    f"{path} maps '{label}' to '{meaning}', which is neither a category ({', '.join(Category)}), "
                    f"nor a label of {self.data_set} ({', '.join(self.categories)}), nor null: correct the file",
                )
        return replace(self, categories=categories, of_parts=frozenset(of_parts), dropped=frozenset(dropped))


def _object(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE, f"{path} cannot be read ({error.strerror}): check --labels"
        ) from error
    except ValueError as error:
        raise BadInput(ErrorCode.BAD_OPTION, f"{path} is no JSON ({error}): correct the file of --labels") from error
    if not isinstance(found, dict):
        raise BadInput(
            ErrorCode.BAD_OPTION, f'{path} holds no object like {{"label": "hand"}}: correct the file of --labels'
        )
    return found
