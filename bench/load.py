"""Ten users on one server, each moving the slider of What if: how long a move takes, and whether anyone sees another's numbers.

``--job`` trains a network in the background meanwhile; ``--live 2`` lets two of the users look at a study without stored
answers, so that each of their moves is computed, and of theirs the first numbers count. ``--moves 360`` makes 3,600 moves of
ten users, an hour's worth; the memory of the server is told six times on the way.

``python -m bench.load`` starts the app, lets the users in by the protocol that browsers speak (WebSocket messages as Streamlit
defines them, without a browser), and prints the 50th and 95th percentile of a move: from the slider's message to the end of the
page's run. Before them a single user moves, for comparison: on a busy machine only the ratio means something. Afterwards a
single user visits every position, and what the ten saw there must be the same, word for word.
"""

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core import files, jobs, paths, recipes
from tests.e2e.browser import app

STUDY = "ham10000-64/vgg16"
LIVE = "live-64/vgg16"
"""The same networks under another name, without their stored answers."""
LIMIT = 1.0  # seconds that 95 of 100 moves must keep


@dataclass
class User:
    """A visitor: a connection, and what the page showed at each position."""

    address: str
    method: str
    view: str
    study: str = STUDY
    socket: object = None
    slider: str = ""
    seen: dict[int, tuple[str, ...]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    first: float = 0.0

    async def arrive(self, percent: int) -> None:
        """Open the page by a link."""
        url = self.address.replace("http", "ws", 1) + "/_stcore/stream"
        self.socket = await websockets.connect(url, subprotocols=["streamlit"], max_size=None)
        await self._run(percent, BackMsg())

    async def move(self, percent: int) -> None:
        """Move the slider, and wait until the page is drawn."""
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id = self.slider
        state.double_array_value.data.append(percent)
        start = time.perf_counter()
        await self._run(percent, message)
        # A page that computes goes on until the last image is counted; its user sees numbers long before.
        self.seconds.append((self.first if self.study == LIVE else time.perf_counter()) - start)

    async def leave(self) -> None:
        await self.socket.close()

    async def _run(self, percent: int, message: BackMsg) -> None:
        query = {"study": self.study, "method": self.method, "view": self.view, "sparsity": percent}
        message.rerun_script.query_string = urlencode(query)
        message.rerun_script.page_name = "what_if"
        await self.socket.send(message.SerializeToString())
        live = self.study == LIVE
        texts, self.first, begun = [], 0.0, False
        while not (live and self.first):  # who looks at what is computed moves on when there are numbers
            answer = ForwardMsg.FromString(await self.socket.recv())
            kind = answer.WhichOneof("type")
            if kind == "new_session":  # what came before was of the move before
                texts, begun = [], True
            if kind == "script_finished" and begun:
                if answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    break
                texts = []
            if kind == "delta" and begun:
                element = answer.delta.new_element
                texts += self._read(element)
                if element.WhichOneof("type") == "metric":
                    self.first = self.first or time.perf_counter()
        assert live or any("weights are zero" in text for text in texts), f"no page for {query}: {texts}"
        assert self.first, f"no numbers for {query}: {texts}"
        self.seen[percent] = tuple(texts)

    def _read(self, element) -> list[str]:
        kind = element.WhichOneof("type")
        if kind == "slider" and element.slider.label.startswith("Weights removed"):
            self.slider = element.slider.id
        if kind == "markdown":
            return [element.markdown.body]
        if kind == "metric":
            return [f"{element.metric.label} {element.metric.body} {element.metric.delta}"]
        return []


async def lone(address: str) -> float:
    """Median seconds of a move of a user who has the server alone."""
    user = User(address, paths.PRUNE_ONLY, "harm")
    await user.arrive(0)
    for percent in range(10, 96, 5):
        await user.move(percent)
    await user.leave()
    return statistics.median(user.seconds)


async def load(address: str, users: int, live: int, moves: int, pause: float, memory: list) -> tuple[list[User], int]:
    """Let the users in and have them move; returns them, and how many of their views differ from a single user's.

    Args:
        live: how many of the users look at what is not stored.
        memory: gets (moves so far, MB of the server) six times.
    """
    methods = [name for name in paths.of(STUDY) if name != paths.PRUNE_ONLY]
    crowd = [User(address, methods[n % len(methods)], ("harm", "breaking", "calibration")[n % 3]) for n in range(users)]
    for user in crowd[:live]:
        user.study = LIVE
    # Later users start beside each other, so that a number of one in the page of another would show.
    await asyncio.gather(*(user.arrive(80 + number % 10) for number, user in enumerate(crowd)))
    memory.append((0, server_memory()))
    every, counted, busy = max(1, users * moves // 6), 0, users - live

    async def use(number: int, user: User) -> None:
        nonlocal counted, busy
        dice, made = random.Random(number), 0
        # Who waits for what is computed makes fewer moves, and goes on until the others have made theirs.
        while busy if user.study == LIVE else made < moves:
            await asyncio.sleep(pause * (0.5 + dice.random()))
            await user.move(dice.randrange(80, 100))
            made += 1
            counted += 1
            if counted % every == 0:
                memory.append((counted, server_memory()))
        busy -= user.study != LIVE

    await asyncio.gather(*(use(number, user) for number, user in enumerate(crowd)))
    if memory[-1][0] < counted:
        memory.append((counted, server_memory()))
    wrong = 0
    for user in crowd[live:]:
        alone = User(address, user.method, user.view)
        await alone.arrive(80)
        for percent, texts in user.seen.items():
            await alone.move(percent)
            wrong += alone.seen[percent] != texts
        await asyncio.gather(user.leave(), alone.leave())
    return crowd, wrong


def server_memory() -> float:
    """Resident memory of the app that this process started, in MB."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (place / "cmdline").read_bytes().split(b"\0")
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            if b"streamlit" in words and parent == os.getpid():
                return int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return float("nan")


@contextlib.contextmanager
def folders() -> Iterator[None]:
    """Checkpoints and runs of this bench's own: what ships, and its networks again without stored answers."""
    with tempfile.TemporaryDirectory(prefix="prunescope-load-") as place:
        study, live = (Path(place, "checkpoints", *name.split("/")) for name in (STUDY, LIVE))
        shutil.copytree(files.checkpoint_root() / STUDY.split("/")[0], study.parent)
        live.mkdir(parents=True)
        _rename(files.checkpoint_root() / STUDY, live)
        os.environ |= {
            "PRUNESCOPE_CHECKPOINTS": str(Path(place, "checkpoints")),
            "PRUNESCOPE_RUNS": str(Path(place, "runs")),
        }
        yield


def _rename(source: Path, target: Path) -> None:
    from dataclasses import replace

    from core import checkpoints

    for path in sorted(source.glob("*.safetensors")):  # "dense" comes first: the others name it as their parent
        made = checkpoints.load(path)
        parent = made.card.parent and made.card.parent.replace(STUDY, LIVE)
        card = replace(made.card, study=LIVE, parent=parent, id="", digest="")
        checkpoints.save(made.model(), card, masks=made.masks, root=target.parents[1])


@contextlib.contextmanager
def training(wanted: bool) -> Iterator[None]:
    """A job that trains all the while."""
    if not wanted:
        yield
        return
    owner = jobs.owner_of("bench")
    job = jobs.submit(recipes.dense(STUDY, seed=4321, epochs=1000), owner)
    while jobs.board().find(job.id).state != "running":
        time.sleep(0.5)
    try:
        yield
        moment = jobs.progress(job)
        done = f"{moment.epochs:.2f} epochs" if moment else "nothing"
        print(f"the job was {jobs.board().find(job.id).state} meanwhile, {done} done")
    finally:
        jobs.cancel(job.id, owner)
        while jobs.board().find(job.id).state == "running":
            time.sleep(0.5)


def p95(seconds: list[float]) -> float:
    seconds = sorted(seconds)
    return seconds[min(round(0.95 * len(seconds)), len(seconds) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--live", type=int, default=0, help="users whose answers are computed")
    parser.add_argument("--moves", type=int, default=20, help="of each user whose answers are stored")
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between a user's moves")
    parser.add_argument("--job", action="store_true", help="train a network in the background")
    options = parser.parse_args()
    if not 0 <= options.live < options.users:
        parser.error(f"--live {options.live}: somebody has to move over stored answers; 0 to {options.users - 1}")
    memory: list[tuple[int, float]] = []
    with folders(), app() as address, training(options.job):
        alone = asyncio.run(lone(address))
        crowd, wrong = asyncio.run(load(address, options.users, options.live, options.moves, options.pause, memory))
    for kind, some in (("stored", crowd[options.live :]), ("live, first numbers", crowd[: options.live])):
        seconds = [second for user in some for second in user.seconds]
        if seconds:
            print(
                f"{kind}: {len(some)} users, {len(seconds)} moves: p50 {statistics.median(seconds):.3f} s, p95 {p95(seconds):.3f} s, "
                f"slowest {max(seconds):.3f} s ({'within' if p95(seconds) < LIMIT else 'beyond'} {LIMIT:g} s); p95 is "
                f"{p95(seconds) / alone:.1f} times the lone user's p50 of {alone:.3f} s"
            )
    print("memory of the server: " + ", ".join(f"{mb:.0f} MB after {moves:,} moves" for moves, mb in memory))
    views = sum(len(user.seen) for user in crowd[options.live :])
    print(f"{views} views compared with a single user's: {wrong} differ")
    if wrong:
        raise SystemExit("a user saw numbers that are not those of their own position")


if __name__ == "__main__":
    main()
