"""`python -m core sweep FILE`: a grid of runs, in processes here or on a Dask cluster."""

import os

from core import device
from core.cli.output import add_command, remark, reporter, table, warn, write_json
from core.errors import InvalidValue, PruneScopeError

_DESCRIPTION = """\
Make every network of a grid (studies, seeds, methods, sparsities, criteria and any setting of training) that a TOML file
describes; docs/sweeps.md has an example. Dense networks come first. A run is made once, however often and by whomever it
is asked for; started again, a sweep makes only what is missing, and a run that was cut off goes on from its last epoch."""

_EXAMPLES = """\
  python -m core sweep sweep.toml --plan                       what is made and what is missing; makes nothing
  python -m core sweep sweep.toml --workers 4 --gpus 0,1,2,3   four processes, a GPU each
  python -m core sweep sweep.toml --dask tcp://10.0.0.5:8786   on a Dask cluster; needs `pip install distributed`"""


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "sweep",
        sweep,
        usage="FILE ",
        help="make a grid of networks, in many processes or on a cluster",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    command.add_argument("file", metavar="FILE", help="what to make, in TOML")
    command.add_argument("--plan", action="store_true", help="show the plan and make nothing")
    command.add_argument("--workers", type=int, metavar="N", help="processes; by default one, or one a GPU named")
    command.add_argument("--gpus", metavar="LIST", help="such as 0,1,2: each process takes one and sees no other")
    command.add_argument("--dask", metavar="ADDRESS", help="of a Dask scheduler, such as tcp://10.0.0.5:8786")
    command.add_argument("--retries", type=int, metavar="N", help="of a run that fails; by default the file's, else 1")


def sweep(args) -> None:
    """Carry out the command.

    Raises:
        InvalidValue: the file, the workers, the retries or the device cannot be; nothing was made.
        PruneScopeError: a run failed, once all that could be made was made.
    """
    from core import sweeps

    found = sweeps.read(args.file)
    retries = found.retries if args.retries is None else args.retries
    if not 0 <= retries <= 100:
        raise InvalidValue("retries is out of range", given=retries, expected="0 to 100")
    if args.workers is not None and args.workers < 1:
        raise InvalidValue("A sweep needs workers", given=args.workers, expected="1 or more")
    if args.plan:
        _show([_planned(item) for item in sweeps.plan(found.recipes, root=args.checkpoints)], args)
        return
    crew = _crew(args, sweeps)
    _check_device(args)
    missing = sum(item.state != sweeps.MADE for item in sweeps.plan(found.recipes, root=args.checkpoints))
    remark(args, f"{len(found.recipes)} networks, {missing} to be made.")
    outcomes = []
    for outcome in sweeps.run(
        found.recipes,
        crew,
        retries=retries,
        root=args.checkpoints,
        data=args.data_root,
        device=args.device,
        report=reporter(args),
    ):
        outcomes.append(outcome)
        if outcome.error:
            warn(f"{outcome.state.capitalize()}: {_name(outcome.recipe)}. {outcome.error}")
        elif outcome.attempts:
            remark(args, f"Made: {outcome.id}.")
    _show([_settled(outcome) for outcome in outcomes], args)
    lost = [outcome for outcome in outcomes if outcome.error]
    if lost:
        raise PruneScopeError(
            f"{len(lost)} of {len(outcomes)} runs were not made",
            given="; ".join(_name(outcome.recipe) for outcome in lost[:5]) + ("; …" if len(lost) > 5 else ""),
            remedy="see above why; the same command tries them again and makes nothing else",
        )


def _gpus(args) -> tuple[str, ...]:
    return tuple(name.strip() for name in args.gpus.split(",") if name.strip()) if args.gpus else ()


def _check_gpus(gpus: tuple[str, ...]) -> None:
    """Name GPUs that are not here: a worker that is told of one would quietly compute on the processor."""
    if not gpus:
        return
    import torch

    count = torch.cuda.device_count()
    # Identifiers (GPU-8932f937-…) and what somebody has hidden with CUDA_VISIBLE_DEVICES cannot be counted.
    countable = not os.environ.get("CUDA_VISIBLE_DEVICES")
    absent = [gpu for gpu in gpus if gpu.lstrip("-").isdigit() and not 0 <= int(gpu) < count]
    if not count or (countable and absent):
        raise InvalidValue(
            "This machine does not have these GPUs",
            given=f"--gpus {', '.join(absent or gpus)}",
            expected=f"0 to {count - 1}" if count else "GPUs; none is here",
            remedy=None if count else "leave --gpus out to compute on processors",
        )


def _crew(args, sweeps):
    gpus = _gpus(args)
    if args.dask:
        if args.workers is not None:
            args.usage_error("--workers are processes here; with --dask the cluster has its own")
        return sweeps.dask(args.dask, gpus=gpus)
    return sweeps.processes(args.workers or len(gpus) or 1, gpus=gpus, threads=args.threads)


def _check_device(args) -> None:
    """Name a device that no worker can have, before any is started."""
    if not args.dask:
        if args.device or os.environ.get("PRUNESCOPE_DEVICE"):  # else each worker takes the best that it has
            device.pick(args.device)
        _check_gpus(_gpus(args))
    elif args.device:  # the cluster's machines may have what this one has not
        import torch

        try:
            torch.device(args.device)
        except RuntimeError as error:
            raise InvalidValue(
                "No machine computes there", given=repr(args.device), expected="cpu, or cuda where workers have GPUs"
            ) from error


def _name(recipe) -> str:
    from core.cli.making import describe

    return describe(recipe)


def _planned(item) -> dict:
    return {"recipe": item.recipe, "state": item.state, "epochs": item.epochs, "id": item.id}


def _settled(outcome) -> dict:
    error = str(outcome.error) if outcome.error else None
    record = {"recipe": outcome.recipe, "state": outcome.state, "attempts": outcome.attempts, "id": outcome.id}
    return record | {"error": error}


def _show(records: list[dict], args) -> None:
    if args.json:
        write_json(
            [
                record | {"recipe": record["recipe"].as_dict(), "recipe_hash": record["recipe"].hash}
                for record in records
            ]
        )
        return
    column = "epochs" if records and "epochs" in records[0] else "attempts"
    rows = [(_name(one["recipe"]), one["state"], f"{one[column]:g}", one["id"] or "–") for one in records]
    print(table(rows, ("run", "state", column, "checkpoint"), right=(2,)))
