"""What every test stands on: one thread for numeric libraries, `tests/fakes` importable, how hard Hypothesis looks."""

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

# Before any of them is imported: on busy cores more threads are slower.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# Import mode importlib leaves sys.path alone, so that `fakes` needs a word.
sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=3000)
# In CI the same examples each time: a new one found there would stop a change that has nothing to do with it.
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))
