"""A browser without a network, and what a page has become in it."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

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
    "--virtual-time-budget=60000",
    "--enable-logging=stderr",
    "--allow-file-access-from-files",
]
_ATTEMPTS = 4
NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND"


def open_in_browser(page: Path, profile: Path) -> tuple[str, str]:
    """A page's document after its scripts ran with the network blocked, and the browser's log."""
    if BROWSER is None:
        pytest.skip("no Chromium on this machine to open the report with")
    done = subprocess.run(
        [BROWSER, *FLAGS, NO_NETWORK, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    return done.stdout, done.stderr


_FRAME = """<!DOCTYPE html><title>frame</title><body style="margin: 0">
<iframe src="acted.html" style="border: 0; width: {}px; height: {}px"></iframe>
<script>const asking = setInterval(() => {{ const body = frames[0].document.body;
if (!body || !body.dataset.found) return;
clearInterval(asking); document.body.dataset.found = body.dataset.found; }}, 20);</script></body>"""
"""A page that shows another one in a window of a size, since a browser's own window has a smallest width."""


def act_in_browser(page: Path, script: str, folder: Path, window: tuple[int, int] | None = None) -> Any:
    """What a script finds out about a page when all its charts are drawn.

    Args:
        page: the page.
        script: the body of an async function, which sees what the page keeps in `report`; what it returns becomes JSON.
        folder: for the page with that script, and the browser's profile.
        window: width and height of the window, in pixels; that of the browser if None.
    """
    act = (
        "<script>const waiting = setInterval(async () => { if (!document.body.dataset.ready) return;"
        " clearInterval(waiting); document.body.dataset.found = JSON.stringify(await (async () => {"
        f"{script}"
        "})()); }, 20);</script></body>"
    )
    before, _, after = page.read_text().rpartition("</body>")
    copy = folder / "acted.html"
    copy.write_text(before + act + after)
    if window is not None:
        copy = folder / "frame.html"
        copy.write_text(_FRAME.format(*window))
    # On a busy machine the page's own time may be over while a picture is still made on another thread.
    for attempt in range(_ATTEMPTS):
        document, log = open_in_browser(copy, folder / f"profile{attempt}")
        assert "CONSOLE" not in log, log
        if answer := re.search(r'data-found="([^"]*)"', document):
            return json.loads(html.unescape(answer[1]))
    pytest.fail(f"the page did not answer in {_ATTEMPTS} attempts")
