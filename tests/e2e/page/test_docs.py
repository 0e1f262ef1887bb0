"""The API's own documentation in a real browser: served by this server alone, so that it opens without the internet."""

from urllib.parse import urlsplit

from playwright.sync_api import Page, expect


def test_the_documentation_opens_and_calls_the_api_from_this_server_alone(page: Page, server: str) -> None:
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto("/docs")
    operation = page.locator(".opblock", has=page.locator('[data-path="/livez"]'))
    operation.get_by_role("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    expect(page.locator('[data-path="/v1/jobs"]').first).to_be_visible()
    assert hosts - {""} == {urlsplit(server).netloc}
