"""Settings in the environment: what counts as set, what Kubernetes injects, and misspelt names."""

from __future__ import annotations

import pytest

from mockserver.core.settings import environment_warnings, from_environment

KUBERNETES = {
    "MOCKSERVER_PORT": "tcp://10.96.0.10:8080",
    "MOCKSERVER_PORT_8080_TCP": "tcp://10.96.0.10:8080",
    "MOCKSERVER_PORT_8080_TCP_ADDR": "10.96.0.10",
    "MOCKSERVER_PORT_8080_TCP_PORT": "8080",
    "MOCKSERVER_PORT_8080_TCP_PROTO": "tcp",
    "MOCKSERVER_SERVICE_HOST": "10.96.0.10",
    "MOCKSERVER_SERVICE_PORT": "8080",
    "MOCKSERVER_SERVICE_PORT_HTTP": "8080",
}
"""What a pod gets for a Service named mockserver."""
OTHER_SERVICE = {
    "MOCKSERVER_ADMIN_PORT": "udp://10.96.0.11:1",
    "MOCKSERVER_ADMIN_PORT_1_UDP": "udp://10.96.0.11:1",
    "MOCKSERVER_ADMIN_SERVICE_HOST": "10.96.0.11",
}


def test_a_set_variable_has_a_value() -> None:
    """An empty or blank variable is unset, blanks around a value are not part of it; other variables are ignored."""
    environ = {"MOCKSERVER_PORT": " 1\n", "MOCKSERVER_LANG": "", "MOCKSERVER_NOW": " \t", "PORT": "3", "MOCKSERVER_X": "2"}  # fmt: skip
    assert from_environment(environ) == {"port": "1"}
    assert environment_warnings(environ) == []


def test_a_repeatable_setting_has_one_value_per_line() -> None:
    """Blanks belong to a value."""
    environ = {"MOCKSERVER_FAULT": "error;name=server_busy;info=try again later\nlatency;fixed_ms=1\n"}
    assert from_environment(environ) == {"fault": ["error;name=server_busy;info=try again later", "latency;fixed_ms=1"]}


@pytest.mark.parametrize("scheme", ["tcp", "udp", "sctp"])
def test_variables_of_kubernetes_are_ignored_with_one_message(scheme: str) -> None:
    """Also those of a Service with a longer name, regardless of other variables."""
    environ = {name: value.replace("tcp", scheme) for name, value in KUBERNETES.items()} | OTHER_SERVICE
    assert from_environment({**environ, "MOCKSERVER_LANG": "zh"}) == {"lang": "zh"}
    (warning,) = environment_warnings(environ)
    assert warning.en.startswith(
        "MOCKSERVER_ADMIN_PORT, MOCKSERVER_ADMIN_PORT_1_UDP, MOCKSERVER_ADMIN_SERVICE_HOST and 8 more: ignored; Kubernetes "
    )
    assert "--port" in warning.en
    assert "等 11 个变量：已忽略" in warning.zh
    (warning,) = environment_warnings({"MOCKSERVER_SERVICE_HOST": "10.96.0.10"})
    assert warning.en.startswith("MOCKSERVER_SERVICE_HOST: ignored; ")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MOCKSERVER_SCENARO", "MOCKSERVER_SCENARIO"), ("MOCKSERVER_PROT", "MOCKSERVER_PORT"), ("MOCKSERVER_READINGS", "MOCKSERVER_READING"),
        ("MOCKSERVER_TOKEN", "MOCKSERVER_ADMIN_TOKEN"), ("MOCKSERVER_ANSWERHEADERS", "MOCKSERVER_ANSWER_HEADERS"),
        ("MOCKSERVER_scenario", "MOCKSERVER_SCENARIO"), ("mockserver_port", "MOCKSERVER_PORT"), ("MOCKSERVER_APP_KEY", "MOCKSERVER_APPKEY"),
    ],
)  # fmt: skip
def test_a_misspelt_variable_gets_a_suggestion(name: str, meant: str) -> None:
    """In both languages, and even when it is empty."""
    assert [tuple(warning) for warning in environment_warnings({name: ""})] == [
        (f"{name}: no such variable; did you mean {meant}?", f"{name}：没有这个变量；是否为 {meant}？")
    ]


def test_variables_of_others_are_left_alone() -> None:
    """Those of the commands that call a server, and names that resemble no setting."""
    for name in ("MOCKSERVER_URL", "MOCKSERVER_CA", "MOCKSERVER_APPKEY", "MOCKSERVER_IMAGE", "MOCKSERVER_", "X_MOCKSERVER_PROT"):  # fmt: skip
        assert environment_warnings({name: "x"}) == []
