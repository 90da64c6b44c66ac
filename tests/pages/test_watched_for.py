"""What can be watched for at a threshold: never all classes of a study, and nothing twice."""

import pytest

from core.data.ham10000 import TITLES
from pages.components.whatif_threshold import watchable


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (tuple(TITLES), {"mel": ["mel"], "malignant": ["akiec", "bcc", "mel"]}),
        (("akiec", "bcc", "mel"), {"mel": ["mel"]}),  # nothing would be flagged in vain
        (("mel", "nv"), {"mel": ["mel"]}),  # the only malignant one: the same twice
        (("bcc", "nv"), {"malignant": ["bcc"]}),
        (("akiec", "bcc"), {}),
        (("melanoma", "nevus"), {}),
        (("cat", "dog"), {}),
    ],
)
def test_only_what_has_another_side_is_offered(names, known):
    assert watchable(names) == known
