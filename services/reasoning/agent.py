"""The reasoning agent: regions to diagnoses, by what detectors know or by a vision-language model (paper 4.3).

Without a model a diagnosis is what the detector itself knows. With one, text regions keep their detector's words, which
come from reading and aligning letters, and every other region is asked about. A model's words are data: nothing here or
later obeys them.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.reasoning.backends.base import Backend, Failed, NotUnderstood, Question, Reply
from services.reasoning.contract import Answer
from services.reasoning.detector_diagnosis import diagnose_region
from services.reasoning.parse import MalformedAnswer, parse_answer
from services.reasoning.prompts import Prompt, fill
from services.reasoning.request import Marked, questions
from shared.contracts.jobs import Job, Phase
from shared.contracts.loop import Diagnose, Diagnosed
from shared.contracts.values import Diagnosis, Region
from shared.errors import ErrorCode, RetoucherError, StageError
from shared.images import compose_canvas, decode_gray
from shared.ports import Clock, ImageStore, ModelObserver, unobserved


class DetectorReasoner:
    """Implements `shared.ports.Reasoner` from the regions alone; the record shows `source: detector:<name>`."""

    def warm_up(self) -> None:
        """There is nothing to load."""

    def diagnose(self, job: Job, command: Diagnose, dispatch: int) -> Diagnosed:
        """One diagnosis for each region, in order; the same for every dispatch, since nothing is stored.

        Of a patched region it has no second opinion: what detectors make of the patch the loop knows. It is asked for
        one where the job was admitted with a model and none is set here.
        """
        started_s = time.perf_counter()
        asked = () if job.phase is Phase.REDIAGNOSING else command.regions
        diagnoses = tuple(diagnose_region(region) for region in asked)
        return Diagnosed(
            step=command.step, at_s=time.time(), elapsed_s=time.perf_counter() - started_s, diagnoses=diagnoses
        )


@dataclass(frozen=True)
class _Unusable:
    """An answer that came and could not be used; the reason follows "the answer"."""

    reason: str


class VlmReasoner:
    """Implements `shared.ports.Reasoner` with a vision-language model; `source` is the model's name.

    Args:
        store: holds originals, patches and masks.
        backend: asks the model.
        prompt: what the model is told.
        clock: tells how much time is left.
        budget_s: seconds for all questions about one image; less where the job's deadline is nearer.
        may_veto: the model's card shows that its "nothing is wrong" can be relied on.
        observe: is told of each call of the model, about all regions of an image.
    """

    def __init__(
        self,
        store: ImageStore,
        backend: Backend,
        prompt: Prompt,
        clock: Clock,
        budget_s: float = 240.0,
        *,
        may_veto: bool = False,
        observe: ModelObserver = unobserved,
    ) -> None:
        self._store = store
        self._backend = backend
        self._prompt = prompt
        self._clock = clock
        self._budget_s = budget_s
        self._may_veto = may_veto
        self._observe = observe

    def warm_up(self) -> None:
        """Loads the model, if it runs here.

        Raises:
            MissingResource: it is not there.
        """
        self._backend.warm_up()

    def diagnose(self, job: Job, command: Diagnose, dispatch: int) -> Diagnosed:
        """A diagnosis for each region whose answer could be used, and a warning for each other one.

        Raises:
            Unavailable: there is no diagnosis at all, and another try may help.
            StageError: there is no diagnosis at all.
            NotFound: the store lacks something.
        """
        began = self._clock.now_s()
        asked = tuple(region for region in command.regions if region.reading is None)
        heard = dict(zip((region.id for region in asked), self._ask(job, command, asked), strict=True))
        diagnoses: list[Diagnosis] = []
        warnings: list[str] = []
        for region in command.regions:
            answer = heard.get(region.id)
            if answer is None:
                diagnoses.append(diagnose_region(region))
            elif isinstance(answer, Answer):
                diagnoses.append(self._diagnosis(region, answer))
            else:
                warnings.append(f"{region.id}: {self._why(answer)}")
        if command.regions and not diagnoses:
            raise self._nothing(tuple(heard.values()))
        now_s = self._clock.now_s()
        return Diagnosed(
            step=command.step,
            at_s=now_s,
            elapsed_s=max(0.0, now_s - began),
            diagnoses=tuple(diagnoses),
            may_veto=self._may_veto,
            warnings=tuple(warnings),
        )

    def _ask(self, job: Job, command: Diagnose, regions: Sequence[Region]) -> list[Answer | _Unusable | Failed]:
        """All at once; those whose answer could not be used once more, told why."""
        if not regions:
            return []
        image = compose_canvas(self._store, command.canvas)
        places = [Marked(region, decode_gray(self._store.get(region.mask_ref))) for region in regions]
        asked = questions(self._prompt, image, job.input.prompt, places)
        until_s = self._clock.now_s() + self._budget_s
        if job.deadline_at_s is not None:
            until_s = min(until_s, job.deadline_at_s)
        heard = [_judged(reply) for reply in self._called(asked, until_s)]
        again = [(number, answer) for number, answer in enumerate(heard) if isinstance(answer, _Unusable)]
        if again:
            second = [self._again(asked[number], answer.reason) for number, answer in again]
            replies = self._called(second, until_s)
            for (number, _), reply in zip(again, replies, strict=True):
                heard[number] = _judged(reply)
        return heard

    def _called(self, asked: Sequence[Question], until_s: float) -> Sequence[Reply]:
        began_s = time.perf_counter()
        replies = self._backend.ask(asked, self._left_s(until_s))
        self._observe(self._backend.model, time.perf_counter() - began_s)
        return replies

    def _again(self, question: Question, reason: str) -> Question:
        """At the end, so that all before it stays as the server knows it."""
        return replace(question, region=f"{question.region}\n\n{fill(self._prompt.again, reason=reason)}")

    def _left_s(self, until_s: float) -> float:
        return max(0.0, until_s - self._clock.now_s())

    def _diagnosis(self, region: Region, answer: Answer) -> Diagnosis:
        """A healthy region has no category: models like to name what they see (`hand`) all the same."""
        return Diagnosis(
            region_id=region.id,
            distorted=answer.distorted,
            category=answer.category if answer.distorted else None,
            description=answer.description,
            inconsistency=answer.inconsistency,
            instruction=answer.instruction,
            confidence=answer.confidence,
            source=self._backend.model,
        )

    def _why(self, answer: _Unusable | Failed) -> str:
        if isinstance(answer, Failed):
            return answer.error.message
        return f"the answer of {self._backend.model} {answer.reason}"

    def _nothing(self, heard: Sequence[Answer | _Unusable | Failed]) -> RetoucherError:
        """The error of a stage that has nothing to say: one that may pass, if there is such a one among them."""
        errors = [answer.error for answer in heard if isinstance(answer, Failed)]
        if errors:
            return next((error for error in errors if error.retryable), errors[0])
        reasons = [answer.reason for answer in heard if isinstance(answer, _Unusable)]
        return StageError(
            ErrorCode.STAGE_FAILED,
            f"{self._backend.model} gave no usable answer about any region: an answer {reasons[0]}; choose a model and "
            "a server that answer by a JSON schema",
        )


def _judged(reply: Reply) -> Answer | _Unusable | Failed:
    if isinstance(reply, Failed):
        return reply
    if isinstance(reply, NotUnderstood):
        return _Unusable(reply.reason)
    try:
        return parse_answer(reply.text, complete=reply.complete)
    except MalformedAnswer as error:
        return _Unusable(str(error))
