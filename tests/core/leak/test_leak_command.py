"""`python -m core leak`."""

import dataclasses
import json

import pandas as pd
import pytest

from core import checkpoints, cli, leak
from tests.core.leak.conftest import STUDY


@pytest.fixture
def call(capsys, root):
    def run(*words):
        code = cli.main(["--data", str(root), *words])
        return code, *capsys.readouterr()

    return run


def test_the_command_stores_and_tells(leaky, call, tmp_path):
    code, out, err = call("leak", leaky.id)
    assert code == 0
    assert leak.path_of(leaky).exists()
    assert leaky.id in out
    assert all(group in out for group in ("all", "unseen", "seen", "accuracy"))
    assert str(leak.path_of(leaky)) in err
    # A second time what is stored is told, without the images.
    code, out, err = call("--data", str(tmp_path / "nowhere"), "leak", "--json", "--quiet")
    assert (code, err) == (0, "")
    told = pd.DataFrame(json.loads(out)[leaky.id])
    pd.testing.assert_frame_equal(told, leak.scores(leak.read(leaky)), check_dtype=False)


def test_the_command_says_what_to_do(call, leaky):
    code, _, err = call("leak", "nope")
    assert code == 1
    assert "There is no checkpoint of this id" in err
    leaky.path.unlink()
    code, _, err = call("leak")
    assert code == 1
    assert "--split-by row" in err


def test_the_command_leaves_networks_out_of_which_only_the_card_is_here(leaky, root, capsys):
    checkpoints.write_card(leaky.path, leaky.card, leaky.size_bytes)
    away = leaky.path.with_name("away")
    leaky.path.rename(away)
    assert cli.main(["leak", "--data", str(root)]) == 1
    assert "neither answers nor weights are here" in capsys.readouterr().err
    away.rename(leaky.path)
    alone = leaky.path.with_name("dense-12345678.safetensors")
    card = dataclasses.replace(leaky.card, id=f"{STUDY}/dense-12345678")
    checkpoints.write_card(alone, card, leaky.size_bytes)
    assert cli.main(["leak", "--data", str(root)]) == 0
    said = capsys.readouterr()
    assert f"{STUDY}/dense-12345678: left out" in said.err
    assert said.out.startswith(leaky.id)
    assert cli.main(["leak", card.id, "--data", str(root)]) == 1  # asked for by name, it is no remark
    assert "not its weights" in capsys.readouterr().err
