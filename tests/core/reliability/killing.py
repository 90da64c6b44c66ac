"""Run by test_reliability_kills.py: children that train and save without end, killed a hundred times at random moments.

After each kill everything that a child had told of must be there: each epoch whose successor had begun, each checkpoint that
it called made; and every file must load, or be no checkpoint at all. Prints how many kills met what.
"""

import os
import random
import signal
import sys
import time

import torch

from core import checkpoints, files, runs
from core.recipes import dense
from tests.core.tiny import registered

EPOCHS = 6


def recipe(seed: int):
    return dense("colours-32/vgg16", seed=seed, epochs=EPOCHS, batch=18, rate=0.05, augment="none")


def work(first: int, told: int) -> None:
    """The child: run after run, telling of each finished epoch and each checkpoint through the pipe ``told``."""
    for seed in range(first, 10_000):

        def tell(progress, seed=seed):
            if "epoch" in progress.numbers:  # the first report of an epoch comes when the one before it is kept
                os.write(told, b"e %d %d\n" % (seed, progress.numbers["epoch"] - 1))

        runs.run(recipe(seed), report=tell)
        os.write(told, b"m %d 0\n" % seed)


def killed(first: int, wait: float) -> tuple[dict[int, int], list[int]]:
    """Start a child and kill it ``wait`` seconds after its first sign; returns epochs told by seed, and seeds told as made."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        work(first, write)
    os.close(write)
    text = os.read(read, 65_536)
    time.sleep(wait)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(read, 65_536):
        text += more
    os.close(read)
    epochs, made = {}, []
    for line in text.decode().split("\n")[:-1]:
        kind, seed, epoch = line.split()
        if kind == "m":
            made.append(int(seed))
        else:
            epochs[int(seed)] = int(epoch)
    return epochs, made


def main(kills: int) -> None:
    torch.set_num_threads(1)
    dice = random.Random(9)
    seed, inside, resumed, digests = 0, 0, 0, {}
    with registered():
        runs.run(recipe(9_999))  # decodes the images once, and imports what is imported late
        for _ in range(kills):
            epochs, made = killed(seed, dice.random() * 0.12)
            entries = {entry.card.recipe_hash: entry for entry in checkpoints.list() if entry.card}
            assert all(entry.error is None for entry in checkpoints.list()), "a damaged checkpoint is listed"
            for hash, entry in entries.items():
                if hash not in digests:
                    digests[hash] = checkpoints.load(entry.path).card.digest  # raises if one byte is wrong
            for done in made:
                assert recipe(done).hash in entries, f"the checkpoint of run {done} was lost"
            for one, epoch in epochs.items():
                kept = EPOCHS if recipe(one).hash in entries else runs.epochs_done(recipe(one)) or 0
                assert kept >= epoch, f"epoch {epoch} of run {one} was lost: {kept} are kept"
                resumed += 0 < kept < EPOCHS
            inside += any(files.runs_root().rglob("*.tmp")) or any(files.checkpoint_root().rglob("*.tmp"))
            while recipe(seed).hash in entries:
                seed += 1
        # What was killed again and again ended in the same bits as what never was.
        os.environ["PRUNESCOPE_RUNS"] += "-whole"
        checked = 0
        for one in range(min(seed, 3)):
            whole = runs.run(recipe(one), root=files.checkpoint_root().with_name("whole"))
            mine = runs.find(recipe(one))
            assert all(torch.equal(value, mine.state_dict()[name]) for name, value in whole.state_dict().items())
            checked += 1
    print(inside, resumed, seed, checked)


if __name__ == "__main__":
    main(int(sys.argv[1]))
