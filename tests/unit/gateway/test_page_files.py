"""The page's files hold together: nothing inline, nothing from elsewhere, every import and picture is there."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.gateway.routes.page import FOLDER, mount_page

MODULES = sorted(FOLDER.rglob("*.js"))
STYLES = sorted(FOLDER.rglob("*.css"))


class Document(HTMLParser):
    """Collects what the document loads, and what the content security policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        self._in_script = tag in ("script", "style")
        for name in ("src", "href") if tag != "a" else ():
            if given.get(name):
                self.loads.append(str(given[name]))

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.inline.append(data)


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    mount_page(app)
    return TestClient(app)


def test_the_document_loads_only_what_this_server_has(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    document = Document()
    document.feed(answer.text)
    assert document.inline == []
    assert len(document.loads) > 4
    for path in document.loads:
        assert path.startswith("/") and client.get(path).status_code == 200, path


def test_files_are_sent_as_what_they_are(client: TestClient) -> None:
    kinds = {
        "/static/main.js": "text/javascript",
        "/static/style/base.css": "text/css",
        "/favicon.svg": "image/svg+xml",
        "/static/examples/fine.webp": "image/webp",
    }
    assert {path: client.get(path).headers["content-type"].split(";")[0] for path in kinds} == kinds
    assert client.head("/").status_code == 200
    assert client.get("/static/../routes/page.py").status_code == 404


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_a_module_imports_what_there_is(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    for names, source in re.findall(r'import \{([^}]*)\} from "([^"]+)";', text):
        target = (module.parent / source).resolve()
        assert target.is_relative_to(FOLDER) and target.is_file(), source
        exported = target.read_text(encoding="utf-8")
        for name in (name.strip() for name in names.split(",")):
            assert re.search(rf"export (async function|function|const|class) {name}\b", exported), f"{name} of {source}"
    for picture in re.findall(r'"/static/([^"$]+)"', text):
        assert (FOLDER / picture).is_file(), picture


@pytest.mark.parametrize("path", MODULES + STYLES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_nothing_is_parsed_as_markup_or_fetched_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage", "@import"):
        assert word not in text, word
    assert set(re.findall(r"https?://[^\s\"')]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert len(text.splitlines()) <= 250


def test_the_examples_pictures_are_there() -> None:
    text = (FOLDER / "views" / "examples.js").read_text(encoding="utf-8")
    for name in re.findall(r'name: "(\w+)"', text):
        assert (FOLDER / "examples" / f"{name}-picture.webp").is_file()
    for name in re.findall(r'\["([\w-]+)", "', text):
        assert (FOLDER / "examples" / f"{name}.webp").is_file()
