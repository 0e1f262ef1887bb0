"""A vision-language model in memory: loads it, and writes answers to a batch of questions.

Knows the model's class from its own files, and nothing of jobs. This is where torch enters: import it late.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoModelForImageTextToText, PreTrainedModel, ProcessorMixin
from transformers.utils import logging as transformers_logging

from services.reasoning.backends.base import Question
from services.reasoning.chat import messages, pictures
from services.reasoning.guided import Guide
from services.reasoning.models import ChatFormat
from services.reasoning.processors import load_processor
from services.reasoning.reasoners import Source
from shared.errors import ErrorCode, MissingResource

DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


@dataclass(frozen=True)
class Written:
    """What a model wrote to one question.

    Attributes:
        text: without special tokens.
        tokens: how many it took.
        ended: the model ended it itself.
    """

    text: str
    tokens: int
    ended: bool


@dataclass(frozen=True)
class Network:
    """Model and processor, ready to write; `guide` holds the answers to a schema, where one is given."""

    model: PreTrainedModel
    processor: ProcessorMixin
    chat: ChatFormat
    guide: Guide | None = None

    def write(
        self, questions: Sequence[Question], max_tokens: int, temperature: float = 0.0, within_s: float | None = None
    ) -> list[Written] | None:
        """What the model writes to each question, all in one batch; None where memory ends.

        Args:
            questions: at least one.
            max_tokens: of an answer.
            temperature: 0 takes the likeliest words; else drawn by torch's random state.
            within_s: seconds after which it stops in the middle.
        """
        drawn: dict[str, Any] = {"do_sample": True, "temperature": temperature} if temperature > 0 else {}
        limits: dict[str, Any] = {"max_new_tokens": max_tokens, "max_time": within_s}
        generate: Any = self.model.generate  # a method of a mixin, which `PreTrainedModel`'s annotations lose
        try:
            inputs = self._inputs(questions)
            with torch.inference_mode():
                held = {} if self.guide is None else {"logits_processor": [self.guide.for_batch(len(questions))]}
                ids = generate(**inputs, **{"do_sample": False, **drawn, **limits, **held})
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            return None
        asked = inputs["input_ids"].shape[1]
        return [self._written(row) for row in ids[:, asked:].tolist()]

    def _inputs(self, questions: Sequence[Question]) -> Any:
        """Questions of one image differ in their tail alone, so padding at the front costs little."""
        processor: Any = self.processor  # its annotations know no parts of a message
        texts = [
            processor.apply_chat_template(
                messages(question, self.chat.system),
                tokenize=False,
                add_generation_prompt=True,
                **self.chat.template_kwargs,
            )
            for question in questions
        ]
        batch: Any = processor(
            text=texts,
            images=[pictures(question) for question in questions],
            padding=True,
            padding_side="left",
            return_tensors="pt",
            add_special_tokens=False,  # the chat template has written them
        )
        batch.pop("token_type_ids", None)
        return batch.to(self.model.device, self.model.dtype)

    def _written(self, row: list[int]) -> Written:
        stops = _ends(self.model)
        at = next((number for number, token in enumerate(row) if token in stops), len(row))
        text: str = self.processor.tokenizer.decode(row[:at], skip_special_tokens=False)
        return Written(text=text.strip(), tokens=at, ended=at < len(row))


def _ends(model: PreTrainedModel) -> list[int]:
    """Tokens that end an answer."""
    named: Any = model.generation_config
    ends: int | list[int] = named.eos_token_id
    return ends if isinstance(ends, list) else [ends]


def load_network(
    source: Source,
    device: str = "cpu",
    dtype: str = "float32",
    threads: int = 2,
    schema: Mapping[str, Any] | None = None,
) -> Network:
    """The model of a source, in evaluation mode on its device.

    Args:
        source: which; its `model` is set.
        device: `cpu` or `cuda`.
        dtype: `float32`, `bfloat16` or `float16`.
        threads: of the processor; what the environment allows is not exceeded.
        schema: of the answers, which are held to it; not where a model thinks aloud before it answers.

    Raises:
        MissingResource: MISSING_CHECKPOINT, it is not there, damaged or no vision-language model; NO_GPU.
    """
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise MissingResource(
            ErrorCode.NO_GPU, "this profile runs on a GPU and torch sees none: choose a profile for the CPU"
        )
    torch.set_num_threads(min(threads, torch.get_num_threads()))
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    assert source.model is not None, "a model that only a server has is not loaded here"  # noqa: S101
    try:
        loaded: Any = AutoModelForImageTextToText.from_pretrained(
            source.model, revision=source.revision or "main", dtype=DTYPES[dtype], output_loading_info=True
        )
        processor = load_processor(source.model, source.revision)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError, StrictDataclassError) as error:
        raise _unusable(source, str(error)) from error
    model, report = loaded
    if unmatched := sorted({*report["missing_keys"], *report["unexpected_keys"]}):
        raise _unusable(source, f"weights do not fit the configuration: {', '.join(unmatched[:3])}")
    torch.nn.Module.to(model, device)  # transformers' annotations of `to` and `train` lose their types
    guide = None
    if schema is not None and not source.chat.thinks:
        guide = Guide(processor.tokenizer, schema, _ends(model))
    return Network(model.train(False), processor, source.chat, guide)


def _unusable(source: Source, reason: str) -> MissingResource:
    """Where it was looked for, why it will not do, and what gets one."""
    line = " ".join(reason.split())[:240]
    if source.revision is None:
        where = f"in {source.model}"
        remedy = f"train it with `retoucher train reasoning-sft --data DIR --out {source.model}`"
    else:
        where = f"as {source.model} at {source.revision}"
        remedy = f"download it with `hf download {source.model} --revision {source.revision}`"
    return MissingResource(
        ErrorCode.MISSING_CHECKPOINT, f"the reasoner {source.name} cannot be loaded {where} ({line}): {remedy}"
    )
