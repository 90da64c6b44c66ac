"""The command line, ``python -m core``: the parser, exit codes, and one module a command.

A command is a module with ``add(commands, common)``, which declares it, and a function that carries it out. torch is
imported inside those functions only: ``--help`` answers at once, and ``--threads`` is set before torch reads it.

Exit codes: 0 fine; 1 a problem that the message explains; 2 a command that makes no sense; 130 stopped with Ctrl-C.
"""

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from core.cli import (
    attribution,
    bring,
    data,
    evaluate,
    leak,
    list,
    prune,
    reproduce,
    respond,
    sensitivity,
    similarity,
    sweep,
    train,
    verify,
)
from core.cli.output import warn
from core.errors import PruneScopeError, StorageFull

STOPPED = 130

_DESCRIPTION = """\
See what a network forgets when you prune it. PruneScope trains a network on a set of images, sets a share of its
weights to zero in one of three ways, trains on, and measures what has changed: over all, and for each diagnosis.
For teaching and research, not for diagnosis."""

_EPILOG = """\
a first session:
  python -m core data                                        which images are there, and how to get them
  python -m core train ham10000-64/vgg16                     train a dense VGG16 on HAM10000 at 64 pixels
  python -m core prune ham10000-64/vgg16 one_shot 0.8        zero 80% of its weights, fine-tune
  python -m core list                                        what has been made
  python -m core evaluate ham10000-64/vgg16/one_shot-80      how good it is, with intervals

Names are those of the app and the library: a study is data-size/architecture. `python -m core COMMAND --help` tells more.
Training keeps its state after every epoch: stopped with Ctrl-C or cut off, the same command goes on from there."""

_COMMON = {
    "data_root": None,
    "checkpoints": None,
    "device": None,
    "threads": None,
    "quiet": False,
    "json": False,
    "call": None,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code.

    Args:
        argv: the words after ``python -m core``; by default those of this process.
    """
    try:
        code = _carried_out(argv)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _write_no_more()
        return 0
    except OSError as error:
        with suppress(OSError):
            warn(str(_refused(error)))
        _write_no_more()
        return 1
    return code


def _carried_out(argv: Sequence[str] | None) -> int:
    top = parser()
    try:
        args = top.parse_args(argv, argparse.Namespace(**_COMMON))
        if args.call is None:
            top.print_help(sys.stderr)
            return 2
        _set_threads(args.threads)
        args.call(args)
    except SystemExit as end:  # argparse: 0 after --help, 2 after a usage error
        return int(end.code or 0)
    except PruneScopeError as error:
        warn(str(error))
        return 1
    except KeyboardInterrupt:
        warn("Stopped. Finished epochs and files are kept: the same command goes on from there.")
        return STOPPED
    return 0


def _refused(error: OSError) -> PruneScopeError:
    """What the system refused, by the name of the file."""
    why = error.strerror or str(error)
    # Files are written through core.files, which names them; only what is printed goes where no name is.
    if error.filename is None and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}:
        return StorageFull(
            "Could not write the results",
            given=f"{why}: standard output",
            remedy="free some room where it goes, or send it elsewhere",
        )
    return PruneScopeError(
        "The system refused to read or write a file",
        given=": ".join([str(error.filename), why] if error.filename else [why]),
        remedy="see that it is there, that you may use it, and that the disk has room",
    )


def _write_no_more() -> None:
    """Send the rest of standard output to nobody: Python writes it out once more when it ends, and would fail again."""
    with suppress(OSError, ValueError):  # a stream of a notebook has no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    # Both before and after the command: SUPPRESS keeps the one that was not given from hiding the one that was.
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group("everywhere")
    group.add_argument("--data", dest="data_root", metavar="ROOT", help="folder of data sets (PRUNESCOPE_DATA)")
    group.add_argument("--checkpoints", metavar="DIR", help="folder of checkpoints (PRUNESCOPE_CHECKPOINTS)")
    group.add_argument("--device", help="cpu or cuda; by default a GPU where there is one")
    group.add_argument("--threads", type=_threads, metavar="N", help="processor threads; by default one a core")
    group.add_argument("--quiet", action="store_true", help="no progress, no remarks: results and errors only")
    group.add_argument("--json", action="store_true", help="results as JSON")
    top = argparse.ArgumentParser(
        prog="python -m core",
        usage="python -m core COMMAND [options]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
        allow_abbrev=False,
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for module in (
        data,
        train,
        prune,
        evaluate,
        respond,
        sensitivity,
        similarity,
        attribution,
        reproduce,
        sweep,
        verify,
        leak,
        bring,
        list,
    ):
        module.add(commands, common)
    return top


def _threads(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} threads: expected a whole number from 1 to 1024")
    return int(text)


def _set_threads(number: int | None) -> None:
    if number is None:
        return
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(number)
    if "torch" in sys.modules:  # called from Python, where torch has read the environment already
        sys.modules["torch"].set_num_threads(number)
