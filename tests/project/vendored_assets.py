"""The console's third-party files; `python -m tests.project.vendored_assets` fetches them from npm (`make assets`).

They are stored as published, except that a bare import of `preact` names the file beside it, because a page without
inline scripts has no import map.
"""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[2] / "mockserver" / "server" / "pages" / "vendor"
NOTICE = FOLDER / "NOTICE"


class Asset(NamedTuple):
    """One file of an npm package."""

    file: str  # Its name here.
    package: str
    version: str
    path: str  # Its path in the package.
    licence: str


ASSETS = (
    Asset("preact.mjs", "preact", "11.2.0", "dist/preact.mjs", "MIT"),
    Asset("hooks.mjs", "preact", "11.2.0", "hooks/dist/hooks.mjs", "MIT"),
    Asset("htm.mjs", "htm", "3.1.1", "dist/htm.mjs", "Apache-2.0"),
    Asset("uplot.js", "uplot", "1.6.32", "dist/uPlot.iife.min.js", "MIT"),
    Asset("uplot.css", "uplot", "1.6.32", "dist/uPlot.min.css", "MIT"),
)
REWRITTEN = (b'from"preact"', b'from"./preact.mjs"')


def as_stored(content: bytes) -> bytes:
    """Return a published file as it is stored."""
    return content.replace(*REWRITTEN)


def notice(files: dict[str, bytes], licences: dict[str, str]) -> str:
    """Return the text of NOTICE: a table of the files with their hashes, then the licences."""
    rows = [
        f"{asset.file}\t{asset.package} {asset.version}\t{asset.path}\t{asset.licence}\t"
        f"{hashlib.sha256(files[asset.file]).hexdigest()}\n"
        for asset in ASSETS
    ]
    texts = [f"\n{'-' * 80}\n{package}\n{'-' * 80}\n\n{text.strip()}\n" for package, text in licences.items()]
    head = (
        "Third-party files in this folder, from npm, byte for byte except that the bare import of preact is\n"
        "./preact.mjs. `make assets` fetches them again.\n\nfile\tpackage\tpath in the package\tlicence\tSHA-256\n"
    )
    return head + "".join(rows) + "".join(texts)


def fetch() -> None:
    """Fetch every file, and write it and NOTICE."""
    files: dict[str, bytes] = {}
    licences: dict[str, str] = {}
    for package, version in sorted({(asset.package, asset.version) for asset in ASSETS}):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["npm", "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True, stdout=subprocess.DEVNULL
            )
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                names = archive.getnames()

                def read(path: str, archive: tarfile.TarFile = archive) -> bytes:
                    file = archive.extractfile(f"package/{path}")
                    assert file is not None, path
                    return file.read()

                files |= {asset.file: as_stored(read(asset.path)) for asset in ASSETS if asset.package == package}
                licence = next(name for name in names if name.upper().startswith("PACKAGE/LICEN"))
                licences[f"{package} {version}"] = read(licence.removeprefix("package/")).decode()
    for name, content in files.items():
        (FOLDER / name).write_bytes(content)
    NOTICE.write_text(notice(files, licences), encoding="utf-8")


if __name__ == "__main__":
    fetch()
