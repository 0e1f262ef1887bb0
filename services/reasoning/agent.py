"""The reasoning agent of profiles without a reasoner: a diagnosis is what the detector itself knows (DESIGN.md).

It looks at no pixel and adds nothing to the detector's words; the record shows `source: detector:<name>`.
"""

import time

from services.reasoning.detector_diagnosis import diagnose_region
from shared.contracts.jobs import Job
from shared.contracts.loop import Diagnose, Diagnosed


class DetectorReasoner:
    """Implements `shared.ports.Reasoner` from the regions alone."""

    def diagnose(self, job: Job, command: Diagnose, dispatch: int) -> Diagnosed:
        """One diagnosis for each region, in order; the same for every dispatch, since nothing is stored."""
        started_s = time.perf_counter()
        diagnoses = tuple(diagnose_region(region) for region in command.regions)
        return Diagnosed(
            step=command.step, at_s=time.time(), elapsed_s=time.perf_counter() - started_s, diagnoses=diagnoses
        )
