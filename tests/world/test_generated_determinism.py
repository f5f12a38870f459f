"""The same parameters give the same bytes: in every process, time zone, hash seed and Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from world_digest import digest_of_worlds
from worlds import same

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.generated import generated_world

GOLDEN = "17f20c8248447c9997eb628859a0945011a4f16077faa7c33f0d0fe9d60f6eb8"
"""The digest on every machine, Python and NumPy; it changes only if the world changes on purpose."""
HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def interpreters() -> list[str]:
    """The installed Pythons from 3.10 on except this one, one for each minor version, preferably with NumPy."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = []
    for minor in range(10, 20):
        if minor != sys.version_info.minor:
            prepared = sorted(ROOT.glob(f"build/pythons/3.{minor}/bin/python"))
            managed = sorted(versions.glob(f"3.{minor}.*/bin/python"))
            on_path = [Path(path) for path in [shutil.which(f"python3.{minor}")] if path]
            found += [str(path) for path in [*prepared, *managed, *on_path][:1]]
    return found


def digest_in(python: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Compute the digest in another process."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [python, str(HERE / "world_digest.py")],
        env={**clean, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_worlds_have_the_golden_digest():
    """Three worlds on four days have the recorded digest."""
    assert digest_of_worlds() == GOLDEN


@pytest.mark.parametrize(
    ("hash_seed", "zone"), [("0", "UTC"), ("1", "America/New_York"), ("4242", "Pacific/Kiritimati")]
)
def test_another_process_gives_the_same_worlds(hash_seed, zone):
    """Neither hash randomisation nor the time zone affects a world."""
    done = digest_in(sys.executable, PYTHONHASHSEED=hash_seed, TZ=zone)
    assert done.stdout.strip() == GOLDEN, done.stderr


@pytest.mark.parametrize("python", interpreters())
def test_another_python_gives_the_same_worlds(python):
    """Every installed Python with NumPy computes the same bytes."""
    has = subprocess.run([python, "-c", "import numpy, orjson"], capture_output=True, check=False, timeout=60)
    if has.returncode:
        pytest.skip(f"{python} lacks NumPy or orjson; `make test-pythons` creates environments with it")
    done = digest_in(python, PYTHONHASHSEED="7", TZ="Asia/Shanghai")
    assert done.stdout.strip() == GOLDEN, done.stderr


def test_threads_do_not_disturb_each_other():
    """Concurrent lookups of one world give the same rows as lookups in one thread."""
    start = parse_day("20200603")
    spans = [(start + at * 7_200, start + at * 7_200 + DAY_SECONDS // 4) for at in range(24)]
    alone = [generated_world({}).sessions_between(*span) for span in spans]
    world = generated_world({})
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda span: world.sessions_between(*span), spans * 3))
    assert all(same(left, right) for left, right in zip(together, alone * 3, strict=True))
