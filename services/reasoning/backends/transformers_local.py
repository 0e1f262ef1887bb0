"""Runs a vision-language model in this process, with transformers: any folder or hub id that it takes for one.

All regions of an image go through the model together. What it writes is text, to be parsed and no more. Torch is
imported when the model loads, not before: runs that ask nothing never load it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

import structlog

from services.reasoning.backends.base import Failed, Question, Reply, Said
from services.reasoning.contract import answer_schema
from services.reasoning.reasoners import Source
from services.reasoning.thoughts import without_thoughts
from shared.errors import ErrorCode, MissingResource, StageError, Unavailable

if TYPE_CHECKING:
    from services.reasoning.network import Network, Written

log = structlog.get_logger()


class TransformersLocal:
    """Implements `Backend` in process. Safe for several threads: one asks at a time.

    Args:
        source: which model, and how it is asked.
        device, dtype: where and how it runs.
        threads: of the processor, at most.
        batch: questions at once; halved where memory ends.
        max_tokens: of an answer.
        temperature: 0 takes the likeliest words.
    """

    def __init__(
        self,
        source: Source,
        *,
        device: str = "cpu",
        dtype: str = "float32",
        threads: int = 2,
        batch: int = 16,
        max_tokens: int | None = None,
        temperature: float = 0.0,
    ) -> None:
        self._source = source
        self._device = device
        self._dtype = dtype
        self._threads = threads
        self._batch = batch
        self._max_tokens = max_tokens or source.max_tokens
        self._temperature = temperature
        self._lock = Lock()
        self._loaded: Network | None = None

    @property
    def model(self) -> str:
        """The model's name."""
        return self._source.name

    def warm_up(self) -> None:
        """Loads the model.

        Raises:
            MissingResource: it, the libraries or the GPU that it needs are not there.
        """
        with self._lock:
            self._network()

    def ask(self, questions: Sequence[Question], within_s: float | None = None) -> Sequence[Reply]:
        """A reply to each question, in order (`Backend`).

        Raises:
            MissingResource: as `warm_up`.
        """
        until_s = None if within_s is None else time.monotonic() + within_s
        with self._lock:
            network = self._network()
            started_s = time.monotonic()
            replies: list[Reply] = []
            for start in range(0, len(questions), self._batch):
                replies += self._asked(network, questions[start : start + self._batch], until_s)
        said = sum(isinstance(reply, Said) for reply in replies)
        seconds = round(time.monotonic() - started_s, 3)
        log.info("reasoner_asked", model=self.model, asked=len(replies), answered=said, seconds=seconds)
        return replies

    def _network(self) -> Network:
        if self._loaded is None:
            try:
                from services.reasoning.network import load_network
            except ImportError as error:
                raise MissingResource(
                    ErrorCode.MISSING_DATA,
                    f"the reasoner {self.model} needs {error.name}: install agentic-retoucher[vlm], or serve the model "
                    "elsewhere and set RETOUCHER_REASONING_URL",
                ) from error
            self._loaded = load_network(self._source, self._device, self._dtype, self._threads, answer_schema())
        return self._loaded

    def _asked(self, network: Network, questions: Sequence[Question], until_s: float | None) -> list[Reply]:
        left_s = None if until_s is None else until_s - time.monotonic()
        if left_s is not None and left_s <= 0:
            return [self._too_late() for _ in questions]
        written = network.write(questions, self._max_tokens, self._temperature, left_s)
        if written is None:  # memory ended
            if len(questions) == 1:
                return [Failed(self._too_large())]
            half = len(questions) // 2
            log.warning("reasoner_batch_halved", model=self.model, batch=half)
            self._batch = min(self._batch, half)
            return self._asked(network, questions[:half], until_s) + self._asked(network, questions[half:], until_s)
        return [self._reply(one) for one in written]

    def _reply(self, written: Written) -> Reply:
        if not written.ended and written.tokens < self._max_tokens:
            return self._too_late()
        text = without_thoughts(written.text) if self._source.chat.thinks else written.text
        return Said(text, complete=written.ended)

    def _too_late(self) -> Failed:
        message = (
            f"the reasoner {self.model} had no time left to answer: allow more (RETOUCHER_REASONING_BUDGET_S, the "
            "job's deadline), or choose a smaller model"
        )
        return Failed(Unavailable(ErrorCode.MODEL_UNAVAILABLE, message))

    def _too_large(self) -> StageError:
        message = (
            f"the reasoner {self.model} does not fit into this machine's memory: choose a smaller one, or serve it "
            "elsewhere and set RETOUCHER_REASONING_URL"
        )
        return StageError(ErrorCode.STAGE_FAILED, message)
