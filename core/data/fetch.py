"""Fetching one file over http: resumable, checked, and put in place in one step."""

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from core.data.cache import make_folder
from core.errors import DownloadFailed, PruneScopeError
from core.files import check_space, storage_errors
from core.progress import Progress, Report, silent

MAX_FILE = 16 * 2**30  # bytes; no file of ours comes near
TIMEOUT = 30.0  # seconds without a byte
_CHUNK = 2**18
_AGAIN = "check the network and run it again: what has come is kept, and it goes on from there"


def fetch(
    url: str,
    target: str | os.PathLike,
    *,
    md5: str | None = None,
    size: int | None = None,
    report: Report = silent,
    check: Callable[[Path], None] | None = None,
) -> Path:
    """Download one file. It grows as ``target.part`` beside its place and is renamed once it is whole and checked.

    A download that was cut off or cancelled keeps its ``.part`` file, and the next call goes on from there.

    Args:
        url: http or https.
        target: where the file goes; an older one is replaced at the end.
        md5: hex digest that the file must have, if known.
        size: its size in bytes, if known.
        report: told of the progress in bytes; may raise Cancelled.
        check: called with the path of the whole file before it is put in place; raises DownloadFailed to refuse it.

    Returns:
        ``target``.

    Raises:
        DownloadFailed: the server cannot be reached, refuses, stops early, or sends something else than was promised. What
            can be gone on from is kept; what is wrong is removed.
        StorageFull: no room for it, or no permission to write.
    """
    target = Path(target)
    part = target.with_name(f"{target.name}.part")
    with storage_errors(target):
        make_folder(target.parent)
        total = None
        if answer := _answer(url, part, size):
            with answer:
                total = _receive(answer, url, part, size, report)
        came, total = part.stat().st_size, size if total is None else total
        if total is not None and came < total:
            raise _failed("The download stopped early", url, f"{came:,} of {total:,} bytes", f"{total:,} bytes", _AGAIN)
        try:
            _verify(url, part, md5, total)
            if check:
                check(part)
        except PruneScopeError:
            part.unlink()
            raise
        part.replace(target)
    return target


def _answer(url: str, part: Path, size: int | None) -> http.client.HTTPResponse | None:
    """The server's answer, from where ``part`` ends; None if that is the whole file."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "PruneScope", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if have and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            if have == size or error.headers.get("Content-Range") == f"bytes */{have}":
                return None
            part.unlink()  # of another file; without the range the server sends the whole one
            return _answer(url, part, size)
        remedy = _AGAIN if error.code >= 500 else "the address may have changed: get the file by hand (see the README)"
        raise _failed(
            "The server refused the download", url, f"{error.code} {error.reason}", "200 OK", remedy
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise _failed("The server cannot be reached", url, reason, "an answer", _AGAIN) from error


def _receive(answer: http.client.HTTPResponse, url: str, part: Path, size: int | None, report: Report) -> int | None:
    """Append what comes to ``part``; return the size that the server promised for the whole file, if it did."""
    start, total = 0, None
    if answer.status == http.client.PARTIAL_CONTENT:
        said = answer.headers.get("Content-Range")
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", said or "")
        start = part.stat().st_size if part.exists() else 0
        if not span or int(span[1]) != start:
            part.unlink(missing_ok=True)
            raise _failed(
                "The server sent another part than asked for", url, said, f"from byte {start}", "run it again"
            )
        total = None if span[2] == "*" else int(span[2])
    elif (answer.headers.get("Content-Length") or "").isdigit():
        total = int(answer.headers["Content-Length"])
    if total is not None and (total > MAX_FILE or (size is not None and total != size)):
        raise _failed(
            "The server offers a file of another size",
            url,
            f"{total:,} bytes",
            f"{size:,} bytes" if size is not None else f"at most {MAX_FILE:,} bytes",
            "the file may have changed: get it by hand (see the README)",
        )
    check_space(part.parent, (total or 0) - start)
    stage, began, done = f"Downloading {part.stem}", time.monotonic(), start
    with part.open("ab" if start else "wb") as file:
        while True:
            report(Progress(stage, done, total or size or max(done, 1), "bytes", time.monotonic() - began))
            try:
                data = answer.read1(_CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise _failed(
                    "The download stopped early", url, f"{done:,} bytes, then: {error}", total, _AGAIN
                ) from error
            if not data:
                break
            file.write(data)
            done += len(data)
            if done > (MAX_FILE if size is None else size):
                break  # refused when it is verified
        file.flush()
        os.fsync(file.fileno())
    return total


def _verify(url: str, part: Path, md5: str | None, size: int | None) -> None:
    came = part.stat().st_size
    expected = min(came, MAX_FILE) if size is None else size
    if came != expected:
        raise _failed(
            "The download has the wrong size and was removed",
            url,
            f"{came:,} bytes",
            f"{expected:,} bytes",
            "run it again",
        )
    if md5 is not None and (digest := md5_of(part)) != md5:
        raise _failed(
            "The download has the wrong checksum and was removed",
            url,
            f"md5 {digest}, {came:,} bytes",
            f"md5 {md5}",
            "run it again; if it comes again, the file has changed or something on the way alters it",
        )


def md5_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _failed(problem: str, url: str, given, expected, remedy: str) -> DownloadFailed:
    return DownloadFailed(problem, given=f"{given} from {url}", expected=expected, remedy=remedy)
