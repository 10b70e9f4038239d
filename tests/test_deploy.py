"""What stands in the files of operation exists: commands, options, paths, names."""

from __future__ import annotations

import re
import shlex
import tomllib
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml  # type: ignore[import-untyped]

from repurchase.cli import app

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
UNITS = ("repurchase.service", "repurchase-rank.service")


def require_command(words: list[str]) -> None:
    """Fail unless the command line knows this command with these options."""
    command = typer.main.get_command(app).commands[words[0]]  # type: ignore[attr-defined]
    command.make_context(words[0], words[1:])


def after_the_program(line: str) -> list[str]:
    words = shlex.split(line)
    return words[words.index("repurchase.cli") + 1 :]


def unit(name: str) -> RawConfigParser:
    found = RawConfigParser(strict=False)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read_string((ROOT / "deploy" / name).read_text())
    return found


def dockerfile_stages() -> dict[str, str]:
    parts = re.split(r"^FROM \S+ AS (\w+)$", DOCKERFILE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


# ---------------------------------------------------------------- Dockerfile
def test_every_package_is_copied_into_the_image_and_nothing_that_is_not_there() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    assert set(packages["packages"]) <= names and all((ROOT / name).exists() for name in names)
    let_in = (ROOT / ".dockerignore").read_text()
    assert all(f"!{name}\n" in let_in for name in names)


def test_the_server_image_has_the_serving_group_alone() -> None:
    groups = dict(
        re.findall(r"UV_PROJECT_ENVIRONMENT=/opt/(\w+) uv sync --frozen --only-group (\w+)", DOCKERFILE)
    )
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert groups["server"] == "serving" and set(groups.values()) <= set(known)


def test_no_image_runs_as_root_and_the_server_says_how_it_is() -> None:
    stages = dockerfile_stages()
    assert "USER repurchase" in stages["base"] and "USER root" not in DOCKERFILE
    assert "HEALTHCHECK" in stages["server"] and "/health/live" in stages["server"]


def test_the_images_command_is_one_that_exists() -> None:
    words = re.findall(r'"([^"]*)"', dockerfile_stages()["server"].split("\nCMD ")[1])
    require_command(words)


# ---------------------------------------------------------------- compose.yaml
@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_names_is_declared(name: str) -> None:
    service = SERVICES[name]
    assert ("image" in service) != ("build" in service)
    assert set(service.get("networks", [])) <= set(COMPOSE["networks"])
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert set(service.get("depends_on", {})) <= set(SERVICES)
    assert service.get("build", {"target": "base"})["target"] in dockerfile_stages()
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert source in COMPOSE["volumes"] or source in ("./data", "./keys") or (ROOT / source).exists()


def test_whoever_is_waited_for_says_when_it_is_healthy() -> None:
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert (
                "healthcheck" in SERVICES[name]
                or "HEALTHCHECK" in dockerfile_stages()[SERVICES[name]["build"]["target"]]
            )


@pytest.mark.parametrize("name", ["server", "nightly"])
def test_the_services_commands_exist(name: str) -> None:
    require_command(SERVICES[name]["command"])


def test_the_commands_in_the_comments_exist() -> None:
    lines = (ROOT / "compose.yaml").read_text().splitlines()
    found = [
        shlex.split(line)[6:] for line in lines if line.startswith("#   docker compose run --rm nightly")
    ]
    assert [words[0] for words in found] == ["train", "rank", "key"]
    for words in found:
        require_command(words)


def test_no_password_stands_in_the_file() -> None:
    settings = [name for one in SERVICES.values() for name in one.get("environment", {})]
    assert not [name for name in settings if "PASSWORD" in name and not name.endswith("_FILE")]
    assert all(set(one) == {"file"} for one in COMPOSE["secrets"].values())


def test_only_the_proxy_can_be_reached_from_outside() -> None:
    open_to_all = [
        name
        for name, service in SERVICES.items()
        if any(not port.startswith("127.0.0.1:") for port in service.get("ports", []))
    ]
    assert open_to_all == ["proxy"]
    assert SERVICES["proxy"]["networks"] == SERVICES["server"]["networks"] == ["front"]


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "database"])
def test_our_services_can_write_only_where_they_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


# ---------------------------------------------------------------- proxies
def test_the_proxies_wait_for_no_header_for_long() -> None:
    assert "read_header 10s" in (ROOT / "deploy/Caddyfile").read_text()
    assert "client_header_timeout 10s;" in (ROOT / "deploy/nginx.conf").read_text()


def test_the_proxies_show_no_figures_outside() -> None:
    assert "path /metrics /health/*" in (ROOT / "deploy/Caddyfile").read_text()
    assert "^/(metrics|health/)" in (ROOT / "deploy/nginx.conf").read_text()


# ---------------------------------------------------------------- systemd and cron
@pytest.mark.parametrize("name", UNITS)
def test_the_units_commands_exist(name: str) -> None:
    require_command(after_the_program(unit(name)["Service"]["ExecStart"]))


@pytest.mark.parametrize("name", UNITS)
def test_the_units_are_hardened(name: str) -> None:
    service = unit(name)["Service"]
    hardened = {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "CapabilityBoundingSet": "",
    }
    assert {key: service[key] for key in hardened} == hardened and service["User"] == "repurchase"


def test_the_timer_has_its_service() -> None:
    assert unit("repurchase-rank.timer")["Timer"]["Persistent"] == "true"
    assert (ROOT / "deploy/repurchase-rank.service").is_file()


def test_the_crontabs_command_exists() -> None:
    lines = (ROOT / "deploy/crontab").read_text().splitlines()
    (command,) = [line for line in lines if line.startswith("30 2 * * * ")]
    require_command(after_the_program(command))


# ---------------------------------------------------------------- docs/operations.md
def test_the_commands_of_the_guide_exist() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/operations.md").read_text(), flags=re.DOTALL)
    commands = [shlex.split(line, comments=True)[1:] for block in blocks for line in block.splitlines()
                if line.startswith("repurchase ")]  # fmt: skip
    assert {"key", "prepare", "rank"} <= {words[0] for words in commands}
    for words in commands:
        require_command(words)


def test_the_guides_figures_have_the_services_names() -> None:
    asked = set(re.findall(r"\brepurchase_[a-z_]+\b", (ROOT / "docs/operations.md").read_text()))
    known = (ROOT / "serving/guarding/metrics.py").read_text()
    assert asked and not [name for name in asked if re.sub(r"_(total|bucket)$", "", name) not in known]


def test_the_guides_files_exist() -> None:
    found = re.findall(r"\]\(([^)]+)\)", (ROOT / "docs/operations.md").read_text())
    assert found and all((ROOT / "docs" / name).exists() for name in found)
