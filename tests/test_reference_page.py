"""The API reference is served by this service alone: no font, script or picture from another address."""

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

PAGE = Path(__file__).parent.parent / "api/static/reference"
RAPIDOC = ("rapidoc-9.3.8.js", "affbd173a65e870e18f392cca963113bcdafb6e50e88cd2f6a834a65b22db94d")


class Elements(HTMLParser):
    """Every element with its attributes, and the text inside scripts."""

    def __init__(self):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline_script = ""

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.found and self.found[-1][0] == "script":
            self.inline_script += data.strip()

    def attributes(self, tag: str) -> dict[str, str | None]:
        return next(attributes for name, attributes in self.found if name == tag)


def elements() -> Elements:
    parser = Elements()
    parser.feed((PAGE / "index.html").read_text())
    return parser


def test_the_page_names_no_outside_address():
    """A contributor's browser must not tell a font server when somebody reads our API."""
    fetched = [
        value
        for _, attributes in elements().found
        for name, value in attributes.items()
        if name in {"src", "href", "spec-url"} and value != "data:,"
    ]

    assert [] == [address for address in fetched if not re.match(r"/[^/]", address or "")]
    assert "://" not in (PAGE / "index.html").read_text() + (PAGE / "reference.css").read_text()


def test_every_file_the_page_asks_for_is_here():
    """A renamed script would leave a blank page and a green test suite."""
    names = re.findall(r'"/reference/([^"]+)"', (PAGE / "index.html").read_text())

    assert {"reference.css", RAPIDOC[0]} == set(names)
    assert [] == [name for name in names if not (PAGE / name).is_file()]


def test_the_browser_is_told_to_refuse_other_addresses():
    """RapiDoc's bundle knows a font server: the policy and the attribute both keep it from being asked."""
    policies = [attributes for tag, attributes in elements().found if tag == "meta" and "http-equiv" in attributes]

    assert "default-src 'none'" in (policies[0]["content"] or "")
    assert "connect-src 'self'" in (policies[0]["content"] or "")
    assert "script-src 'self';" in (policies[0]["content"] or "")
    assert "false" == elements().attributes("rapi-doc")["load-fonts"]
    assert "" == elements().inline_script


def test_the_vendored_script_is_the_published_one():
    """What the registry published, byte for byte: nobody edits a minified file by hand unnoticed."""
    name, sha256 = RAPIDOC

    assert sha256 == hashlib.sha256((PAGE / name).read_bytes()).hexdigest()
    assert (PAGE / name.replace(".js", ".LICENSE.txt")).is_file()
