"""Group Relative Policy Optimization from an SFT policy (paper 4.3, second stage, equation 3).

The reference is the policy that the run begins with; answers are used for two updates, so that the ratio and its clip
act. A run that was stopped resumes from its last state.
"""

from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from typing import Any

from datasets import Dataset
from transformers import PreTrainedModel, PrinterCallback, set_seed
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from services.reasoning.chat import messages, pictures
from services.reasoning.contract import answer_text
from services.reasoning.prompts import Prompt, load_prompt
from services.reasoning.scoring import Similarity
from services.reasoning.training.data import AlignmentData
from services.reasoning.training.examples import proposals_from
from services.reasoning.training.finish import Result, finish
from services.reasoning.training.models import adapter, load_begin
from services.reasoning.training.options import LOG_FILE, GrpoOptions
from services.reasoning.training.rewards.accuracy import accuracy_reward
from services.reasoning.training.rewards.form import form_reward
from services.reasoning.training.rewards.similarity import similarity_reward_by
from services.reasoning.truth import question_of, true_answer
from services.training.log_file import LogFile
from services.training.trainer import begin, common_arguments


def train_grpo(
    options: GrpoOptions,
    data: AlignmentData,
    similarity: Similarity,
    *,
    resume: bool = False,
    report: Callable[[str], None],
    command: str = "retoucher train reasoning-grpo",
) -> Result:
    """Trains, writes the model, asks it about validation regions, and writes its card.

    Args:
        options: the run.
        data: its regions.
        similarity: of descriptions, the one that evaluation reports.
        resume: continue the run that lies in `options.out`.
        report: takes lines of progress.
        command: for the card.

    Raises:
        BadInput: a run lies in `out` already and is not to be resumed, or there is none to resume.
        MissingResource: NO_GPU, or the model is not there.
    """
    state = begin(options, resume)
    set_seed(options.seed)
    model, processor = load_begin(options)
    # The trainer fills prompts up on the left, and takes where the pictures lie in them from the processor.
    filling: Any = deepcopy(processor)
    filling.tokenizer.padding_side = "left"
    rewards: list[Any] = [accuracy_reward, similarity_reward_by(similarity), form_reward]
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=rewards,
        args=_arguments(options, picture_places(model)),
        train_dataset=region_rows(data, load_prompt(options.prompt), options.steps * options.regions),
        processing_class=filling,
        peft_config=adapter(options),
        callbacks=[LogFile(options.out / LOG_FILE, report)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=state)
    return finish(options, trainer.model, processor, data, command=command, stage="SFT and GRPO", report=report)


def region_rows(data: AlignmentData, prompt: Prompt, count: int) -> Dataset:
    """A data set of `count` regions: `images`, `prompt` as messages, and `answer`, what the region deserves."""

    @lru_cache(maxsize=64)  # the sampler asks for each region once per answer
    def row(number: int) -> dict[str, Any]:
        found = proposals_from(data.training, number)
        proposal = found[number % len(found)]
        question = question_of(proposal, prompt)
        return {
            "images": pictures(question),
            "prompt": messages(question),
            "answer": answer_text(true_answer(proposal)),
        }

    def load(batch: dict[str, list[int]]) -> dict[str, list[Any]]:
        rows = [row(number) for number in batch["row"]]
        return {name: [one[name] for one in rows] for name in ("images", "prompt", "answer")}

    return Dataset.from_dict({"row": list(range(count))}).with_transform(load)


def picture_places(model: PreTrainedModel) -> list[int]:
    """Tokens that stand for pictures: an answer at some temperature may hold one, and no picture belongs to it."""
    names = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    found = (getattr(model.config, name, None) for name in names)
    return [token for token in found if token is not None]


def _arguments(options: GrpoOptions, never: list[int]) -> GRPOConfig:
    return GRPOConfig(
        **common_arguments(options),
        loss_type="grpo",
        beta=options.beta,
        num_iterations=options.iterations,
        epsilon=options.epsilon,
        num_generations=options.generations,
        max_completion_length=options.max_tokens,
        temperature=options.temperature,
        generation_kwargs={"suppress_tokens": never},
        per_device_train_batch_size=options.regions * options.generations,
        steps_per_generation=options.accumulate,
        activation_checkpointing=options.lora,
    )
