import argparse
import os
import re
import subprocess
import sys
from dataclasses import fields

import pytest

from core import files, models, pruning
from core.cli import making, parser
from core.cli.output import table
from core.training import AUGMENTATIONS, Settings
from tests.core.cli_words import STUDY, squeezed

LIGHT = """
import sys, time
from core.cli import main
assert main(sys.argv[1:]) == 0
heavy = {"torch", "numpy", "pandas", "PIL"} & sys.modules.keys()
assert not heavy, heavy
assert time.process_time() < 0.4, time.process_time()
"""


@pytest.mark.parametrize("words", [["--help"], ["prune", "--help"]])
def test_help_needs_nothing_heavy(words):
    done = subprocess.run([sys.executable, "-c", LIGHT, *words], cwd=files.PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "examples:" in done.stdout or "a first session:" in done.stdout


def test_help_of_each_command_names_what_it_takes(call):
    texts = {}
    for command in ("data", "train", "prune", "evaluate", "list"):
        code, out, err = call(command, "--help")
        assert (code, err) == (0, "")
        assert f"python -m core {command}" in out
        texts[command] = squeezed(out)
    assert all(name in texts["prune"] for name in (*pruning.METHODS, *pruning.CRITERIA))
    assert all(name in texts["train"] for name in (*models.HEADS, *models.STEMS, *models.ARCHITECTURES, *AUGMENTATIONS))
    assert all(
        f"--{field.name}" in texts["train"] and f"--{field.name}" in texts["prune"] for field in fields(Settings)
    )
    assert list(making.SETTINGS) == [field.name for field in fields(Settings)]
    assert all(
        f"--{option}" in texts["evaluate"] for option in ("split", "sparsity", "recalibrate", "csv", "precision")
    )
    _, out, _ = call("--help")
    assert all(f"\n    {command} " in out for command in texts)
    assert "not for diagnosis" in squeezed(out)


def test_the_usage_names_every_word_that_a_command_takes():
    """The usage is written by hand: a word that must be given stands in it plain, one that may be in brackets."""
    (commands,) = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    for name, command in commands.choices.items():
        usage = command.usage.removeprefix(f"python -m core {name} ").removesuffix("[options]")
        words = [action for action in command._actions if not action.option_strings]
        if any(isinstance(action, argparse._SubParsersAction) or action.choices for action in words):
            continue  # commands of their own
        plain = re.sub(r"\[[^]]*\]", "", usage).split()
        assert plain == [action.metavar for action in words if action.nargs not in ("?", "*")], name
        assert usage.count("[") == len(words) - len(plain), name


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "commands:"),
        (("trian",), "choose from"),
        (("train",), "STUDY"),
        (("train", STUDY, "--epochs", "many"), "--epochs"),
        (("train", STUDY, "--epoch", "3"), "unrecognized"),
        (("prune", STUDY, "one_shot"), "give a SPARSITY"),
        (("evaluate", "x", "--split", "train"), "validation"),
        (("list", "--threads", "0"), "1 to 1024"),
        (("data", "--download"), "which data set"),
    ],
)
def test_a_command_that_makes_no_sense_is_2(call, words, says):
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("train", "colours"), "such as ham10000-64/vgg16"),
        (("train", "colours-32/vgg61"), "did you mean vgg16?"),
        (("train", "colours-16/vgg16"), "32 to 512"),
        (("train", "ham1000-64/vgg16", "--quiet"), "did you mean ham10000"),
        (("train", STUDY, "--head", "compakt"), "did you mean compact?"),
        (("train", STUDY, "--rate", "-1"), "rate is out of range"),
        (("train", STUDY, "--augment", "dermascopy"), "did you mean dermoscopy?"),
        (("train", STUDY, "--split-by", "row", "--quiet"), "split rule"),
        (("prune", STUDY, "oneshot", "0.8"), "did you mean one_shot?"),
        (("prune", STUDY, "one_shot", "80"), "for 80 percent write 0.8"),
        (("prune", STUDY, "one_shot", "0.8", "--criterion", "magnitud"), "did you mean magnitude?"),
        (("prune", STUDY, "one_shot", "0.8", "--steps", "3"), "leave steps out"),
        (("prune", STUDY, "one_shot", "0.8", "--parent", "nothing"), "no checkpoint of this id"),
        (("evaluate", "nothing"), "no checkpoint of this id"),
        (("evaluate", "../../etc/passwd"), "leads out of the folder"),
        (("data", "colour"), "no data set of this name"),
        (("data", "ham10000"), "python -m core data ham10000 --download"),
        (("data", "colours", "--size", "8"), "16 to 512"),
        (("data", "colours", "--download"), "no data set to download"),
        (("train", STUDY, "--device", "gpu", "--quiet"), "cannot compute there"),
    ],
)
def test_a_problem_is_told_in_its_own_words_and_is_1(call, words, says):
    code, out, err = call(*words)
    assert (code, out) == (1, "")
    assert says in err
    assert "Traceback" not in err
    if "--quiet" in words:
        assert err.count("\n") == 1


def test_a_path_of_images_is_told_how_to_be_trained_on(call, colours, tmp_path):
    code, _, err = call("train", colours / "colours")
    assert code == 1
    assert f"write --data {colours} colours-64/vgg16" in err
    (tmp_path / "My Birds").mkdir()
    code, _, err = call("train", tmp_path / "My Birds")
    assert f"rename it to my-birds, then write --data {tmp_path} my-birds-64/vgg16" in err


THREADS = """
import os
from core.cli import main
assert main(["--threads", "1", "list"]) == 0
import torch
print(torch.get_num_threads(), os.environ["OMP_NUM_THREADS"])
"""


def test_threads_are_set_before_torch_is_there():
    done = subprocess.run(
        [sys.executable, "-c", THREADS],
        cwd=files.PROJECT,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
    )
    assert done.stdout.split() == ["1", "1"], done.stderr


def test_columns_are_aligned():
    assert table([("a", 1), ("bcd", 23)], ("name", "n"), right=(1,)) == "name   n\na      1\nbcd   23"
