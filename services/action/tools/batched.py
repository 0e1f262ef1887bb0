"""A tool whose calls from all jobs of a process go through one batcher: one thread owns the pipeline.

Edits share a call where the tool would be asked the same way: equal settings, and equal size of the crop where the tool
has no size of its own that it brings each crop to.
"""

import json
from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext

from services.action.tools.base import EditRequest, EditResult, Tool, ToolDeclined, ToolKind
from shared.batching import Batcher, BatchRules, Observer


class BatchedTool:
    """Implements `Tool` around another.

    Args:
        tool: the other.
        max_wait_s: how long a call waits for company.
        observe: is told of the batches.
        turn: held while the tool works; a lock that tools on one device share, None for a tool that needs no turn.
    """

    def __init__(
        self, tool: Tool, max_wait_s: float, observe: Observer, turn: AbstractContextManager[object] | None = None
    ) -> None:
        self._tool = tool
        self._turn = turn if turn is not None else nullcontext()
        self._batcher: Batcher[EditRequest, EditResult | ToolDeclined] = Batcher(
            self._run,
            BatchRules(max_items=tool.max_batch, max_wait_s=max_wait_s),
            key=_asked_alike if tool.native_size_px is None else _settings_of,
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
    def size_multiple_px(self) -> int:
        """See `Tool.size_multiple_px`."""
        return self._tool.size_multiple_px

    @property
    def max_batch(self) -> int:
        """See `Tool.max_batch`."""
        return self._tool.max_batch

    @property
    def memory_mb(self) -> int:
        """See `Tool.memory_mb`."""
        return self._tool.memory_mb

    @property
    def licence(self) -> str:
        """See `Tool.licence`."""
        return self._tool.licence

    @property
    def third_party(self) -> str | None:
        """See `Tool.third_party`."""
        return self._tool.third_party

    def warm_up(self) -> None:
        """See `Tool.warm_up`."""
        self._tool.warm_up()

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        """One answer for each request, in order; they may have shared a call with other jobs' requests."""
        return self._batcher(batch)

    def _run(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        with self._turn:
            return self._tool.edit(batch)


def _settings_of(request: EditRequest) -> Hashable:
    return json.dumps(request.settings, sort_keys=True)


def _asked_alike(request: EditRequest) -> Hashable:
    return request.crop.shape, _settings_of(request)
