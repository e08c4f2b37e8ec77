"""TLS is verified by name, on the checked address (RELIABILITY E09). The authority is made here."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from payments.providers.errors import OutcomeUnknown, Unavailable
from tests.payments.providers.test_http_bytes import WITHDRAW
from tests.payments.providers.wires import Peer, Recorder, answered, answering, peer, recorded

NAME = "provider.example"
DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority of this test run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        now = datetime.datetime.now(datetime.UTC)
        authority = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.bundle = folder / "authority.pem"
        self.bundle.write_bytes(authority.public_bytes(serialization.Encoding.PEM))

    def context(self, *, name: str = NAME, age: int = 0, self_signed: bool = False) -> ssl.SSLContext:
        """A server's context with a certificate for `name`, `age` days past its two days of life."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC) - age * DAY
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        is_ip = name.replace(".", "").isdigit()
        other: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name)) if is_ip else x509.DNSName(name)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if self_signed else self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.SubjectAlternativeName([other]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    (key if self_signed else self._key).public_key()
                ),
                critical=False,
            )
            .sign(key if self_signed else self._key, hashes.SHA256())
        )
        file = self._folder / f"{certificate.serial_number}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def options(there: Peer, authority: Authority | None) -> dict[str, object]:
    return {
        "url": f"https://{NAME}:{there.port}/api/v1/",
        "internal_hosts": frozenset({f"{NAME}:{there.port}"}),
        "resolver": lambda host, port, seconds: ["127.0.0.1"],
        "ca_bundle": str(authority.bundle) if authority else "",
    }


class TestCertificate:
    def test_a_good_one_is_accepted_by_name_on_the_pinned_address(
        self, connect, authority: Authority
    ) -> None:
        asked: list[str] = []
        context = authority.context()
        context.sni_callback = lambda sock, name, ctx: asked.append(name)
        with peer(answering(answered(recorded("withdraw"))), context) as there:
            assert connect(**options(there, authority)).withdraw(WITHDRAW).status == "complete"
        assert asked == [NAME]

    @pytest.mark.parametrize(
        "flaw",
        [{"age": 10}, {"age": -10}, {"name": "other.example"}, {"name": "127.0.0.1"}, {"self_signed": True}],
    )
    def test_a_bad_one_is_refused_before_any_byte(self, connect, authority, recorder: Recorder, flaw) -> None:
        with peer(answering(answered(recorded("withdraw"))), authority.context(**flaw)) as there:
            with pytest.raises(Unavailable) as refused:
                connect(**options(there, authority)).withdraw(WITHDRAW)
            assert there.requests == []
        assert "certificate" in refused.value.staff
        assert recorder.stages == ["prepared", "done"]

    def test_an_authority_that_nobody_knows_is_refused(self, connect, authority: Authority) -> None:
        with peer(answering(answered()), authority.context()) as there:
            with pytest.raises(Unavailable):
                connect(**options(there, None)).withdraw(WITHDRAW)
            assert there.requests == []

    def test_a_peer_without_tls_gets_no_byte_of_the_request(self, connect, authority: Authority) -> None:
        got: list[bytes] = []

        def serve(there: Peer, conn) -> None:
            got.append(conn.recv(65536))
            conn.sendall(answered(recorded("withdraw")))

        with peer(serve) as there, pytest.raises(Unavailable):
            connect(**options(there, authority)).withdraw(WITHDRAW)
        assert b"withdraw" not in got[0]

    def test_a_peer_that_hangs_in_the_handshake_is_left_in_time(self, connect, authority: Authority) -> None:
        with peer(lambda there, conn: there.over.wait(5)) as there, pytest.raises(Unavailable):
            connect(**options(there, authority), connect_timeout=0.2).withdraw(WITHDRAW)

    def test_a_cut_after_the_request_is_unknown_under_tls_too(self, connect, authority: Authority) -> None:
        with peer(lambda there, conn: there.take(conn), authority.context()) as there:
            with pytest.raises(OutcomeUnknown):
                connect(**options(there, authority)).withdraw(WITHDRAW)
            assert len(there.requests) == 1
