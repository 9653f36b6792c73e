"""A browser without a network, and what a page has become in it."""

import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=20000",
    "--enable-logging=stderr",
]
NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND"


def open_in_browser(page: Path, profile: Path) -> tuple[str, str]:
    """A page's document after its scripts ran with the network blocked, and the browser's log."""
    if BROWSER is None:
        pytest.skip("no Chromium on this machine to open the report with")
    done = subprocess.run(
        [BROWSER, *FLAGS, NO_NETWORK, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, done.stderr
