"""The signing lines of the READMEs compute the right checksum in each language."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers.markdown import blocks

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
KEYS = ("MADE/UP+secret+of+the+mock+one==", "made-up-restapikey-one", "1575962400")
CHECKSUM = "adc59a998f8e479a01763ae9cca51af3c7c31f85"
PROGRAMS = {
    "java": (
        "Sign.java",
        """public class Sign {{ public static void main(String[] args) throws Exception {{
            String appsecret = args[0], restapikey = args[1], curtime = args[2];
            {snippet}
            System.out.println(checksum); }} }}""",
        ["java", "Sign.java"],
    ),
    "js": (
        "sign.cjs",
        "const [appsecret, restapikey, curtime] = process.argv.slice(2);\n{snippet}\nconsole.log(checksum);",
        ["node", "sign.cjs"],
    ),
    "go": (
        "sign.go",
        """package main
import ("crypto/sha1"; "fmt"; "os")
func main() {{
    appsecret, restapikey, curtime := os.Args[1], os.Args[2], os.Args[3]
    {snippet}
    fmt.Println(checksum)
}}""",
        ["go", "run", "sign.go"],
    ),
    "php": (
        "sign.php",
        "<?php [, $appsecret, $restapikey, $curtime] = $argv;\n{snippet}\necho $checksum, PHP_EOL;",
        ["php", "sign.php"],
    ),
}
"""For each language: the file, the program around the snippet, and the command that runs it."""


@pytest.mark.parametrize("readme", READMES)
@pytest.mark.parametrize("language", PROGRAMS)
def test_a_signing_snippet_computes_the_documented_checksum(language: str, readme: str, tmp_path: Path) -> None:
    """A client that copies the snippet signs as §1.1.2 says."""
    name, program, command = PROGRAMS[language]
    if shutil.which(command[0]) is None:
        assert "CI" not in os.environ, f"{command[0]} is missing: .ci/run installs it"
        pytest.skip(f"{command[0]} is not installed")
    (snippet,) = blocks(ROOT / readme, language)
    (tmp_path / name).write_text(program.format(snippet=snippet), encoding="utf-8")
    environ = {**os.environ, "GOCACHE": str(tmp_path / "cache"), "GO111MODULE": "off"}
    done = subprocess.run(
        [*command, *KEYS], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == CHECKSUM, done.stdout + done.stderr
