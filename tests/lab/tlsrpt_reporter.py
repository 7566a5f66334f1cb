"""tlsrpt-reporter, which is not ours to carry: the wheels that "pip install" takes in a machine without a network.

    for wheel in wheels(): …       # of the folder that MTASTS_TLSRPT_REPORTER names, else from PyPI, once

Such a folder is made by "pip download --no-deps --dest FOLDER 'tlsrpt-reporter<0.7'", as docs/tlsrpt.md asks for it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import packages
from packages import LabError

GUIDE = packages.REPOSITORY / "docs/tlsrpt.md"
DOWNLOADED = packages.REPOSITORY / ".lab" / "tlsrpt-reporter"
VARIABLE = "MTASTS_TLSRPT_REPORTER"


def wheels() -> list[Path]:
    """Raises LabError where there are none and PyPI does not give any."""
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else DOWNLOADED
    found = sorted(folder.glob("tlsrpt_reporter-*.whl"))
    if found:
        return found
    if named:
        raise LabError(f"{VARIABLE} is {named}, where no tlsrpt_reporter-*.whl is")
    _download()
    return sorted(folder.glob("tlsrpt_reporter-*.whl"))


def _download() -> None:
    wanted = re.search(r"pip install '([^']+)'", GUIDE.read_text(encoding="utf-8"))
    assert wanted
    result = subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--retries", "1", "--dest", str(DOWNLOADED), wanted[1]],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip().splitlines()
        raise LabError(f"tlsrpt-reporter could not be downloaded ({said[-1] if said else 'pip said nothing'}); {VARIABLE} may name a folder with its wheel")
