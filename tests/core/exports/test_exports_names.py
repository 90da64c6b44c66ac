"""Names of classes that mean something to Markdown stay what they are in a model card."""

from core.checkpoints import Architecture, Card, DataInfo
from core.exports import modelcard

NAMES = ("a|b", "*c*", "d_e")


def test_class_names_neither_end_a_cell_nor_are_markup():
    metrics = {f"sensitivity/{name}": {"estimate": 0.5, "low": 0.4, "high": 0.6, "n": 9} for name in NAMES}
    card = Card(
        study="own-64/vgg16",
        data=DataInfo("own", 64, NAMES),
        architecture=Architecture("vgg16", 3),
        method="dense",
        metrics=metrics,
    )
    rows = modelcard._classes(card).splitlines()[-3:]
    assert [row.replace("\\|", "").count("|") for row in rows] == [3, 3, 3]
    assert [row.split(" | ")[0] for row in rows] == ["| a\\|b", "| \\*c\\*", "| d\\_e"]
    assert "a\\|b, \\*c\\*, d\\_e." in modelcard._data(card)
