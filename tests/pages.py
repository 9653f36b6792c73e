"""The pages of the documentation, and the blocks of code in them."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "results/README.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))


class Block(NamedTuple):
    """A fenced block: the word behind its first fence, and what is in it."""

    language: str
    text: str


def text_of(page: str) -> str:
    """What a page holds, by its path from the root."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str | None = None) -> list[Block]:
    """The blocks of a page, in order; of one language if that is given."""
    found = re.findall(r"^( *)```(.*?)\n(.*?)^ *```$", text_of(page), flags=re.DOTALL | re.MULTILINE)
    every = [Block(named, re.sub(f"^{indent}", "", text, flags=re.MULTILINE)) for indent, named, text in found]
    return [block for block in every if language in (None, block.language)]


def without_blocks(text: str) -> str:
    """A page's text but for its code."""
    return re.sub(r"^( *)```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
