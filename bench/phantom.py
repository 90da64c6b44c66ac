"""Phantoms a second, on one core and on all of them, in one process: ``python -m bench.phantom``."""

import os
import time
from concurrent.futures import ProcessPoolExecutor

from core.data.phantom import lesion_masks, preset, render, sample

IMAGES = 200


def rate(work, number: int) -> float:
    """The best of three runs, in images a second."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return number / best


def _part(task: tuple) -> int:
    parameters, size = task
    return len(render(parameters, size).images)


def main() -> None:
    cores = os.cpu_count() or 1
    drawn = sample(IMAGES, 1)
    print(f"{'':44}{'images/s':>10}{'ms each':>10}")
    rows = [
        (f"render, {size}×{size}, one process", lambda size=size: render(drawn, size)) for size in (32, 64, 128, 256)
    ]
    rows += [
        ("lesion_masks, 64×64", lambda: lesion_masks(drawn, 64)),
        ("sample", lambda: sample(IMAGES, 1)),
    ]
    for what, work in rows:
        speed = rate(work, IMAGES)
        print(f"{what:44}{speed:10.0f}{1000 / speed:10.2f}")
    single = preset("mel")
    speed = rate(lambda: render(single, 128), 1)
    print(f"{'one melanoma preset, 128×128':44}{speed:10.0f}{1000 / speed:10.2f}")
    with ProcessPoolExecutor(cores) as pool:
        tasks = [(drawn[start::8], 64) for start in range(8)]
        list(pool.map(_part, tasks))  # the workers start
        speed = rate(lambda: list(pool.map(_part, tasks)), IMAGES)
    print(f"{f'render, 64×64, {cores} processes':44}{speed:10.0f}{1000 / speed:10.2f}")


if __name__ == "__main__":
    main()
