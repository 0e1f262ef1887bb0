"""What people said of jobs' results, as a data set: the original image, with the flaws that somebody vouches for.

Accepted regions and places marked as missed are blemishes; a rejected region is healthy, so nothing is marked there.
An image is only of use where every region found on it has been judged: what nobody judged is neither healthy nor not.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from services.datasets.readers.source import SourceImage, SourceRegion
from shared.contracts.base import BoxXYXY
from shared.contracts.categories import Category
from shared.contracts.gateway import Feedback, FeedbackVerdict
from shared.contracts.jobs import Job
from shared.contracts.values import Diagnosis, Region
from shared.errors import NotFound
from shared.geometry import Mask
from shared.images import decode_gray, decode_rgb
from shared.ports import FeedbackStore, ImageStore, JobStore

Unjudged = Literal["leave-out", "healthy", "flaw"]
"""What becomes of an image with regions that nobody has judged: it is left out, or they count as one or the other."""

_UNNAMED = "images with a flaw of no known category (give --unnamed CATEGORY to take them)"
_UNJUDGED = "images with regions that nobody has judged (give --unjudged to take them)"


class FeedbackReader:
    """The jobs of a server that have feedback, in the order of their ids, which is that of their making.

    Args:
        jobs, images, feedback: the server's stores.
        unjudged: see `Unjudged`.
        unnamed: the category of flaws that nobody could name; with None their images are left out.
    """

    source = "feedback"
    notes = (
        "images are as they were sent; accepted regions and places marked as missed are flaws, rejected ones healthy",
    )

    def __init__(
        self,
        jobs: JobStore,
        images: ImageStore,
        feedback: FeedbackStore,
        unjudged: Unjudged = "leave-out",
        unnamed: Category | None = None,
    ) -> None:
        self.left_out: Counter[str] = Counter()
        self._jobs, self._images, self._feedback = jobs, images, feedback
        self._unjudged, self._unnamed = unjudged, unnamed

    def images(self) -> Iterator[SourceImage]:
        """One for each job with feedback, less what is left out."""
        for job_id in self._feedback.job_ids():
            try:
                job = self._jobs.load(job_id).job
                found = self._image(job, self._feedback.of_job(job_id))
            except NotFound:
                self.left_out["jobs that have been deleted meanwhile"] += 1
                continue
            if found is not None:
                yield found

    def _image(self, job: Job, said: Sequence[Feedback]) -> SourceImage | None:
        verdicts = {entry.region_id: entry.verdict for entry in said if entry.region_id is not None}
        seen = {region.id: region for region in job.perceptions[0].regions} if job.perceptions else {}
        later = sum(name not in seen for name in verdicts)
        if later:
            self.left_out["regions that were seen on a repaired picture alone"] += later
        if self._unjudged == "leave-out" and any(name not in verdicts for name in seen):
            self.left_out[_UNJUDGED] += 1
            return None
        flaws = [region for region in seen.values() if self._is_flaw(verdicts.get(region.id))]
        missed = [entry for entry in said if entry.verdict is FeedbackVerdict.MISSED]
        diagnoses = {diagnosis.region_id: diagnosis for diagnosis in reversed(job.diagnoses)}
        regions = [self._region(region, diagnoses.get(region.id), job) for region in flaws]
        regions += [self._missed(entry, job) for entry in missed]
        if any(region is None for region in regions):
            self.left_out[_UNNAMED] += 1
            return None
        rgb = decode_rgb(self._images.get(job.input.original_ref))
        return SourceImage(rgb, job.input.prompt, tuple(region for region in regions if region is not None))

    def _is_flaw(self, verdict: FeedbackVerdict | None) -> bool:
        if verdict is None:
            return self._unjudged == "flaw"
        return verdict is FeedbackVerdict.ACCEPT

    def _region(self, region: Region, diagnosis: Diagnosis | None, job: Job) -> SourceRegion | None:
        category = (diagnosis.category if diagnosis is not None else None) or self._unnamed
        if category is None:
            return None
        inside = decode_gray(self._images.get(region.mask_ref)) > 127
        return SourceRegion(
            mask=_placed(inside, region.box_xyxy_px, job.input.size_hw),
            category=category,
            kind=region.reading.fault.value if region.reading is not None else "",
            description=diagnosis.description if diagnosis is not None else "",
            inconsistency=diagnosis.inconsistency if diagnosis is not None else "",
            instruction=diagnosis.instruction if diagnosis is not None else "",
        )

    def _missed(self, entry: Feedback, job: Job) -> SourceRegion | None:
        category, box = entry.category or self._unnamed, entry.box_xyxy_px
        if category is None or box is None:
            return None
        whole = np.ones((box[3] - box[1], box[2] - box[0]), np.bool_)
        return SourceRegion(
            _placed(whole, box, job.input.size_hw), category=category, kind="missed", description=entry.comment
        )


def _placed(inside: Mask, box: BoxXYXY, size_hw: tuple[int, int]) -> Mask:
    """The box's mask in one of the whole image's size."""
    mask = np.zeros(size_hw, np.bool_)
    mask[box[1] : box[3], box[0] : box[2]] = inside
    return mask
