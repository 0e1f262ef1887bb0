"""The report page: what it says, what it must not let through, how large it may grow."""

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from services.report import page as page_module
from services.report.page import MAX_BYTES, render_report
from services.report.pictures import JobPictures, Sizes, embed
from services.report.running import replay_command
from shared.contracts.jobs import JobOptions, Mode, Outcome
from shared.contracts.loop import Thresholds
from shared.contracts.values import Canvas
from shared.images import decode_gray, encode_png


class Outline(HTMLParser):
    """Collects tags, ids, resource addresses and the visible text of a page."""

    VOID = frozenset({"meta", "img", "input", "polygon", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.mismatches: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if not self.stack or self.stack.pop() != tag:
            self.mismatches.append(tag)

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.text.append(data)


def outline(html: str) -> Outline:
    parser = Outline()
    parser.feed(html)
    return parser


@pytest.fixture(scope="module")
def html(finished) -> str:
    return render_report(finished.job, finished.record, JobPictures(finished.job, finished.store))


def words_of(html: str) -> str:
    return " ".join(" ".join(outline(html).text).split())


def test_is_well_formed_with_unique_ids(html):
    page = outline(html)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert page.mismatches == [] and page.stack == []
    assert len(ids) == len(set(ids))


def test_labels_point_to_what_is_there(html):
    page = outline(html)
    ids = {attributes.get("id") for _, attributes in page.tags}
    for _, attributes in page.tags:
        for name in ("aria-labelledby", "data-layer", "data-zoom"):
            if name in attributes:
                assert attributes[name] in ids
        if (attributes.get("href") or "").startswith("#"):
            assert attributes["href"][1:] in ids


def test_loads_nothing_from_outside(html):
    for tag, attributes in outline(html).tags:
        assert tag not in ("link", "iframe", "object", "embed")
        if "src" in attributes:
            assert attributes["src"].startswith("data:image/webp;base64,")
    assert "http://" not in html and "https://" not in html


def test_every_picture_has_words_for_those_who_cannot_see_it(html):
    pictures = [attributes for tag, attributes in outline(html).tags if tag == "img" and attributes.get("src")]
    assert len(pictures) >= 6
    assert all(attributes["alt"] for attributes in pictures)


def test_prompt_and_words_are_escaped(html):
    scripts = [tag for tag, _ in outline(html).tags if tag == "script"]
    assert len(scripts) == 1
    assert "<script>alert(1)" not in html and "<b>OPEN" not in html
    assert "<script>alert(1)</script> & more" in words_of(html)


def test_policy_lets_only_the_own_script_run(html):
    script = re.search(r"<script>(.*)</script>", html, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html
    assert "default-src 'none'" in html


def test_says_what_was_asked_found_done_and_refused(html):
    words = words_of(html)
    for sentence in (
        "1 of 3 flaws repaired.",
        "“COFFE” should be “COFFEE”",
        "A second try with another seed and the next likely font.",
        "It is smeared: its detail is 0.12 of its surroundings, below 0.35.",
        "Nothing shows where the missing word ought to stand.",
        "The largest difference outside the edited area is 0.",
        "each region has had its tries",
        "No place was found for the word",
    ):
        assert sentence in words


def test_shows_appearance_numbers_and_marks_those_out_of_limits(html):
    bad = re.findall(r'<td class="number bad">([\d.]+)</td>', html)
    assert sorted(bad) == ["0.12", "0.20", "14.0"]
    assert "0.93" in words_of(html)


def test_the_verifiers_opinion_is_shown_with_its_limit(finished, html):
    limits = Thresholds(tau_s=0.1, tau_any=0.5, min_gain=0.1, min_repaired=0.6)
    seen = [
        one.model_copy(
            update={
                "thresholds": limits,
                "checks": tuple(check.model_copy(update={"repaired": 0.42}) for check in one.checks),
            }
        )
        for one in finished.job.perceptions
    ]
    job = finished.job.model_copy(update={"perceptions": tuple(seen)})
    told = words_of(render_report(job, finished.record, JobPictures(job, finished.store)))
    assert "Chance of being a repair" in told and "0.42" in told and "at least 0.60" in told
    assert "Chance of being a repair" not in words_of(html)


def test_letters_that_differ_are_marked(html):
    assert '<mark class="less">Z</mark>' in html and '<mark class="more">S</mark>' in html


def embedded_images(html: str) -> dict[str, Image.Image]:
    found = {}
    for tag, attributes in outline(html).tags:
        if tag == "img" and attributes.get("src"):
            data = base64.b64decode(attributes["src"].removeprefix("data:image/webp;base64,"))
            found[attributes["alt"]] = Image.open(io.BytesIO(data))
    return found


def test_refused_try_is_shown_as_it_looked(html, finished):
    images = embedded_images(html)
    tried = np.asarray(images["Region 1 as try 1 would have left it"].convert("L"), np.float64)
    kept = np.asarray(images["Result, region 1"].convert("L"), np.float64)
    assert tried.shape == kept.shape
    sharpness_of_try, sharpness = ((np.diff(crop, axis=1) ** 2).mean() for crop in (tried, kept))
    assert sharpness_of_try < 0.5 * sharpness  # the refused one is blurred


def test_before_and_after_differ_only_where_edited(html, finished):
    images = embedded_images(html)
    before = np.asarray(images["Original: the whole picture"].convert("RGB"), np.int16)
    after = np.asarray(images["Result: the whole picture"].convert("RGB"), np.int16)
    x0, y0, x1, y1 = finished.record.patches[2].box_xyxy_px
    difference = np.abs(before - after).max(axis=2)
    assert difference[y0:y1, x0:x1].max() > 60
    difference[y0 - 16 : y1 + 16, x0 - 16 : x1 + 16] = 0
    assert difference.max() <= 24  # lossy compression of equal pixels


def test_nothing_to_fix_shows_one_still_picture(finished):
    untouched = Canvas(original_ref=finished.job.input.original_ref)
    job = finished.job.model_copy(update={"result": untouched, "history": (), "outcome": Outcome.NOTHING_TO_FIX})
    record = finished.record.model_copy(
        update={
            "outcome": Outcome.NOTHING_TO_FIX,
            "regions": (),
            "patches": (),
            "accepted_patch_ids": (),
            "warnings": (),
        }
    )
    html = render_report(job, record, JobPictures(job, finished.store))
    assert "Nothing to fix" in words_of(html)
    assert not [1 for tag, attributes in outline(html).tags if tag == "input"]
    assert outline(html).mismatches == []


def test_heat_map_can_be_shown_where_there_is_one(finished):
    ramp = np.tile(np.linspace(0, 255, finished.job.input.size_hw[1]).astype(np.uint8), (480, 1))
    finished.store.put("job_x/heat.png", encode_png(ramp))
    job = finished.job.model_copy(
        update={"artifacts": {**finished.job.artifacts, "saliency/before.png": "job_x/heat.png"}}
    )
    html = render_report(job, finished.record, JobPictures(job, finished.store))
    heat = np.asarray(embedded_images(html)["Heat map: brighter is worse"].convert("RGBA"))
    assert heat[:, :5, 3].max() < 20 and heat[:, -5:, 3].min() > 150
    assert 'data-layer="layer-heat"' in html


def test_alpha_is_kept_in_the_pictures(finished):
    alpha = np.zeros(finished.job.input.size_hw, np.uint8)
    alpha[:, 320:] = 255
    finished.store.put("job_x/alpha.png", encode_png(alpha))
    info = finished.job.input.model_copy(update={"alpha_ref": "job_x/alpha.png"})
    job = finished.job.model_copy(update={"input": info})
    html = render_report(job, finished.record, JobPictures(job, finished.store))
    shown = np.asarray(embedded_images(html)["Result: the whole picture"].convert("RGBA"))
    assert shown[:, :300, 3].max() == 0 and shown[:, 340:, 3].min() == 255


def test_page_shrinks_its_pictures_until_it_fits(finished, monkeypatch):
    full = len(render_report(finished.job, finished.record, JobPictures(finished.job, finished.store)))
    monkeypatch.setattr(page_module, "MAX_BYTES", int(0.8 * full))
    html = render_report(finished.job, finished.record, JobPictures(finished.job, finished.store))
    assert len(html) < 0.8 * full
    assert outline(html).mismatches == []


def test_noise_at_full_size_stays_below_the_limit():
    """The worst picture there is for compression, embedded at the sizes of a page with few regions."""
    noise = np.random.default_rng(0).integers(0, 256, (2048, 2048, 3), dtype=np.uint8)
    assert 2 * len(embed(noise, Sizes().scaled(0.5).whole_px).uri) < MAX_BYTES


def test_settings_as_shown_replay_the_job(finished):
    options = JobOptions(
        mode=Mode.ANALYZE,
        tools=("retype", "opencv"),
        max_iterations=2,
        threshold=0.4,
        seed=5,
        expected_text=("It's open",),
        force=True,
    )
    record = finished.record.model_copy(update={"options": options})
    command = replay_command(record)
    assert "--mode analyze --tools retype,opencv --max-iterations 2 --threshold 0.4" in command
    assert "--seed 5" in command and command.endswith("--force")
    assert "'It'\"'\"'s open'" in command  # quoted for a shell


def test_settings_of_a_repair_are_json(html):
    blocks = re.findall(r"<pre>seed 12\n(.*?)</pre>", html, re.DOTALL)
    assert json.loads(blocks[0].replace("&#34;", '"')) == {"extent": "line", "font": "Oswald-SemiBold"}


def test_edited_mask_decodes_from_the_store(finished):
    pictures = JobPictures(finished.job, finished.store)
    alpha = decode_gray(finished.store.get(finished.record.patches[2].alpha_ref))
    assert pictures.edited.sum() == (alpha > 0).sum()
    assert 0 < pictures.changed_share < pictures.edited_share < 1
