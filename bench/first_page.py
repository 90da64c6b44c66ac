"""How long a visitor waits for the first page: for its title, and for its first number, on a fresh server and on a warm one.

``python -m bench.first_page`` starts the app and looks with Chromium. The first visitor of a server waits for torch before the first
number, never before the title; absolute times depend on the machine and its load, so the shares are what to compare.
"""

import time

from tests.e2e.browser import CHROMIUM, app, chromium

TITLE, NUMBER = "What does a network forget", "newly missed"


def visit(browser, address: str) -> tuple[float, float]:
    """Seconds from the request to the title and to the first number, of a new visitor."""
    page = browser.new_page()
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.get_by_role("heading", name=TITLE).wait_for()
    title = time.perf_counter() - start
    page.get_by_text(NUMBER).first.wait_for(timeout=120_000)
    number = time.perf_counter() - start
    page.close()
    return title, number


def main() -> None:
    if not CHROMIUM:
        print("no Chromium on this machine: nothing measured")
        return
    with app() as address, chromium() as browser:
        for name in ("first visitor", "second", "third"):
            title, number = visit(browser, address)
            print(
                f"{name:14} title {title:5.2f} s   first number {number:5.2f} s   title at {title / number:.0%} of it"
            )


if __name__ == "__main__":
    main()
