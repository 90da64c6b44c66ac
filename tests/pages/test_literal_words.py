"""Messages and names of files stand on the page as they are, whatever Markdown would make of their signs."""

import ast
from pathlib import Path

import pytest

from pages.components import look
from tests.core.own import hostile
from tests.pages.opening import opened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("train/*.png and test/*.png", r"train/\*.png and test/\*.png"),
        ("run `python -m core data *` for $5", r"run `python -m core data *` for \$5"),
        ("![x](http://a)", r"!\[x\](http://a)"),
        ("~/a and ~/b", r"\~/a and \~/b"),
        (12, "12"),
        ("see www.a.org or x@a.org, `pip www.a.org`", "see www\u2060.a.org or x@\u2060a.org, `pip www.a.org`"),
    ],
)
def test_signs_of_markdown_are_written_out_and_commands_stay(text, shown):
    assert look.literal(text) == shown


def test_a_name_with_a_picture_in_it_fetches_none():
    assert look.plain("![x](http://a/b.png)") == "!(x)(http∶//a/b.png)"
    assert look.plain("WWW.evil.org") == "WWW\u2060.evil.org"  # Markdown makes links of such names by itself
    assert look.plain("ISIC_0030041") == "ISIC_0030041"


def test_an_error_about_a_zip_shows_the_stars_of_the_layout(tmp_path):
    write, _, said = hostile.CORPUS["only other files"]
    app = opened("pages/bring.py")
    app.file_uploader[0].set_value(("x.zip", write(tmp_path / "up.zip").read_bytes(), "application/zip")).run()
    assert said in app.error[0].value
    assert r"<class>/\*.png" in app.error[0].value


def test_commands_wrap_on_every_page():
    """On a phone what is cut off of a command cannot be read, and few find that a box scrolls."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in Path(look.__file__).parents[1].rglob("*.py")}
    calls = [
        (name, ast.unparse(call))
        for name, source in sources.items()
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).endswith(".code")
        and "language='bash'" in ast.unparse(call)
    ]
    assert len(calls) > 5
    assert not [call for call in calls if "wrap_lines=True" not in call[1]]
