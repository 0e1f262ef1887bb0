"""Drawn scenes of the benchmark's test split for the saliency network: two with a thing doubled, one without a flaw.

What is doubled can be taken out honestly by a tool without weights. What must come of it is not laid down: the demo
tells what the loop says, which may be that its checkpoint is not sure enough to edit.
"""

from services.demo.play import Play
from shared.contracts.jobs import JobOptions
from shared.errors import ErrorCode, MissingResource

SEED, SPLIT, MIX, SIZE_PX = 900, "test", "balanced", 512
DOUBLED_PLANT, DOUBLED_DUCK = 5, 48
"""Samples of that seed with one blemish each, on grounds that a classical fill continues well."""

TAKES_OUT = JobOptions(tools=("retype", "opencv"))
"""`opencv` removes whole things only where the caller names it."""

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
        Play("drawn-plant", "a plant stands there twice, its copy grown into it", _CREDIT, plant.image, plant.prompt,
             outcome=None, options=TAKES_OUT),
        Play("drawn-duck", "a duck stands there twice, its copy grown into it", _CREDIT, duck.image, duck.prompt,
             outcome=None, options=TAKES_OUT),
        Play("drawn-healthy", "the same ducks as they should be: nothing is wrong", _CREDIT, duck.clean, duck.prompt,
             outcome=None, options=TAKES_OUT, healthy=True),
    ]  # fmt: skip
