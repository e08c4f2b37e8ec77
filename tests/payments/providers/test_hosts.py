"""Which hosts may be talked to (RELIABILITY K06)."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from payments.providers import hosts
from payments.providers.errors import Invalid, Unavailable
from tests.every import every
from tests.payments.providers.wires import Recorder, answering, peer

PUBLIC = ["93.184.215.14"]

FORMS = [
    # no TLS
    "http://example.com/",
    "http://93.184.215.14/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "//example.com/",
    "example.com/api/",
    "https:/example.com/",
    "https:example.com",
    "javascript:alert(1)",
    "",
    # loopback, in every spelling
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://api.localhost/",
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[127.0.0.1]/",
    # private, link-local, shared, reserved, multicast
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://192.0.0.1/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    # user names, other parts, other scripts
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com%40127.0.0.1/",
    "https://example.com/?a=1",
    "https://example.com/#part",
    "https://example.com/a/../b/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:99999999/",
    "https://example.com:port/",
    "https://example。com/",
    "https://127。0。0。1/",
    "https://ⓔxample.com/",
    "https://exаmple.com/",
    "https://exam\tple.com/",
    "https://example.com /",
    " https://example.com/",
    "https://example.com/\r\nX-Injected: 1",
    "https://example..com/",
    "https://-example.com/",
    "https://example.com./",
    "https://example_.com/",
    "https://intranet/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://" + "a" * 300 + ".com/",
]

GOOD = [
    "https://bitloga.com/api/v1/",
    "https://www.bitexbit.com",
    "https://example.com:8443/api/userapi/v1/",
    "HTTPS://Example.COM/api/",
    "https://93.184.215.14/",
    "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
    "https://xn--e1afmkfd.xn--p1ai/api/",
]


def nobody(host: str, port: int, seconds: float) -> list[str]:
    raise AssertionError(f"{host} was looked up")


def found(*addresses: str) -> hosts.Resolver:
    return lambda host, port, seconds: list(addresses)


class TestCheckBaseUrl:
    def test_there_are_at_least_60_refused_forms(self) -> None:
        assert len(set(FORMS)) == len(FORMS) >= 60

    @every("url", FORMS)
    def test_this_form_is_refused_without_asking_anybody(self, url: str) -> None:
        with pytest.raises(Invalid) as refused:
            hosts.check_base_url(url, frozenset({"127.0.0.1:8001"}), resolver=nobody)
        assert refused.value.fields["base_url"] == refused.value.staff

    @every("url", GOOD)
    def test_this_form_is_allowed(self, url: str) -> None:
        hosts.check_base_url(url, frozenset(), resolver=found(*PUBLIC))

    @every(
        "addresses",
        [
            ["10.0.0.1"],
            ["93.184.215.14", "127.0.0.1"],
            ["::1"],
            ["::ffff:10.0.0.1"],
            ["fe80::1%eth0"],
            ["64:ff9b::a00:1"],
            ["not an address"],
        ],
    )
    def test_a_name_with_one_address_that_is_not_public_is_refused(self, addresses: list[str]) -> None:
        with pytest.raises(Invalid, match="not allowed") as refused:
            hosts.check_base_url("https://example.com/", frozenset(), resolver=found(*addresses))
        assert refused.value.staff == hosts.NOT_PUBLIC

    def test_a_name_that_nobody_knows_is_refused(self) -> None:
        def unknown(host: str, port: int, seconds: float) -> list[str]:
            raise socket.gaierror(-2, "Name or service not known")

        for resolver in (unknown, found()):
            with pytest.raises(Invalid) as refused:
                hosts.check_base_url("https://example.com/", frozenset(), resolver=resolver)
            assert refused.value.staff == hosts.NO_SUCH_NAME

    def test_an_internal_host_needs_neither_tls_nor_a_public_address(self) -> None:
        internal = frozenset({"127.0.0.1:8001", "[::1]:8002"})
        hosts.check_base_url("http://127.0.0.1:8001/bitloga/api/v1/", internal, resolver=nobody)
        hosts.check_base_url("http://[::1]:8002/", internal, resolver=nobody)

    def test_an_internal_host_with_https_may_be_private_and_needs_tls(self) -> None:
        internal = frozenset({"https://10.0.0.7:8443"})
        hosts.check_base_url("https://10.0.0.7:8443/api/", internal, resolver=nobody)
        with pytest.raises(Invalid):
            hosts.check_base_url("http://10.0.0.7:8443/api/", internal, resolver=nobody)

    @every("url", ["http://127.0.0.1:8002/", "http://127.0.0.1/", "http://127.1:8001/"])
    def test_an_internal_host_is_exactly_one_spelling_and_port(self, url: str) -> None:
        with pytest.raises(Invalid):
            hosts.check_base_url(url, frozenset({"127.0.0.1:8001"}), resolver=nobody)


class TestIsPublic:
    @every("address", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e"])
    def test_this_is_public(self, address: str) -> None:
        assert hosts.is_public(ipaddress.ip_address(address))

    def test_192_88_99_0_leads_elsewhere(self) -> None:
        assert not hosts.is_public(ipaddress.ip_address("192.88.99.1"))


class TestResolve:
    def test_it_finds_loopback(self) -> None:
        assert "127.0.0.1" in hosts.resolve("localhost", 80, 5)

    def test_it_gives_up_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import threading

        over = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: over.wait(5) and [])
        with pytest.raises(TimeoutError):
            hosts.resolve("example.com", 443, 0.05)
        over.set()

    def test_a_name_that_cannot_be_asked_for_is_an_os_error(self) -> None:
        with pytest.raises(OSError):
            hosts.resolve("a" * 70 + ".example", 443, 5)


class TestTheConnection:
    """The address that was checked is the one connected to."""

    def test_a_name_that_turns_private_is_not_connected_to(self, connect, recorder: Recorder) -> None:
        with peer(answering(b"")) as there:
            answers = iter([PUBLIC, ["127.0.0.1"]])
            rebinding = lambda host, port, seconds: next(answers)  # noqa: E731
            url = f"https://rebind.example:{there.port}/"
            hosts.check_base_url(url, frozenset(), resolver=rebinding)
            client = connect(url=url, resolver=rebinding)
            with pytest.raises(Unavailable, match="not public"):
                client.balances()
            assert there.connections == 0
        assert recorder.stages == ["prepared", "done"]

    def test_it_goes_to_the_checked_address_whatever_the_system_says(self, connect, monkeypatch) -> None:
        asked: list[tuple[str, int]] = []
        real = socket.getaddrinfo

        def spy(host: str, *rest: object, **named: object):
            asked.append((host, 0))
            return real(host, *rest, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", spy)
        with peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + b'{"success":true}')) as there:
            client = connect(
                url=f"http://provider.example:{there.port}/",
                internal_hosts=frozenset({f"provider.example:{there.port}"}),
                resolver=found("127.0.0.1"),
            )
            client.balances()
            assert there.requests[0].lower().count(f"host: provider.example:{there.port}".encode()) == 1
        assert {host for host, _ in asked} <= {"127.0.0.1"}

    @pytest.mark.parametrize("url", FORMS)
    def test_an_account_with_this_base_url_connects_nowhere(self, url: str, connect, monkeypatch) -> None:
        def forbidden(*arguments: object, **named: object) -> None:
            raise AssertionError("a socket was opened")

        monkeypatch.setattr(socket.socket, "connect", forbidden)
        client = connect(url=url or " ", resolver=nobody)
        with pytest.raises(Invalid):
            client.balances()
