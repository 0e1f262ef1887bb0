"""Builds the reasoning agent of a profile. Who asks a model needs httpx; a profile without a reasoner does not."""

from services.reasoning.agent import DetectorReasoner, VlmReasoner
from services.reasoning.contract import answer_schema
from services.reasoning.prompts import load_prompt
from shared.ports import Clock, ImageStore, Reasoner
from shared.profiles import Profile
from shared.reasoning_settings import ReasoningSettings


def build_reasoning(profile: Profile, store: ImageStore, clock: Clock, settings: ReasoningSettings) -> Reasoner:
    """The agent of a profile that the settings were applied to; nothing is asked yet.

    Raises:
        MissingResource: the profile's prompt is not there.
    """
    if profile.reasoner == "none" or profile.reasoning_model is None:
        return DetectorReasoner()
    from services.reasoning.backends.openai_http import OpenAiHttp

    backend = OpenAiHttp(profile.reasoning_model, answer_schema(), settings)
    return VlmReasoner(store, backend, load_prompt(profile.reasoning_prompt), clock, settings.budget_s)
