"""Words and colours that all pages share."""

import re

from pages.components import look


def test_a_class_of_ones_own_is_no_markdown():
    assert look.diagnosis("mel") == "Melanoma"
    assert look.diagnosis("aquarium_fish") == "aquarium fish"
    assert look.diagnosis("naïve (2), b&c") == "naïve (2), b&c"
    shown = look.diagnosis("*a* $b$ [c](d) `e` <i> :red[f] ~g~ # h | \\i")
    assert not re.search(r"[*$\[\]`<>:~#|\\_]", shown)
    assert len(shown) == len("*a* $b$ [c](d) `e` <i> :red[f] ~g~ # h | \\i")
