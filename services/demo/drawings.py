"""Drawn scenes of the benchmark's test split for the saliency network: two with a thing doubled, one without a flaw.

What must come of them is not laid down: the demo tells what the loop says, which may be that its checkpoint is not
sure enough to edit, and how near the result lies to the scene without the flaw. The plant's copy is marked as a caller
would mark it: what is marked can be taken out honestly by a tool without weights, while a region that a heat map draws
may hold sound neighbours, too, and taking those out is no repair.
"""

from services.demo.play import Play
from shared.contracts.jobs import JobOptions
from shared.errors import ErrorCode, MissingResource

SEED, SPLIT, MIX, SIZE_PX = 900, "test", "balanced", 512
DOUBLED_PLANT, DOUBLED_DUCK = 5, 48
"""Samples of that seed with one blemish each, on grounds that a classical fill continues well."""

TAKES_OUT_WHAT_IS_MARKED = JobOptions(tools=("retype", "opencv"), threshold=1.0)
"""`opencv` removes whole things only where the caller names it; detectors' own regions are shown and left alone."""

_CREDIT = "drawn by the project's benchmark (split test, which no training saw)"


def drawings() -> list[Play]:
    """The scenes as pictures of the demo.

    Raises:
        MissingResource: MISSING_PACKAGE, what draws them is not installed.
    """
    try:
        from services.datasets.benchmark.sample import make_sample
    except ImportError as error:
        raise MissingResource(
            ErrorCode.MISSING_PACKAGE,
            f"drawing the demo's scenes needs the extra `benchmark` ({error}): install it, or take another --profile",
        ) from error
    plant, duck = (make_sample(SEED, index, SPLIT, MIX, SIZE_PX) for index in (DOUBLED_PLANT, DOUBLED_DUCK))
    return [
        Play("drawn-plant", "a plant stands there twice, its copy grown into it; the caller marked the copy", _CREDIT,
             plant.image, plant.prompt, outcome=None, options=TAKES_OUT_WHAT_IS_MARKED,
             marked=plant.regions[0].repair, twin=plant.clean),
        Play("drawn-duck", "a duck stands there twice, its copy grown into it", _CREDIT, duck.image, duck.prompt,
             outcome=None, twin=duck.clean),
        Play("drawn-healthy", "the same ducks as they should be: nothing is wrong", _CREDIT, duck.clean, duck.prompt,
             outcome=None, twin=duck.clean),
    ]  # fmt: skip
