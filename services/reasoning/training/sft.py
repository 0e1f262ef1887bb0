"""Supervised fine-tuning: from proposed regions to a servable model (paper 4.3, first stage).

A run that was stopped resumes from its last state and ends as if it had not been.
"""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Generator
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedModel, PrinterCallback, Qwen2_5_VLForConditionalGeneration, set_seed
from trl.trainer.sft_config import SFTConfig

from services.datasets.proposals.propose import ProposalSource
from services.reasoning.contract import answer_text
from services.reasoning.prompts import Prompt, load_prompt
from services.reasoning.tiny import TINY_SIZES, TinySizes, build_tiny
from services.reasoning.training.batches import Joiner, Places, Prepared, RowJoiner, Rows
from services.reasoning.training.collate import Collator
from services.reasoning.training.data import AlignmentData
from services.reasoning.training.encoder import encode_together
from services.reasoning.training.examples import Examples, SampleRows
from services.reasoning.training.finish import Result, finish
from services.reasoning.training.looking import learn_to_look, looked
from services.reasoning.training.models import adapter, load_begin
from services.reasoning.training.options import LOG_FILE, SftOptions
from services.reasoning.training.pixels import Pixels
from services.reasoning.training.sft_trainer import ReasonerSftTrainer
from services.reasoning.truth import questions_of, true_answer
from services.training.optimisers import optimiser_of
from services.training.trainer import batch_arguments, begin, common_arguments, drawn_once, watching
from shared.errors import BadInput, ErrorCode

_TOKENIZER_SAMPLES = 400
"""Whose words the tiny model's pieces are learned from."""
_LOSS_SAMPLES = 48
"""Of each validation during the run: loss and right decisions."""


def train_sft(
    options: SftOptions,
    data: AlignmentData,
    *,
    resume: bool = False,
    report: Callable[[str], None],
    command: str = "retoucher train reasoning-sft",
    sizes: TinySizes | None = None,
) -> Result:
    """Trains, writes the model, asks it about validation regions, and writes its card.

    Args:
        options: the run.
        data: its regions.
        resume: continue the run that lies in `options.out`.
        report: takes lines of progress.
        command: for the card.
        sizes: of a tiny model, if not those that the run names.

    Raises:
        BadInput: a run lies in `out` already and is not to be resumed, or there is none to resume.
        MissingResource: NO_GPU, or the model is not there.
    """
    state = begin(options, resume)
    set_seed(options.seed)
    prompt = load_prompt(options.prompt)
    if options.tiny and not (resume and (options.begin_folder / "config.json").is_file()):
        report("building the tiny model")
        texts = _words(data.training, prompt, options.workers)
        build_tiny(options.begin_folder, texts, sizes or TINY_SIZES[options.size], options.seed)
    if options.looking_steps and not looked(options.looked_folder):
        if data.looking is None:
            raise BadInput(
                ErrorCode.BAD_OPTION,
                "what is seen where is known of drawn samples alone: leave out --data, or the looking",
            )
        learn_to_look(options, *data.looking, report)
        set_seed(options.seed)
    model, processor = load_begin(options)
    if options.frozen_encoder:
        named: Any = model
        named.model.visual.requires_grad_(False)
    encode_together(model)
    collate, pixels = Collator(processor, _places(model)), Pixels.of(processor)
    drawn = options.samples_drawn(options.batch_size)
    rows = SampleRows(Examples(data.training, prompt, processor), drawn, options.decisions)
    held_out = min(_LOSS_SAMPLES, len(data.validation))
    held_rows = SampleRows(Examples(data.validation, prompt, processor), held_out)
    tokenizer: Any = processor
    trainer = ReasonerSftTrainer(
        pixels=pixels,
        decision_weight=options.decision_weight,
        contrast_weight=options.contrast_weight,
        model=model,
        args=_arguments(options),
        data_collator=RowJoiner(Joiner(tokenizer.tokenizer.pad_token_id)),
        train_dataset=Rows(drawn_once(options, Prepared(rows, collate, pixels))).table(drawn * options.reuse),
        eval_dataset=Rows(Prepared(held_rows, collate, pixels)).table(held_out),
        processing_class=processor,
        peft_config=adapter(options),
        **optimiser_of(options),
        callbacks=watching(options, options.out / LOG_FILE, report),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=state)
    return finish(options, trainer.model, processor, data, command=command, stage="SFT", report=report)


def _places(model: PreTrainedModel) -> Places | None:
    return Places(model.config) if isinstance(model, Qwen2_5_VLForConditionalGeneration) else None


def _words(source: ProposalSource, prompt: Prompt, workers: int) -> Iterator[str]:
    """Requests and answers of samples spread over the source."""
    yield prompt.system
    for texts in DataLoader(_Texts(source, prompt), batch_size=None, num_workers=workers, generator=Generator()):
        yield from texts


class _Texts(Dataset[list[str]]):
    """What is asked and answered about each of some samples."""

    def __init__(self, source: ProposalSource, prompt: Prompt) -> None:
        self._source, self._prompt = source, prompt
        self._indices = range(0, len(source), max(1, len(source) // _TOKENIZER_SAMPLES))

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> list[str]:
        texts: list[str] = []
        proposals = self._source[self._indices[index]]
        for proposal, question in zip(proposals, questions_of(proposals, self._prompt), strict=True):
            texts.append(f"system\n{question.system}user\n{question.prompt}{question.region}assistant\n")
            texts.append(answer_text(true_answer(proposal)))
        return texts


def _arguments(options: SftOptions) -> SFTConfig:
    return SFTConfig(
        **common_arguments(options),
        **batch_arguments(options, options.batch_size),
        activation_checkpointing=options.lora,  # costs a third more time, and memory is short with large models alone
        prediction_loss_only=True,
        max_length=None,
    )
