"""A tool whose calls from all jobs of a process go through one batcher: one thread owns the pipeline.

Edits share a call where the tool would be asked the same way: equal settings and equal size of the crop.
"""

import json
from collections.abc import Hashable, Sequence

from services.action.tools.base import EditRequest, EditResult, Tool, ToolDeclined, ToolKind
from shared.batching import Batcher, BatchRules, Observer


class BatchedTool:
    """Implements `Tool` around another."""

    def __init__(self, tool: Tool, max_wait_s: float, observe: Observer) -> None:
        self._tool = tool
        self._batcher: Batcher[EditRequest, EditResult | ToolDeclined] = Batcher(
            tool.edit,
            BatchRules(max_items=tool.max_batch, max_wait_s=max_wait_s),
            key=_asked_alike,
            name=f"tool-{tool.name}",
            observe=observe,
        )

    @property
    def name(self) -> str:
        """See `Tool.name`."""
        return self._tool.name

    @property
    def kind(self) -> ToolKind:
        """See `Tool.kind`."""
        return self._tool.kind

    @property
    def native_size_px(self) -> int | None:
        """See `Tool.native_size_px`."""
        return self._tool.native_size_px

    @property
    def max_batch(self) -> int:
        """See `Tool.max_batch`."""
        return self._tool.max_batch

    @property
    def licence(self) -> str:
        """See `Tool.licence`."""
        return self._tool.licence

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        """One answer for each request, in order; they may have shared a call with other jobs' requests."""
        return self._batcher(batch)


def _asked_alike(request: EditRequest) -> Hashable:
    return request.crop.shape, json.dumps(request.settings, sort_keys=True)
