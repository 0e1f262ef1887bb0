"""A tool without the agents, as the paper's baselines: the whole picture at once, told nothing but the prompt.

An instruction tool is given the prompt as its instruction; a mask tool also the mask of all that perception proposes.
"""

from time import perf_counter

import numpy as np

from services.action.choices import Choices, facts_of
from services.action.planner import ALL_ROWS
from services.action.tools.base import EditRequest, Tool, ToolDeclined, ToolKind
from services.evaluation.retouch.attempt import Attempt, untouched
from services.evaluation.retouch.cases import ToolCount
from services.evaluation.retouch.pictures import Picture
from services.local import Local
from services.orchestrator.loop import begin
from shared.contracts.jobs import JobOptions
from shared.contracts.loop import Perceive
from shared.contracts.values import Diagnosis, Region
from shared.errors import RetoucherError
from shared.geometry import Mask
from shared.images import compose, decode_gray, encode_png


class ToolAlone:
    """Implements `Arm` by one call of a tool.

    Args:
        local: whose perception proposes the mask.
        tool: one of its tools.
    """

    def __init__(self, local: Local, tool: Tool) -> None:
        self.name = f"alone:{tool.name}"
        self._local = local
        self._tool = tool
        choices = Choices({tool.name: facts_of(tool, local.profile.tool_models.get(tool.name))})
        usual = next((row.settings for row in ALL_ROWS if row.tool == tool.name), {})
        self._settings = {**usual, **choices.manner(tool.name)}

    def __call__(self, picture: Picture, seed: int) -> Attempt:
        """See `Arm`. What the tool leaves out of its alpha stays as it was."""
        began_s = perf_counter()
        mask = np.ones(picture.image.shape[:2], np.bool_)
        if self._tool.kind is ToolKind.MASK:
            mask = self._proposed(picture, seed)
            if not mask.any():
                return untouched(picture, "nothing proposed", perf_counter() - began_s, "perception proposes no region")
        try:
            [answer] = self._tool.edit([self._request(picture, mask, seed)])
        except RetoucherError as error:
            return untouched(picture, "failed", perf_counter() - began_s, error.message)
        seconds = perf_counter() - began_s
        if isinstance(answer, ToolDeclined):
            return untouched(picture, "declined", seconds, str(answer))
        h, w = picture.image.shape[:2]
        result = compose(picture.image, answer.image, answer.alpha, (0, 0, w, h))
        made = (ToolCount(tool=self._tool.name, made=1, accepted=1),)
        return Attempt(encode_png(result), None, "edited", seconds, tools=made)

    def _proposed(self, picture: Picture, seed: int) -> Mask:
        """`(H, W)` bool: every region that perception finds, whatever the stop rule would say of them."""
        local = self._local
        job_id = local.submit(encode_png(picture.image), picture.prompt, JobOptions(seed=seed))
        job = begin(local.jobs.load(job_id).job, local.clock.now_s()).job
        mask = np.zeros(picture.image.shape[:2], np.bool_)
        if isinstance(job.pending, Perceive):
            seen = local.agents.perception.perceive(job, job.pending, local.jobs.next_dispatch(job.id))
            for region in seen.regions:
                x0, y0, x1, y1 = region.box_xyxy_px
                mask[y0:y1, x0:x1] |= decode_gray(local.store.get(region.mask_ref)) > 127
        local.store.delete(f"{job_id}/")
        return mask

    def _request(self, picture: Picture, mask: Mask, seed: int) -> EditRequest:
        h, w = picture.image.shape[:2]
        return EditRequest(
            crop=picture.image,
            mask=mask,
            crop_box_xyxy_px=(0, 0, w, h),
            region=Region(id="whole", box_xyxy_px=(0, 0, w, h), mask_ref="", detector="user", evidence=1.0),
            diagnosis=Diagnosis(
                region_id="whole",
                distorted=True,
                category=None,
                description=picture.prompt,
                inconsistency="",
                instruction=picture.prompt,
                confidence=1.0,
                source="prompt",
            ),
            instruction=picture.prompt,
            seed=seed,
            settings=self._settings,
        )
