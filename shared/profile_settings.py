"""What the operator changes about a profile, from the environment: `RETOUCHER_PROFILE_…`; the same for every process.

Which licences may run, tools left out, weights from a folder of one's own, and the commits of weights that the profile
cannot name.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import BadInput, ErrorCode
from shared.profiles import HUB_COMMIT, Profile, ToolModel

_PREFIX = "RETOUCHER_PROFILE_"

SALIENCY, RAHF = "saliency", "rahf"
"""The detectors' names."""

_Commit = Annotated[str, StringConstraints(pattern=HUB_COMMIT)]


class ProfileSettings(BaseSettings):
    """A variable that is empty counts as not set; maps and lists are written as JSON.

    Attributes:
        licence_policy: `commercial` refuses a profile with weights whose licence forbids commercial use.
        without: tools that are not to be used.
        weights: a folder or hub name by tool, in place of the profile's.
        revisions: a hub commit by tool.
        saliency_checkpoint: of a saliency network, which then looks at every picture.
        rahf_weights: the file of RAHF's public state dict, which then looks at every picture.
        rahf_tokenizer: hub id or folder of its T5 tokenizer, in place of the profile's.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, frozen=True)

    licence_policy: Literal["any", "commercial"] = "any"
    without: tuple[str, ...] = ()
    weights: dict[str, str] = Field(default_factory=dict)
    revisions: dict[str, _Commit] = Field(default_factory=dict)
    saliency_checkpoint: str | None = Field(default=None, max_length=1000)
    rahf_weights: str | None = Field(default=None, max_length=1000)
    rahf_tokenizer: str | None = Field(default=None, max_length=1000)

    def applied_to(self, profile: Profile) -> Profile:
        """The profile as it runs with these settings.

        Raises:
            BadInput: a setting names a tool that the profile does not have, or the licence policy forbids a weight.
        """
        self._know_the_tools(profile)
        models = {
            name: self._changed(name, model) for name, model in profile.tool_models.items() if name not in self.without
        }
        tools = tuple(name for name in profile.tools if name not in self.without)
        licences = tuple(one for one in profile.licences if one.tool not in self.without)
        run = profile.model_copy(update={"tools": tools, "tool_models": models, "licences": licences})
        if self.saliency_checkpoint is not None:
            run = _looking(run, SALIENCY, saliency_checkpoint=self.saliency_checkpoint)
        if self.rahf_weights is not None:
            tokenizer = self.rahf_tokenizer or run.rahf_tokenizer
            run = _looking(run, RAHF, rahf_weights=self.rahf_weights, rahf_tokenizer=tokenizer)
        if self.licence_policy == "commercial":
            _require_commercial(run)
        return run

    def _know_the_tools(self, profile: Profile) -> None:
        for variable, names, known in (
            ("WITHOUT", self.without, profile.tools),
            ("WEIGHTS", tuple(self.weights), tuple(profile.tool_models)),
            ("REVISIONS", tuple(self.revisions), tuple(profile.tool_models)),
        ):
            strange = [name for name in names if name not in known]
            if strange:
                there = ", ".join(known) or "none"
                message = f"{_PREFIX}{variable} names {', '.join(strange)}; profile {profile.name} has: {there}"
                raise BadInput(ErrorCode.BAD_OPTION, message)

    def _changed(self, name: str, model: ToolModel) -> ToolModel:
        if name in self.weights:
            # Another repository's commits are not these.
            model = model.model_copy(update={"weights": self.weights[name], "revision": None})
        if name in self.revisions:
            model = model.model_copy(update={"revision": self.revisions[name]})
        return model


def _looking(profile: Profile, name: str, **weights: str) -> Profile:
    """With a network of the operator's own that draws maps; of two the one comes first that tells when not to edit."""
    there = {*profile.detectors, name}
    maps = tuple(one for one in (SALIENCY, RAHF) if one in there)
    others = tuple(one for one in profile.detectors if one not in maps)
    policy = profile.policy.model_copy(update={"saliency_detector": maps[0]})
    return profile.model_copy(update={"detectors": maps + others, "policy": policy, **weights})


AS_WRITTEN = ProfileSettings.model_construct()
"""Nothing changed; made without a look at the environment."""


def _require_commercial(profile: Profile) -> None:
    refused = [
        f"{one.weight} ({one.licence})" + (f", tool {one.tool}" if one.tool else "")
        for one in profile.weight_licences()
        if not one.commercial
    ]
    if not refused:
        return
    tools = sorted({one.tool for one in profile.weight_licences() if one.tool and not one.commercial})
    way = f"leave tools out by {_PREFIX}WITHOUT={_json(tools)}" if tools else "choose another profile"
    raise BadInput(
        ErrorCode.BAD_OPTION,
        f"profile {profile.name} has weights that may not be used commercially: {'; '.join(refused)}: {way}, "
        f"or set {_PREFIX}LICENCE_POLICY=any",
    )


def _json(names: list[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"'[{quoted}]'"
