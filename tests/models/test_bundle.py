from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from contracts.errors import ArtifactError
from models.bundle import load_bundle, verify, write_bundle
from models.contract import read_numbers
from tests import worlds

pytestmark = pytest.mark.lab  # long searches: make test-lab

WHOLE = [
    "ensemble.json", "free.txt", "gamma_gamma.json", "golden.json", "level.json", "lightgbm.json",
    "manifest.json", "orders.txt", "references.json", "spend.txt", "spend_level.json", "spread.json",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(worlds.trained().folder, tmp_path / "bundle")


def manifest_of(folder: Path) -> dict[str, Any]:
    return read_numbers(folder / "manifest.json")


def load(folder: Path) -> Any:
    return load_bundle(folder, in_child_first=False)


# ---------------------------------------------------------------- what is written
def test_the_bundle_holds_the_parts_and_the_base(folder: Path) -> None:
    base = worlds.trained().model.base.name
    assert sorted(path.name for path in folder.iterdir()) == sorted([*WHOLE, f"{base}.json"])


def test_the_manifest_lists_size_and_sha256_of_every_other_file(folder: Path) -> None:
    listed = manifest_of(folder)["files"]
    for path in set(folder.iterdir()) - {folder / "manifest.json"}:
        data = path.read_bytes()
        assert listed.pop(path.name) == {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    assert listed == {}


def test_the_manifest_tells_versions_features_horizons_and_figures(folder: Path) -> None:
    manifest = manifest_of(folder)
    assert {"numpy", "lightgbm", "lifetimes", "repurchase"} <= set(manifest["versions"])
    assert all(len(source_hash) == 16 for source_hash in manifest["features"].values())
    assert (manifest["format"], manifest["horizons"], manifest["as_of"]) == (
        2,
        [30, 90, 180, 365],
        "2022-02-05",
    )
    assert manifest["backtest"]["metrics"]["ensemble"]["auc"] > 0.7


def test_the_manifest_has_no_time_path_or_run_id(folder: Path) -> None:
    text = (folder / "manifest.json").read_text()
    assert not any(
        word in text for word in ("/", "\\", "run_id", "scored_at", "T00:", str(worlds.home().name))
    )


def test_a_loaded_bundle_answers_to_the_bit_as_the_model_that_was_written(folder: Path) -> None:
    bundle, model = load(folder), worlds.trained().model
    assert bundle.version == worlds.trained().version
    for horizon in (1, 45, 90, 365, 400):
        ours, theirs = (
            one.predict(worlds.columns(), horizon, day=worlds.AS_OF) for one in (bundle.model, model)
        )
        assert ours.p.tolist() == theirs.p.tolist()
        assert ours.expected_value.tolist() == theirs.expected_value.tolist()


def test_a_whole_bundle_passes_its_trial_in_a_child_process(folder: Path) -> None:
    assert load_bundle(folder).features == tuple(manifest_of(folder)["features"])


def test_the_version_follows_from_the_content(folder: Path, tmp_path: Path) -> None:
    trained, sample = worlds.trained(), worlds.columns()
    plain = {"features": {}, "horizons": [90]}
    versions = [
        write_bundle(tmp_path / name, model, manifest=plain, sample=sample)
        for name, model in (
            ("one", trained.model), ("same", trained.model), ("other", replace(trained.model, slope=1.01)),
        )
    ]  # fmt: skip
    assert versions[0] == versions[1] != versions[2]


def test_a_folder_that_holds_anything_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="is not empty"):
        write_bundle(tmp_path, worlds.trained().model, manifest={}, sample=worlds.columns())
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


# ---------------------------------------------------------------- what is refused
def cut(path: Path, random: Random) -> None:
    path.write_bytes(path.read_bytes()[: random.randrange(path.stat().st_size)])


def flip(path: Path, random: Random) -> None:
    data = bytearray(path.read_bytes())
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def grow(path: Path, random: Random) -> None:
    path.write_bytes(path.read_bytes() + random.randbytes(3))


def remove(path: Path, random: Random) -> None:
    path.unlink()


def link(path: Path, random: Random) -> None:
    path.rename(path.parent.parent / path.name)
    path.symlink_to(path.parent.parent / path.name)


def replace_by_folder(path: Path, random: Random) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = [cut, flip, grow, remove, link, replace_by_folder]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", WHOLE)
def test_a_damaged_file_is_refused(folder: Path, name: str, damage: Callable[[Path, Random], None]) -> None:
    for seed in range(3 if damage in (cut, flip) else 1):
        copy = shutil.copytree(folder, folder.parent / f"{seed}" / "bundle")
        damage(copy / name, Random(f"{name}{seed}"))
        with pytest.raises(ArtifactError, match="bundle"):
            load(copy)


def test_a_bit_flipped_anywhere_in_the_manifest_is_noticed(folder: Path) -> None:
    whole, random = (folder / "manifest.json").read_bytes(), Random(8)
    unnoticed = []
    for _ in range(100):
        flip(folder / "manifest.json", random)
        with suppress(ArtifactError):
            verify(folder)
            unnoticed.append((folder / "manifest.json").read_bytes())
        (folder / "manifest.json").write_bytes(whole)
    assert not unnoticed


@pytest.mark.parametrize("text", ["[]", "1", '"text"', "{}", "", "{", '{"files": []}', '{"files": {"a": 1}}'])
def test_a_manifest_of_another_shape_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ArtifactError, match="bundle"):
        load(folder)


@pytest.mark.parametrize("name", ["extra.json", ".hidden", "orders.txt~"])
def test_a_foreign_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("{}")
    with pytest.raises(ArtifactError, match=f"{name} is not in the manifest"):
        load(folder)


def test_no_parser_sees_a_file_of_a_damaged_bundle(folder: Path) -> None:
    """LightGBM aborts the process on a booster that is cut in a line: this test would not come back."""
    (folder / "orders.txt").write_bytes((folder / "orders.txt").read_bytes()[:5_000])
    with pytest.raises(ArtifactError, match=r"orders\.txt is not the file that the manifest describes"):
        load(folder)


def rewrite(folder: Path, **changes: Any) -> None:
    """Change the manifest; where it carries a checksum of its own (as the store's does), that too."""
    manifest = {**manifest_of(folder), **changes}
    if manifest.pop("sha256", None):
        manifest["sha256"] = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def resealed(folder: Path, name: str, data: bytes) -> None:
    """Change a file and its checksum: damage that a checksum cannot see."""
    (folder / name).write_bytes(data)
    entry = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    rewrite(folder, files={**manifest_of(folder)["files"], name: entry})


def test_a_booster_that_was_cut_before_it_was_sealed_dies_in_the_child_alone(folder: Path) -> None:
    resealed(folder, "orders.txt", (folder / "orders.txt").read_bytes()[:5_000])
    with pytest.raises(ArtifactError, match="loading it failed"):
        load_bundle(folder)


def test_a_booster_that_was_cut_in_its_parameters_is_refused_whether_or_not_it_loads(folder: Path) -> None:
    """LightGBM looks for their end beyond the text: it may load here, and abort the next process."""
    whole = (folder / "free.txt").read_bytes()
    resealed(folder, "free.txt", whole[: whole.index(b"[monotone_constraints") + 6])
    with pytest.raises(ArtifactError, match="loading it failed"):
        load_bundle(folder)


def test_a_booster_of_another_text_format_is_refused_with_the_version_that_wrote_it(folder: Path) -> None:
    rewrite(folder, versions={**manifest_of(folder)["versions"], "lightgbm": "5.0.0"})
    load_bundle(folder)  # another version alone is no reason
    text = (folder / "orders.txt").read_bytes()
    resealed(folder, "orders.txt", text.replace(b"version=v4", b"version=v5", 1))
    with pytest.raises(
        ArtifactError, match=r"with LightGBM 5\.0\.0, .* orders\.txt is not what .*Install LightGBM 5"
    ):
        load_bundle(folder)


def test_other_answers_than_the_golden_ones_are_refused(folder: Path) -> None:
    golden = read_numbers(folder / "golden.json")
    golden["curve"][3][2] += 1e-6
    resealed(folder, "golden.json", json.dumps(golden).encode())
    with pytest.raises(ArtifactError, match="does not give its golden answers"):
        load(folder)


def test_another_spend_than_the_golden_one_is_refused(folder: Path) -> None:
    golden = read_numbers(folder / "golden.json")
    golden["spend"][0] *= 1.001
    resealed(folder, "golden.json", json.dumps(golden).encode())
    with pytest.raises(ArtifactError, match="does not give its golden answers"):
        load(folder)


def test_a_bundle_of_another_format_is_refused(folder: Path) -> None:
    rewrite(folder, format=99)
    with pytest.raises(ArtifactError, match="bundle format 99; this version reads 2"):
        load(folder)


@pytest.mark.parametrize("name", ["", "nowhere", "file"])
def test_what_is_no_bundle_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("{}")
    with pytest.raises(ArtifactError, match="is no model bundle"):
        load(tmp_path / name)


def test_the_golden_rows_are_spread_over_the_base(folder: Path) -> None:
    rows = read_numbers(folder / "golden.json")["columns"]
    frequency = np.array(rows["frequency"])
    assert len(frequency) == 16 and frequency.min() == 0 and frequency.max() > 5
