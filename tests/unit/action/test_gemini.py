"""The tool that asks the Gemini API, against a local server that speaks it: pictures, refusals, failures."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fakes.small_server import BREAK, Answer, Asked, SmallServer, json_answer, small_server
from fakes.tool_requests import a_request
from structlog.testing import capture_logs

from services.action.tools.base import EditResult, ToolDeclined, ToolKind
from shared.action_settings import GEMINI, ActionSettings
from shared.errors import BadInput
from shared.images import decode_rgb, encode_png

pytest.importorskip("google.genai")

from services.action.tools.gemini_flash_image import SIDE_PX, GeminiFlashImage

MODEL = "gemini-test-image"
KEY = "AIza-not-for-a-log"
GREEN = np.full((SIDE_PX, SIDE_PX, 3), (10, 200, 30), np.uint8)


def tool_at(server: SmallServer, **changes: Any) -> GeminiFlashImage:
    settings = ActionSettings(
        gemini_enabled=True, gemini_api_key=KEY, gemini_model=MODEL, gemini_url=server.url, **changes
    )
    return GeminiFlashImage(settings, first_wait_s=0.0)


def answered(*parts: dict[str, Any], finish: str = "STOP") -> Answer:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish, "index": 0}
    return json_answer({"candidates": [candidate], "modelVersion": MODEL})


def picture(pixels: np.ndarray) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(encode_png(pixels)).decode()}}


def refused(code: int, status: str) -> Answer:
    return json_answer({"error": {"code": code, "message": "no", "status": status}}, status=code)


def test_a_crop_goes_out_in_a_square_and_comes_back_in_its_own_size() -> None:
    with small_server(lambda asked, number: answered({"text": "Here:"}, picture(GREEN))) as server:
        request = a_request(seed=2**40 + 3, size_hw=(60, 90), instruction="remove the sixth finger.")
        answer = tool_at(server).edit([request])[0]
    assert isinstance(answer, EditResult)
    assert answer.image.shape == request.crop.shape
    assert np.abs(answer.image.astype(int) - (10, 200, 30)).max() <= 2
    assert np.array_equal(answer.alpha > 0, request.mask)
    assert "saw this crop" in answer.notes[0] and MODEL in answer.notes[0]
    assert server.asked[0].path.endswith(f"/models/{MODEL}:generateContent")
    assert server.asked[0].headers["x-goog-api-key"] == KEY
    body = json.loads(server.asked[0].body)
    sent, words = body["contents"][0]["parts"]
    assert decode_rgb(base64.urlsafe_b64decode(sent["inlineData"]["data"])).shape == (SIDE_PX, SIDE_PX, 3)
    assert "remove the sixth finger. Change nothing else" in words["text"]
    assert body["generationConfig"]["responseModalities"] == ["IMAGE"]
    assert 0 <= body["generationConfig"]["seed"] < 2**31
    assert KEY not in str(answer.settings)


def test_it_says_what_it_is() -> None:
    with small_server(lambda asked, number: BREAK) as server:
        tool = tool_at(server, gemini_concurrency=3)
    assert (tool.name, tool.kind, tool.max_batch) == (GEMINI, ToolKind.INSTRUCTION, 3)
    assert tool.third_party == f"Google Gemini API ({MODEL})"
    assert (tool.native_size_px, tool.size_multiple_px, tool.memory_mb) == (SIDE_PX, 1, 0)


def test_each_request_gets_its_own_answer() -> None:
    def by_words(asked: Asked, number: int) -> Answer:
        words = json.loads(asked.body)["contents"][0]["parts"][1]["text"]
        return refused(429, "RESOURCE_EXHAUSTED") if "one 1." in words else answered(picture(GREEN))

    with small_server(by_words) as server:
        batch = [a_request(seed=n, instruction=f"one {n}") for n in range(4)]
        answers = tool_at(server, gemini_tries=1).edit(batch)
    assert [isinstance(answer, EditResult) for answer in answers] == [True, False, True, True]


def test_what_passes_is_asked_again() -> None:
    replies = [refused(429, "RESOURCE_EXHAUSTED"), refused(503, "UNAVAILABLE"), answered(picture(GREEN))]
    with small_server(lambda asked, number: replies[number]) as server:
        assert isinstance(tool_at(server, gemini_tries=3).edit([a_request()])[0], EditResult)
        assert len(server.asked) == 3


BAD: dict[str, tuple[Callable[[], Answer], str, int]] = {
    "too many requests": (lambda: refused(429, "RESOURCE_EXHAUSTED"), "429 RESOURCE_EXHAUSTED.*quota", 2),
    "a wrong key": (lambda: refused(403, "PERMISSION_DENIED"), "403.*GEMINI_API_KEY", 1),
    "an unknown model": (lambda: refused(404, "NOT_FOUND"), "404.*GEMINI_MODEL", 1),
    "a request it does not take": (lambda: refused(400, "INVALID_ARGUMENT"), "400.*edits pictures", 1),
    "its own fault": (lambda: refused(500, "INTERNAL"), "500.*later", 2),
    "a blocked prompt": (
        lambda: json_answer({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
        "refused the crop.*PROHIBITED_CONTENT",
        1,
    ),
    "a safety block": (lambda: answered(finish="IMAGE_SAFETY"), "without a picture .IMAGE_SAFETY", 1),
    "words alone": (lambda: answered({"text": "I cannot do that"}), "without a picture but: 'I cannot", 1),
    "nothing": (lambda: json_answer({}), "without a picture$", 1),
    "another shape": (lambda: answered(picture(GREEN[:512])), "1024x512 pixels, which is no square", 1),
    "no picture at all": (
        lambda: answered({"inlineData": {"mimeType": "image/png", "data": base64.b64encode(b"GIF89a").decode()}}),
        "cannot be read",
        1,
    ),
    "no JSON": (lambda: Answer(200, b"<html>", {"Content-Type": "text/html"}), "did not answer", 1),
    "a broken connection": (lambda: BREAK, "did not answer", 1),
}


@pytest.mark.parametrize("name", BAD)
def test_a_refusal_or_failure_is_a_sentence_for_that_crop(name: str) -> None:
    answer, said, times = BAD[name]
    with small_server(lambda asked, number: answer()) as server, capture_logs() as logs:
        declined = tool_at(server, gemini_tries=2).edit([a_request()])[0]
        assert len(server.asked) == times
    assert isinstance(declined, ToolDeclined)
    assert re.search(said, str(declined)), str(declined)
    assert KEY not in str(declined) and KEY not in str(logs)


def test_a_smaller_square_is_scaled_up() -> None:
    with small_server(lambda asked, number: answered(picture(GREEN[:512, :510]))) as server:
        answer = tool_at(server).edit([a_request()])[0]
    assert isinstance(answer, EditResult)


def test_an_empty_mask_is_sent_to_nobody() -> None:
    with small_server(lambda asked, number: BREAK) as server:
        request = a_request(mask=np.zeros((64, 64), np.bool_))
        assert isinstance(tool_at(server).edit([request])[0], ToolDeclined)
        assert server.asked == []


def test_it_cannot_be_made_without_permission() -> None:
    with pytest.raises(BadInput, match="GEMINI_ENABLED"):
        GeminiFlashImage(ActionSettings(gemini_api_key=KEY, gemini_model=MODEL))
