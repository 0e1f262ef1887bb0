"""Which model a reasoner's name stands for: a shipped checkpoint, a public model, a folder, a hub id with its commit.

Looks at names and small files; opens no weights.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from services.reasoning.card import CALIBRATION_FILE, load_calibration
from services.reasoning.models import ChatFormat, ModelProfile, model_profiles
from shared.errors import ErrorCode, MissingResource

CHECKPOINTS = Path(__file__).parent / "checkpoints"
"""Where the models lie that ship with the project."""

STOCK_PROMPT = "v1"
MAX_TOKENS = 600
_HUB_ID = re.compile(r"^[\w.-]+/[\w.-]+@[0-9a-f]{40}$")


PLAIN = ChatFormat()


@dataclass(frozen=True)
class Source:
    """A model and how it is asked.

    Attributes:
        name: for the record and for a server.
        model: folder or hub id; None where only a server has it.
        revision: of a hub id.
        prompt: version of what it is told.
        max_tokens: of an answer.
        may_veto: its card shows that its "nothing is wrong" can be relied on.
        chat: its format.
        profile: of a public model.
    """

    name: str
    model: str | None = None
    revision: str | None = None
    prompt: str = STOCK_PROMPT
    max_tokens: int = MAX_TOKENS
    may_veto: bool = False
    chat: ChatFormat = PLAIN
    profile: ModelProfile | None = None


def known(name: str) -> Source | None:
    """What is known here of a reasoner of that name; None where nothing is.

    A model that a server has under such a name is asked in the same way, and the same card counts.

    Raises:
        MissingResource: its card is damaged.
    """
    for folder in (CHECKPOINTS / name, Path(name)):
        if folder.is_dir():
            return _of_folder(folder)
    for profile in model_profiles():
        if name in (profile.name, profile.hub_id):
            return _of_profile(name, profile)
    if _HUB_ID.match(name):
        hub_id, _, revision = name.partition("@")
        return Source(name=hub_id, model=hub_id, revision=revision)
    return None


def local(name: str) -> Source:
    """A reasoner that runs in this process.

    Raises:
        MissingResource: there is none of that name here, or it runs on a server alone.
    """
    source = known(name)
    if source is None:
        names = ", ".join(profile.name for profile in model_profiles())
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"there is no reasoner {name!r}: neither {CHECKPOINTS / name} nor {Path(name).resolve()} is a folder, and "
            f"it is none of {names}; train one with `retoucher train reasoning-sft --out DIR`, write a hub id as "
            "owner/name@<commit>, or serve it and set RETOUCHER_REASONING_URL",
        )
    if source.profile is not None and not source.profile.in_process:
        raise MissingResource(
            ErrorCode.MISSING_DATA,
            f"{source.name} runs on a server alone: serve it with vLLM (deploy/vllm) and set RETOUCHER_REASONING_URL",
        )
    return source


def served(name: str) -> Source:
    """A reasoner that a server has under that name; of a stranger nothing is assumed.

    Raises:
        MissingResource: its card is damaged.
    """
    return known(name) or Source(name=name)


def _of_folder(folder: Path) -> Source:
    """A folder without a card holds a model that nobody has measured: it is asked as a stock one and vetoes nothing."""
    if not (folder / CALIBRATION_FILE).is_file():
        return Source(name=folder.resolve().name, model=str(folder))
    card = load_calibration(folder)
    return Source(
        name=folder.resolve().name,
        model=str(folder),
        prompt=card.prompt,
        may_veto=card.may_veto and card.reached(card.distorted_recall, card.healthy_recall),
    )


def _of_profile(name: str, profile: ModelProfile) -> Source:
    return Source(
        name=name,
        model=profile.hub_id,
        revision=profile.revision,
        prompt=profile.prompt,
        max_tokens=profile.max_tokens,
        chat=profile.chat,
        profile=profile,
    )
