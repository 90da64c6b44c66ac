"""Ten users on one server, each moving the slider of What if: how long a move takes, and whether anyone sees another's numbers.

``python -m bench.load`` starts the app, lets the users in by the protocol that browsers speak (WebSocket messages as Streamlit
defines them, without a browser), and prints the 50th and 95th percentile of a move: from the slider's message to the end of the
page's run. Before them a single user moves, for comparison: on a busy machine only the ratio means something. Afterwards a
single user visits every position, and what the ten saw there must be the same, word for word.
"""

import argparse
import asyncio
import random
import statistics
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core import paths
from tests.e2e.browser import app

STUDY = "ham10000-64/vgg16"
LIMIT = 1.0  # seconds that 95 of 100 moves must keep


@dataclass
class User:
    """A visitor: a connection, and what the page showed at each position."""

    address: str
    method: str
    view: str
    socket: object = None
    slider: str = ""
    seen: dict[int, tuple[str, ...]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

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
        self.seconds.append(time.perf_counter() - start)

    async def leave(self) -> None:
        await self.socket.close()

    async def _run(self, percent: int, message: BackMsg) -> None:
        query = {"method": self.method, "view": self.view, "sparsity": percent}
        message.rerun_script.query_string = urlencode(query)
        message.rerun_script.page_name = "what_if"
        await self.socket.send(message.SerializeToString())
        texts = []
        while True:
            answer = ForwardMsg.FromString(await self.socket.recv())
            if answer.WhichOneof("type") == "script_finished":
                if answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    break
                texts = []
            if answer.WhichOneof("type") == "delta":
                texts += self._read(answer.delta.new_element)
        assert any("weights are zero" in text for text in texts), f"no page for {query}: {texts}"
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


async def load(address: str, users: int, moves: int, pause: float) -> tuple[list[User], int]:
    """Let the users in and have them move; returns them, and how many of their views differ from a single user's."""
    methods = [name for name in paths.of(STUDY) if name != paths.PRUNE_ONLY]
    crowd = [User(address, methods[n % len(methods)], ("harm", "breaking", "calibration")[n % 3]) for n in range(users)]
    # Later users start beside each other, so that a number of one in the page of another would show.
    await asyncio.gather(*(user.arrive(80 + number % 10) for number, user in enumerate(crowd)))

    async def use(number: int, user: User) -> None:
        dice = random.Random(number)
        for _ in range(moves):
            await asyncio.sleep(pause * (0.5 + dice.random()))
            await user.move(dice.randrange(80, 100))

    await asyncio.gather(*(use(number, user) for number, user in enumerate(crowd)))
    wrong = 0
    for user in crowd:
        alone = User(address, user.method, user.view)
        await alone.arrive(80)
        for percent, texts in user.seen.items():
            await alone.move(percent)
            wrong += alone.seen[percent] != texts
        await asyncio.gather(user.leave(), alone.leave())
    return crowd, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--moves", type=int, default=20, help="of each user")
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between a user's moves")
    options = parser.parse_args()
    with app() as address:
        alone = asyncio.run(lone(address))
        crowd, wrong = asyncio.run(load(address, options.users, options.moves, options.pause))
    seconds = sorted(second for user in crowd for second in user.seconds)
    p95 = seconds[min(round(0.95 * len(seconds)), len(seconds) - 1)]
    views = sum(len(user.seen) for user in crowd)
    print(f"one user alone: p50 {alone:.3f} s")
    print(
        f"{options.users} users, {len(seconds)} moves: p50 {statistics.median(seconds):.3f} s, p95 {p95:.3f} s, slowest "
        f"{seconds[-1]:.3f} s ({'within' if p95 < LIMIT else 'beyond'} {LIMIT:g} s); p95 is {p95 / alone:.1f} times the lone user's p50"
    )
    print(f"{views} views compared with a single user's: {wrong} differ")
    if wrong:
        raise SystemExit("a user saw numbers that are not those of their own position")


if __name__ == "__main__":
    main()
