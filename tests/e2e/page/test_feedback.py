"""What the user thinks of the flaws is kept by the server, and can be taken back."""

import re

import httpx
from playwright.sync_api import Page, expect


def test_feedback_is_there_after_a_reload(page: Page, server: str, repaired: str) -> None:
    page.goto(f"/#/jobs/{repaired}")
    accept = page.get_by_role("button", name="Yes, a flaw")
    accept.click()
    expect(accept).to_have_attribute("aria-pressed", "true")
    page.get_by_text("Add a note").click()
    page.get_by_label("Note on flaw 1").fill("one F is missing")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.get_by_role("status")).to_have_text("Note kept")

    page.get_by_role("button", name="Something was missed").click()
    expect(page.get_by_text("Draw a box around it on the picture.", exact=True)).to_be_visible()
    frame = page.locator(".stage.result").bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + 0.5 * frame["width"], frame["y"] + 0.25 * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.75 * frame["width"], frame["y"] + 0.5 * frame["height"], steps=3)
    page.mouse.up()
    page.get_by_label("What is it?").select_option("object_deformation")
    page.get_by_label("In words").fill("a second handle")
    page.get_by_role("button", name="Keep", exact=True).click()
    missed = page.get_by_role("list", name="Flaws that were missed")
    expect(missed).to_contain_text(re.compile(r"Deformed object at \d+, \d+: a second handle"))

    page.reload()
    expect(page.get_by_role("button", name="Yes, a flaw")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="No, it was fine")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("list", name="Flaws that were missed")).to_contain_text("a second handle")
    kept = {
        entry["verdict"]: entry for entry in httpx.get(f"{server}/v1/jobs/{repaired}", timeout=60).json()["feedback"]
    }
    assert kept["accept"]["comment"] == "one F is missing"
    assert kept["missed"]["category"] == "object_deformation"
    drawn = kept["missed"]["box_xyxy_px"]
    assert all(abs(got - meant) <= 2 for got, meant in zip(drawn, (400, 133, 600, 266), strict=True)), drawn

    page.get_by_role("button", name="Yes, a flaw").click()
    expect(page.get_by_role("button", name="Yes, a flaw")).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("button", name="Take back")).to_have_count(0)
    assert httpx.get(f"{server}/v1/jobs/{repaired}", timeout=60).json()["feedback"] == []


def test_a_missed_flaw_can_be_given_by_numbers(page: Page, server: str, healthy: str, console) -> None:
    console.expected = ("422",)
    page.goto(f"/#/jobs/{healthy}")
    page.get_by_role("button", name="Something was missed").click()
    page.get_by_role("button", name="By numbers").click()
    expect(page.get_by_label("Left")).to_be_focused()
    for label, value in (("Left", 300), ("Top", 40), ("Right", 200), ("Bottom", 90)):
        page.get_by_label(label).fill(str(value))
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("does not lie inside")
    page.get_by_label("Right").fill("340")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("list", name="Flaws that were missed")).to_contain_text("Something at 300, 40")
    assert httpx.get(f"{server}/v1/jobs/{healthy}", timeout=60).json()["feedback"][0]["box_xyxy_px"] == [
        300,
        40,
        340,
        90,
    ]
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("button", name="Take back")).to_have_count(0)
