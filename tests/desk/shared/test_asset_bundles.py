"""The desk's style sheets and scripts are bundled by language and cached by browsers for ever."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from omnichannel.desk.shared import asset_bundles

STATIC_FOLDER = Path(settings.BASE_DIR) / "static"
# The emoji are fetched when the picker is opened.
FILES_OUTSIDE_BUNDLES = {
    "css/admin.css",
    "css/simulator.css",
    "js/admin.js",
    "js/simulator.js",
    "js/week_grid.js",
    "desk/composer/emoji_picker.js",
}
BUNDLED_FILES = {
    name for kinds in (asset_bundles.STYLESHEETS, asset_bundles.SCRIPTS) for names in kinds.values() for name in names
}


def test_every_style_sheet_and_script_of_the_desk_is_in_a_bundle() -> None:
    existing_files = {
        str(path.relative_to(STATIC_FOLDER)) for kind in ("*.css", "*.js") for path in STATIC_FOLDER.rglob(kind)
    }
    assert existing_files - FILES_OUTSIDE_BUNDLES == BUNDLED_FILES


@pytest.mark.parametrize("path", sorted(STATIC_FOLDER.rglob("*.js")), ids=lambda path: path.name)
def test_script_defines_no_global_but_the_namespace(path: Path) -> None:
    text = path.read_text()
    namespace = ["window.Omnichannel = {};"] if path.name == "dom.js" else []
    top_level = [line for line in text.splitlines() if line and not line.startswith((" ", "//"))]
    assert top_level == ['"use strict";', *namespace, "(() => {", "})();"]
    assert re.findall(r"\b(?:window|globalThis)\.\w+ =(?!=).*", text) == namespace


@pytest.mark.django_db
def test_a_page_names_one_style_sheet_and_one_script_that_browsers_keep_for_good() -> None:
    page = Client().get("/sign-in/").content.decode()
    addresses = re.findall(r'(?:stylesheet" href|script src)="([^"]+)"', page)
    assert len(addresses) == 2
    for address in addresses:
        answer = Client().get(address)
        assert answer.status_code == 200
        assert "immutable" in answer["Cache-Control"]
        assert not answer.cookies


def test_an_address_of_another_version_gets_ours_and_must_not_keep_it() -> None:
    answer = Client().get("/assets/older/desk.css")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", ["/assets/x/nothing.css", "/assets/x/nothing.en.js", "/assets/x/desk.xx.js"])
def test_unknown_bundle_is_not_found(path: str) -> None:
    assert Client().get(path).status_code == 404


def test_the_bundle_travels_compressed_to_who_can_read_it() -> None:
    plain = Client().get("/assets/x/desk.en.js")
    packed = Client().get("/assets/x/desk.en.js", headers={"Accept-Encoding": "gzip, br"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert plain["Vary"] == packed["Vary"] == "Accept-Encoding"


@pytest.mark.django_db
def test_pages_are_compressed_but_files_are_not() -> None:
    browser = Client(headers={"Accept-Encoding": "gzip"})
    assert browser.get("/sign-in/")["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in browser.get("/health/live/")
