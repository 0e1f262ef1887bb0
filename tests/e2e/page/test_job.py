"""A job through the page: dropped, watched, reloaded in the middle, compared with the slider, canceled, deleted."""

import base64
import re
from pathlib import Path

import httpx
from playwright.sync_api import BrowserContext, Page, expect

DROP = """([text, type, name]) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name, { type }));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}"""


def drop(page: Page, data: bytes, media_type: str, name: str) -> None:
    page.evaluate(DROP, [base64.b64encode(data).decode(), media_type, name])


def send(page: Page, picture: Path, prompt: str) -> None:
    page.goto("/")
    page.set_input_files("#picture-file", picture)
    page.get_by_label("The prompt it was made from").fill(prompt)
    page.get_by_role("button", name="Retouch", exact=True).click()


def test_from_drop_to_slider(page: Page, misspelt: tuple[bytes, str]) -> None:
    image, prompt = misspelt
    page.goto("/")
    drop(page, image, "image/png", "card.png")
    expect(page.get_by_text("card.png · 800 × 533 px")).to_be_visible()
    page.get_by_label("The prompt it was made from").fill(prompt)
    page.get_by_role("button", name="Retouch", exact=True).click()
    steps = page.get_by_role("list", name="Steps")
    expect(steps).to_contain_text("Looking for flaws")
    expect(page).to_have_url(re.compile(r"#/jobs/job_[0-9a-f]{32}$"))

    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("The one flaw is repaired")
    expect(heading).to_be_focused()
    expect(page.get_by_text("Largest difference outside the edits: 0.")).to_be_visible()
    card = page.get_by_role("article", name="“COFEE” should be “COFFEE”")
    expect(card).to_contain_text("Repaired with retype")
    expect(card).to_contain_text("Kept: Text evidence at r1 fell from")

    slider = page.get_by_role("slider", name="Compare before and after")
    page.locator(".stage.ready").scroll_into_view_if_needed()
    frame = page.locator(".compare").bounding_box()
    assert frame is not None
    page.mouse.click(frame["x"] + 0.25 * frame["width"], frame["y"] + 20)
    expect(slider).to_have_attribute("aria-valuenow", "25")
    before, after = page.locator(".compare .before"), page.locator(".compare .after")
    for picture in (before, after):
        assert picture.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [800, 533]
    assert before.evaluate("image => getComputedStyle(image).clipPath") == "inset(0px 75% 0px 0px)"
    assert after.evaluate("image => getComputedStyle(image).clipPath") == "inset(0px 0px 0px 25%)"


def test_layers_lie_over_the_picture(page: Page, repaired: str) -> None:
    page.goto(f"/#/jobs/{repaired}")
    for label in ("Masks", "Heat map, before", "Edited area"):
        page.get_by_label(label).check()
    expect(page.locator(".layer.faded canvas")).to_have_count(3)
    shown = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((v) => v > 0)"
    for canvas in page.locator(".layer.faded canvas").all():
        assert canvas.evaluate(shown)
    page.get_by_label("Opacity").fill("40")
    assert page.locator(".layer.faded").first.evaluate("layer => getComputedStyle(layer).opacity") == "0.4"
    page.get_by_label("Masks").uncheck()
    expect(page.locator(".layer.faded:visible")).to_have_count(2)
    page.get_by_role("button", name="Flaw 1").click()
    expect(page.get_by_role("article")).to_be_focused()
    expect(page.locator(".outline.lit")).to_have_count(1)


def test_a_reload_in_the_middle_goes_on(page: Page, picture_file: Path, misspelt: tuple[bytes, str]) -> None:
    # Words of its own, so that nothing of an earlier job is remembered and there is a middle.
    send(page, picture_file, misspelt[1].replace("every morning", "every evening"))
    expect(page.get_by_role("list", name="Steps")).to_be_visible()
    address = page.url
    page.reload()
    expect(page).to_have_url(address)
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("repaired|found"))
    assert page.locator(".flaw").count() >= 1


def test_a_finished_job_can_be_saved_and_deleted(
    page: Page, server: str, misspelt: tuple[bytes, str], repaired: str
) -> None:
    page.goto(f"/#/jobs/{repaired}")
    with page.expect_download() as saving:
        page.get_by_role("button", name="Result", exact=True).click()
    fetched = httpx.get(f"{server}/v1/jobs/{repaired}/artifacts/result.png", timeout=60).content
    assert Path(saving.value.path()).read_bytes() == fetched
    with page.expect_download() as saving:
        page.get_by_role("button", name="Report", exact=True).click()
    assert b"<!doctype html>" in Path(saving.value.path()).read_bytes()[:200].lower()

    form = {"request": (None, '{"prompt": "a card", "mode": "analyze"}'), "image": ("a.png", misspelt[0])}
    spare = httpx.post(f"{server}/v1/jobs", files=form, headers={"Prefer": "wait=60"}, timeout=90).json()["id"]
    page.goto(f"/#/jobs/{spare}")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My jobs")
    assert httpx.get(f"{server}/v1/jobs/{spare}", timeout=60).status_code == 404


def test_a_job_can_be_canceled(page: Page, picture_file: Path) -> None:
    send(page, picture_file, 'a card that says "FRESH COFFEE" and "once a day"')
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Canceled")
    expect(page.get_by_role("button", name="Run again, changed")).to_be_visible()


def test_options_and_marks_are_sent(page: Page, server: str, picture_file: Path) -> None:
    page.goto("/")
    page.set_input_files("#picture-file", picture_file)
    page.get_by_label("The prompt it was made from").fill("a card on a table")
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Only look").check()
    page.get_by_label("Words that must be in the picture").fill("FRESH COFFEE\nevery morning\n")
    page.get_by_label("Rounds at the most").fill("2")
    page.get_by_label("Seconds at the most").fill("600")
    page.get_by_label("Seed").fill("7")
    for tool in ("recolour", "opencv"):
        page.get_by_label(tool).uncheck()
    stage = page.locator(".picked .stage")

    def drag(left: float, top: float, right: float, bottom: float) -> None:
        frame = stage.bounding_box()
        assert frame is not None
        page.mouse.move(frame["x"] + left * frame["width"], frame["y"] + top * frame["height"])
        page.mouse.down()
        page.mouse.move(frame["x"] + right * frame["width"], frame["y"] + bottom * frame["height"], steps=3)
        page.mouse.up()

    page.get_by_role("button", name="Mark flaws").click()
    drag(0.5, 0.1, 0.75, 0.3)
    page.get_by_role("button", name="Protect an area").click()
    page.get_by_label("Width of the brush in pixels").fill("120")
    drag(0.05, 0.78, 0.42, 0.82)
    page.get_by_role("button", name="Look for flaws").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("found")

    job = httpx.get(f"{server}/v1/jobs/{page.url.rpartition('/')[2]}", timeout=60).json()
    options = job["options"]
    assert (options["mode"], options["max_iterations"], options["seed"]) == ("analyze", 2, 7)
    assert options["deadline_s"] == 600
    assert options["expected_text"] == ["FRESH COFFEE", "every morning"] and options["tools"] == ["retype"]
    (box,) = options["region_boxes_px"]
    assert all(abs(got - meant) <= 2 for got, meant in zip(box, (400, 53, 600, 160), strict=True)), box
    written = next(region for region in job["regions"] if region["detector"] == "text")
    assert written["protected_share"] > 0.5


def test_an_example_can_be_tried(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Try it: A misspelt word").click()
    expect(page.get_by_text("coffee.webp · 1000 × 667 px")).to_be_visible()
    expect(page.get_by_label("The prompt it was made from")).to_have_value(re.compile("FRESH COFFEE"))


def test_my_jobs_lists_and_leads_to_each(page: Page, repaired: str, healthy: str) -> None:
    page.goto("/")
    page.get_by_role("link", name="My jobs").click()
    row = page.locator(f"a[href='#/jobs/{healthy}']")
    expect(row).to_contain_text("Nothing to fix")
    expect(row.locator("canvas")).to_be_visible()
    page.get_by_label("Show").select_option("failed")
    expect(page.get_by_text("No job is in this state.")).to_be_visible()
    page.get_by_label("Show").select_option("succeeded")
    page.locator(f"a[href='#/jobs/{repaired}']").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The one flaw is repaired")


def test_more_jobs_are_loaded_on_the_way_down(context: BrowserContext, repaired: str, healthy: str) -> None:
    page = context.new_page()
    page.route(
        re.compile(r"/v1/jobs\?"), lambda route: route.continue_(url=route.request.url.replace("limit=24", "limit=1"))
    )
    page.goto("/#/jobs")
    for job_id in (repaired, healthy):
        expect(page.locator(f"a[href='#/jobs/{job_id}']")).to_be_visible()
