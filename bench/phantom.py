"""Phantoms a second, on one core and on all of them: ``python -m bench.phantom``."""

import time
from concurrent.futures import ThreadPoolExecutor

from core.data.phantom import lesion_masks, many, preset, render, sample
from core.device import cores

IMAGES, THOUSANDS = 200, 2000


def rate(work, number: int) -> float:
    """The best of three runs, in images a second."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return number / best


def main() -> None:
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
    set_of = sample(THOUSANDS, 1)
    start = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(render, drawn, [64] * IMAGES))
    plain = IMAGES / (time.perf_counter() - start)
    print(f"{'render, 64×64, 8 threads':44}{plain:10.0f}{1000 / plain:10.2f}")
    start = time.perf_counter()
    list(many.images(set_of, 64))
    speed = THOUSANDS / (time.perf_counter() - start)
    what = f"many.images, {THOUSANDS:,}, {min(8, cores())} processes and their start"
    print(f"{what:44}{speed:10.0f}{1000 / speed:10.2f}   {speed / plain:.1f} times as fast as threads")


if __name__ == "__main__":
    main()
