"""Each command against a real repository."""

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from sbs_restic.cli import Located, Outcome, Repository, Runner, RunnerSettings
from sbs_restic.cli.commands import (
    backup,
    cat_config,
    check,
    dump,
    forget,
    init,
    key_add,
    ls,
    restore,
    snapshots,
    stats,
    unlock,
    version,
)
from sbs_restic.cli.errors import (
    CommandFailedError,
    InvalidPathError,
    InvalidPatternError,
    InvalidRequestError,
    KilledError,
    NothingSelectedError,
    PathNotInSnapshotError,
    SourceMissingError,
    WrongPasswordError,
)
from sbs_restic.cli.messages import CheckError, ItemError, Node

ODD_NAMES = [
    *(
        b"[x]",
        b"star*",
        b"what?",
        b"back\\slash",
        b"{a,b}",
        b"^caret",
        b"!bang",
        b"-dash",
        b"#hash",
        b"$HOME",
        b"$$",
    ),
    *(b" leading", b"trailing ", b"both  ", b"\t", b"cr\r", b"nbsp\xc2\xa0", b"\xe3\x80\x80"),
    *(b"new\nline", b"end\n", b"\n"),
    *(b"caf\xe9", b"\xff\xfe*[", "привет [1].txt".encode()),
]


@pytest.fixture
def source(folder: Path) -> Path:
    path = folder / "src"
    (path / "docs" / "deep").mkdir(parents=True)
    (path / "a.txt").write_text("alpha")
    (path / "docs" / "b.txt").write_text("beta")
    (path / "docs" / "c.LOG").write_text("gamma")
    (path / "docs" / "deep" / "d.txt").write_text("delta")
    return path


def whole(source: Path, **more: object) -> backup.BackupRequest:
    return replace(backup.BackupRequest(sources=(str(source),), host="machine"), **more)  # type: ignore[arg-type]  # of any field


async def names(runner: Runner, repository: Repository, snapshot: str, folder: str | bytes) -> list[str]:
    found: list[Node] = []
    await ls.run(runner, repository, snapshot, folder, found.append)
    return [node.name for node in found]


async def test_version_is_the_one_that_was_located(runner: Runner, restic: Located) -> None:
    assert (await version.run(runner)).version == restic.version_text


async def test_init_gives_the_id_that_cat_config_gives(runner: Runner, folder: Path) -> None:
    repository = Repository.local(folder / "new", SecretStr("pw"))
    made = await init.run(runner, repository)
    config = await cat_config.run(runner, repository)
    assert (config.id, config.version) == (made.id, 2)


async def test_init_with_a_template_cuts_data_alike(
    runner: Runner, repository: Repository, folder: Path
) -> None:
    new = Repository.local(folder / "new", SecretStr("other"))
    await init.run(runner, new, template=repository)
    ours, theirs = await cat_config.run(runner, new), await cat_config.run(runner, repository)
    assert ours.chunker_polynomial == theirs.chunker_polynomial
    assert ours.id != theirs.id


def test_init_refuses_a_template_behind_other_certificates(repository: Repository, folder: Path) -> None:
    with pytest.raises(InvalidRequestError, match="same certificates"):
        init.build_args(repository, template=replace(repository, cacert=folder / "ca.pem"))


async def test_a_second_key_opens_the_repository_too(runner: Runner, repository: Repository) -> None:
    key_id = await key_add.run(runner, repository, SecretStr("second"), user="agent", host="machine")
    assert Path(repository.location, "keys", key_id).is_file()
    await cat_config.run(runner, replace(repository, password=SecretStr("second")))
    with pytest.raises(WrongPasswordError):
        await cat_config.run(runner, replace(repository, password=SecretStr("third")))


async def test_a_backup_carries_what_was_asked_for(
    runner: Runner, repository: Repository, source: Path
) -> None:
    when = datetime(2024, 2, 29, 12, 30, 5, tzinfo=UTC)
    first = await backup.run(runner, repository, whole(source))
    second = await backup.run(
        runner,
        repository,
        whole(
            source,
            tags=("job:1", "portal:visible"),
            time=when,
            parent=first.summary.snapshot_id,
            compression="max",
        ),
    )
    found = {snapshot.id: snapshot for snapshot in await snapshots.run(runner, repository)}
    snapshot = found[second.summary.snapshot_id]
    assert snapshot.tags == ("job:1", "portal:visible")
    assert snapshot.time == when
    assert snapshot.parent == first.summary.snapshot_id
    assert snapshot.hostname == "machine"
    assert snapshot.paths == (str(source),)
    assert (second.summary.files_new, second.summary.files_unmodified) == (0, 4)
    assert [one.id for one in await snapshots.run(runner, repository, tags=["job:1"])] == [snapshot.id]


async def test_a_dry_run_writes_no_snapshot(runner: Runner, repository: Repository, source: Path) -> None:
    result = await backup.run(runner, repository, whole(source, dry_run=True))
    assert (result.outcome, result.summary.files_new) == (Outcome.OK, 4)
    assert await snapshots.run(runner, repository) == []


async def test_excludes_leave_out_and_includes_keep(
    runner: Runner, repository: Repository, source: Path
) -> None:
    left = await backup.run(runner, repository, whole(source, excludes=("deep",), iexcludes=("*.log",)))
    assert left.summary.total_files_processed == 2
    kept = await backup.run(
        runner, repository, whole(source, includes=("*.txt",), iincludes=("*.log",), excludes=("docs/deep",))
    )
    assert kept.summary.total_files_processed == 3
    folders = await backup.run(runner, repository, whole(source, includes=("deep",)))
    assert await names(runner, repository, folders.summary.snapshot_id, f"{source}/docs") == ["deep"]


async def test_includes_that_match_nothing_are_an_error(
    runner: Runner, repository: Repository, source: Path
) -> None:
    with pytest.raises(NothingSelectedError, match=str(source)):
        await backup.run(runner, repository, whole(source, includes=("*.nothing",)))
    assert await snapshots.run(runner, repository) == []


async def test_a_missing_source_is_reported_and_all_missing_is_an_error(
    runner: Runner, repository: Repository, source: Path
) -> None:
    errors: list[ItemError] = []
    request = backup.BackupRequest(sources=(str(source), "/does/not/exist"), host="h")
    result = await backup.run(runner, repository, request, on_item_error=errors.append)
    assert (result.outcome, result.item_errors) == (Outcome.INCOMPLETE, 1)
    assert [(error.item, error.during) for error in errors] == [("/does/not/exist", "source")]
    with pytest.raises(SourceMissingError, match="/does/not/exist"):
        await backup.run(runner, repository, backup.BackupRequest(sources=("/does/not/exist",), host="h"))


@pytest.mark.parametrize(
    "bad", [{"sources": ("relative",)}, {"sources": ()}, {"tags": ("a,b",)}, {"excludes": ("[",)}]
)
def test_requests_that_restic_would_misread_are_refused(
    bad: dict[str, object], repository: Repository
) -> None:
    with pytest.raises((InvalidPathError, InvalidRequestError, InvalidPatternError)):
        backup.build_args(repository, whole(Path("/x"), **bad))


async def test_very_long_lines_are_read(runner: Runner, repository: Repository, folder: Path) -> None:
    """The paths of a snapshot are one line: here of more than a mebibyte."""
    many = folder / "many"
    many.mkdir()
    for number in range(5000):
        (many / f"{'x' * 220}{number}.txt").touch()
    result = await backup.run(runner, repository, whole(many, includes=("*.txt",)))
    [snapshot] = await snapshots.run(runner, repository)
    assert len(snapshot.paths) == 5000
    assert sum(len(path) for path in snapshot.paths) > 1024 * 1024
    listed = 0

    async def count(_: Node) -> None:
        nonlocal listed
        listed += 1

    seen = await ls.run(runner, repository, result.summary.snapshot_id, str(many), count)
    assert seen is not None
    assert (listed, len(seen.paths)) == (5000, 5000)


async def test_ls_lists_one_folder(runner: Runner, repository: Repository, source: Path) -> None:
    result = await backup.run(runner, repository, whole(source))
    snapshot = result.summary.snapshot_id
    assert await names(runner, repository, snapshot, str(source)) == ["a.txt", "docs"]
    assert await names(runner, repository, snapshot, "/") == [source.parts[1]]
    with pytest.raises(PathNotInSnapshotError, match="no folder"):
        await names(runner, repository, snapshot, "/nowhere")
    with pytest.raises(PathNotInSnapshotError, match="no folder, but of the type file"):
        await names(runner, repository, snapshot, f"{source}/a.txt")
    with pytest.raises(InvalidPathError):
        await names(runner, repository, snapshot, "docs")


@pytest.fixture
def odd(folder: Path) -> Path:
    path = folder / "odd"
    path.mkdir()
    for name in ODD_NAMES:
        Path(os.fsdecode(os.fsencode(path) + b"/" + name)).write_bytes(name)
    return path


def contents(folder: bytes) -> dict[bytes, bytes]:
    with os.scandir(folder) as entries:
        return {entry.name: Path(os.fsdecode(entry.path)).read_bytes() for entry in entries}


async def test_each_odd_name_is_restored_alone(
    runner: Runner, repository: Repository, odd: Path, folder: Path
) -> None:
    result = await backup.run(runner, repository, whole(odd))
    assert result.outcome is Outcome.OK
    snapshot = result.summary.snapshot_id

    async def one(number: int, name: bytes) -> list[bytes]:
        target = folder / f"out{number}"
        request = restore.RestoreRequest(
            snapshot=snapshot, subfolder=str(odd), target=str(target), includes=(b"/" + name,)
        )
        await restore.run(runner, repository, request)
        return list(contents(os.fsencode(target)))

    slots = asyncio.Semaphore(3)

    async def in_turn(number: int, name: bytes) -> list[bytes]:
        async with slots:
            return await one(number, name)

    restored = await asyncio.gather(*(in_turn(number, name) for number, name in enumerate(ODD_NAMES)))
    assert restored == [[name] for name in ODD_NAMES]


async def test_all_odd_names_are_restored_together_from_the_root(
    runner: Runner, repository: Repository, odd: Path, folder: Path
) -> None:
    result = await backup.run(runner, repository, whole(odd))
    target = folder / "out"
    request = restore.RestoreRequest(
        snapshot=result.summary.snapshot_id,
        target=str(target),
        includes=tuple(os.fsencode(odd) + b"/" + name for name in ODD_NAMES),
        verify=True,
    )
    restored = await restore.run(runner, repository, request)
    below = os.fsencode(str(target) + str(odd))
    assert restored.outcome is Outcome.OK
    assert contents(below) == {name: name for name in ODD_NAMES}


async def test_dump_takes_odd_names_too(runner: Runner, repository: Repository, odd: Path) -> None:
    result = await backup.run(runner, repository, whole(odd))
    for name in (b"[x]", b"caf\xe9", b"-dash"):
        got = bytearray()

        async def write(chunk: bytes, into: bytearray = got) -> None:
            into += chunk

        await dump.run(runner, repository, result.summary.snapshot_id, os.fsencode(odd) + b"/" + name, write)
        assert bytes(got) == name
    with pytest.raises(CommandFailedError, match="not found"):
        await dump.run(runner, repository, result.summary.snapshot_id, f"{odd}/none", write)


@pytest.mark.parametrize(
    ("overwrite", "expected"),
    [
        (restore.Overwrite.NEVER, "mine"),
        (restore.Overwrite.ALWAYS, "alpha"),
        (restore.Overwrite.IF_NEWER, "mine"),
    ],
)
async def test_overwrite_modes(
    overwrite: restore.Overwrite, expected: str, runner: Runner, repository: Repository, source: Path
) -> None:
    result = await backup.run(runner, repository, whole(source))
    (source / "a.txt").write_text("mine")
    (source / "docs" / "b.txt").unlink()
    request = restore.RestoreRequest(
        snapshot=result.summary.snapshot_id, subfolder=str(source), target=str(source), overwrite=overwrite
    )
    restored = await restore.run(runner, repository, request)
    assert restored.outcome is Outcome.OK
    assert (source / "a.txt").read_text() == expected
    assert (source / "docs" / "b.txt").read_text() == "beta"


async def test_a_dry_restore_writes_nothing(
    runner: Runner, repository: Repository, source: Path, folder: Path
) -> None:
    result = await backup.run(runner, repository, whole(source))
    request = restore.RestoreRequest(
        snapshot=result.summary.snapshot_id, subfolder=str(source), target=str(folder / "out"), dry_run=True
    )
    restored = await restore.run(runner, repository, request)
    assert restored.summary.total_bytes == len("alphabetagammadelta")
    assert not (folder / "out").exists()
    with pytest.raises(InvalidRequestError, match="choose one"):
        await restore.run(runner, repository, replace(request, verify=True))


async def test_restoring_from_an_unknown_snapshot_fails(
    runner: Runner, repository: Repository, folder: Path
) -> None:
    with pytest.raises(CommandFailedError, match="failed to find snapshot"):
        await restore.run(
            runner, repository, restore.RestoreRequest(snapshot="f" * 64, target=str(folder / "out"))
        )


async def test_forget_removes_exactly_the_named_ones(
    runner: Runner, repository: Repository, source: Path
) -> None:
    made = [(await backup.run(runner, repository, whole(source))).summary.snapshot_id for _ in range(3)]
    await forget.run(runner, repository, [made[1], made[1], "0" * 64])
    assert {snapshot.id for snapshot in await snapshots.run(runner, repository)} == {made[0], made[2]}
    await forget.run(runner, repository, [made[1]])


@pytest.mark.parametrize("ids", [[], ["latest"], ["abcdef12"], ["--keep-last=1"], ["0" * 64, "x" * 64]])
async def test_forget_takes_full_ids_only(ids: list[str], runner: Runner, repository: Repository) -> None:
    with pytest.raises(InvalidRequestError, match="64 hex digits"):
        await forget.run(runner, repository, ids)


async def test_check_finds_a_damaged_pack(runner: Runner, repository: Repository, source: Path) -> None:
    await backup.run(runner, repository, whole(source))
    assert (await check.run(runner, repository, read_data_percent=100)).sound
    pack = next(path for path in Path(repository.location, "data").rglob("*") if path.is_file())
    pack.chmod(0o600)
    damaged = bytearray(pack.read_bytes())
    damaged[0] ^= 1
    pack.write_bytes(damaged)
    faults: list[CheckError] = []
    result = await check.run(runner, repository, read_data_percent=100, on_fault=faults.append)
    assert not result.sound
    assert result.summary.num_errors > 0
    assert faults


def test_a_part_of_the_data_is_asked_for_in_percent(repository: Repository) -> None:
    assert "--read-data-subset=2.5000%" in check.build_args(repository, read_data_percent=2.5).options
    assert "--read-data" in check.build_args(repository, read_data_percent=100).options
    with pytest.raises(InvalidRequestError):
        check.build_args(repository, read_data_percent=101)


async def test_stats_gives_the_size_of_the_data(runner: Runner, repository: Repository, source: Path) -> None:
    await backup.run(runner, repository, whole(source))
    sizes = await stats.run(runner, repository)
    assert sizes.total_size > 0
    assert sizes.snapshots_count == 1


async def test_unlock_removes_what_a_killed_restic_left(
    restic: Located, runner: Runner, repository: Repository, large: Path
) -> None:
    stop = asyncio.Event()
    impatient = Runner(RunnerSettings(binary=restic.path, interrupt_grace_s=0, terminate_grace_s=0))
    slow = replace(repository, limit_upload_kib=1000)
    with pytest.raises(KilledError):
        await backup.run(impatient, slow, whole(large), on_status=lambda _: stop.set(), stop=stop)
    await unlock.run(runner, repository)
    assert list(Path(repository.location, "locks").iterdir()) == []
    assert (await check.run(runner, repository)).sound


async def test_a_cache_and_a_prefix_are_used(
    restic: Located, repository: Repository, source: Path, folder: Path
) -> None:
    settings = RunnerSettings(
        binary=restic.path,
        cache_dir=folder / "cache",
        temp_dir=folder,
        prefix=("nice", "-n", "5"),
        gomaxprocs=1,
    )
    result = await backup.run(Runner(settings), repository, whole(source))
    assert result.outcome is Outcome.OK
    assert list((folder / "cache").iterdir())


def test_a_rest_repository_names_its_certificates(folder: Path) -> None:
    repository = Repository.rest(
        "https://localhost:8444/restic/org/repo",
        SecretStr("pw"),
        cacert=folder / "ca.pem",
        client_cert=folder / "agent.pem",
        retry_lock_s=90,
    )
    args = " ".join(repository.args())
    assert "--repo rest:https://localhost:8444/restic/org/repo/ " in args
    assert f"--cacert {folder}/ca.pem --tls-client-cert {folder}/agent.pem --retry-lock 90s" in args


@pytest.mark.parametrize("url", ["https://user:secret@host/x", "ftp://host/x", "host/x", "https:///x"])
def test_addresses_with_credentials_or_without_host_are_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        Repository.rest(url, SecretStr("pw"))
    assert "secret" not in str(caught.value)


def test_a_local_repository_needs_an_absolute_path() -> None:
    with pytest.raises(InvalidPathError, match="not an absolute path"):
        Repository.local("repo", SecretStr("pw"))
