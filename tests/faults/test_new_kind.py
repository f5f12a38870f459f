"""A new fault kind is one new file, as the README shows: everything that lists or checks kinds finds it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import mockserver

PACKAGE = Path(mockserver.__file__).parent
HERE = Path(__file__).parent

README = (PACKAGE / "faults/README.md").read_text(encoding="utf-8")
NEW_KIND = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)[-1]
"""`stale_cache.py`, the sample of "Adding a kind"."""

PROBE = """
import mockserver
from mockserver.faults.registry import KINDS, rows
from mockserver.faults.parsing import fault_schema, parse_text
assert mockserver.__file__.startswith({root!r}), mockserver.__file__
assert parse_text("stale_cache;age=5") == {{"fault": "stale_cache", "age": 5}}
assert "stale_cache" in [row["fault"] for row in rows()]
assert "stale_cache" in fault_schema()["properties"]["fault"]["enum"]
from mockserver.core.folders import Folders
from mockserver.engine.config import load_config
from mockserver.server.admin_catalog import full_scenario_schema
config = load_config(Folders(), now=lambda: 0)
assert "stale_cache" in full_scenario_schema(config)["$defs"]["fault"]["properties"]["fault"]["enum"]
from tests.project.doc_tables import render
assert "`stale_cache`" in render("faults", "en", config)
assert "来自缓存的旧响应" in render("faults", "zh", config)
import http.client, json
with mockserver.MockServer() as mock:
    connection = http.client.HTTPConnection("127.0.0.1", mock.port)
    connection.request("GET", "/__admin/fault-kinds")
    kinds = json.loads(connection.getresponse().read())["faults"]
    assert "stale_cache" in [kind["fault"] for kind in kinds]
    connection.close()
    assert mock.admin.send("POST", "faults", {{"fault": "stale_cache", "age": 5}})["fault"] == "stale_cache"
print(KINDS["stale_cache"].family)
"""


def run(root: Path, *command: str) -> str:
    """Return what Python prints with the package under `root`."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_new_file_is_a_new_kind(tmp_path):
    """Parser, schema, tables, server and the tests of all kinds know a kind as soon as its file exists."""
    for name in ("mockserver", "schemas", "fixtures"):
        shutil.copytree(PACKAGE.parent / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "mockserver/faults/kinds/stale_cache.py").write_text(NEW_KIND, encoding="utf-8")
    for name in ("project", "helpers", "corpus"):
        shutil.copytree(HERE.parent / name, tmp_path / "tests" / name)
    assert "stale_cache" in run(tmp_path, "-m", "mockserver", "faults")
    assert run(tmp_path, "-c", PROBE.format(root=str(tmp_path))) == "gateway\n"
    for name in ("test_fault_registry.py", "fault_helpers.py"):
        shutil.copy(HERE / name, tmp_path)
    output = run(
        tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "stale_cache", "test_fault_registry.py"
    )
    passed = re.search(r"^([0-9]+) passed", output, re.MULTILINE)
    assert passed is not None, output
    assert int(passed[1]) >= 8, output
