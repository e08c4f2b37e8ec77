"""The server's sockets: start, stop, odd requests, many at once."""

from __future__ import annotations

import http.client
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from sandbox import server


def talk(box: server.Box, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", box.port), timeout=2) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        got = b""
        while chunk := sock.recv(65536):
            got += chunk
    return got


class TestRunning:
    def test_starts_fast_and_frees_its_port(self):
        took = []
        for _ in range(3):
            started = time.monotonic()
            with server.running() as box:
                took.append(time.monotonic() - started)
                assert requests.get(box.url + "/_control/clock", timeout=5).status_code == 200
        assert min(took) < 0.1
        with pytest.raises(requests.ConnectionError):
            requests.get(box.url + "/_control/clock", timeout=1)

    def test_two_do_not_know_each_other(self):
        with server.running() as first, server.running() as second:
            assert first.url != second.url
            assert first.account()["api_key"] != second.account()["api_key"]

    def test_stop_ends_connections_that_hang(self, api):
        with server.running() as box:
            box.control("faults", {"mode": "hang_after"})
            with ThreadPoolExecutor(1) as pool:
                future = pool.submit(type(api)(box).call, "balances")
                time.sleep(0.1)
                box.stop()
                with pytest.raises(requests.ConnectionError):
                    future.result(2)

    def test_fault_of_the_sandbox_itself_is_not_swallowed(self, monkeypatch):
        def broken(call):
            raise ZeroDivisionError

        with pytest.raises(RuntimeError, match="sandbox itself failed"), server.running() as box:
            monkeypatch.setattr(box.engine.providers["bitloga"], "answer", broken)
            assert requests.post(box.base_url(), data=b"{}", timeout=5).status_code == 500


class TestOddRequests:
    def test_body_cut_short_is_not_accepted(self, api, box):
        body = b'{"action":"withdraw","uniqueid":"1","currency":"USDT","paysys":"USDTBALANCE","amount":5,'
        body += b'"purse":"bob"}'
        lines = "".join(f"{name}: {value}\r\n" for name, value in api.headers(body).items())
        head = f"POST /bitloga/api/v1/ HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        whole = head.encode() + body
        for cut in range(0, len(whole), 7):
            assert talk(box, whole[:cut]) == b""
        assert api.rows() == []
        assert b'"success":true' in talk(box, whole)
        assert len(api.rows("1")) == 1

    @pytest.mark.parametrize(
        ("lines", "status"),
        [
            (b"Content-Length: x", b"400"),
            (b"Content-Length: -5", b"400"),
            (b"Content-Length: 99999999", b"413"),
            (b"Transfer-Encoding: chunked", b"411"),
        ],
    )
    def test_odd_lengths_are_refused(self, box, lines, status):
        answer = talk(box, b"POST /bitloga/api/v1/ HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 " + status)

    def test_garbage_is_a_bad_request(self, box):
        assert b"400" in talk(box, b"\x16\x03\x01\x02\x00\r\n\r\n")[:200]

    def test_head_has_no_body(self, box):
        response = requests.head(box.url + "/_control/", timeout=5)
        assert response.content == b""
        assert int(response.headers["Content-Length"]) > 1000 or response.status_code == 404

    def test_odd_paths_are_not_found(self, box):
        for path in ("/_controlx", "/bitloga", "/_static/../settings.py", "/%ff"):
            assert b" 404 " in talk(box, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())[:30]


class TestConnections:
    def test_one_connection_serves_many_requests(self, api, box):
        connection = http.client.HTTPConnection("127.0.0.1", box.port, timeout=5)
        body = b'{"action":"balances"}'
        sockets = set()
        for _ in range(5):
            connection.request("POST", "/bitloga/api/v1/", body, api.headers(body))
            sockets.add(connection.sock)
            assert b'"success":true' in connection.getresponse().read()
        connection.close()
        assert len(sockets) == 1

    def test_a_hundred_at_once_are_served(self, api):
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda number: api.invoice(str(number)), range(100)))
        assert all(answer["success"] for answer in answers)
        assert len({row["number"] for row in api.rows()}) == 100
