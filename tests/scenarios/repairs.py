"""Scenarios of repair: what is kept, what is refused, and what that leaves to do."""

from fakes.drive import Script
from fakes.world import Decline, Effect, Flaw, Silence, World
from scenarios.scenario import ONCE, REASONER, SAME, A, B, C, Scenario, one_sign, two_signs

from shared.contracts.jobs import LoopPolicy, Outcome, StopReason

REPAIRS = [
    Scenario("healthy image", Script(World()), "PF", Outcome.NOTHING_TO_FIX, StopReason.NOTHING_SALIENT),
    Scenario(
        "all fixed in one round",
        Script(two_signs()),
        "PDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1", "b-t1"},
    ),
    Scenario(
        "all fixed in one round, and judged again",
        Script(two_signs(), REASONER),
        "PDRPDF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1", "b-t1"},
    ),
    Scenario("tie rolled back", Script(one_sign(SAME), ONCE), "PDRPF", Outcome.NO_GAIN, StopReason.TRIES_SPENT),
    Scenario(
        "tie rolled back where no gain is asked for",
        Script(one_sign(SAME), ONCE.model_copy(update={"min_gain": 0.0})),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "too small a gain is none",
        Script(one_sign(Effect(after=0.71)), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "gain of exactly the minimum",
        Script(one_sign(Effect(after=0.1), evidence=0.3), ONCE),
        "PDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "retried with another tool",
        Script(one_sign(SAME, Effect(tool="opencv"))),
        "PDRPRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t2"},
    ),
    Scenario(
        "partly repaired, then repaired on top",
        Script(one_sign(Effect(after=0.5), Effect(after=0.1))),
        "PDRPRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1", "a-t2"},
    ),
    Scenario(
        "partial rejection perceived again",
        Script(two_signs(b=(SAME,)), ONCE),
        "PDRPPF",
        Outcome.IMPROVED,
        StopReason.TRIES_SPENT,
        {"a-t1"},
    ),
    Scenario(
        "partial rejection that does not hold alone",
        Script(two_signs(a=(Effect(needs="b"),), b=(SAME,)), ONCE),
        "PDRPPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "no gain in any try",
        Script(two_signs((SAME, SAME), (SAME, SAME))),
        "PDRPRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "dependents of a refused patch fall",
        Script(two_signs(a=(SAME,), b=(Effect(on_top_of="a-t1"),)), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "patch on top of what is not there is dropped",
        Script(one_sign(Effect(on_top_of="nowhere")), ONCE),
        "PDRF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
        warned="what it was made on top of is not there",
    ),
    Scenario(
        "patch for a region nobody asked for is dropped",
        Script(one_sign(Effect(also=("z",))), ONCE),
        "PDRF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
        warned="not for the regions that were asked for",
    ),
    Scenario(
        "one patch over two regions stands when both are better",
        Script(two_signs(a=(Effect(also=("b",)),), b=(Silence(),))),
        "PDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "one patch over two regions falls when one is no better",
        Script(
            World(
                flaws={"a": Flaw(0.9, box=A), "b": Flaw(0.4, box=B)},
                repairs={"a": (Effect(after=0.3, also=("b",)),), "b": (Silence(),)},
            ),
            ONCE,
        ),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "smear refused",
        Script(one_sign(Effect(detail=0.1)), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "grey patch refused",
        Script(one_sign(Effect(colour=30.0)), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "unchecked refused",
        Script(one_sign(Effect(detail=None)), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "unmeasured refused",
        Script(one_sign(Effect(after=None)), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "another detector's evidence rose",
        Script(one_sign(Effect(others={"saliency": 0.5}), others={"saliency": 0.2}), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "another detector's evidence rose within the limit",
        Script(one_sign(Effect(others={"saliency": 0.3}), others={"saliency": 0.2}), ONCE),
        "PDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "still called distorted",
        Script(one_sign(Effect(distorted=True)), LoopPolicy(has_reasoner=True, tries_per_region=1)),
        "PDRPDF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "not judged again",
        Script(one_sign(Effect(distorted=None)), REASONER),
        "PDRPDF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
        warned="was not judged again",
    ),
    Scenario(
        "new flaw of the same detector outweighs the gain",
        Script(
            World(
                flaws={"a": Flaw(0.9, box=A)},
                repairs={"a": (Effect(leaves=("new",)),)},
                hidden={"new": Flaw(0.8, box=(2, 2, 12, 12))},
            ),
            ONCE,
        ),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "new flaw of another detector",
        Script(
            World(
                flaws={"a": Flaw(0.9, box=A)},
                repairs={"a": (Effect(leaves=("new",)),)},
                hidden={"new": Flaw(0.4, "saliency", box=(2, 2, 12, 12))},
            ),
            ONCE,
        ),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "a flaw far away that was overlooked at first is no damage, and counts for the original too",
        Script(
            World(
                flaws={"a": Flaw(0.5, box=A)},
                repairs={"a": (Effect(leaves=("new",)),), "new": (Decline(),)},
                hidden={"new": Flaw(0.8, box=C)},
            )
        ),
        "PDRPDRF",
        Outcome.IMPROVED,
        StopReason.NOTHING_REPAIRABLE,
        {"a-t1"},
    ),
    Scenario(
        "a patch does not answer for a region that another patch is for",
        Script(
            World(
                flaws={"a": Flaw(0.9, box=A), "b": Flaw(0.5, "saliency", box=(4, 0, 12, 8))},
                repairs={"b": (Effect(after=0.9),)},
            ),
            ONCE,
        ),
        "PDRPPF",
        Outcome.IMPROVED,
        StopReason.TRIES_SPENT,
        {"a-t1"},
    ),
    Scenario(
        "new flaw far away is repaired too",
        Script(
            World(
                flaws={"a": Flaw(0.5, box=A)},
                repairs={"a": (Effect(leaves=("new",)),)},
                hidden={"new": Flaw(0.8, box=C)},
            )
        ),
        "PDRPDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1", "new-t1"},
    ),
]
