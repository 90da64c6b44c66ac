"""The command line: ``python -m core``. The commands are in :mod:`core.cli`, a file each."""

import sys

from core.cli import main

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        # A terminal that has no "−" or "×" shows "?" instead of failing.
        stream.reconfigure(errors="replace")
    sys.exit(main())
