"""The examples that `mockserver faults KIND` prints describe the same fault in every notation."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from helpers.reports import catalogue
from helpers.shell import run

from mockserver.core.yaml_reader import read_yaml
from mockserver.faults.parsing import parse_fault, parse_text
from mockserver.faults.registry import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_the_notations_describe_the_same_fault(kind: str, tmp_path: Path) -> None:
    """YAML, header, `--fault` and admin JSON are read as the same fault."""
    shown = run("faults", kind).stdout
    example = json.loads(run("faults", kind, "--json").stdout)["example"]
    flow = re.search(r"^    - (\{.*\})$", shown, re.MULTILINE)
    option = re.search(r"--fault '?(.*?)'?$", shown, re.MULTILINE)
    body = re.search(r"/__admin/faults .* -d '(\{.*\})'$", shown, re.MULTILINE)
    assert flow
    assert option
    assert body
    file = tmp_path / "fault.yaml"
    file.write_text(flow[1], encoding="utf-8")
    expected = parse_fault(example, catalogue())
    for given in (read_yaml(file).value, parse_text(option[1]), json.loads(body[1])):
        assert parse_fault(given, catalogue()) == expected
    if not KINDS[kind].compares_requests:
        header = re.search(r"^  X-Mock-Fault: (.*)$", shown, re.MULTILINE)
        assert header
        assert parse_fault(parse_text(header[1]), catalogue(), once=True).kind == expected.kind
