"""The README is true: its commands, options, folders, links and examples exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from features.reading.mapping import load_mapping
from repurchase.cli import app
from tests.worlds import order_rows, write_csv

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CLI = typer.main.get_command(app)


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """Return the words of every command of the `sh` blocks, comments off and continued lines joined."""
    lines = "\n".join(blocks("sh")).replace("\\\n", " ").splitlines()
    started = [line for line in lines if re.match(r"(make|(\.venv/bin/)?repurchase)\b", line)]
    return [shlex.split(line, comments=True) for line in started]


OURS = [words for words in commands() if words[0].endswith("repurchase")]
TARGETS = sorted(
    {word for words in commands() if words[0] == "make" for word in words[1:] if "=" not in word}
)


def test_the_readme_shows_both_kinds_of_command() -> None:
    assert OURS and TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_of_make_exists(target: str) -> None:
    assert re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("words", OURS, ids=lambda words: " ".join(words[1:3]))
def test_a_command_is_parsed_as_it_is_written(words: list[str]) -> None:
    assert isinstance(CLI, TyperGroup)
    name, *rest = words[1:]
    assert name in CLI.commands
    CLI.commands[name].make_context(name, rest)  # click raises for an unknown option or a missing argument


def test_the_two_commands_of_the_newcomer_stand_there() -> None:
    assert {"demo", "test"} <= set(TARGETS)


def test_make_targets_named_in_the_text_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`make ([a-z-]+)`", README))
    assert {name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()


def test_options_named_in_the_text_exist() -> None:
    assert isinstance(CLI, TyperGroup)
    known = {option for one in CLI.commands.values() for parameter in one.params for option in parameter.opts}
    named = set(re.findall(r"`(--[a-z][a-z-]*)", README))
    assert named <= known


def test_every_folder_and_file_that_is_linked_exists() -> None:
    linked = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", README) if "://" not in link]
    assert linked and [link for link in linked if not (ROOT / link).exists()] == []


def test_the_folder_map_holds_every_room() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert {room for room in rooms if f"{room}/" not in README} == set()


@pytest.mark.parametrize("text", blocks("toml"), ids=lambda text: text.split(" ", 1)[0])
def test_a_mapping_is_read_as_it_is_written(tmp_path: Path, text: str) -> None:
    (tmp_path / "shop.toml").write_text(text, encoding="utf-8")
    assert load_mapping(tmp_path / "shop.toml").columns


def test_the_python_of_the_data_scientist_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(tmp_path / "orders.csv", order_rows(customers=40, days=200, seed=1))
    monkeypatch.chdir(tmp_path)
    runnable = [text for text in blocks("python") if "import " in text]
    for text in runnable:
        exec(compile(text, "README.md", "exec"), {})
    assert runnable
