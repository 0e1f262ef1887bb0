"""What goes wrong is told well: bad input; a server that is busy, away, or wants a key; jobs that failed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect


def refuse(route: Route, status: int, code: str, **headers: str) -> None:
    body = {"title": code, "status": status, "code": code, "detail": "do as told", "retryable": status == 503}
    route.fulfill(status=status, content_type="application/problem+json", headers=headers, body=json.dumps(body))


def test_a_file_that_is_no_picture(page: Page, tmp_path: Path) -> None:
    letter = tmp_path / "letter.png"
    letter.write_text("Dear Sir or Madam")
    page.goto("/")
    page.set_input_files("#picture-file", letter)
    problem = page.get_by_role("group", name="This is not a picture")
    expect(problem).to_contain_text("“letter.png” cannot be opened as a picture: choose a PNG, JPEG or WebP file.")
    expect(page.get_by_role("status")).to_contain_text("This is not a picture")


def test_a_picture_that_the_server_refuses(page: Page, tmp_path: Path, console) -> None:
    console.expected = ("422", "415")
    drawing = tmp_path / "drawing.gif"
    Image.new("RGB", (64, 64), "teal").save(drawing)
    page.goto("/")
    page.set_input_files("#picture-file", drawing)
    page.get_by_label("The prompt it was made from").fill("a square")
    page.get_by_role("button", name="Retouch", exact=True).click()
    problem = page.get_by_role("group", name="This kind of picture is not read here")
    expect(problem).to_contain_text("unsupported_format")
    expect(page.get_by_label("The prompt it was made from")).to_have_value("a square")
    expect(page.get_by_role("button", name="Retouch", exact=True)).to_be_enabled()


def test_what_is_missing_is_asked_for(page: Page, picture_file: Path) -> None:
    page.goto("/")
    page.get_by_role("button", name="Retouch", exact=True).click()
    expect(page.get_by_role("group", name="A picture is missing")).to_be_visible()
    page.set_input_files("#picture-file", picture_file)
    expect(page.get_by_role("group", name="A picture is missing")).to_have_count(0)
    page.get_by_role("button", name="Retouch", exact=True).click()
    prompt = page.get_by_label("The prompt it was made from")
    expect(prompt).to_be_focused()
    expect(prompt).to_have_attribute("aria-invalid", "true")
    expect(prompt).to_have_accessible_description(re.compile("Write the prompt that the picture was made from"))
    prompt.fill("a card")
    expect(prompt).not_to_have_attribute("aria-invalid", "true")


def test_a_busy_server_is_asked_again_under_the_same_key(page: Page, picture_file: Path, console) -> None:
    console.expected = ("503",)
    keys: list[str | None] = []

    def busy_once(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) > 1:
            route.continue_()
            return
        refuse(route, 503, "overloaded", **{"Retry-After": "2"})

    page.route(re.compile(r"/v1/jobs$"), busy_once)
    page.goto("/")
    page.set_input_files("#picture-file", picture_file)
    page.get_by_label("The prompt it was made from").fill("a card on a table")
    page.get_by_role("button", name="Retouch", exact=True).click()
    expect(page.get_by_role("timer")).to_contain_text(re.compile(r"Trying again in [12] s"))
    expect(page).to_have_url(re.compile("#/jobs/job_"))
    assert keys[0] and keys == [keys[0]] * 2


def test_a_server_that_goes_away_and_comes_back(context: BrowserContext, repaired: str, console) -> None:
    console.expected = ("ERR_INTERNET_DISCONNECTED",)
    page = context.new_page()
    page.goto("/")
    context.set_offline(True)
    page.evaluate(f"location.hash = '#/jobs/{repaired}'")
    expect(page.locator("#connection")).to_contain_text("The server does not answer. Trying again")
    context.set_offline(False)
    expect(page.get_by_role("heading", level=1)).to_have_text("The one flaw is repaired")
    expect(page.locator("#connection")).to_be_hidden()


def test_a_key_is_asked_for_and_kept_for_the_tab(page: Page, repaired: str, console) -> None:
    console.expected = ("401",)

    def guarded(route: Route) -> None:
        headers = route.request.headers
        if headers.pop("authorization", None) == "Bearer rt_a_good":
            route.continue_(headers=headers)
            return
        refuse(route, 401, "unauthorized")

    page.route(re.compile(r"/v1/"), guarded)
    page.goto(f"/#/jobs/{repaired}")
    dialog = page.get_by_role("dialog", name="Your key, please")
    key = dialog.get_by_label("API key")
    expect(key).to_be_focused()
    key.fill("rt_a_bad")
    key.press("Enter")
    expect(dialog.get_by_text("That key was not taken.")).to_be_visible()
    key.fill("rt_a_good")
    key.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("The one flaw is repaired")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("The one flaw is repaired")
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_an_unknown_job(page: Page, console) -> None:
    console.expected = ("404",)
    page.goto("/#/jobs/job_00000000000070008000000000000000")
    expect(page.get_by_role("group", name="There is no such job")).to_contain_text("job_not_found")
    expect(page.get_by_role("link", name="All my jobs")).to_be_visible()


FAILED = {
    "code": "stage_failed",
    "message": "the action agent ran out of memory: use a smaller picture",
    "retryable": True,
}
ENDINGS: dict[str, tuple[dict[str, Any], str, str]] = {
    "queued": (
        {"status": "queued", "outcome": None, "queue": {"position": 3, "estimated_wait_s": 12.0}},
        "Waiting",
        "Number 3 in line, about 12 s to wait.",
    ),
    "failed": (
        {"status": "failed", "outcome": None, "error": FAILED, "accepted_patch_ids": [], "patches": []},
        "This did not work",
        "The action agent ran out of memory: use a smaller picture.",
    ),
    "out of domain": (
        {"outcome": "nothing_to_fix", "in_domain": False, "accepted_patch_ids": [], "patches": [], "verdicts": []},
        "Not my kind of picture",
        "Edit all the same",
    ),
    "no gain": ({"outcome": "no_gain", "accepted_patch_ids": []}, "One flaw found, not repaired", "1 try not kept"),
    "a touched pixel": (
        {"largest_outside_difference": 3},
        "The one flaw is repaired",
        "Largest difference outside the edits: 3 of 255.",
    ),
}
"""What is hard to bring about: the real job's answer with fields of such an ending, the headline, and what is told."""


@pytest.mark.parametrize("ending", ENDINGS)
def test_other_endings(page: Page, repaired: str, ending: str) -> None:
    fields, title, told = ENDINGS[ending]

    def altered(route: Route) -> None:
        view = route.fetch().json()
        route.fulfill(json=view | fields)

    page.route(re.compile(rf"/v1/jobs/{repaired}$"), altered)
    page.route(re.compile(r"/events$"), lambda route: None if ending == "queued" else route.continue_())
    page.goto(f"/#/jobs/{repaired}")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator("main").get_by_text(told)).to_be_visible()


def test_a_failed_job_is_tried_again_with_all_that_was_said(
    page: Page, repaired: str, misspelt: tuple[bytes, str]
) -> None:
    def altered(route: Route) -> None:
        view = route.fetch().json()
        view["options"] |= {"seed": 7, "expected_text": ["COFFEE"]}
        route.fulfill(json=view | ENDINGS["failed"][0])

    page.route(re.compile(rf"/v1/jobs/{repaired}$"), altered)
    page.goto(f"/#/jobs/{repaired}")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("picture.png · 800 × 533 px")).to_be_visible()
    expect(page.get_by_label("The prompt it was made from")).to_have_value(misspelt[1])
    expect(page.get_by_label("Seed")).to_have_value("7")
    expect(page.get_by_label("Words that must be in the picture")).to_have_value("COFFEE")
