"""Take the README's pictures from the running app: ``python -m docs.pictures``. Wants Chromium, and images for the gallery."""

import io

from PIL import Image

from core.files import PROJECT
from tests.e2e.browser import app, chromium

VIEWS = {"what-if": ("what_if?sparsity=80", "newly missed"), "overview": ("", "What was found")}


def main() -> None:
    """Write ``docs/<view>.png`` for each view."""
    with app() as address, chromium() as browser:
        for name, (path, text) in VIEWS.items():
            page = browser.new_page(viewport={"width": 1280, "height": 1020}, color_scheme="light")
            page.goto(f"{address}/{path}")
            page.get_by_text(text).first.wait_for(timeout=120_000)
            page.wait_for_timeout(4000)  # charts grow in
            file = PROJECT / "docs" / f"{name}.png"
            # A palette is a third of the size, and every clone carries every version.
            Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(256).save(file, optimize=True)
            print(f"docs/{name}.png")


if __name__ == "__main__":
    main()
