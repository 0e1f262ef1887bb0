"""The text detector: reads the picture, compares it with the words that the prompt wants, reports what is wrong.

A correct sign gives nothing. What the reader cannot read gives a warning, never a finding. Knows no store and no job.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.perception.detectors.base import Detection, Finding, Scene
from services.perception.detectors.text.expected import expected_phrases
from services.perception.detectors.text.judgement import SceneJudge, lacks_words
from services.perception.detectors.text.legibility import least_illegible_height_px
from services.perception.detectors.text.ocr import MOST_LINES, OcrReader
from services.perception.detectors.text.reading import Line
from services.perception.detectors.text.rereading import PlaceReader
from shared.contracts.base import BoxXYXY
from shared.contracts.values import Region
from shared.geometry import box_area, intersection, iou

_SAME_PLACE = 0.5


@dataclass(frozen=True)
class TextDetection(Detection):
    """A detection with the lines that were read, so that evidence need not read the whole picture again."""

    lines: tuple[Line, ...] = field(default=())


class TextDetector:
    """The Detector of written words.

    Args:
        reader: finds and reads lines; shared between threads.
    """

    def __init__(self, reader: OcrReader) -> None:
        self._reader = reader

    @property
    def name(self) -> str:
        """`text`."""
        return "text"

    def detect(self, scene: Scene) -> TextDetection:
        """What is written wrongly; worst first."""
        phrases = expected_phrases(scene.prompt, scene.expected_text)
        # Where no words are wanted, only lettering large enough to be judged for legibility is worth reading.
        lines = self._reader.read(scene.image, 0.0 if phrases else least_illegible_height_px(scene.image))
        if lacks_words(phrases, lines):
            lines += self._reader.read_overlooked(scene.image, lines)
        judge = SceneJudge(self._reader, scene.image, lines)
        findings, warnings = judge.judge(phrases)
        if len(lines) >= MOST_LINES:
            warnings.append(f"there is very much writing: only the {MOST_LINES} largest lines were read")
        ordered = sorted(findings, key=lambda finding: -finding.evidence)
        return TextDetection(findings=tuple(ordered), warnings=tuple(warnings), lines=lines)

    def evidence_at(self, scene: Scene, detection: Detection, regions: Sequence[Region]) -> Sequence[float]:
        """Own regions: how far what stands there now is from what should; others: the worst own finding there."""
        if isinstance(detection, TextDetection):
            lines, findings = detection.lines, detection.findings
        else:
            lines, findings = self._reader.read(scene.image), detection.findings
        places = PlaceReader(self._reader, scene.image, lines)
        return [self._evidence(region, findings, places) for region in regions]

    def _evidence(self, region: Region, findings: Sequence[Finding], places: PlaceReader) -> float:
        if region.reading is None or region.detector != self.name:
            return max(
                (f.evidence for f in findings if box_area(intersection(f.box_xyxy_px, region.box_xyxy_px))), default=0.0
            )
        now = [f.evidence for f in findings if _shares_place(f.box_xyxy_px, region.box_xyxy_px)]
        same = [f for f in findings if _is_the_same(f, region)]
        return max(now) if same else max([places.evidence(region.reading), *now])


def _shares_place(a: BoxXYXY, b: BoxXYXY) -> bool:
    return box_area(intersection(a, b)) > _SAME_PLACE * min(box_area(a), box_area(b))


def _is_the_same(finding: Finding, region: Region) -> bool:
    """Whether the region is found again with the same fault: then nothing need be read twice."""
    if finding.reading is None or region.reading is None:
        return False
    agrees = finding.reading.expected == region.reading.expected
    return agrees and iou(finding.box_xyxy_px, region.box_xyxy_px) >= _SAME_PLACE
