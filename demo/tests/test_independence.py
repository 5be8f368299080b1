"""The proof needs nothing but Python: what it says can't depend on the code it judges."""

import subprocess
import sys
from pathlib import Path

import pytest

import demo

ROOT = Path(demo.__file__).resolve().parent.parent


@pytest.mark.parametrize("module", ["tree", "change", "manifest", "compare", "report"])
def test_the_module_runs_on_the_standard_library_alone(module: str) -> None:
    code = f"import sys; sys.path.insert(0, sys.argv[1]); import demo.{module}; print(*sys.modules)"
    done = subprocess.run(  # -S: no site-packages, so no package of the project either
        [sys.executable, "-B", "-E", "-S", "-c", code, ROOT], capture_output=True, text=True, check=True
    )
    assert not [name for name in done.stdout.split() if name.startswith("sbs_")]
