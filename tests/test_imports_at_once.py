"""Threads that import the engine at the same time: the app's first visitors, and the thread that warms it up.

``from package import module`` inside the package waits for all of the package. If another thread has begun with the package and
waits for just that module, Python ends the deadlock by handing out a module that is half there, and the import fails.
"""

import ast
import subprocess
import sys

import pytest

from core.files import PROJECT

# Packages of which other parts import single modules.
PACKAGES = ("data", "evaluation")
# What pages, jobs and commands begin with, beside what warms the app up; each failed with one of these written the other way.
BEGUN = ("core.recipes", "core.runs", "core.own", "core.report")
SCRIPT = """
import importlib, sys, threading
sys.setswitchinterval(1e-6)
failed = []
def work(name):
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed.append(f"{name}: {error}")
threads = [threading.Thread(target=work, args=(name,)) for name in sys.argv[1:]]
for thread in threads: thread.start()
for thread in threads: thread.join()
sys.exit("; ".join(failed) or 0)
"""


@pytest.mark.parametrize("name", BEGUN)
def test_two_threads_may_begin_to_import_the_engine_at_once(name):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "core.whatif", name], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_waits_for_the_package_that_it_is_part_of(package):
    for file in sorted((PROJECT / "core" / package).glob("*.py")):
        if file.name != "__init__.py":
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                assert not (isinstance(node, ast.ImportFrom) and node.module == f"core.{package}"), (
                    f"{file}:{node.lineno}: import names from the module, not the module from its package"
                )
