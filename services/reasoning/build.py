"""Builds the reasoning agent of a profile: nobody, a model in this process, or one on a server.

Asking a server needs httpx, a model in process torch; a profile without a reasoner neither.
"""

from services.reasoning.agent import DetectorReasoner, VlmReasoner
from services.reasoning.backends.base import Backend
from services.reasoning.contract import answer_schema
from services.reasoning.prompts import load_prompt
from services.reasoning.reasoners import Source, local, served
from shared.ports import Clock, ImageStore, ModelObserver, Reasoner, unobserved
from shared.profiles import NO_REASONER, Profile
from shared.reasoning_settings import ReasoningSettings


def build_reasoning(
    profile: Profile,
    store: ImageStore,
    clock: Clock,
    settings: ReasoningSettings,
    observe: ModelObserver = unobserved,
) -> Reasoner:
    """The agent of a profile that the settings were applied to; nothing is loaded or asked yet.

    Raises:
        MissingResource: the profile's model or prompt is not there.
    """
    if profile.reasoner == NO_REASONER:
        return DetectorReasoner()
    source = served(profile.reasoner) if profile.reasoner_at == "server" else local(profile.reasoner)
    prompt = load_prompt(source.prompt)
    backend = _backend(profile, source, settings)
    return VlmReasoner(store, backend, prompt, clock, settings.budget_s, may_veto=source.may_veto, observe=observe)


def _backend(profile: Profile, source: Source, settings: ReasoningSettings) -> Backend:
    if profile.reasoner_at == "server":
        from services.reasoning.backends.openai_http import OpenAiHttp

        return OpenAiHttp(source, answer_schema(), settings)
    from services.reasoning.backends.transformers_local import TransformersLocal

    return TransformersLocal(
        source,
        device=profile.device,
        dtype=profile.dtype,
        threads=profile.threads,
        batch=settings.batch,
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
    )
