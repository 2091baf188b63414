"""The journal in plain words: what came back, what it means, when the next try is. Pure; `shipper status` prints it."""

from collections.abc import Mapping
from dataclasses import dataclass

from shipper.delivery.journal import Failure, Journal
from shipper.delivery.outcome import plain
from shipper.delivery.plan import Finish
from shipper.durations import wait

#: What a failure means for the person who reads it, and what they can do: by its cause, else by its kind.
MEANINGS: Mapping[str, str] = {
    "page": "a page came back instead of an acknowledgement: a captive portal or a proxy?",
    "empty": "an empty reply came back: does something else answer at this address?",
    "status": "something answers there, but not with an acknowledgement: is the endpoint right?",
    "other-batch": "the reply is not about what was sent: is the endpoint right, or does a cache answer?",
    "digest": "the receiver got other bytes than were sent: does a proxy change them?",
    "counts": "the reply does not account for every event: the receiver has a fault",
    "endless": "the reply did not end: this is no receiver of ours",
    "redirect": "the address redirects, which is never followed: is the endpoint right, or is it a captive portal?",
    "not-found": "no receiver at this address: is the endpoint right?",
    "gone": "the receiver was taken down for good: a newer version of the app may know where it went",
    "unsupported": "the receiver does not understand this format: is the wire right?",
    "proxy-auth": "the proxy wants a login: put it into HTTPS_PROXY",
    "captive": "the network wants a login first: open any page in a browser",
    "server": "the receiver is in trouble itself: there is nothing to do here",
    "all-set-aside": "every event was refused and set aside: `shipper show --quarantine` lists them, `shipper retry` "
    "sends them again once the receiver takes them",
    "refused-all": "the receiver refuses everything: a fault there, or a version of the app that it does not know",
    "dns": "no network, or the endpoint's host does not exist",
    "refused": "nothing listens there: the receiver is down, or a firewall refuses",
    "unreached": "no way there: offline, or a firewall in between",
    "timeout": "no complete answer in time: a slow or filtered network, or a receiver that hangs",
    "reset": "the connection broke in the middle: the network, a proxy or a receiver that restarts",
    "garbled": "the reply arrived damaged: does a proxy change it?",
    "tls": "the receiver's certificate is not trusted: a wrong clock, a proxy that reads along, or SSL_CERT_FILE?",
    "proxy": "the proxy does not let us through: see HTTPS_PROXY and NO_PROXY",
    "socks": "a SOCKS proxy needs a package more: pip install 'httpx[socks]', or unset ALL_PROXY",
    "endpoint": "the endpoint is declared wrongly: nothing is ever sent there",
    "plain-http": "plain http is used on this machine only: the endpoint must begin with https",
    "disk": "the events could not be read or removed here: `shipper doctor` says more",
    "operation": "the backend did not take the batch: its own log says more",
    "quota": "the receiver's quota is used up: it will be tried again",
    "pipe": "the program that read the output ended early: nothing is given up",
    "folder": "the folder cannot be written: is the medium there, is it full, is it yours?",
    "by-hand": "events go to standard output only when somebody asks for them: run `shipper flush`",
    "error": "an unexpected fault of the network: it will be tried again",
    "too large": "the receiver takes smaller batches only: they are split",
    "rejected": "the receiver refuses some events: they are looked for and set aside",
    "throttled": "the receiver asks for patience",
    "unauthorized": "the receiver does not accept our token: is it missing, wrong or expired?",
    "unavailable": "something answers there, but it is not ready to take events",
    "unreachable": "the receiver was not reached",
    "interrupted": "the last attempt was cut off in the middle: the machine slept, or the pass ran out of time",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A failure explained. Times in Unix seconds; `next_try` 0 is "as soon as there is something to send"."""

    kind: str
    cause: str
    status: int
    came_back: str
    means: str
    time: float
    failures: int
    next_try: float

    @property
    def line(self) -> str:
        """What came back and what it means, in one plain line."""
        return f"{self.came_back}: {self.means}"

    def to_json(self) -> dict[str, object]:
        """The same as fields, for `--json`."""
        return {name: getattr(self, name) for name in self.__slots__}


def explain_failure(journal: Journal, now: float) -> Explanation | None:
    """Explain the last failure; None when the last attempt went well or there was none. `now` in Unix seconds."""
    failure = journal.failure
    if failure is None:
        return None
    next_try = journal.not_before if journal.not_before > now else 0.0
    means = MEANINGS.get(failure.cause) or MEANINGS[failure.kind]
    came_back = _came_back(failure)
    return Explanation(
        failure.kind, failure.cause, failure.status, came_back, means, failure.time, journal.failures, next_try
    )


def _came_back(failure: Failure) -> str:
    detail = plain(failure.detail)
    if failure.kind == "interrupted":
        return "no outcome"
    if not failure.status:
        return detail or failure.kind
    return f"{failure.status}, {detail}" if detail else str(failure.status)


def explain_left(journal: Journal, finish: Finish, suspected: bool, now: float) -> str:
    """Say in one sentence why a pass left something; `suspected`: it was refused alone, and that is not believed yet."""
    explained = explain_failure(journal, now)
    if finish.why in ("time", "forbidden"):
        return _LEFT[finish.why]
    if suspected:
        return _LEFT["suspected"]
    if explained is None:
        return _LEFT["empty"]
    return f"{explained.line}; the next try is {wait(explained.next_try - now)}"


_LEFT: Mapping[str, str] = {
    "empty": "some of it could not be read or was written by a newer shipper: `shipper doctor` says more",
    "suspected": "the receiver refused an event; after repeated refusals beside accepted ones it goes to quarantine",
    "time": "this pass ran out of time; the rest follows in a minute",
    "forbidden": "nothing may be sent",
}
