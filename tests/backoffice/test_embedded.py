"""The embedded servers: real ones, in homes of their own."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import environ
import kombu
import psycopg
import pytest
import redis

from backoffice import binaries, embedded
from backoffice.processes import CannotStart, alive


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home whose servers run when the test begins (one that stops them starts them again)."""
    folder = Path(tempfile.mkdtemp(prefix="bo-emb-"))
    embedded.start(folder)
    yield folder
    embedded.remove(folder)
    shutil.rmtree(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def pids(home: Path) -> tuple[int | None, int | None]:
    return embedded._postmaster(home), embedded._valkey(home)


def kill(home: Path) -> None:
    for pid in pids(home):
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while alive(pid):
            pass


class TestAddresses:
    def test_django_gets_the_socket_folder_as_host(self, home: Path) -> None:
        config = environ.Env.db_url_config(embedded.database_url(home))
        assert config["OPTIONS"] == {"host": str(embedded.socket_folder(home))}
        assert (config["USER"], config["NAME"]) == ("backoffice", "backoffice")

    def test_upper_case_and_spaces_survive(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        link = home / "A b"
        link.symlink_to(embedded.socket_folder(home))
        monkeypatch.setattr(embedded, "socket_folder", lambda home: link)
        url = embedded.redis_url(home)
        assert environ.Env.db_url_config(embedded.database_url(home))["OPTIONS"] == {"host": str(link)}
        psycopg.connect(embedded.database_url(home)).close()
        with redis.Redis.from_url(embedded.cache_url(url)) as client:
            assert client.ping()
            assert client.connection_pool.connection_kwargs["db"] == 1
        with kombu.Connection(embedded.broker_url(url)) as connection:
            connection.ensure_connection(max_retries=1)

    def test_a_server_of_ones_own_keeps_its_address(self) -> None:
        url = "rediss://user:secret@redis.example.com:6380/2?ssl_cert_reqs=required"
        assert embedded.broker_url(url) == url
        assert embedded.cache_url(url) == url.replace("/2?", "/3?")
        assert embedded.cache_url("redis://localhost") == "redis://localhost/1"

    def test_a_long_path_moves_to_a_short_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(binaries, "is_root", lambda: False)
        folder = embedded.socket_folder(tmp_path / ("long" * 25))
        assert folder.parent == Path("/tmp")  # noqa: S108
        assert folder == embedded.socket_folder(tmp_path / ("long" * 25))
        assert folder != embedded.socket_folder(tmp_path / ("other" * 25))

    def test_a_home_of_its_own_has_an_env_file_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BACKOFFICE_HOME", "/somewhere")
        assert embedded.locate(Path("/code")) == (Path("/somewhere"), Path("/somewhere/.env"))
        monkeypatch.delenv("BACKOFFICE_HOME")
        assert embedded.locate(Path("/code")) == (Path("/code/var"), Path("/code/.env"))


class TestStart:
    def test_both_answer_and_keep_their_promises(self, home: Path) -> None:
        with psycopg.connect(embedded.database_url(home)) as connection:
            query = "SELECT lower('ПРИВЕТ'), current_setting('fsync'), current_setting('server_encoding')"
            assert connection.execute(query).fetchone() == ("привет", "on", "UTF8")
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        with redis.Redis.from_url(embedded.redis_url(home)) as client:
            assert client.config_get("appendonly") == {"appendonly": "yes"}
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("port") == {"port": "0"}

    def test_celery_reaches_the_broker(self, home: Path) -> None:
        with kombu.Connection(embedded.broker_url(embedded.redis_url(home))) as connection:
            connection.ensure_connection(max_retries=1)

    def test_only_the_servers_user_can_enter(self, home: Path) -> None:
        for folder in (embedded.socket_folder(home), embedded.data_folder(home) / "postgres"):
            assert mode(folder) == 0o700
            assert folder.stat().st_uid == binaries.owner().uid

    def test_no_folder_above_is_opened(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        home = closed / "home"
        embedded.start(home)
        try:
            assert embedded.running(home)
            assert (mode(closed), mode(home)) == (0o700, 0o700)
        finally:
            embedded.remove(home)
        assert not embedded.running(home)
        assert not embedded.data_folder(home).exists()

    def test_a_second_start_changes_nothing(self, home: Path) -> None:
        before = pids(home)
        embedded.start(home)
        assert pids(home) == before
        assert None not in before

    def test_everything_is_there_after_kill_9(self, home: Path) -> None:
        with psycopg.connect(embedded.database_url(home)) as connection:
            connection.execute("CREATE TABLE kept (amount numeric)")
            connection.execute("INSERT INTO kept VALUES (0.100000000000000001)")
        with redis.Redis.from_url(embedded.redis_url(home)) as client:
            client.set("kept", "1")
            client.waitaof(1, 0, 5000)
        before = pids(home)
        kill(home)
        assert not embedded.running(home)
        embedded.start(home)
        assert set(pids(home)).isdisjoint(before)
        with psycopg.connect(embedded.database_url(home)) as connection:
            row = connection.execute("SELECT amount::text FROM kept").fetchone()
            assert row == ("0.100000000000000001",)
        with redis.Redis.from_url(embedded.redis_url(home)) as client:
            assert client.get("kept") == b"1"

    def test_a_number_that_another_process_has_now_is_no_server(self, home: Path) -> None:
        embedded.stop(home)
        pid_file = embedded.data_folder(home) / "postgres" / "postmaster.pid"
        pid_file.write_text(f"{os.getpid()}\n")
        os.chown(pid_file, binaries.owner().uid, -1)
        assert pids(home) == (None, None)
        embedded.stop(home)  # kills nobody
        embedded.start(home)
        assert embedded.running(home)

    def test_two_starts_at_once_make_one_pair(self, home: Path) -> None:
        embedded.stop(home)
        seen: list[object] = []

        def go() -> None:
            embedded.start(home)
            seen.append(pids(home))

        threads = [threading.Thread(target=go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 4
        assert len(set(seen)) == 1

    def test_half_a_data_folder_is_made_anew(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        embedded.renew(home)
        half = embedded.data_folder(home) / "postgres.new"
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("18\n")
        if binaries.is_root():
            shutil.chown(half.parent, binaries.owner().uid)
        try:
            embedded.start(home, broker=False)
            assert embedded.running(home, broker=False)
            assert not embedded.running(home, database=False)
        finally:
            embedded.remove(home)

    def test_fresh_keys_begin_with_an_empty_database(self, tmp_path: Path) -> None:
        first = embedded.renew(tmp_path / "home")
        folder = embedded.data_folder(tmp_path / "home")
        assert embedded.renew(tmp_path / "home") != first
        assert embedded.data_folder(tmp_path / "home") != folder


class TestRefusal:
    def test_a_folder_of_somebody_else_is_not_used(self, tmp_path: Path) -> None:
        (tmp_path / "target").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "target")
        with pytest.raises(CannotStart, match="belongs to another user"):
            embedded._private(tmp_path / "link", binaries.owner())

    def test_without_a_wheel_the_message_names_the_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(CannotStart, match="Set DATABASE_URL"):
            binaries.postgres()
        with pytest.raises(CannotStart, match="Set REDIS_URL"):
            binaries.valkey()

    def test_another_processor_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platform.machine", lambda: "riscv64")
        with pytest.raises(CannotStart, match=r"riscv64.*Set REDIS_URL"):
            binaries.valkey()

    def test_a_server_that_cannot_start_shows_its_last_words(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        embedded.start(home, broker=False)
        try:
            embedded.stop(home)
            (embedded.data_folder(home) / "postgres" / "PG_VERSION").write_text("9\n")
            with pytest.raises(CannotStart, match="initialized by PostgreSQL version 9"):
                embedded.start(home, broker=False)
        finally:
            embedded.remove(home)
