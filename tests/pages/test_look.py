"""Words and colours that all pages share."""

import re
import tomllib

from core.files import PROJECT
from core.paths import Path
from pages.components import diagrams, look, stylesheet, whatif_words
from tests.core import invented


def test_a_class_of_ones_own_is_no_markdown():
    assert look.diagnosis("mel") == "Melanoma"
    assert look.diagnosis("aquarium_fish") == "aquarium fish"
    assert look.diagnosis("naïve (2), b&c") == "naïve (2), b&c"
    shown = look.diagnosis("*a* $b$ [c](d) `e` <i> :red[f] ~g~ # h | \\i")
    assert not re.search(r"[*$\[\]`<>:~#|\\_]", shown)
    assert len(shown) == len("*a* $b$ [c](d) `e` <i> :red[f] ~g~ # h | \\i")


def test_a_sparsity_between_two_percents_is_told_as_it_is():
    assert [look.sparsity(value) for value in (0.875, 0.8, 0.29, 0.0)] == ["87.5%", "80%", "29%", "0%"]
    dense, pruned = invented.entry("dense"), invented.entry("one_shot-87.5", "one_shot", 0.875)
    said = whatif_words.in_words(Path(invented.STUDY, "one_shot", (dense, pruned)), 0.88)
    assert "The checkpoint at 87.5%, pruned on to here" in said
    assert "was trained at 87.5%" in said


def test_all_is_said_of_all_only():
    shares = (0.996, 0.9996, 1.0, 0.52, 0.004, 0.0, 1 - 1e-9)
    assert [look.share(value) for value in shares][:-1] == ["99.6%", "99.96%", "100%", "52%", "0.4%", "0%"]


def test_no_network_is_said_to_be_sure_or_to_rule_out():
    shown = [look.probability(value) for value in (1.0, 0.9999, 0.994, 0.5, 0.006, 0.0001, 0.0)]
    assert shown == [">99%", ">99%", "99%", "50%", "1%", "<1%", "<1%"]


def test_files_and_headings_are_named_for_readers():
    assert look.file_name("layers-ham10000-64/vgg16-80%", "csv") == "layers-ham10000-64-vgg16-80.csv"
    shown = [look.heading(name) for name in ("found_dense", "p_value", "n", "cka", "Mean CKA", "image")]
    assert shown == ["Found dense", "p", "n", "CKA", "Mean CKA", "Image"]


def test_classes_are_told_apart_without_colour():
    places = range(len(look.SERIES))
    assert (
        len({tuple(look.dash(place)) for place in places}) == len({look.mark(place) for place in places}) == len(places)
    )
    look.dash(0).append(9)
    assert look.dash(0) == look.dash(len(places)) == [1, 0]


def test_charts_and_drawings_know_the_colours_of_both_themes():
    theme = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text())["theme"]
    assert tuple(theme[mode]["textColor"] for mode in ("light", "dark")) == look.INK
    assert tuple(theme[mode]["backgroundColor"] for mode in ("light", "dark")) == look.PAPER
    rules = stylesheet.rules()
    assert all(f"[{part}='{colour}']" in rules for part in ("fill", "stroke") for colour in (*look.INK, *look.PAPER))
    assert all(colour in diagrams.method("iterative", "red") for colour in look.INK)


def test_every_rule_of_style_is_closed():
    rules = stylesheet.rules()
    assert rules.count("{") == rules.count("}")
    assert all(media in rules for media in ("@media print", "@media (forced-colors: active)"))
