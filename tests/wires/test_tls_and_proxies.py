"""Whom the transport trusts, and what it tells whom: certificates, proxies, credentials, the environment."""

import datetime
import ssl
import sys
from pathlib import Path

import pytest
import trustme

from shipper.delivery.outcome import Accepted, Outcome
from shipper.wires import shipper
from shipper.wires.message import Batch, Destination, Reply
from shipper.wires.transport import Transport
from shipper.wires.trust import trust
from tests.fixtures.faults import Faults
from tests.fixtures.proxy import Proxy

LINES = (b'{"v":1,"id":"1"}\n',)
BATCH = Batch("20261123T100000000Z-0a1b2c3d", LINES)
SECRET = "hush-hush-token"


class Authority:
    """A certificate authority, and certificates of servers that it vouches for."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.path = str(folder / "authority.pem")
        self.authority.cert_pem.write_to_path(self.path)

    def server(self, name: str = "localhost", not_after: datetime.datetime | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(name, not_after=not_after).configure_cert(context)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def send(endpoint: str, token: str = "", seconds: float = 10.0) -> Outcome:
    about = Destination("app", "1.0", endpoint, token=token)
    with Transport(endpoint) as transport:
        reply = transport.send(shipper.encode(BATCH, about), seconds, lambda: True)
    return shipper.read(reply, BATCH) if isinstance(reply, Reply) else reply


def test_an_authority_from_the_environment_is_trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.path)
    with Faults(tls=authority.server()) as receiver:
        assert isinstance(send(receiver.endpoint, SECRET), Accepted)
    assert receiver.requests[0].headers["authorization"] == f"Bearer {SECRET}"


def test_a_certificate_that_nobody_trusts_is_not(authority: Authority) -> None:
    with Faults(tls=authority.server()) as receiver:
        outcome = send(receiver.endpoint, SECRET)
    assert (outcome.kind, outcome.cause) == ("unreachable", "tls")
    assert receiver.requests == []


@pytest.mark.parametrize("fault", ["the wrong host", "expired"])
def test_a_certificate_for_another_host_or_another_year_is_not(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.path)
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    context = authority.server("example.com") if fault == "the wrong host" else authority.server(not_after=past)
    with Faults(tls=context) as receiver:
        outcome = send(receiver.endpoint)
    assert outcome.cause == "tls"
    assert outcome.detail
    assert receiver.requests == []


def test_a_server_that_speaks_only_old_tls_is_not(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.path)
    context = authority.server()
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with Faults(tls=context) as receiver:
        outcome = send(receiver.endpoint)
    assert outcome.kind == "unreachable"
    assert receiver.requests == []


def test_a_server_without_tls_behind_an_https_address_is_not() -> None:
    with Faults("garbage") as receiver:
        outcome = send(receiver.endpoint.replace("http://", "https://"), seconds=1.0)
    assert outcome.kind == "unreachable"


def test_the_session_s_keys_are_not_written_to_a_file(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.path)
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with Faults(tls=authority.server()) as receiver:
        assert isinstance(send(receiver.endpoint), Accepted)
    assert not (tmp_path / "keys").exists()


def test_a_redirect_to_another_origin_gets_neither_events_nor_credentials() -> None:
    with Faults() as elsewhere, Faults(f"status 307 Location: {elsewhere.endpoint}/v1/events") as receiver:
        outcome = send(receiver.endpoint, SECRET)
    assert (outcome.kind, outcome.cause, outcome.status) == ("unavailable", "redirect", 307)
    assert elsewhere.requests == []


def test_a_cookie_is_not_kept() -> None:
    with Faults("status 404 Set-Cookie: person=1; Path=/", "acknowledge") as receiver:
        about = Destination("app", "1.0", receiver.endpoint)
        with Transport(receiver.endpoint) as transport:
            for _ in range(2):
                transport.send(shipper.encode(BATCH, about), 5.0, lambda: True)
    assert "cookie" not in receiver.requests[1].headers


def test_what_the_transport_says_of_itself_is_its_name_and_version_only() -> None:
    with Faults() as receiver:
        send(receiver.endpoint)
    (request,) = receiver.requests
    assert set(request.headers) == {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "user-agent",
    }
    assert request.headers["user-agent"].startswith("shipper/")
    assert request.headers["accept-encoding"] == "identity"


# https://shipper.invalid reaches the receiver through the tunnel: the proxy dials loopback whatever it is asked for.
FAR = "shipper.invalid"


def test_a_proxy_from_the_environment_is_used_and_sees_no_event_and_no_token(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.path)
    with Faults(tls=authority.server(FAR)) as receiver, Proxy("tunnel") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://person:word@"))
        assert isinstance(send(f"https://{FAR}:{receiver.port}", SECRET), Accepted)
    assert proxy.asked == [f"CONNECT {FAR}:{receiver.port} HTTP/1.1"]
    assert SECRET.encode() not in proxy.headers
    assert b"Proxy-Authorization: Basic" in proxy.headers


@pytest.mark.parametrize(
    ("answer", "cause"), [("407", "proxy"), ("403", "proxy"), ("close", "reset"), ("page", "tls"), ("dead", "proxy")]
)
def test_a_proxy_that_is_in_the_way_is_named_without_its_password(
    answer: str, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(answer if answer != "dead" else "close") as proxy:
        url = proxy.url
        if answer != "dead":
            monkeypatch.setenv("HTTPS_PROXY", url.replace("http://", "http://person:word@"))
            outcome = send(f"https://{FAR}", SECRET)
    if answer == "dead":
        monkeypatch.setenv("HTTPS_PROXY", url.replace("http://", "http://person:word@"))
        outcome = send(f"https://{FAR}", SECRET)
    assert (outcome.kind, outcome.cause) == ("unreachable", cause)
    assert "word" not in outcome.detail
    assert SECRET not in outcome.detail


def test_a_proxy_is_never_asked_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy("close") as proxy, Faults() as receiver:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert isinstance(send(receiver.endpoint, SECRET), Accepted)
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("value", "cause"),
    [("socks5://person:word@127.0.0.1:1", "socks"), ("gopher://person:word@127.0.0.1:1", "proxy")],
)
def test_a_proxy_that_cannot_be_used_is_a_plain_word_and_no_exception(
    value: str, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", value)
    outcome = send(f"https://{FAR}")
    assert (outcome.kind, outcome.cause) == ("unreachable", cause)
    assert "word" not in outcome.detail


@pytest.mark.parametrize("token", ["line\nbreak", "t\u00f6ken", "\x00", "x" * 100_000])
def test_a_token_that_cannot_be_a_header_fails_without_being_shown(token: str) -> None:
    with Faults() as receiver:
        outcome = send(receiver.endpoint, token)
    assert token not in outcome.detail
    assert "break" not in outcome.detail


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    outcome = send(f"https://{FAR}")
    assert (outcome.kind, outcome.cause) == ("unreachable", "dns")


def test_nothing_older_than_tls_1_2_is_spoken_whatever_the_system_s_own_settings_allow() -> None:
    assert trust().minimum_version == ssl.TLSVersion.TLSv1_2
    assert (trust().check_hostname, trust().verify_mode) == (True, ssl.CERT_REQUIRED)
