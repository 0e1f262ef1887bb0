"""A tool whose calls go through one batcher: what it shares with other jobs, and what it keeps apart."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from fakes.agents import diagnosis

from services.action.build import owned_by_a_thread
from services.action.tools.base import EditRequest, EditResult, ToolDeclined, ToolKind
from services.action.tools.batched import BatchedTool
from shared.contracts.values import Region


class Pipeline:
    """Answers each request with its own seed as colour; remembers its batches and threads."""

    name = "pipeline"
    kind = ToolKind.MASK
    max_batch = 4
    memory_mb = 900
    licence = "MIT"
    third_party = "a vendor"

    def __init__(self, native_size_px: int | None = None, size_multiple_px: int = 1) -> None:
        self.native_size_px, self.size_multiple_px = native_size_px, size_multiple_px
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()
        self.warm = False

    def warm_up(self) -> None:
        self.warm = True

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        self.threads.add(threading.get_ident())
        self.batches.append([request.seed for request in batch])
        return [
            ToolDeclined("not this one")
            if request.seed == 13
            else EditResult(np.full(request.crop.shape, request.seed, np.uint8), np.zeros(request.mask.shape, np.uint8))
            for request in batch
        ]


def a_request(seed: int, size_px: int = 8, **settings: float) -> EditRequest:
    region = Region(id="r1", box_xyxy_px=(0, 0, 4, 4), mask_ref="m", detector="d", evidence=0.5)
    return EditRequest(
        crop=np.zeros((size_px, size_px, 3), np.uint8),
        mask=np.ones((size_px, size_px), np.bool_),
        crop_box_xyxy_px=(0, 0, size_px, size_px),
        region=region,
        diagnosis=diagnosis("r1"),
        instruction="",
        seed=seed,
        settings=dict(settings),
    )


def seeds(answers: Sequence[EditResult | ToolDeclined]) -> list[int]:
    return [int(answer.image[0, 0, 0]) if isinstance(answer, EditResult) else 13 for answer in answers]


def test_jobs_share_calls_and_get_their_own_answers() -> None:
    pipeline, counts = Pipeline(), []
    tool = BatchedTool(pipeline, max_wait_s=30.0, observe=lambda count, waits_s: counts.append(count))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(tool.edit, [a_request(1), a_request(13)])
        second = pool.submit(tool.edit, [a_request(3), a_request(4)])
        assert seeds(first.result()) == [1, 13]
        assert seeds(second.result()) == [3, 4]
    assert counts == [4]
    assert len(pipeline.threads) == 1
    assert threading.get_ident() not in pipeline.threads


def test_other_settings_and_sizes_are_other_calls() -> None:
    pipeline = Pipeline()
    tool = BatchedTool(pipeline, max_wait_s=0.0, observe=lambda count, waits_s: None)
    batch = [a_request(1), a_request(2, size_px=16), a_request(3, strength=0.5), a_request(4)]
    assert seeds(tool.edit(batch)) == [1, 2, 3, 4]
    assert sorted(map(sorted, pipeline.batches)) in ([[1, 4], [2], [3]], [[1], [2], [3], [4]])


def test_a_tool_with_a_size_of_its_own_takes_crops_of_any_size_together() -> None:
    pipeline = Pipeline(native_size_px=512)
    tool = BatchedTool(pipeline, max_wait_s=0.5, observe=lambda count, waits_s: None)
    assert seeds(tool.edit([a_request(1), a_request(2, size_px=16), a_request(3, strength=0.5)])) == [1, 2, 3]
    assert pipeline.batches == [[1, 2], [3]]


def test_it_is_the_tool_that_it_stands_for() -> None:
    pipeline = Pipeline(native_size_px=512, size_multiple_px=8)
    tool = BatchedTool(pipeline, max_wait_s=0.0, observe=lambda count, waits_s: None)
    told = (tool.name, tool.kind, tool.native_size_px, tool.size_multiple_px, tool.max_batch, tool.memory_mb)
    assert told == ("pipeline", ToolKind.MASK, 512, 8, 4, 900)
    assert (tool.licence, tool.third_party) == ("MIT", "a vendor")
    tool.warm_up()
    assert pipeline.warm


class Busy(Pipeline):
    """Notes how many work at once."""

    third_party = None
    at_work, most = 0, 0

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        Busy.at_work += 1
        Busy.most = max(Busy.most, Busy.at_work)
        threading.Event().wait(0.02)
        Busy.at_work -= 1
        return super().edit(batch)


def test_tools_of_one_process_take_turns() -> None:
    owned = owned_by_a_thread(0.0, lambda name: lambda count, waits_s: None)
    tools = [owned(Busy()) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda tool: tool.edit([a_request(1), a_request(2)]), tools))
    assert [seeds(one) for one in answers] == [[1, 2]] * 3
    assert Busy.most == 1
