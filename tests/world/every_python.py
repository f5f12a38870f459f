"""Compare the digest of the generated worlds on every installed Python from 3.10 on, each with its own NumPy.

Run by `make test-pythons`. It creates an environment in `build/pythons/` for each Python (from pyenv or the path) and
exits with 1 if their digests differ.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OLD_NUMPY = {10: "numpy==1.26.*", 12: "numpy==2.0.*"}
"""Minor versions that are tested with an older NumPy; the others use the newest."""


def pythons() -> dict[str, str]:
    """Return the path of one Python of each minor version, by version."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {}
    for minor in range(10, 20):
        choices = [*sorted(versions.glob(f"3.{minor}.*/bin/python")), shutil.which(f"python3.{minor}")]
        choices = [choice for choice in choices if choice]
        if choices:
            found[f"3.{minor}"] = str(choices[0])
    return found


def digest(version: str, python: str) -> str:
    """Return the digest that a Python computes in its own environment."""
    home = ROOT / "build" / "pythons" / version
    inside = home / "bin" / "python"
    numpy = OLD_NUMPY.get(int(version.split(".")[1]), "numpy")
    if not inside.exists():
        subprocess.run([python, "-m", "venv", str(home)], check=True)
        subprocess.run(
            [str(inside), "-m", "pip", "install", "-q", "--only-binary", ":all:", numpy, "orjson", "PyYAML"], check=True
        )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [str(inside), str(HERE / "world_digest.py")], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def main() -> int:
    """Compare all Pythons."""
    digests = {}
    with ThreadPoolExecutor(2) as pool:
        found = {version: pool.submit(digest, version, python) for version, python in pythons().items()}
    for version, future in found.items():
        try:
            digests[version] = future.result()
        except subprocess.CalledProcessError as error:
            print(f"{version}: {error}\n{error.stderr or ''}", file=sys.stderr)
        else:
            print(version, digests[version])
    if len(digests) < 2:
        print("only one Python found: nothing to compare", file=sys.stderr)
    return 0 if len(set(digests.values())) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
