"""The files of deploy/ describe services that can be started: every service has what it needs, and
every setting is one that the program reads.

Docker is not part of the tests, so these are read, not run. Each rule is first shown a file that
breaks it.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from visil_dash.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "deploy").glob("compose*.yaml"))
# Of the Compose specification, what these files use.
TOP = {"name", "services", "volumes"}
SERVICE = {
    "image",
    "build",
    "command",
    "entrypoint",
    "environment",
    "ports",
    "volumes",
    "depends_on",
    "healthcheck",
    "restart",
    "shm_size",
    "cap_drop",
    "security_opt",
}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
NOT_SETTINGS = {"VISIL_DASH_ALLOW_PUBLIC"}  # of `serve`
DURATION = r"([0-9]+(h|m|s|ms))+"


def known_settings() -> set[str]:
    return {f"VISIL_DASH_{name.upper()}" for name in Settings.model_fields} | NOT_SETTINGS


def complaints(text: str, folder: Path) -> Iterator[str]:
    content = yaml.safe_load(text)
    top = {key for key in content if not key.startswith("x-")}
    yield from (f"{key} is no key of a compose file" for key in top - TOP)
    named = set(content.get("volumes") or {})
    for name, service in content["services"].items():
        others = {k: v for k, v in content["services"].items() if k != name}
        for problem in wrong_in_service(service, named, others, folder):
            yield f"{name}: {problem}"


def wrong_in_service(
    service: Mapping[str, Any], volumes: set[str], others: Mapping[str, Any], folder: Path
) -> Iterator[str]:
    yield from (f"{key} is no key of a service" for key in service.keys() - SERVICE)
    if not re.fullmatch(r"[\w./-]+:v?[\w.-]*\d[\w.-]*", service.get("image", "")):
        yield "its image has no version"
    if "." in service.get("image", "").split("/")[0].split(":")[0]:
        yield "its image names a host"
    if "build" in service:
        context = folder / service["build"]["context"]
        if not (context / service["build"]["dockerfile"]).is_file():
            yield "its Dockerfile does not exist"
    yield from wrong_in_healthcheck(service.get("healthcheck"))
    for volume in service.get("volumes", []):
        if volume.split(":")[0] not in volumes:
            yield f"volume {volume} is not declared"
    for port in service.get("ports", []):
        if not port.startswith("127.0.0.1:"):
            yield f"port {port} is open to others"
    for other, how in service.get("depends_on", {}).items():
        if other not in others or how["condition"] not in CONDITIONS:
            yield f"it waits for {other}, which does not exist"
        elif how["condition"] == "service_healthy" and "healthcheck" not in others[other]:
            yield f"it waits for the health of {other}, which is not checked"
    for variable, value in service.get("environment", {}).items():
        if not isinstance(value, str):
            yield f"{variable} is no text"
        if variable.startswith("VISIL_DASH_") and variable not in known_settings():
            yield f"{variable} is no setting"


def wrong_in_healthcheck(check: Mapping[str, Any] | None) -> Iterator[str]:
    if check is None:
        yield "its health is not checked"
        return
    if check.get("test", [""])[0] not in ("CMD", "CMD-SHELL"):
        yield "its health check is no command"
    for key in ("interval", "timeout", "start_period"):
        if key in check and not re.fullmatch(DURATION, str(check[key])):
            yield f"{key} {check[key]} is no duration"


def settings_in(text: str) -> dict[str, str]:
    """The settings of the dashboard, with the compose file's own variables replaced."""
    environment = yaml.safe_load(text)["services"]["app"].get("environment", {})
    filled = {k: re.sub(r"\$\{\w+:\?[^}]*\}", "secret", v) for k, v in environment.items()}
    return {k: v for k, v in filled.items() if k.startswith("VISIL_DASH_")}


GOOD = """
services:
  app: {image: "a:1", healthcheck: {test: [CMD, a], interval: 10s}, volumes: ["data:/data"],
        depends_on: {b: {condition: service_healthy}}, environment: {VISIL_DASH_INDEX: milvus}}
  b: {image: "b:v2", healthcheck: {test: [CMD, b]}}
volumes: {data: }
"""


@pytest.mark.parametrize(
    ("was", "then", "complaint"),
    [
        ("a:1", "a:latest", "no version"),
        ("a:1", "a", "no version"),
        ("a:1", "host.example/a:1", "names a host"),
        ("interval: 10s", "interval: 10", "is no duration"),
        ("test: [CMD, a]", "test: [a]", "no command"),
        ("data:/data", "gone:/data", "not declared"),
        ("b: {condition", "c: {condition", "which does not exist"),
        (", healthcheck: {test: [CMD, b]}", "", "not checked"),
        ("VISIL_DASH_INDEX", "VISIL_DASH_INDEKS", "no setting"),
        ("depends_on:", "depends:", "no key of a service"),
        ("volumes: {data: }", "volumes: {data: }\nserivces: {}", "no key of a compose file"),
    ],
)
def test_a_file_that_cannot_work_is_noticed(was: str, then: str, complaint: str) -> None:
    assert list(complaints(GOOD, ROOT)) == []
    found = list(complaints(GOOD.replace(was, then), ROOT))
    assert found
    assert complaint in found[0]


def test_the_files_are_those_that_the_docs_name() -> None:
    assert [path.name for path in FILES] == ["compose.cluster.yaml", "compose.yaml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_service_has_what_it_needs(path: Path) -> None:
    assert list(complaints(path.read_text(encoding="utf-8"), path.parent)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_program_takes_the_values_of_its_settings(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings_in(path.read_text(encoding="utf-8"))
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    for name in given:
        if name not in NOT_SETTINGS:
            assert name.removeprefix("VISIL_DASH_").lower() in settings.model_fields_set


def test_the_cluster_uses_all_that_can_leave_one_machine() -> None:
    given = settings_in((ROOT / "deploy" / "compose.cluster.yaml").read_text(encoding="utf-8"))
    wanted = {"INDEX", "MILVUS", "ENGINE", "RAY", "CATALOGUE", "STORE"}
    assert {f"VISIL_DASH_{name}" for name in wanted} <= given.keys()
