"""Deleting what was brought, with all that was derived from it, and never what somebody would miss without having been told."""

import re
import shutil

from core import checkpoints, files
from core.brought import is_brought
from core.errors import InvalidValue, NotAllowed
from core.jobs.access import check_writable, single_user
from core.own import records
from core.own.records import IMAGES, WEIGHTS, Own


def made_of(name: str) -> list[str]:
    """The ids of the networks that were made from the own weights ``name``, by pruning them or training them on."""
    entries = [entry for entry in checkpoints.list() if _is_of(entry.id, name)]
    return [entry.id for entry in entries if not (entry.card and is_brought(entry.card))]


def remove(name: str, owner: str, *, with_made: bool = False) -> None:
    """Delete an own thing and all that was derived from it here: prepared images, or a network and its stored answers.

    Args:
        name, owner: of the thing.
        with_made: delete what was made from own weights too (:func:`made_of`): it lies in their study, and without them nothing
            could be compared with it.

    Raises:
        NotAllowed: not the owner's, a job needs it, something was made from it, or the app is read-only.
        InvalidValue: there is no such thing.
        StorageFull: the folder may not be written to.
    """
    check_writable()
    records.check_name(name)
    with records.alone():
        records.finish_or_forget()
        one = next((one for one in records.listing() if one.name == name), None)
        if one is None:
            raise InvalidValue("There is nothing of your own of this name", given=name, expected="a name of the list")
        if owner != one.owner and not single_user():
            raise NotAllowed("Only who brought this may delete it", given=name, remedy="ask whoever runs this app")
        _check_unused(one)
        if one.kind == WEIGHTS and not with_made and (made := made_of(name)):
            raise NotAllowed(
                f"Networks were made from {one.study}, which would go with it",
                given=", ".join(made),
                expected="weights that nothing was made from",
                remedy="delete them all together: on the page Your own, or with --with-made",
            )
        with files.storage_errors(records.path_of(name)):
            if one.kind == IMAGES:
                records.zip_of(name).unlink(missing_ok=True)
                shutil.rmtree(files.cache_root() / name, ignore_errors=True)
            else:
                # The folder of the study was made for these weights; its name was free.
                for folder in files.checkpoint_root().glob(f"{name}-*"):
                    if _is_of(folder.name, name):
                        shutil.rmtree(folder)
            records.path_of(name).unlink(missing_ok=True)


def _is_of(id: str, name: str) -> bool:
    """Whether a checkpoint, or a folder of them, is of a study that begins with ``name``."""
    return re.fullmatch(rf"{re.escape(name)}-\d+", id.split("/")[0]) is not None


def _check_unused(one: Own) -> None:
    from core.jobs import ACTIVE, board

    for job in board().jobs:
        # Own weights have a study of their own and are trained on images of another name.
        brought = (job.values.get("parent") or {}).get("brought") or {}
        own_study = _is_of(job.values["study"], one.name)
        used = own_study if one.kind == WEIGHTS or not brought else brought.get("data") == one.name
        if used and job.state in ACTIVE:
            raise NotAllowed(
                f"A job that waits or runs needs these {one.kind}", given=job.values["study"], remedy="cancel it first"
            )
