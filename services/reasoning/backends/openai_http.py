"""Asks any server that speaks OpenAI's chat completions with pictures and `json_schema` answers: vLLM and many others.

All questions of an image go out at once, under a limit. Connection errors, time-outs, 429 and 5xx are tried again;
other refusals are permanent. httpx and not the `openai` package: one request of all that is needed, and its retries
neither stop at the job's deadline nor bound the size of an answer.
"""

import asyncio
import base64
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import structlog
from pydantic import BaseModel, Field, JsonValue, ValidationError

from services.reasoning.backends.base import Failed, NotUnderstood, Picture, Question, Reply, Said
from services.reasoning.backends.retrying import Retrying, retry_after_s
from services.reasoning.chat import messages
from services.reasoning.parse import clean
from services.reasoning.reasoners import Source
from services.reasoning.thoughts import without_thoughts
from shared.errors import ErrorCode, StageError, Unavailable
from shared.reasoning_settings import ReasoningSettings

log = structlog.get_logger()

MOST_BYTES = 1_000_000
"""Of one answer; a diagnosis has about a thousand."""

MOST_SERVER_WORDS = 200


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    """The part of a chat completion that is read."""

    choices: list[_Choice] = Field(min_length=1)


@dataclass(frozen=True)
class _Passing:
    """A failure that may pass; the reason follows the server's name."""

    reason: str
    retry_after_s: float | None = None


class OpenAiHttp:
    """Implements `Backend` over HTTP. Safe for several threads: each call has connections of its own.

    Args:
        source: the model, under the name by which the server knows it.
        schema: JSON schema of an answer.
        settings: server, key and limits.
        retrying: how patient it is; the settings' tries are taken where it is left out.
    """

    def __init__(
        self,
        source: Source,
        schema: dict[str, JsonValue],
        settings: ReasoningSettings,
        retrying: Retrying | None = None,
    ) -> None:
        self._source = source
        self._model = source.name
        self._schema = schema
        self._settings = settings
        self._retrying = retrying or Retrying(tries=settings.tries, longest_wait_s=settings.longest_wait_s)
        self._server = str(settings.url).rstrip("/")
        self._key = settings.api_key.get_secret_value() if settings.api_key is not None else None
        self._tls = httpx.create_ssl_context()  # takes a while: not for each call

    @property
    def model(self) -> str:
        """The served name."""
        return self._model

    def warm_up(self) -> None:
        """There is nothing to load; whether the server answers shows when it is asked, again and again if need be."""

    def ask(self, questions: Sequence[Question], within_s: float | None = None) -> Sequence[Reply]:
        """A reply to each question, in order (`Backend`)."""
        started_s = time.monotonic()
        replies = asyncio.run(self._ask_all(questions, None if within_s is None else started_s + within_s))
        said = sum(isinstance(reply, Said) for reply in replies)
        seconds = round(time.monotonic() - started_s, 3)
        log.info("reasoner_asked", model=self._model, asked=len(replies), answered=said, seconds=seconds)
        return replies

    async def _ask_all(self, questions: Sequence[Question], until_s: float | None) -> Sequence[Reply]:
        headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
        gate = asyncio.Semaphore(self._settings.concurrency)
        # No time-outs of httpx' own: they count from byte to byte, and a server may drip.
        # No proxy of the environment: whoever gets the pictures is named in the settings alone.
        caller = httpx.AsyncClient(headers=headers, timeout=None, verify=self._tls, trust_env=False)  # noqa: S113
        async with caller as client:
            return await asyncio.gather(*(self._ask_one(client, gate, question, until_s) for question in questions))

    async def _ask_one(
        self, client: httpx.AsyncClient, gate: asyncio.Semaphore, question: Question, until_s: float | None
    ) -> Reply:
        body = json.dumps(self._body(question)).encode()
        tried = 0
        while True:
            async with gate:
                heard = await self._exchange(client, body, until_s)
            if not isinstance(heard, _Passing):
                return heard
            tried += 1
            pause_s = self._retrying.pause_s(tried, heard.retry_after_s, random.random())
            if pause_s is None or (until_s is not None and time.monotonic() + pause_s >= until_s):
                return Failed(self._unavailable(heard.reason, tried))
            log.info("reasoner_tried_again", reason=heard.reason, tried=tried, pause_s=round(pause_s, 2))
            await asyncio.sleep(pause_s)

    def _unavailable(self, reason: str, tried: int) -> Unavailable:
        times = "once" if tried == 1 else f"{tried} times"
        return Unavailable(
            ErrorCode.MODEL_UNAVAILABLE,
            f"the vision-language model server {self._server} {reason} (asked {times}): see that it runs and "
            "serves the model",
        )

    async def _exchange(self, client: httpx.AsyncClient, body: bytes, until_s: float | None) -> Reply | _Passing:
        """One request. The whole of it has `timeout_s`, and no longer than there is time."""
        limit_s = self._settings.timeout_s
        if until_s is not None:
            limit_s = min(limit_s, max(0.0, until_s - time.monotonic()))
        try:
            async with asyncio.timeout(limit_s):
                return await self._post(client, body)
        except TimeoutError:
            return _Passing(f"did not answer within {limit_s:.3g} s (RETOUCHER_REASONING_TIMEOUT_S)")
        except httpx.ConnectError as error:
            return _Passing(f"cannot be reached ({clean(str(error), MOST_SERVER_WORDS) or type(error).__name__})")
        except httpx.TransportError as error:
            return _Passing(f"broke the connection off ({type(error).__name__})")
        except httpx.DecodingError:
            return NotUnderstood("is not encoded as it says")

    async def _post(self, client: httpx.AsyncClient, body: bytes) -> Reply | _Passing:
        headers = {"content-type": "application/json"}
        url = f"{self._server}/chat/completions"
        async with client.stream("POST", url, content=body, headers=headers) as response:
            received = bytearray()
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > MOST_BYTES:
                    return NotUnderstood(f"is larger than {MOST_BYTES:,} bytes")
            if response.status_code == 429 or response.status_code >= 500:
                asked_s = retry_after_s(response.headers.get("retry-after"), datetime.now(UTC))
                wait = f" and asks to wait {asked_s:.0f} s" if asked_s else ""
                return _Passing(f"answered {response.status_code}{wait}", asked_s)
            if response.status_code >= 300:
                return Failed(self._refused(response.status_code, bytes(received)))
            return self._said(bytes(received))

    def _said(self, received: bytes) -> Reply:
        reply = _message_of(received)
        if isinstance(reply, Said) and self._source.chat.thinks:
            return Said(without_thoughts(reply.text), reply.complete)
        return reply

    def _refused(self, status: int, received: bytes) -> StageError:
        """What the operator must change. A server may repeat the key: it is taken out of its words."""
        match status:
            case 401 | 403:
                why, remedy = "refuses the key", "set RETOUCHER_REASONING_API_KEY"
            case 404:
                why = f"knows no model {self._model!r}, or the address is wrong"
                remedy = "RETOUCHER_REASONING_URL mostly ends in /v1, RETOUCHER_REASONING_MODEL is the served name"
            case _ if status < 400:
                why, remedy = "redirects to another address", "set RETOUCHER_REASONING_URL to that one"
            case _:
                words = received.decode("utf-8", "replace")
                words = clean(words.replace(self._key, "[key]") if self._key else words, MOST_SERVER_WORDS)
                why = f"refuses the request, saying {words!r}"
                remedy = "the model must take two pictures and answer by a JSON schema"
        message = f"the vision-language model server {self._server} {why} ({status}): {remedy}"
        return StageError(ErrorCode.STAGE_FAILED, message)

    def _body(self, question: Question) -> dict[str, JsonValue]:
        body: dict[str, JsonValue] = {
            "model": self._model,
            "messages": _turns(question, self._source.chat.system),
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "diagnosis", "strict": True, "schema": self._schema},
            },
        }
        most = self._settings.max_tokens or self._source.max_tokens
        if self._settings.dialect == "openai":  # its newer models refuse what follows
            return {**body, "max_completion_tokens": most}
        if self._source.chat.template_kwargs:
            body["chat_template_kwargs"] = dict(self._source.chat.template_kwargs)
        return {**body, "temperature": self._settings.temperature, "max_tokens": most}


def _turns(question: Question, system: bool) -> JsonValue:
    """As OpenAI writes them; the task is a plain string, for not every server takes parts there."""
    pictures = iter((question.whole, question.crop))
    turns: list[JsonValue] = []
    for turn in messages(question, system):
        parts: list[JsonValue] = [
            _picture(next(pictures)) if part["type"] == "image" else {"type": "text", "text": part["text"]}
            for part in turn["content"]
        ]
        turns.append({"role": turn["role"], "content": question.system if turn["role"] == "system" else parts})
    return turns


def _picture(picture: Picture) -> dict[str, JsonValue]:
    encoded = base64.b64encode(picture.data).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{picture.media_type};base64,{encoded}"}}


def _message_of(received: bytes) -> Reply:
    try:
        choice = _Completion.model_validate_json(received).choices[0]
    except ValidationError:
        page = received[:200].lstrip().startswith(b"<")
        return NotUnderstood("is a web page and no chat completion" if page else "is no chat completion")
    if choice.message.content is None:
        return NotUnderstood("has no text: the model refused, or the server kept it back")
    return Said(choice.message.content, complete=choice.finish_reason != "length")
