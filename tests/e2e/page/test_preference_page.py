"""The page of blinded pairs, from a file, in a real browser: keys, resume, saving, loading, access, dark mode."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.blob_loop import blob_local, write_blobs
from playwright.sync_api import Browser, BrowserContext, Page, expect
from rich.console import Console as Screen

from services.evaluation.retouch.evaluate import RetouchEvaluation, evaluate_retouch
from services.evaluation.retouch.pairs import KEY_FILE, PAGE_FILE, PreferenceKey
from services.evaluation.retouch.preference import evaluate_preference

CONTRAST_AND_NAMES = """() => {
  const seen = (element) => element.checkVisibility();
  const named = (element) => element.getAttribute("aria-label") || [...(element.labels ?? [])].map(
    (label) => label.textContent.trim()).join(" ") || element.textContent.trim() || element.getAttribute("alt");
  const faults = [];
  for (const one of document.querySelectorAll("button, input, img, progress")) {
    if (seen(one) && !named(one)) faults.push(one.outerHTML.slice(0, 80));
  }
  const light = (colour) => {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      .reduce((sum, v, index) => sum + v * [0.2126, 0.7152, 0.0722][index], 0);
  };
  const ground = light(getComputedStyle(document.body).backgroundColor);
  for (const one of document.querySelectorAll("h1, h2, p, label, figcaption, button:not(:disabled)")) {
    if (!seen(one)) continue;
    const [a, b] = [ground, light(getComputedStyle(one).color)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faults.push(`contrast: ${one.textContent.slice(0, 40)}`);
  }
  return faults;
}"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = write_blobs(tmp_path_factory.mktemp("data") / "blobs", 5)
    folder = tmp_path_factory.mktemp("study") / "pairs"
    asked = RetouchEvaluation(data, tools=False, ablations=False, sabotaged=0, export_pairs=folder)
    evaluate_retouch(asked, blob_local(), Screen(file=io.StringIO()))
    return folder


@pytest.fixture(params=["light", "dark"])
def visitor(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(color_scheme=request.param)
    context.set_default_timeout(200_000)
    yield context
    context.close()


def opened(visitor: BrowserContext, study: Path) -> Page:
    page = visitor.new_page()
    page.on("console", lambda message: pytest.fail(message.text) if message.type in ("error", "warning") else None)
    page.goto((study / PAGE_FILE).as_uri())
    return page


def test_a_rater_answers_leaves_comes_back_and_saves(visitor: BrowserContext, study: Path, tmp_path: Path) -> None:
    key = PreferenceKey.model_validate_json((study / KEY_FILE).read_bytes())
    assert len(key.pairs) == 3  # of five pictures two are healthy
    page = opened(visitor, study)
    expect(page.get_by_role("heading", name="Pair 1 of 3")).to_be_visible()
    assert page.evaluate(CONTRAST_AND_NAMES) == []
    assert page.evaluate("[...document.images].filter((i) => i.checkVisibility()).every((i) => i.naturalWidth === 64)")
    page.keyboard.press("5")
    expect(page.get_by_role("heading", name="Pair 2 of 3")).to_be_visible()
    page.get_by_label("left slightly better").locator("visible=true").check()
    expect(page.get_by_role("status")).to_have_text("2 of 3 pairs answered.")
    page.close()

    page = opened(visitor, study)
    expect(page.get_by_role("heading", name="Pair 3 of 3")).to_be_visible()  # the first one without an answer
    page.keyboard.press("p")
    expect(page.get_by_label("left slightly better").locator("visible=true")).to_be_checked()
    page.keyboard.press("n")
    page.keyboard.press("3")
    expect(page.get_by_role("status")).to_contain_text("All 3 pairs answered")
    page.get_by_role("button", name="Save answers").click()
    expect(page.get_by_role("alert")).to_have_text("Give your name or initials first.")
    page.get_by_label("Your name or initials").fill("A. B. 12")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save answers").click()
    assert download.value.suggested_filename == "answers-A-B-12.json"
    saved = tmp_path / "answers.json"
    download.value.save_as(saved)
    given = json.loads(saved.read_text())
    assert given == {
        "study": key.study,
        "rater": "A. B. 12",
        "answers": dict(zip((pair.id for pair in key.pairs), (5, 2, 3), strict=True)),
    }

    (study / "answers-ab.json").write_text(saved.read_text())
    assert evaluate_preference(study).raters == {"A. B. 12": 3}
    (study / "answers-ab.json").unlink()


def test_answers_are_taken_up_from_a_file(browser: Browser, study: Path, tmp_path: Path) -> None:
    key = PreferenceKey.model_validate_json((study / KEY_FILE).read_bytes())
    context = browser.new_context()
    context.set_default_timeout(200_000)
    page = opened(context, study)
    saved = tmp_path / "answers.json"
    saved.write_text(json.dumps({"study": "another", "rater": "C", "answers": {}}))
    page.get_by_label("Continue from a saved file").set_input_files(str(saved))
    expect(page.get_by_role("alert")).to_contain_text("no answers to this page")
    saved.write_text(json.dumps({"study": key.study, "rater": "C", "answers": {key.pairs[0].id: 4}}))
    page.get_by_label("Continue from a saved file").set_input_files(str(saved))
    expect(page.get_by_role("heading", name="Pair 2 of 3")).to_be_visible()
    expect(page.get_by_label("Your name or initials")).to_have_value("C")
    context.close()
