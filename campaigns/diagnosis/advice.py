"""What to do about a finding: texts that the shop may write anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from campaigns.declarations import read_declarations, require_sections
from campaigns.diagnosis.seasons import Season, read_seasons
from contracts.errors import DeclarationError, nearest


@dataclass(frozen=True)
class Advice:
    """One finding's text. says: what it means; todo: what to do, each one thing."""

    name: str
    label: str
    says: str
    todo: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.label.strip() or not self.says.strip() or not all(one.strip() for one in self.todo):
            raise DeclarationError("a text is empty. Write it, or switch the entry off with `off = true`.")


@dataclass(frozen=True)
class Texts:
    """The advice and the seasons that a diagnosis uses, by name."""

    advice: dict[str, Advice]
    seasons: dict[str, Season]


def read_texts(path: Path | None = None) -> Texts:
    """Read our advice and seasons, and the shop's: [advice.NAME] and [season.NAME] of one TOML file.

    Raises DeclarationError with the file, the entry, what was found and the nearest known name.
    """
    if path is not None:
        require_sections(path, ("advice", "season"))
    advice = read_declarations(Advice, section="advice", default="diagnosis/advice.toml", path=path)
    known = read_declarations(Advice, section="advice", default="diagnosis/advice.toml")
    for name in advice:
        if name not in known:
            raise DeclarationError(
                f"{path}, [advice.{name}]: no finding has this name{nearest(name, known) or '.'} "
                f"Known: {', '.join(known)}."
            )
    return Texts(advice, read_seasons(path))
