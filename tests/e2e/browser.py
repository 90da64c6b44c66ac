"""The app on a port of its own, and Debian's Chromium to look at it with."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MARKS = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine (apt-get install chromium)"),
    # Playwright and asyncio leave warnings of their own behind.
    pytest.mark.filterwarnings("ignore"),
]
"""Of every test in a browser: ``pytestmark = MARKS``."""
SENTENCE = re.compile(
    r"Of \d+ melanomas, the dense network finds \d+; pruned to \d+%, it finds \d+ \(\d+\snewly\smissed"
)
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextlib.contextmanager
def app(**environment: str) -> Iterator[str]:
    """Run the app and yield its address; ``environment`` is added to that of this process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        f"--server.port={port}",
        "--server.address=127.0.0.1",
    ]
    server = subprocess.Popen(
        command,
        cwd=PROJECT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(20)


@contextlib.contextmanager
def chromium() -> Iterator:
    """A browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


class visitor:
    """A browser context of its own, as another person would have, that watches the console."""

    def __init__(self, browser, **context):
        self.context = browser.new_context(**context)

    def __enter__(self):
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.complaints = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return self.page

    def _note(self, message):
        # Streamlit looks for its server below the page's own path first; the browser reports that as an error.
        if message.type == "error" and "_stcore" not in (message.location or {}).get("url", ""):
            self.complaints.append(message.text)

    def __exit__(self, kind, *_):
        text = "" if kind else self.page.inner_text("body")
        self.context.close()
        if kind is None:
            assert self.complaints == []
            assert "Traceback" not in text
            assert "Something went wrong" not in text


def fits(page) -> bool:
    """Whether nothing sticks out to the right."""
    return page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".every(e => e.scrollWidth <= e.clientWidth + 1)"
    )


def cut_off(page) -> list[str]:
    """Rows of choices of which some lie outside of the page, each as its text."""
    return page.evaluate(
        "[...document.querySelectorAll('[data-testid=stButtonGroup] *')]"
        ".filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1 && e.innerText).map(e => e.innerText)"
    )


def _wait(address: str, server: subprocess.Popen) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"the app ended with {server.returncode} before it answered")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise TimeoutError(f"no answer from {address}")
