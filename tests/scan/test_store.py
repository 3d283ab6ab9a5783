"""The store keeps what is finished, notices what is damaged, and refuses what is not its own."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from numerics.scan import Cut, Here, Store, StoreError, run_plan
from numerics.scan import store as store_module
from tests.scan.conftest import objective_of_seed, plan_of, scanned, starts_of, tree


class Stops(Exception):
    """Ends a run after some chunks."""


def partly(directory: Path, objective, plan, chunks: int) -> None:
    """Run until so many chunks are stored."""
    store = Store.open(directory, plan)

    def report(_, spent) -> None:
        if spent.chunks == chunks:
            raise Stops

    try:
        with pytest.raises(Stops):
            run_plan(objective, starts_of(objective, plan), store, Here(), report=report)
    finally:
        store.close()


@pytest.mark.parametrize("chunks", [1, 2, 3, 5, 8])
def test_a_run_that_stopped_is_continued_and_repeats_nothing(chunks, objective, run, tmp_path) -> None:
    plan = plan_of(objective)
    whole = run(objective, plan)
    partly(tmp_path / "part", objective, plan, chunks)
    spent = scanned(tmp_path / "part", objective, plan)
    assert spent.chunks == plan.block_count * plan.segment_count - chunks
    assert tree(tmp_path / "part") == tree(whole)


def test_a_finished_scan_computes_nothing_again(objective, run) -> None:
    plan = plan_of(objective)
    directory = run(objective, plan)
    before = tree(directory)
    assert scanned(directory, objective, plan).chunks == 0
    assert tree(directory) == before


def damage(path: Path, kind: str) -> None:
    content = bytearray(path.read_bytes())
    match kind:
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "header only":
            path.write_bytes(content[:40])
        case "one byte":
            content[-3] ^= 1
            path.write_bytes(content)
        case "gone":
            path.unlink()
        case "longer":
            path.write_bytes(bytes(content) + b"more")


@pytest.mark.parametrize("kind", ["truncated", "header only", "one byte", "gone", "longer"])
@pytest.mark.parametrize("name", ["spectrum", "final_parameters", "det_sign", "eta"])
def test_damaged_arrays_are_computed_again(kind, name, objective, run) -> None:
    plan = plan_of(objective)
    directory = run(objective, plan)
    before = tree(directory)
    damage(directory / f"{name}.npy", kind)
    spent = scanned(directory, objective, plan)
    assert tree(directory) == before
    assert (spent.chunks > 0) == (kind != "longer" and name != "eta")


@pytest.mark.parametrize("kind", ["truncated", "header only", "one byte", "gone"])
def test_damaged_states_are_computed_again(kind, objective, run, tmp_path) -> None:
    plan = plan_of(objective)
    whole = tree(run(objective, plan))
    partly(tmp_path / "part", objective, plan, 4)
    for path in (tmp_path / "part" / "states").glob("*.npz"):
        damage(path, kind)
    scanned(tmp_path / "part", objective, plan)
    assert tree(tmp_path / "part") == whole


@pytest.mark.parametrize("run_index", [0, 5])
def test_damage_before_the_kept_state_is_computed_again(run_index, objective, run, tmp_path) -> None:
    plan = plan_of(objective)
    whole = tree(run(objective, plan))
    partly(tmp_path / "part", objective, plan, 8)
    path = tmp_path / "part" / "loss.npy"
    loss = np.load(path)
    loss.reshape(6, -1)[run_index, 0] += 1.0
    np.save(path, loss)
    spent = scanned(tmp_path / "part", objective, plan)
    assert spent.chunks == 2
    assert tree(tmp_path / "part") == whole


@pytest.mark.parametrize("kind", ["truncated", "header only", "gone"])
def test_a_damaged_ledger_is_begun_anew(kind, objective, run, tmp_path) -> None:
    plan = plan_of(objective)
    whole = tree(run(objective, plan))
    partly(tmp_path / "part", objective, plan, 4)
    damage(tmp_path / "part" / "ledger.sqlite", kind)
    scanned(tmp_path / "part", objective, plan)
    assert tree(tmp_path / "part") == whole


def test_another_plan_is_refused_and_named(objective, run) -> None:
    directory = run(objective, plan_of(objective))
    before = tree(directory)
    for changes, word in (
        ({"identity": "changed"}, "the problem file, its data or its starts"),
        ({"steps": 40}, "steps"),
        ({"step_sizes": (0.1, 0.5)}, "step_sizes"),
        ({"cut": Cut(3, 3)}, "checkpoint"),
    ):
        with pytest.raises(StoreError, match=word):
            Store.open(directory, plan_of(objective, **changes))
    assert tree(directory) == before


def test_two_writers_at_a_time_are_refused(objective, tmp_path) -> None:
    plan = plan_of(objective)
    store = Store.open(tmp_path / "scan", plan)
    with pytest.raises(StoreError, match="another process"):
        Store.open(tmp_path / "scan", plan)
    store.close()
    Store.open(tmp_path / "scan", plan).close()


def fails_after(count: int, real, code: int):
    """The system call, which fails from the count-th time on."""
    calls = iter(range(10**9))

    def call(*args, **kwargs):
        if next(calls) >= count:
            raise OSError(code, os.strerror(code))
        return real(*args, **kwargs)

    return call


@pytest.mark.parametrize("call", ["pwrite", "fsync", "posix_fallocate"])
@pytest.mark.parametrize("count", [0, 1, 5, 40])
def test_a_full_disk_is_said_and_nothing_finished_is_lost(
    call, count, objective, run, tmp_path, monkeypatch
) -> None:
    plan = plan_of(objective)
    whole = tree(run(objective, plan))
    with monkeypatch.context() as patch:
        patch.setattr(store_module.os, call, fails_after(count, getattr(os, call), errno.ENOSPC))
        if call == "posix_fallocate" and count == 40:
            scanned(tmp_path / "part", objective, plan)
        else:
            with pytest.raises(StoreError, match="disk is full; what was finished is kept"):
                scanned(tmp_path / "part", objective, plan)
    finished = ledger_chunks(tmp_path / "part")
    spent = scanned(tmp_path / "part", objective, plan)
    assert spent.chunks == plan.block_count * plan.segment_count - finished
    assert tree(tmp_path / "part") == whole


def ledger_chunks(directory: Path) -> int:
    connection = sqlite3.connect(directory / "ledger.sqlite")
    try:
        return connection.execute("SELECT count(*) FROM chunks").fetchone()[0]
    finally:
        connection.close()


def test_a_ledger_that_cannot_grow_is_said(objective, run, tmp_path) -> None:
    plan = plan_of(objective)
    whole = tree(run(objective, plan))
    store = Store.open(tmp_path / "part", plan)
    store._connection.execute("PRAGMA max_page_count=5")
    with pytest.raises(StoreError, match="full"):
        run_plan(objective, starts_of(objective, plan), store, Here(), report=fill_up(store))
    store.close()
    scanned(tmp_path / "part", objective, plan)
    assert tree(tmp_path / "part") == whole


def fill_up(store: Store):
    """Leave no page to the ledger after the first chunk."""

    def report(*_) -> None:
        store._connection.execute("CREATE TABLE IF NOT EXISTS filler (text TEXT)")
        with store._connection:
            store._connection.execute("INSERT INTO filler VALUES (?)", ("x" * 100_000,))

    def said(*args) -> None:
        try:
            report(*args)
        except sqlite3.Error as error:
            raise StoreError(f"expected to write the ledger but got: {error}") from None

    return said


def test_a_directory_that_cannot_be_made_is_said(objective, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another --out"):
        Store.open(tmp_path / "file" / "scan", plan_of(objective))


def test_arrays_are_documented_and_load_in_three_lines(objective, run) -> None:
    plan = plan_of(objective)
    directory = run(objective, plan)
    for field in plan.fields:
        array = np.load(directory / f"{field.name}.npy")
        sizes = {"eta": 3, "seed": 2, "step": len(plan.record_steps)} | dict(field.inner)
        assert array.shape == tuple(sizes[name] for name in field.dimensions)
        assert array.dtype == np.dtype(field.dtype)
        assert array.flags.c_contiguous
    assert np.load(directory / "step.npy").tolist() == [0, 4, 8, 12, 16, 20, 24, 28, 30]


def test_states_do_not_pile_up(objective, tmp_path) -> None:
    plan = plan_of(objective)
    partly(tmp_path / "part", objective, plan, 7)
    assert len(list((tmp_path / "part" / "states").iterdir())) <= plan.block_count
    shutil.rmtree(tmp_path / "part")


def test_plans_survive_their_document() -> None:
    plan = plan_of(objective_of_seed())
    again = type(plan).of_document(plan.document())
    assert again == plan and again.fingerprint() == plan.fingerprint()
