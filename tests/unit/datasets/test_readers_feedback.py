"""Feedback as a data set: what counts as a flaw, what as healthy, and what is left out with its reason."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import services.cli as cli
from services.datasets.readers.feedback import FeedbackReader
from services.datasets.readers.source import SourceImage, write_converted
from services.datasets.schema import read_records
from services.datasets.statistics import summarise
from shared.adapters.file_images import FileImageStore
from shared.adapters.memory import MemoryImageStore, MemoryJobStore
from shared.adapters.memory_gateway import MemoryFeedbackStore
from shared.adapters.sqlite_gateway import SqliteFeedbackStore
from shared.adapters.sqlite_jobs import SqliteJobStore
from shared.contracts.base import BoxXYXY
from shared.contracts.categories import Category
from shared.contracts.gateway import Feedback, FeedbackVerdict
from shared.contracts.jobs import InputInfo, Job, Perception
from shared.contracts.values import Canvas, Diagnosis, Region
from shared.errors import BadInput, ErrorCode
from shared.images import encode_png
from shared.ports import FeedbackStore, ImageStore, JobStore

HAND_BOX: BoxXYXY = (4, 6, 10, 12)
FACE_BOX: BoxXYXY = (20, 8, 28, 16)


class Server:
    """The three stores of a server, and short ways to fill them."""

    def __init__(self, jobs: JobStore, images: ImageStore, feedback: FeedbackStore) -> None:
        self.jobs, self.images, self.feedback = jobs, images, feedback

    def job(self, name: str, regions: dict[str, BoxXYXY], categories: dict[str, Category | None]) -> None:
        """A 32 x 40 image with regions whose masks fill their boxes but for the top row."""
        original = self.images.put(f"{name}/original.png", encode_png(np.full((32, 40, 3), 90, np.uint8)))
        found = tuple(self._region(name, *item) for item in regions.items())
        diagnoses = tuple(
            Diagnosis(
                region_id=region_id,
                distorted=True,
                category=category,
                description=f"{region_id} is wrong",
                inconsistency="clashes",
                instruction="mend it",
                confidence=0.9,
                source="test",
            )
            for region_id, category in categories.items()
        )
        canvas = Canvas(original_ref=original)
        info = InputInfo(original_ref=original, size_hw=(32, 40), format="PNG", sha256="0" * 64, prompt=f"a {name}")
        perceptions = (Perception(canvas=canvas, regions=found, evidence=()),)
        self.jobs.create(
            Job(
                id=name, input=info, profile="tiny", created_at_s=1.0, canvas=canvas, known=found, diagnoses=diagnoses,
                perceptions=perceptions,
            ),
            (),
        )  # fmt: skip

    def _region(self, name: str, region_id: str, box: BoxXYXY) -> Region:
        mask = np.full((box[3] - box[1], box[2] - box[0]), 255, np.uint8)
        mask[0] = 0
        ref = self.images.put(f"{name}/{region_id}.png", encode_png(mask))
        return Region(id=region_id, box_xyxy_px=box, mask_ref=ref, detector="saliency", evidence=0.8)

    def say(self, job_id: str, verdict: str, place: str, category: Category | None = None, comment: str = "") -> None:
        missed = verdict == "missed"
        self.feedback.put(
            Feedback(
                id=place,
                job_id=job_id,
                verdict=FeedbackVerdict(verdict),
                region_id=None if missed else place,
                box_xyxy_px=(30, 20, 36, 24) if missed else None,
                category=category,
                comment=comment,
                at_s=2.0,
            )
        )

    def two_regions(self, name: str) -> None:
        self.job(name, {"hand": HAND_BOX, "face": FACE_BOX}, {"hand": Category.HAND, "face": None})


@pytest.fixture
def server() -> Server:
    return Server(MemoryJobStore(), MemoryImageStore(), MemoryFeedbackStore())


@pytest.fixture
def read(server: Server) -> Callable[..., tuple[list[SourceImage], dict[str, int]]]:
    def images(**options: object) -> tuple[list[SourceImage], dict[str, int]]:
        reader = FeedbackReader(server.jobs, server.images, server.feedback, **options)  # type: ignore[arg-type]
        return list(reader.images()), dict(reader.left_out)

    return images


def test_accepted_is_a_flaw_rejected_is_healthy_missed_is_a_flaw_more(server, read) -> None:
    server.two_regions("portrait")
    server.say("portrait", "accept", "hand")
    server.say("portrait", "reject", "face")
    server.say("portrait", "missed", "missed_1", Category.COUNT, "three cups")
    (image,), left_out = read()
    assert left_out == {} and image.prompt == "a portrait" and image.image.shape == (32, 40, 3)
    hand, missed = image.regions
    assert (hand.category, hand.description, hand.inconsistency, hand.instruction) == (
        Category.HAND, "hand is wrong", "clashes", "mend it",
    )  # fmt: skip
    expected = np.zeros((32, 40), np.bool_)
    expected[HAND_BOX[1] + 1 : HAND_BOX[3], HAND_BOX[0] : HAND_BOX[2]] = True
    assert np.array_equal(hand.mask, expected)
    assert (missed.category, missed.kind, missed.description) == (Category.COUNT, "missed", "three cups")
    assert missed.mask.sum() == 24 and missed.mask[20:24, 30:36].all()


def test_an_image_with_nothing_but_rejections_is_healthy(server, read) -> None:
    server.two_regions("portrait")
    server.say("portrait", "reject", "hand")
    server.say("portrait", "reject", "face")
    (image,), _ = read()
    assert image.regions == ()


def test_jobs_without_feedback_are_no_data(server, read) -> None:
    server.two_regions("portrait")
    assert read() == ([], {})


@pytest.mark.parametrize(("unjudged", "regions"), [("leave-out", None), ("healthy", 1), ("flaw", 2)])
def test_what_nobody_judged(server, read, unjudged: str, regions: int | None) -> None:
    server.job("portrait", {"hand": HAND_BOX, "face": FACE_BOX}, {"hand": Category.HAND, "face": Category.FACE})
    server.say("portrait", "accept", "hand")
    images, left_out = read(unjudged=unjudged)
    assert [len(image.regions) for image in images] == ([] if regions is None else [regions])
    assert [what.startswith("images with regions that nobody has judged") for what in left_out] == (
        [True] if regions is None else []
    )


@pytest.mark.parametrize("place", ["face", "missed_1"])
def test_a_flaw_without_a_name_takes_its_image_out_unless_named(server, read, place: str) -> None:
    server.two_regions("portrait")
    server.say("portrait", "reject", "hand")
    server.say("portrait", "accept" if place == "face" else "reject", "face")
    if place != "face":
        server.say("portrait", "missed", place)
    images, left_out = read()
    assert images == [] and len(left_out) == 1 and "--unnamed" in next(iter(left_out))
    (image,), left_out = read(unnamed=Category.BODY)
    assert [region.category for region in image.regions] == [Category.BODY] and left_out == {}


def test_what_was_seen_on_a_repaired_picture_alone_is_no_flaw_of_the_original(server, read) -> None:
    server.two_regions("portrait")
    for place in ("hand", "face", "later"):
        server.say("portrait", "reject" if place != "later" else "accept", place)
    (image,), left_out = read()
    assert image.regions == () and left_out == {"regions that were seen on a repaired picture alone": 1}


def test_a_job_that_is_gone_is_counted(server, read) -> None:
    server.say("gone", "accept", "hand")
    assert read() == ([], {"jobs that have been deleted meanwhile": 1})


def fill(folder: Path) -> None:
    jobs, feedback = SqliteJobStore(folder / "jobs.sqlite3"), SqliteFeedbackStore(folder / "feedback.sqlite3")
    server = Server(jobs, FileImageStore(folder / "images"), feedback)
    for name in ("ada", "bob"):
        server.two_regions(name)
        server.say(name, "accept", "hand")
        server.say(name, "reject", "face")
    jobs.close()
    feedback.close()


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    code: int = ended.value.code  # type: ignore[assignment]
    return code


def test_the_command_writes_a_data_set_that_stats_and_training_read(tmp_path: Path, capsys) -> None:
    (tmp_path / "data").mkdir()
    fill(tmp_path / "data")
    out = tmp_path / "out"
    assert run("dataset", "export-feedback", "--server-data", str(tmp_path / "data"), "--out", str(out)) == 0
    assert f"{out}: 2 images, 0 of them healthy, 2 regions" in capsys.readouterr().out
    records = list(read_records(out))
    assert [record.prompt for record in records] == ["a ada", "a bob"]
    truth = records[0].regions[0]
    assert truth.box_xyxy_px == (4, 7, 10, 12) and truth.instruction == "mend it"
    with Image.open(out / records[0].visible_mask_file_names[0]) as mask:
        assert np.asarray(mask).sum() == 255 * 30
    assert summarise(read_records(out)).categories[Category.HAND] == 2
    data = pytest.importorskip("services.perception.training.data").folder_data(out)
    assert data.training[0].visible_masks[0].sum() == 30


def test_a_folder_that_is_no_servers(tmp_path: Path, capsys) -> None:
    assert run("dataset", "export-feedback", "--server-data", str(tmp_path), "--out", str(tmp_path / "out")) == 2
    assert "give the --data-dir of `retoucher serve`" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_feedback_that_is_of_no_use_writes_nothing(server: Server, tmp_path: Path) -> None:
    server.two_regions("portrait")
    server.say("portrait", "accept", "hand")
    reader = FeedbackReader(server.jobs, server.images, server.feedback)
    with pytest.raises(BadInput, match="nobody has judged") as refusal:
        write_converted(reader, tmp_path / "out")
    assert refusal.value.code is ErrorCode.MISSING_DATA and list(tmp_path.iterdir()) == []
