"""Regions as chats for other frameworks: the request of serving, the true answer, pictures beside them."""

import json
from pathlib import Path

import pytest
from fakes.marked import MarkedSource, write_marked
from PIL import Image
from typer.testing import CliRunner

from services.cli import app
from services.datasets.proposals.propose import Proposing
from services.reasoning.export import CHATS, write_chats
from services.reasoning.parse import parse_answer
from services.reasoning.prompts import load_prompt
from services.reasoning.truth import NOTHING_WRONG, question_of
from shared.errors import BadInput

PROMPT = load_prompt("v1")


def longest_side(path: Path) -> int:
    with Image.open(path) as picture:
        return max(picture.size)


def test_a_chat_is_the_request_and_the_true_answer(tmp_path: Path) -> None:
    source = Proposing(MarkedSource(6), seed=3)
    proposals = [one for index in range(6) for one in source[index]]
    assert write_chats(source, PROMPT, tmp_path / "chats") == len(proposals)
    chats = [json.loads(line) for line in (tmp_path / "chats" / CHATS).read_text().splitlines()]
    for proposal, chat in zip(proposals, chats, strict=True):
        question = question_of(proposal, PROMPT)
        system, user, assistant = (turn["content"] for turn in chat["messages"])
        assert system == question.system
        assert user == f"<image>{question.prompt}<image>{question.region}"
        answer = parse_answer(assistant)
        assert answer.description == (proposal.truth.description if proposal.truth else NOTHING_WRONG)
        assert answer.confidence >= 0.5
        assert [longest_side(tmp_path / "chats" / name) for name in chat["images"]] == [120, PROMPT.crop_px]
    with pytest.raises(BadInput, match="not empty"):
        write_chats(source, PROMPT, tmp_path / "chats")


def test_the_command_exports_a_data_set(tmp_path: Path) -> None:
    data = write_marked(tmp_path / "data", 3)
    result = CliRunner().invoke(
        app, ["dataset", "export-chats", "--data", str(data), "--out", str(tmp_path / "out"), "--prompt", "tiny"]
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / CHATS).read_text().count("\n") >= 3
