"""The console's third-party files are exactly those of their releases."""

from __future__ import annotations

import hashlib

from tests.project.vendored_assets import ASSETS, FOLDER, NOTICE


def test_the_files_are_those_of_the_notice() -> None:
    """NOTICE names every file with its package, version, path, licence and SHA-256."""
    lines = NOTICE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line.count("\t") == 4][1:]
    assert rows == [
        [
            asset.file,
            f"{asset.package} {asset.version}",
            asset.path,
            asset.licence,
            hashlib.sha256((FOLDER / asset.file).read_bytes()).hexdigest(),
        ]
        for asset in ASSETS
    ]
    assert {path.name for path in FOLDER.iterdir()} == {asset.file for asset in ASSETS} | {"NOTICE"}


def test_the_notice_contains_the_licences() -> None:
    """MIT and Apache-2.0 require that."""
    text = NOTICE.read_text(encoding="utf-8")
    assert text.count("Permission is hereby granted, free of charge") == 2
    assert text.count("Apache License") >= 1
