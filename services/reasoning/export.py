"""Proposed regions as chats in a folder, for training frameworks that this project does not run itself.

`chats.jsonl` is what ms-swift reads: messages with `<image>` in the pictures' places, and the pictures' paths.
Questions and answers are those of the project's own training. Knows no torch.
"""

import json
from collections.abc import Callable
from pathlib import Path

from services.datasets.proposals.propose import Proposal, ProposalSource
from services.reasoning.backends.base import Picture
from services.reasoning.contract import answer_text
from services.reasoning.prompts import Prompt
from services.reasoning.truth import question_of, true_answer
from shared.errors import BadInput, ErrorCode

CHATS = "chats.jsonl"
_PLACE = "<image>"
_ENDINGS = {"image/jpeg": "jpg", "image/png": "png"}


def write_chats(
    source: ProposalSource, prompt: Prompt, out: Path, advance: Callable[[int], None] = lambda count: None
) -> int:
    """Writes a chat for every region; returns how many there are.

    Args:
        source: proposes the regions.
        prompt: version of the request that the model will be asked by.
        out: a folder, new or empty.
        advance: called with the number of samples done since the last call.

    Raises:
        BadInput: OUTPUT_NOT_WRITABLE.
    """
    count = 0
    try:
        (out / "images").mkdir(parents=True, exist_ok=True)
        if {path.name for path in out.iterdir()} != {"images"}:
            raise BadInput(ErrorCode.OUTPUT_NOT_WRITABLE, f"{out} is not empty: give a new or an empty folder as --out")
        with (out / CHATS).open("w", encoding="utf-8") as lines:
            for index in range(len(source)):
                for proposal in source[index]:
                    lines.write(json.dumps(_chat(proposal, prompt, out, count), ensure_ascii=False) + "\n")
                    count += 1
                advance(1)
    except OSError as error:
        raise BadInput(
            ErrorCode.OUTPUT_NOT_WRITABLE, f"{out} cannot be written ({error.strerror}): give another --out"
        ) from error
    return count


def _chat(proposal: Proposal, prompt: Prompt, out: Path, number: int) -> dict[str, object]:
    question = question_of(proposal, prompt)
    asked = f"{_PLACE}{question.prompt}{_PLACE}{question.region}"
    return {
        "messages": [
            {"role": "system", "content": question.system},
            {"role": "user", "content": asked},
            {"role": "assistant", "content": answer_text(true_answer(proposal))},
        ],
        "images": [
            _written(question.whole, out, f"images/{number:07d}_whole"),
            _written(question.crop, out, f"images/{number:07d}_crop"),
        ],
    }


def _written(picture: Picture, out: Path, name: str) -> str:
    path = f"{name}.{_ENDINGS[picture.media_type]}"
    (out / path).write_bytes(picture.data)
    return path
