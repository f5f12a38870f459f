"""Build the image of the Dockerfile and run it, without a container engine. `make container-check`.

Needs root, and from Debian: mmdebstrap, which makes the base image, and buildah, which builds in a plain chroot. The
image then runs as its configuration says, as process 1 on a read-only root file system with nothing mounted to write
on. Prints the sizes; they must agree with tests/README.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.helpers.dockerfile import ROOT, instructions

IMAGE = "localhost/mockserver-check"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
"""Those of this machine, for networks that inspect TLS."""
TOKEN = "made-up-token"
PROGRAMS = ("mmdebstrap", "buildah", "unshare")


def output(*command: str) -> str:
    """Return what a command prints; raise CalledProcessError when it fails."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout.strip()


def make_base(name: str, folder: Path) -> None:
    """Make a base image like Debian's slim ones from Debian's packages."""
    suite = re.fullmatch(r"debian:(\w+)-slim", name)
    assert suite, f"{name} is no slim image of Debian"
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "locale", "info")]
    archive = str(folder / "base.tar")
    output("mmdebstrap", "--quiet", "--variant=minbase", *excluded, suite[1], archive)
    container = output("buildah", "from", "scratch")
    output("buildah", "add", "--quiet", container, archive, "/")
    if Path(CERTIFICATES).exists():
        output("buildah", "add", "--quiet", container, CERTIFICATES, "/usr/local/share/ca-certificates/local.crt")
    output("buildah", "commit", "--quiet", "--rm", container, f"docker.io/library/{name}")


def build() -> None:
    """Build the image."""
    index = os.environ.get("PIP_INDEX_URL")
    arguments = ["--build-arg", f"PIP_INDEX_URL={index}"] if index else []
    output("buildah", "build", "--pull=never", "--format=docker", "--tag", IMAGE, *arguments, ".")


class Image:
    """A built image whose files are mounted."""

    def __init__(self, root: str, config: dict[str, Any]) -> None:
        self.root, self.config = root, config

    def command(self, words: list[str], **environ: str) -> list[str]:
        """Return the command that runs words in the image, as process 1 and on a root that cannot be written."""
        mounts = 'mount --bind "$0" "$0"; mount --rbind /dev "$0/dev"; mount -t proc proc "$0/proc"'
        script = f'set -e; {mounts}; mount -o remount,ro,bind "$0"; exec "$@"'
        settings = [*self.config["Env"], *(f"{name}={value}" for name, value in environ.items())]
        chroot = ["/usr/sbin/chroot", f"--userspec={self.config['User']}", "--groups=", self.root]
        return [
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, self.root,
            "env", "-i", *settings, *chroot, *words,
        ]  # fmt: skip

    def run(self, words: list[str], **environ: str) -> subprocess.CompletedProcess[str]:
        """Run words in the image to their end."""
        return subprocess.run(self.command(words, **environ), capture_output=True, text=True, timeout=60, check=False)

    @property
    def serve(self) -> list[str]:
        """What the image runs."""
        return [*self.config["Entrypoint"], *self.config["Cmd"]]

    @property
    def healthcheck(self) -> list[str]:
        """The words of its HEALTHCHECK."""
        kind, *words = self.config["Healthcheck"]["Test"]
        return ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else words


@contextlib.contextmanager
def mounted() -> Iterator[Image]:
    """The built image, with its files mounted."""
    container = output("buildah", "from", "--pull=never", IMAGE)
    try:
        config = json.loads(output("buildah", "inspect", "--type", "image", IMAGE))["Docker"]["config"]
        yield Image(output("buildah", "mount", container), config)
    finally:
        output("buildah", "rm", container)


def check_files(image: Image) -> None:
    """Check that the image has the installed wheel and no sources, and that its user owns nothing."""
    root = Path(image.root)
    assert not (root / "src").exists()
    assert not (root / "wheel").exists()
    assert list((root / "opt").rglob("mockserver/__main__.py"))
    user = image.config["User"].partition(":")[0]
    assert int(user) > 0
    owned = output("find", image.root, "-xdev", "-uid", user)
    assert not owned, owned


def check_serving(image: Image) -> None:
    """Check that it needs a token, serves on a read-only root, is healthy, answers, and stops on SIGTERM."""
    refused = image.run(image.serve)
    assert refused.returncode == 2, refused
    assert "--admin-token" in refused.stderr, refused
    assert "Read-only" in image.run(["touch", "/tmp/x"]).stderr

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    environ = {"MOCKSERVER_PORT": port, "MOCKSERVER_ADMIN_TOKEN": TOKEN}
    command = image.command(image.serve, **environ)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            assert line.startswith(f"mockserver ready on {url} "), line
            assert "pid 1," in line, line
            healthy = image.run(image.healthcheck, **environ)
            assert healthy.returncode == 0, healthy
            call = image.run(["mockserver", "call", "query_room_info", "RoomId=987654321", "--url", url])
            assert json.loads(call.stdout)["ErrorCode"] == 0, call
            docs = urllib.request.Request(f"{url}/__admin/docs", headers={"Authorization": f"Bearer {TOKEN}"})
            with urllib.request.urlopen(docs, timeout=10) as answer:
                assert answer.status == 200
            # Process 1 ignores signals that it does not handle.
            (child,) = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            os.kill(int(child), signal.SIGTERM)
            assert server.wait(20) == 0
        finally:
            server.kill()
    unhealthy = image.run(image.healthcheck, **environ)
    assert unhealthy.returncode == 1, unhealthy


def check_sizes(image: Image, folder: Path) -> None:
    """Check that the sizes are those of tests/README.md, within a tenth."""
    usage = output("du", "--summarize", "--one-file-system", "--block-size=1M", image.root)
    unpacked = int(usage.split()[0])
    archive = folder / "archive"
    output("buildah", "push", "--quiet", IMAGE, f"oci:{archive}")
    packed = sum(path.stat().st_size for path in archive.rglob("*") if path.is_file()) // 2**20
    print(f"image: {unpacked} MB unpacked, {packed} MB compressed")
    text = (ROOT / "tests/README.md").read_text(encoding="utf-8")
    documented = re.search(r"(\d+) MB unpacked, (\d+) MB compressed", text)
    assert documented
    for written, measured in zip(documented.groups(), (unpacked, packed), strict=True):
        assert abs(int(written) - measured) <= measured / 10, f"tests/README.md says {written} MB"


def main() -> int:
    """Build and check the image; return 2 when a program is missing."""
    if os.geteuid() != 0 or not all(map(shutil.which, PROGRAMS)):
        print("needs root, and: apt-get install mmdebstrap buildah", file=sys.stderr)
        return 2
    # So that `finally` ends the server and unmounts when this is terminated.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        storage = folder / "storage.conf"
        lines = ("[storage]", 'driver = "vfs"', f'graphroot = "{folder}/images"', f'runroot = "{folder}/run"')
        storage.write_text("\n".join(lines), encoding="utf-8")
        # A chroot instead of namespaces, which not every machine allows.
        os.environ |= {"BUILDAH_ISOLATION": "chroot", "CONTAINERS_STORAGE_CONF": str(storage)}
        for base in sorted({text.split()[0] for text in instructions("FROM")}):
            make_base(base, folder)
        build()
        with mounted() as image:
            check_files(image)
            check_serving(image)
            check_sizes(image, folder)
    print("The image builds, starts on a read-only root, is healthy, answers and stops.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
