"""How the command line writes: results on standard output, everything else on standard error."""

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from core.progress import Report, silent, terminal


def add_command(
    commands, common, name: str, call: Callable, *, usage: str = "", help: str, description: str, examples: str
):
    """Declare a command and return its parser; ``call`` gets the parsed arguments, ``usage`` names the positional ones."""
    command = commands.add_parser(
        name,
        prog=f"python -m core {name}",  # else its errors would begin with the usage of all commands
        usage=f"python -m core {name} {usage}[options]",
        help=help,
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
        allow_abbrev=False,
    )
    command.set_defaults(call=call, usage_error=command.error)
    return command


def share(text: str) -> float:
    """A share as an argument: what is no number is told with the number that was meant, if it was a percentage."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        meant = f"; write {float(text.removesuffix('%')) / 100:g}" if text.endswith("%") else ""
    except ValueError:
        meant = ""
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 up to but not including 1{meant}")


def warn(text: str) -> None:
    """One message on standard error, over whatever progress line stands there."""
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(f"{clear}{text}", file=sys.stderr)


def remark(args, text: str) -> None:
    """Something good to know; silent with --quiet."""
    if not args.quiet:
        warn(text)


def reporter(args) -> Report:
    """Where progress goes."""
    return silent if args.quiet else terminal()


def write_json(value) -> None:
    """The result as JSON; what is not defined (NaN) as null."""
    print(json.dumps(_defined(value), indent=1, ensure_ascii=False, allow_nan=False))


def table(rows: Iterable[Sequence], headings: Sequence[str], *, right: Iterable[int] = ()) -> str:
    """Rows in aligned columns under their headings; columns in ``right`` are flush right. No line ends in a blank."""
    lines = [list(map(str, headings)), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right = set(right)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def facts(pairs: Mapping[str, object]) -> str:
    """Names and values, a line each."""
    width = max(map(len, pairs))
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in pairs.items())


def size(number: float) -> str:
    """Bytes as people write them: ``"29.4 MB"``."""
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def percent(share: float) -> str:
    """A share as people write it: ``"79.9%"``; ``"–"`` where it is not defined."""
    return "–" if share is None or math.isnan(share) else f"{100 * share:.1f}%"


def measured(metrics: Mapping[str, Mapping], name: str) -> str:
    """The metric ``name`` of a card in words: ``"55.4% [52.1, 58.6], n = 2,003"``; ``"–"`` where it was not measured."""
    from core.evaluation import METRICS, Interval

    value = metrics.get(name)
    if not value:
        return "–"
    return Interval.from_dict(value).format(percent=METRICS[name].unit == "%")


def _defined(value):
    if isinstance(value, Mapping):
        return {str(key): _defined(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_defined(item) for item in value]
    if hasattr(value, "item"):  # NumPy's numbers
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def images_of(args, info, *splits: str) -> list:
    """The image sets that a checkpoint's card names, with progress; errors as of :func:`core.data.load`.

    Raises:
        InvalidValue: also a device that is not here, told before the images are made ready, which can take minutes.
    """
    from core import data, device

    device.pick(args.device)
    options = {"size": info.size, "root": args.data_root, "split_by": info.split_by or None}
    return [data.load(info.name, split, report=reporter(args), **options) for split in splits]
