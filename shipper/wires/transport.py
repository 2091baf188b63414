"""The network: with `connecting`, the only file that imports httpx, and the only one that imports tenacity.

What it promises, whatever stands at the other end:

- one hard wall-clock limit per send, over DNS, connect, upload, drip and reply, since httpx's timeouts are per
  operation and nothing bounds getaddrinfo: the send runs in a thread of its own, left behind when its time is over;
- at most 1 MiB of a reply is decoded, and not a byte more is kept in memory;
- redirects are never followed, so neither events nor credentials reach an address that nobody declared;
- TLS is verified with the system's trust (SSL_CERT_FILE and SSL_CERT_DIR as OpenSSL reads them); plain http goes to
  loopback only, and never through a proxy;
- consent is read before every try (S6);
- no exception: what went wrong is an Unreachable in plain words.
"""

import ipaddress
import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from urllib.request import getproxies, proxy_bypass

import httpx
import tenacity

from shipper import __version__
from shipper.delivery.outcome import Unreachable, is_unsure, plain
from shipper.delivery.policy import QUICK_PAUSE, QUICK_TRIES
from shipper.wires.compression import gzip, unpacked
from shipper.wires.connecting import OverlappingTransport
from shipper.wires.message import Reply, Request, Withdrawn
from shipper.wires.trust import nobody, trust

#: What is read of a reply, decoded. An acknowledgement that rejects every event of a segment has about 120 KiB.
REPLY_BYTES = 1024 * 1024
#: httpx's limits per operation, seconds: to end a dead connection before the whole send's time is gone.
CONNECT, READ, WRITE = 10.0, 20.0, 20.0
#: A receiver behind a load balancer that restarts: gone within the quick tries.
_QUICK_STATUS = frozenset({502, 503, 504})
#: Failures that a quick try may bridge, and those that say that there was no way at all.
_MAY_PASS = frozenset({"refused", "reset", "dns"})
_NO_WAY = frozenset({"refused", "unreached", "dns"})
#: httpx's errors after which not a byte of the request can have left.
_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class _Quick(Exception):
    """A failure that a quick try may mend; `answer` is what the send came to if it is the last."""

    def __init__(self, answer: "Reply | Unreachable") -> None:
        super().__init__()
        self.answer = answer


class Transport:
    """One pass's connections to one endpoint; a context manager. Thread-safe."""

    def __init__(self, endpoint: str) -> None:
        """Keep the endpoint; the first send connects. Raises nothing: a bad endpoint is an Unreachable on each send."""
        self._endpoint = endpoint
        self._client: httpx.Client | None = None
        self._making = threading.Lock()

    def __enter__(self) -> "Transport":
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, wrong: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are at rest."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def send(self, request: Request, seconds: float, allowed: Callable[[], bool]) -> Reply | Unreachable:
        """Send one request; `allowed` reads the consent before each try. Raises Withdrawn when it says no."""
        return self.send_all([request], seconds, allowed)[0]

    def send_all(
        self, requests: Sequence[Request], seconds: float, allowed: Callable[[], bool]
    ) -> list[Reply | Unreachable]:
        """Send requests at the same time, all within the same seconds of wall clock, and answer in their order.

        Raises Withdrawn when consent was gone before any try of any of them.
        """
        ends = time.monotonic() + seconds
        answers: list[queue.SimpleQueue[Reply | Unreachable | Withdrawn]] = []
        for request in requests:
            answer: queue.SimpleQueue[Reply | Unreachable | Withdrawn] = queue.SimpleQueue()
            work = (request, ends, allowed, answer)
            threading.Thread(target=self._work, args=work, daemon=True, name="shipper-send").start()
            answers.append(answer)
        found = [_within(answer, ends, seconds) for answer in answers]
        return [_unless_withdrawn(each) for each in found]

    def _work(
        self,
        request: Request,
        ends: float,
        allowed: Callable[[], bool],
        answer: "queue.SimpleQueue[Reply | Unreachable | Withdrawn]",
    ) -> None:
        try:
            answer.put(self._tries(request, ends, allowed))
        except Withdrawn as gone:
            answer.put(gone)
        except Exception as wrong:  # the last wall: no failure of the network or its libraries ends a pass
            answer.put(unreachable(wrong))

    def _tries(self, request: Request, ends: float, allowed: Callable[[], bool]) -> Reply | Unreachable:
        """At most three quick tries; what they cannot bridge is the backoff's work. Any of them may have arrived."""
        refused = _forbidden(self._endpoint)
        if refused is not None:
            return refused
        tries = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(QUICK_TRIES) | tenacity.stop_before_delay(ends - time.monotonic()),
            wait=tenacity.wait_random_exponential(multiplier=QUICK_PAUSE * 2, max=5.0),
            retry=tenacity.retry_if_exception_type(_Quick),
            reraise=True,
        )
        unsure: list[bool] = []
        try:
            answer = tries(self._once, request, allowed, unsure)
        except _Quick as last:
            answer = last.answer
        return replace(answer, unsure=answer.unsure or any(unsure))

    def _once(self, request: Request, allowed: Callable[[], bool], unsure: list[bool]) -> Reply | Unreachable:
        """One try; of one that failed, `unsure` is told whether it may have arrived."""
        if not allowed():
            raise Withdrawn
        try:
            reply = self._exchange(request)
        except Exception as wrong:  # httpx's own, and what leaks through it: ssl, socket, h11, ImportError for SOCKS
            failure = unreachable(wrong)
            unsure.append(failure.unsure)
            if failure.cause in _NO_WAY and _proxied(self._endpoint):  # it is the proxy that we failed to reach
                failure = Unreachable(cause="proxy", detail="no connection to the proxy of the environment")
            if failure.cause in _MAY_PASS:
                raise _Quick(failure) from wrong
            return failure
        if reply.status in _QUICK_STATUS and not reply.header("retry-after"):
            unsure.append(is_unsure(reply.status))
            raise _Quick(reply)
        return reply

    def _exchange(self, request: Request) -> Reply:
        url = self._endpoint.rstrip("/") + request.path
        body = gzip(request.body) if request.gzip else request.body
        headers = [*request.headers, *request.secret, *((("Content-Encoding", "gzip"),) if request.gzip else ())]
        with self._connected().stream(request.method, url, headers=headers, content=body) as response:
            names = tuple(
                (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers.raw
            )
            content, cut = unpacked(response.iter_raw(), response.headers.get("content-encoding", ""), REPLY_BYTES)
            return Reply(response.status_code, names, content, time.time(), cut)

    def _connected(self) -> httpx.Client:
        with self._making:
            if self._client is None:
                try:
                    self._client = _client(self._endpoint)
                except ValueError:  # its text has the whole address, password included
                    raise httpx.ProxyError("the proxy of the environment is no http address") from None
            return self._client


def _client(endpoint: str) -> httpx.Client:
    """A client that adds nothing of its own: no cookies kept, no redirects, no proxy for loopback."""
    context = trust() if httpx.URL(endpoint).scheme == "https" else nobody()
    proxied = _proxied(endpoint)
    client = httpx.Client(
        verify=context,
        transport=None if proxied else OverlappingTransport(context),
        trust_env=proxied,
        follow_redirects=False,
        timeout=httpx.Timeout(READ, connect=CONNECT, write=WRITE),
        headers={"User-Agent": f"shipper/{__version__}", "Accept-Encoding": "identity"},
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


def _loopback(endpoint: str) -> bool:
    host = httpx.URL(endpoint).host
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _proxied(endpoint: str) -> bool:
    """Whether the environment names a proxy for this endpoint, by the rules that httpx follows."""
    url = httpx.URL(endpoint)
    proxies = getproxies()
    return (
        not _loopback(endpoint) and bool(proxies.get(url.scheme) or proxies.get("all")) and not proxy_bypass(url.host)
    )


def _forbidden(endpoint: str) -> Unreachable | None:
    """What is not sent at all: to an address without TLS, or one that carries a password."""
    try:
        url = httpx.URL(endpoint)
        loopback = _loopback(endpoint)
    except (httpx.InvalidURL, ValueError):
        return Unreachable(cause="endpoint", detail="the endpoint is not a URL")
    if url.scheme not in ("http", "https") or not url.host:
        return Unreachable(cause="endpoint", detail=plain(f"the endpoint's scheme is {url.scheme or 'missing'}"))
    if url.userinfo:
        return Unreachable(cause="endpoint", detail="the endpoint carries a password: give a token instead")
    if url.scheme == "http" and not loopback:
        return Unreachable(cause="plain-http", detail=plain(f"http://{url.host} is not https"))
    return None


def _within(
    answer: "queue.SimpleQueue[Reply | Unreachable | Withdrawn]", ends: float, seconds: float
) -> Reply | Unreachable | Withdrawn:
    try:
        return answer.get(timeout=max(ends - time.monotonic(), 0.001))
    except queue.Empty:
        return Unreachable(cause="timeout", detail=f"no complete reply within {seconds:.0f} s", unsure=True)


def _unless_withdrawn(found: Reply | Unreachable | Withdrawn) -> Reply | Unreachable:
    if isinstance(found, Withdrawn):
        raise found
    return found


#: What leaks out of a send, the most telling first: exception, cause, words. Where there are none, the exception's
#: own are safe to show: they hold neither an address nor a credential.
_CAUSES: tuple[tuple[type[BaseException], str, str], ...] = (
    (ssl.SSLCertVerificationError, "tls", ""),
    (ssl.SSLError, "tls", ""),
    (socket.gaierror, "dns", "the host's name could not be looked up"),
    (ConnectionRefusedError, "refused", "the connection was refused"),
    (httpx.ProxyError, "proxy", ""),
    (httpx.TimeoutException, "timeout", "no answer in time"),
    (ImportError, "socks", "the proxy of the environment is SOCKS: install `httpx[socks]` or unset ALL_PROXY"),
    (httpx.ConnectError, "unreached", "no connection"),
    (httpx.RemoteProtocolError, "reset", "the reply was cut off or was not HTTP"),
    (httpx.NetworkError, "reset", "the connection broke"),
    (OSError, "reset", "the connection broke"),
    (zlib.error, "garbled", "the compressed reply is damaged"),
)


def unreachable(wrong: Exception) -> Unreachable:
    """Put an exception of the network into plain words, without any address or credential that it may carry."""
    chain = list(_chain(wrong))
    own = next((each for each in chain if isinstance(each, httpx.TransportError)), wrong)
    unsure = not isinstance(own, (*_NOTHING_SENT, ImportError))
    for error_type, cause, words in _CAUSES:
        found = next((each for each in chain if isinstance(each, error_type)), None)
        if found is not None:
            return Unreachable(cause=cause, detail=plain(words or _own_words(found)), unsure=unsure)
    return Unreachable(cause="error", detail=plain(type(wrong).__name__), unsure=unsure)


def _own_words(wrong: BaseException) -> str:
    return getattr(wrong, "verify_message", "") or getattr(wrong, "reason", "") or str(wrong)


def _chain(wrong: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = wrong
    for _ in range(16):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__
