"""The page about methods: the leak, on networks made up so that the numbers are known."""

import numpy as np
import pandas as pd

from core import checkpoints, leak, responses
from core.cohort import Cohort
from core.leak import Leak
from tests.core import invented
from tests.core.invented import STUDY
from tests.pages.methods.conftest import METHODS, TEST, share
from tests.pages.opening import opened, texts


def test_the_leak_says_how_to_make_it_and_still_shows_its_control(everything):
    app = opened(METHODS, part="leak")
    assert "The lesson is not here yet" in app.info[0].value
    assert f"python -m core train {STUDY} --split-by row" in app.code[0].value
    assert "Are lesions with several images like others?" in [element.value for element in app.header]
    own = responses.read(next(e for e in checkpoints.list() if e.id == f"{STUDY}/dense")).at(0.0, False)
    table = leak.control(own, Cohort.of(TEST))
    pd.testing.assert_frame_equal(app.dataframe[0].value, table, check_dtype=False)


def test_the_lesson_shows_what_is_stored(everything, put):
    entry = put(invented.entry(f"{STUDY}/dense-row", split_by="row"), share(0.8))
    seen = np.arange(len(TEST)) % 3 == 0
    right = np.where(seen, True, np.arange(len(TEST)) % 2 == 0)
    probabilities = invented.answers(TEST.labels, right).astype(np.float32)
    parts = [TEST.ids, TEST.groups, TEST.labels, seen, np.full(len(TEST), 2), probabilities]
    stored = Leak(entry.card.digest, TEST.class_names, *parts)
    leak.answers._write(leak.path_of(entry), stored)
    app = opened(METHODS, part="leak")
    said = texts(app)
    assert not app.info
    assert f"Under the row split, this network scores **{right.mean():.1%}**" in said
    assert f"Of its {len(TEST):,} test images **{seen.mean():.0%}** show a lesion that it was trained on" in said
    gaps = leak.gaps(leak.comparable(stored, leak.SEEN, leak.LIKE)[0], leak.SEEN, leak.LIKE).set_index("measure")
    assert f"Accuracy: **{100 * gaps.at['accuracy', 'estimate']:+.1f} [" in said
    pd.testing.assert_frame_equal(app.dataframe[0].value, leak.scores(stored), check_dtype=False)
    assert "On the same images" in said
    leak.path_of(entry).write_bytes(b"no parquet")
    app = opened(METHODS, part="leak")
    assert "python -m core leak" in app.error[0].value


def test_each_network_of_the_row_split_has_its_lesson_beside_its_own_counterpart(everything, put):
    dense = put(invented.entry(f"{STUDY}/dense-row", split_by="row"), share(0.8))
    given = {"split_by": "row", "epochs": 64}
    pruned = put(invented.entry(f"{STUDY}/iterative-row", "iterative", 0.8, parent=dense, **given), share(0.7))
    other = put(invented.entry(f"{STUDY}/layerwise-row", "layerwise", 0.6, parent=dense, **given), share(0.7))
    seen = np.arange(len(TEST)) % 3 == 0
    shares = {}
    for number, entry in enumerate((dense, pruned, other)):
        right = np.arange(len(TEST)) % 5 > number
        probabilities = invented.answers(TEST.labels, right).astype(np.float32)
        parts = [TEST.ids, TEST.groups, TEST.labels, seen, np.full(len(TEST), 2), probabilities]
        leak.answers._write(leak.path_of(entry), Leak(entry.card.digest, TEST.class_names, *parts))
        shares[entry.id] = f"this network scores **{right.mean():.1%}**"
    app = opened(METHODS, part="leak")
    choice = app.segmented_control(key="leaky")
    assert choice.options == ["Dense", "Layer by layer, 60%", "Iterative, 80%"]
    assert shares[dense.id] in texts(app)
    assert "the study's own dense network scores" in texts(app)
    said = texts(choice.select("iterative-row").run())
    assert shares[pruned.id] in said
    own = everything["iterative", 0].card
    assert "The study's own network is iterative to 80% too" in said
    assert f"fine-tuned for {own.epochs:g} epochs; this one for 64." in said
    assert "the study's own network scores" in said
    assert f"scores **{own.metrics['accuracy']['estimate']:.1%}**" in said
    assert "The paper's, under the row split, has **88.59%**, without an interval." in said
    assert f"`{own.id}`), which saw none of them" in said
    said = texts(opened(METHODS, part="leak", leaky="layerwise-row"))
    assert shares[other.id] in said
    assert "the study's own network" not in said  # it has none at 60%
    assert "The paper's, under the row split" not in said
