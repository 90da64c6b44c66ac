import json

import pytest

from core import checkpoints, cli, matrices, paths, recipes, runs

STUDY = "colours-32/vgg16"


@pytest.fixture
def call(tiny, capsys, colours, monkeypatch):
    """Carry out a command line on a tiny study and return (exit code, standard output, standard error)."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))
    changes = {"epochs": 1, "batch": 6, "augment": "none", "balance": 0.0, "rate": 0.05}
    dense = recipes.dense(STUDY, **changes)
    runs.run(dense)
    for method in ("one_shot", "layerwise", "iterative"):
        steps = {"steps": 1} if method == "iterative" else {}
        runs.run(recipes.pruned(dense, method, 0.8, **steps))

    def run(*words):
        code = cli.main(["similarity", *map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_it_stores_and_tells_the_verdicts_and_makes_only_what_is_missing(call):
    code, out, err = call(STUDY, "--every", 50)
    assert code == 0
    assert "Pruning layer by layer makes the layers of a network more alike." in out
    assert "a second dense network with another seed is missing" in out
    path = matrices.path_of(paths.of(STUDY)["one_shot"].dense)
    assert str(path) in err
    assert matrices.read(path, checkpoints.list()).percents(f"{STUDY}/dense", True) == [50]
    before = path.stat().st_mtime_ns
    code, out, err = call(STUDY, "--every", 50, "--json")
    rows = json.loads(out)
    assert len(rows) == 6
    assert {row["verdict"] for row in rows} <= {"holds", "does not hold", "cannot be told"}
    assert path.stat().st_mtime_ns == before
    call(STUDY, "--every", 50, "--anew", "--quiet")
    assert path.stat().st_mtime_ns > before


def test_what_makes_no_sense_is_named(call):
    code, _, err = call(STUDY, "--every", 0)
    assert (code, "out of range" in err) == (1, True)
    code, _, err = call("colours-32/densenet169")
    assert (code, "colours-32/vgg16" in err) == (1, True)
