"""The two processes behind the queue: ``python -m core.jobs serve DEVICE`` and ``python -m core.jobs work ID DEVICE``."""

import sys
from contextlib import suppress

from core.errors import PruneScopeError


def main(what: str, *arguments: str) -> None:
    """Be a dispatcher or a worker."""
    if what == "serve":
        from core.jobs.dispatcher import serve

        serve(*arguments)
    elif what == "work":
        from core.jobs.dispatcher import advance
        from core.jobs.worker import work, yield_to_the_app

        yield_to_the_app()
        work(*arguments)
        # If the dispatcher was killed meanwhile and nobody looks at the page, the queue goes on all the same.
        with suppress(PruneScopeError):
            advance()
    else:
        sys.exit("usage: python -m core.jobs serve DEVICE | work ID DEVICE")


if __name__ == "__main__":
    main(*(sys.argv[1:] or [""]))
