"""The Dockerfile, and the recipes for GitHub Actions, GitLab and Kubernetes: they parse, and their commands run.

`make container-check` builds the image and runs it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.dockerfile import ROOT, copied_sources, ignored_but, instructions
from helpers.programs import need
from helpers.server_process import CLEAN, MOCKSERVER, ServerProcess, serving

PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
HERE = Path(__file__).parent
CLIENT = ROOT / "tests" / "clients" / "client.sh"
TOKEN = "made-up-token"


def document(name: str) -> Any:
    """Return the parsed YAML of a recipe; one with several documents as a list."""
    documents = list(yaml.safe_load_all((HERE / name).read_text(encoding="utf-8")))
    return documents[0] if len(documents) == 1 else documents


# The image


def environment() -> dict[str, str]:
    """Return the environment of the image's last stage."""
    return dict(pair.split("=", 1) for text in instructions("ENV") for pair in shlex.split(text))


def test_the_image_gets_what_it_copies_and_nothing_else() -> None:
    """`.dockerignore` lets through exactly the sources of COPY; the test of the wheel builds from them."""
    assert sorted(copied_sources()) == sorted(ignored_but())


def test_the_image_runs_as_a_user_by_number() -> None:
    """Kubernetes accepts `runAsNonRoot` only for a number, and it is not 0."""
    (user,) = instructions("USER")
    assert re.fullmatch("[1-9][0-9]*:[1-9][0-9]*", user)


def test_the_image_serves_with_a_token_only_and_knows_when_it_is_healthy() -> None:
    """ENTRYPOINT and CMD in ENV start a server on every address; HEALTHCHECK succeeds while it runs."""
    entrypoint, command = (yaml.safe_load(instructions("ENTRYPOINT")[0]), yaml.safe_load(instructions("CMD")[0]))
    assert [*entrypoint, *command] == ["mockserver", "serve"]
    settings = {name: value for name, value in environment().items() if name.startswith("MOCKSERVER_")}
    refused = subprocess.run(
        [*MOCKSERVER, *command], env={**CLEAN, **settings}, capture_output=True, text=True, timeout=30, check=False
    )
    assert refused.returncode == 2
    assert "--admin-token" in refused.stderr
    healthcheck = instructions("HEALTHCHECK")[0].partition("CMD ")[2]
    with serving(MOCKSERVER_ADMIN_TOKEN=TOKEN, **settings) as server:
        # Only a server on every address answers at this one.
        with urllib.request.urlopen(f"http://127.0.0.2:{server.port}/__admin/health", timeout=10) as answer:
            assert answer.status == 200
        environ = {**CLEAN, "PATH": PATH, "MOCKSERVER_PORT": str(server.port)}
        assert subprocess.run(["sh", "-c", healthcheck], env=environ, timeout=30, check=False).returncode == 0
        server.stop()
        assert subprocess.run(["sh", "-c", healthcheck], env=environ, timeout=30, check=False).returncode == 1


# CI services


class Job:
    """A job of a CI service, in a folder of its own, beside the server that its service describes."""

    def __init__(self, folder: Path, server: ServerProcess, token: str) -> None:
        self.folder, self.server, self.token = folder, server, token
        self.environ = {**CLEAN, "PATH": f"{folder}{os.pathsep}{PATH}"}
        # `docker exec CONTAINER COMMAND` and `docker logs CONTAINER`, without a container.
        inside = f"MOCKSERVER_URL={server.url} MOCKSERVER_ADMIN_TOKEN={token}"
        self.program("docker", f'[ "$1" = exec ] || exit 0\nshift 2\n{inside} exec "$@"')

    def program(self, name: str, script: str) -> None:
        """Write a program into the folder."""
        file = self.folder / name
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)

    def run(self, script: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run one step, as both services do: a shell that stops at the first failure."""
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.folder, env={**self.environ, **environ}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


CALLS = {
    "a correct client": f'bash {CLIENT} "$MOCKSERVER_URL" query_room_info \'{{"RoomId": "987654321"}}\'',
    "a wrong client": f'bash {CLIENT} "$MOCKSERVER_URL" query_room_info \'{{"RoomId": 1}}\'',
}


def expanded(text: str, **values: str) -> str:
    """Return a text of a GitHub workflow with its `${{ … }}` replaced."""
    text = re.sub(r"\$\{\{ (.*?) \}\}", lambda match: values[match[1].replace(".", "_")], text)
    assert "${{" not in text
    return text


@pytest.mark.parametrize("client", CALLS)
def test_the_github_workflow_reports_and_fails_for_violations(client: str, tmp_path: Path) -> None:
    """Its steps pass for a correct client; the report is in the summary of the run either way."""
    need("curl", "openssl", "bash", "od")
    job = document("github-actions.yaml")["jobs"]["contract"]
    service = job["services"]["mockserver"]
    values = {"github_run_id": "7", "job_services_mockserver_id": "container"}
    settings = {name: expanded(value, **values) for name, value in service["env"].items()}
    ours = {name: expanded(value, **values) for name, value in job["env"].items()}
    assert service["ports"] == [f"{port}:{port}" for port in instructions("EXPOSE")]
    assert ours["MOCKSERVER_ADMIN_TOKEN"] == settings["MOCKSERVER_ADMIN_TOKEN"]
    with serving("--host", "0.0.0.0", **settings) as server:
        here = Job(tmp_path, server, settings["MOCKSERVER_ADMIN_TOKEN"])
        here.program("run-my-tests", CALLS[client])
        ours |= {"MOCKSERVER_URL": server.url, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
        codes = {}
        for step in job["steps"]:
            if "run" in step:
                environ = {name: expanded(value, **values) for name, value in step.get("env", {}).items()}
                done = here.run(step["run"], {**ours, **environ})
                codes[" ".join(step["run"].split()[:2])] = done.returncode, done.stderr
    report = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "1 request " in report
    assert codes["./run-my-tests"] == (0, "")
    assert codes["docker exec"][0] == (0 if client == "a correct client" else 1), codes


@pytest.mark.parametrize("client", CALLS)
def test_the_gitlab_job_reports_and_fails_for_violations(client: str, tmp_path: Path) -> None:
    """Its script passes for a correct client; the report is an artifact either way."""
    need("curl", "openssl", "bash", "od")
    job = document("gitlab-ci.yaml")["contract"]
    variables: dict[str, str] = job["variables"]
    (service,) = job["services"]
    (port,) = instructions("EXPOSE")
    assert variables["MOCKSERVER_URL"] == f"http://{service['alias']}:{port}"
    settings = {**variables, "MOCKSERVER_ADMIN_TOKEN": "token-of-job-7"}
    with serving("--host", "0.0.0.0", **settings) as server:
        assert "did you mean" not in server.log
        here = Job(tmp_path, server, settings["MOCKSERVER_ADMIN_TOKEN"])
        here.program("run-my-tests", CALLS[client])
        environ = {**settings, "MOCKSERVER_URL": server.url}
        script = here.run("\n".join(job["script"]), environ)
        after = here.run("\n".join(job["after_script"]), environ)
    assert script.returncode == (0 if client == "a correct client" else 1), script
    assert after.returncode == 0, after
    for artifact in job["artifacts"]["paths"]:
        assert "query_room_info" in (tmp_path / artifact).read_text(encoding="utf-8")


# Kubernetes


def test_the_kubernetes_deployment_starts_and_its_probes_succeed() -> None:
    """The container's arguments and environment start a server; every probe gets 200 without the token."""
    deployment, service = document("kubernetes.yaml")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (port,) = container["ports"]
    assert str(port["containerPort"]) in instructions("EXPOSE")
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    assert pod["enableServiceLinks"] is False
    (token,) = [each for each in container["env"] if each["name"] == "MOCKSERVER_ADMIN_TOKEN"]
    comment = (HERE / "kubernetes.yaml").read_text(encoding="utf-8").splitlines()[0]
    secret = token["valueFrom"]["secretKeyRef"]
    assert f"secret generic {secret['name']} --from-literal={secret['key']}=" in comment
    made = re.search(r'="(\$\(.*\))"', comment)
    assert made
    need("openssl")
    value = subprocess.run(["sh", "-c", f"printf %s {made[1]}"], capture_output=True, text=True, check=True).stdout
    environ = {each["name"]: each.get("value", value) for each in container["env"]}
    command, *options = container["args"]
    assert command == "serve"
    with serving("--host", "0.0.0.0", *options, **environ) as server:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            get = container[probe]["httpGet"]
            assert get["port"] == port["name"]
            # The kubelet calls by address and sends no token.
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{get['path']}", timeout=10) as answer:
                assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"http://127.0.0.1:{server.port}/__admin/apps", timeout=10)
