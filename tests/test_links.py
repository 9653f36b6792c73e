"""Every link between the pages of the documentation leads somewhere, its anchor too."""

import re
from pathlib import Path

import pytest

from tests.pages import PAGES, ROOT, without_blocks


def anchors(text: str) -> set[str]:
    """The names of a page's headings, as GitHub makes them: a heading's words, the second of a kind with -1."""
    found: set[str] = set()
    for title in re.findall(r"^#+ +(.*?) *$", without_blocks(text), flags=re.MULTILINE):
        plain = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", title).lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.add(name if name not in found else f"{name}-{sum(each.startswith(name) for each in found)}")
    return found


def broken(page: Path, text: str) -> list[str]:
    """The links of a page's text that lead nowhere, but for those into the net."""
    prose = re.sub(r"`[^`\n]*`", "", without_blocks(text))
    lost = []
    for target in re.findall(r"\]\(([^()\s]+)\)", prose):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        there = file.exists() and ROOT in file.resolve().parents
        if not there or (anchor and anchor not in anchors(text if file == page else file.read_text(encoding="utf-8"))):
            lost.append(target)
    return lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file of the repository, and where it names one, to a heading in it."""
    assert broken(page, page.read_text(encoding="utf-8")) == []


def test_the_check_finds_links_that_lead_nowhere() -> None:
    """A file that is not there, a heading that is not there, here or elsewhere; and lets good ones be."""
    page = ROOT / "docs" / "spec.md"
    good = "# `[[a]]`, b & c\n[x](#a-b--c) [y](measures.md#quantities) [z](../LICENSE)"
    good += " [w](https://arxiv.org) `[v](u.md)`\n"

    assert broken(page, good) == []
    assert broken(page, good + "[x](#a) [y](measures.md#quantitys) [z](LICENSE)") == [
        "#a",
        "measures.md#quantitys",
        "LICENSE",
    ]


def test_every_page_is_found_from_the_readme() -> None:
    """Each page of docs/ is linked from the README or from a page that is."""
    linked: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        linked.add(page)
        found = re.findall(r"\]\(([^()\s#]+\.(?:md|ipynb))(?:#[^()]*)?\)", page.read_text(encoding="utf-8"))
        targets = [(page.parent / name).resolve() for name in found if "://" not in name]
        ahead += [each for each in targets if each not in linked and each not in ahead]
    pages = [page for page in (ROOT / "docs").iterdir() if page.suffix in {".md", ".ipynb"}]
    assert [page.name for page in pages if page not in linked] == []
