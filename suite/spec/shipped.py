"""The studies that come with the suite."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "shipped", _PACKAGE.parent / "specs")
"""Where an installation has them, and where the repository has."""


def shipped_specs() -> dict[str, Path]:
    """Their files by name, those of subfolders too; none where the suite was installed without them."""
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), None)
    return {file.stem: file for file in sorted(folder.rglob("*.toml"))} if folder else {}
