"""Before the start: keys, one runner per home, free ports."""

from __future__ import annotations

import base64
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backoffice import embedded
from backoffice.installation import check_ports, make_env_file, only_one
from backoffice.processes import CannotStart, alive, end, spawn
from tests.stack import free_ports

MARK = "BACKOFFICE_RUN=of this test"


class TestEnvFile:
    def test_it_has_fresh_keys_and_is_private(self, tmp_path: Path) -> None:
        path = tmp_path / ".env"
        assert make_env_file(tmp_path, path)
        assert path.stat().st_mode & 0o777 == 0o600
        values = dict(
            line.split("=", 1) for line in path.read_text().splitlines() if not line.startswith("#")
        )
        assert values["DEBUG"] == "on"
        assert len(values["SECRET_KEY"]) >= 50
        assert len(base64.urlsafe_b64decode(values["FIELD_ENCRYPTION_KEYS"])) == 32
        assert values["METRICS_TOKEN"]

    def test_one_that_exists_stays_with_its_database(self, tmp_path: Path) -> None:
        make_env_file(tmp_path, tmp_path / ".env")
        before = (tmp_path / ".env").read_text(), embedded.instance(tmp_path)
        assert not make_env_file(tmp_path, tmp_path / ".env")
        assert ((tmp_path / ".env").read_text(), embedded.instance(tmp_path)) == before

    def test_new_keys_begin_with_a_new_database(self, tmp_path: Path) -> None:
        make_env_file(tmp_path, tmp_path / ".env")
        before = embedded.instance(tmp_path)
        (tmp_path / ".env").unlink()
        make_env_file(tmp_path, tmp_path / ".env")
        assert embedded.instance(tmp_path) != before


class TestPorts:
    def test_one_in_use_is_named_with_the_way_out(self) -> None:
        port = free_ports()
        check_ports(port, port + 1)
        with socket.socket() as other:
            other.bind(("127.0.0.1", port + 1))
            other.listen()
            with pytest.raises(CannotStart, match=rf"Port {port + 1} is in use.*PORT=9000 make run"):
                check_ports(port, port + 1)


class TestOnlyOne:
    @pytest.fixture
    def left(self, tmp_path: Path) -> Iterator[int]:
        """A process that a killed run has left, marked as its own."""
        name, value = MARK.split("=")
        code = ["-c", "import time; time.sleep(60)"]
        pid = spawn([sys.executable, *code], log=tmp_path / "log", env={**os.environ, name: value})
        (tmp_path / "runner.pids").write_text(f"{pid}\n")
        yield pid
        end([pid], [])

    def test_a_second_one_is_told_where_the_first_is(self, tmp_path: Path) -> None:
        with only_one(tmp_path, mark=MARK) as lock:
            lock.write("http://127.0.0.1:9000")
            lock.flush()
            with (
                pytest.raises(CannotStart, match=r"already runs: http://127\.0\.0\.1:9000"),
                only_one(tmp_path, mark=MARK),
            ):
                pytest.fail("two runners in one home")
        with only_one(tmp_path, mark=MARK):
            assert (tmp_path / "runner.lock").read_text() == ""

    def test_what_a_killed_one_left_is_ended(self, tmp_path: Path, left: int) -> None:
        with only_one(tmp_path, mark=MARK):
            assert not alive(left)

    def test_a_number_that_another_process_has_now_is_left_alone(self, tmp_path: Path, left: int) -> None:
        with only_one(tmp_path, mark="BACKOFFICE_RUN=of another"):
            assert alive(left)
