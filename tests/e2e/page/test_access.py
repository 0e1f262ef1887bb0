"""The page for everybody: keyboard, names for screen readers, contrast in light and dark, a small screen."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

VIEWS = ("compose", "picked", "repaired", "healthy", "jobs")

NAMED = """() => {
  const text = (element) => (element?.textContent ?? "").trim();
  const name = (element) => element.getAttribute("aria-label")
    || (element.getAttribute("aria-labelledby") ?? "").split(" ").map(
      (id) => text(document.getElementById(id))).join(" ").trim()
    || [...(element.labels ?? [])].map(text).join(" ") || element.getAttribute("alt") || text(element);
  const seen = (element) => element.checkVisibility();
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const faults = [];
  for (const control of all("a, button, input, select, textarea, summary, [role=slider], dialog, canvas[role=img]")) {
    if (!name(control)) faults.push(`no name: ${control.outerHTML.slice(0, 120)}`);
  }
  for (const image of all("img")) if (!image.hasAttribute("alt")) faults.push(`no alt: ${image.src}`);
  for (const landmark of ["header", "nav", "main", "footer"]) {
    if (all(`body > ${landmark}, body > header > ${landmark}`).length !== 1) faults.push(`not one ${landmark}`);
  }
  if (all("h1").length !== 1) faults.push(`${all("h1").length} h1`);
  let level = 1;
  for (const heading of all("main h1, main h2, main h3, main h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) faults.push(`h${level} is followed by h${next}: ${text(heading)}`);
    level = next;
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) faults.push(`id twice: ${id}`);
  for (const element of document.querySelectorAll("[for], [aria-labelledby], [aria-describedby]")) {
    for (const kind of ["for", "aria-labelledby", "aria-describedby"]) {
      for (const id of (element.getAttribute(kind) ?? "").split(" ").filter(Boolean)) {
        if (!document.getElementById(id)) faults.push(`${kind} leads nowhere: ${id}`);
      }
    }
  }
  return faults;
}"""
"""Faults of names, landmarks, headings and references, in words."""

CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.canvas.width = canvas.canvas.height = 1;
  // Painting a colour tells what it is, whatever notation it is in.
  const over = (colours) => {
    canvas.fillStyle = "#fff"; canvas.fillRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, index) => sum + v * [0.2126, 0.7152, 0.0722][index], 0);
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let looked = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility({ checkOpacity: true })) continue;
    if (element.closest(".unseen, .skip, :disabled, noscript, option")) continue;
    const grounds = [];
    for (let each = element; each; each = each.parentElement) grounds.unshift(getComputedStyle(each).backgroundColor);
    const style = getComputedStyle(element);
    const [a, b] = [light(over(grounds)), light(over([...grounds, style.color]))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    looked += 1;
    const words = walker.currentNode.data.trim().slice(0, 40);
    if (ratio < (large ? 3 : 4.5)) faults.push(`${ratio.toFixed(2)}: ${element.className} ${words}`);
  }
  return { looked, faults };
}"""
"""Text whose contrast is below WCAG's AA; where it lies over a picture, white is assumed below its own ground."""


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser, server: str) -> Iterator[Page]:
    context = browser.new_context(base_url=server, color_scheme=request.param, reduced_motion="reduce")
    context.set_default_timeout(200_000)
    yield context.new_page()
    context.close()


def visit(page: Page, view: str, jobs: dict[str, str], picture: str) -> None:
    # The same address with another fragment would only move within the document that is there.
    page.goto("about:blank")
    if view in jobs:
        page.goto(f"/#/jobs/{jobs[view]}")
        page.locator(".stage.ready").wait_for()
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        return
    page.goto("/#/jobs" if view == "jobs" else "/#/")
    if view == "jobs":
        page.locator(".jobs li").first.wait_for()
        return
    if view == "picked":
        page.set_input_files("#picture-file", picture)
        page.get_by_role("button", name="Mark flaws").click()
    else:
        page.get_by_role("button", name="Retouch", exact=True).click()
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("retype").wait_for()


@pytest.fixture
def jobs(repaired: str, healthy: str) -> dict[str, str]:
    return {"repaired": repaired, "healthy": healthy}


def test_names_landmarks_and_contrast(themed: Page, jobs: dict[str, str], picture_file) -> None:
    for view in VIEWS:
        visit(themed, view, jobs, str(picture_file))
        assert themed.evaluate(NAMED) == [], view
        contrast = themed.evaluate(CONTRAST)
        assert contrast["faults"] == [] and contrast["looked"] > 10, view


def test_the_checks_find_what_is_wrong(page: Page) -> None:
    page.goto("/")
    page.get_by_role("heading", level=1).wait_for()
    page.evaluate("""() => {
      document.querySelector("h1").after(Object.assign(document.createElement("h3"), { textContent: "too deep" }));
      document.querySelector("main").append(document.createElement("button"));
      document.querySelector("h1").style.color = "#ccc";
    }""")
    assert len(page.evaluate(NAMED)) == 2
    assert len(page.evaluate(CONTRAST)["faults"]) == 1


def test_nothing_sticks_out_on_a_small_screen(
    browser: Browser, server: str, jobs: dict[str, str], picture_file
) -> None:
    context = browser.new_context(base_url=server, viewport={"width": 360, "height": 740})
    context.set_default_timeout(200_000)
    page = context.new_page()
    for view in VIEWS:
        visit(page, view, jobs, str(picture_file))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, view
    context.close()


PRESSED = (
    ("Home", "0"),
    ("ArrowRight", "2"),
    ("ArrowUp", "4"),
    ("ArrowLeft", "2"),
    ("PageUp", "12"),
    ("Shift+ArrowRight", "22"),
    ("PageDown", "12"),
    ("ArrowDown", "10"),
    ("End", "100"),
    ("ArrowRight", "100"),
)


def test_the_slider_by_keyboard(page: Page, repaired: str) -> None:
    page.goto(f"/#/jobs/{repaired}")
    slider = page.get_by_role("slider", name="Compare before and after")
    slider.focus()
    for key, value in PRESSED:
        slider.press(key)
        expect(slider).to_have_attribute("aria-valuenow", value)
    expect(slider).to_have_attribute("aria-valuetext", "100 percent original, 0 percent result")
    knob = page.locator(".knob")
    assert knob.evaluate("knob => getComputedStyle(knob).outlineStyle") == "solid"


def test_a_job_can_be_composed_by_keyboard(page: Page, picture_file) -> None:
    page.goto("/")
    page.get_by_role("heading", level=1).wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#picture-file")).to_be_focused()
    assert page.locator(".drop label").evaluate("label => getComputedStyle(label).outlineStyle") == "solid"
    page.set_input_files("#picture-file", picture_file)
    expect(page.get_by_label("The prompt it was made from")).to_be_focused()
    page.get_by_role("button", name="Mark flaws").press("Enter")
    page.get_by_text("Give a box by numbers").press("Enter")
    for label, value in (("left", "10"), ("top", "20"), ("right", "110"), ("bottom", "80")):
        page.get_by_label(f"{label}, pixels").fill(value)
    page.get_by_label("bottom, pixels").press("Enter")
    expect(page.get_by_role("list", name="Marked flaws")).to_contain_text("Flaw 1: 100 × 60 px at 10, 20")


def test_motion_is_left_out_where_it_is_not_wanted(page: Page, repaired: str) -> None:
    page.goto("/")
    page.get_by_role("heading", level=1).wait_for()
    still = page.evaluate("""() => {
      const stage = document.createElement("div");
      stage.className = "stage working";
      document.querySelector("main").append(stage);
      return getComputedStyle(stage, "::after").animationName;
    }""")
    assert still == "none"
