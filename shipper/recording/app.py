"""App: what one command-line tool declares, and how its events are recorded.

The path of one event: consent (read, decide) -> one line -> the lock -> consent again -> append -> due. Whoever finds a
pass due rings the doorbell or starts a flusher, after the lock is released.
"""

import os
import time

from shipper.recording import consent
from shipper.recording.active import MANIFEST_BYTES, append_line, is_full
from shipper.recording.command import Command
from shipper.recording.due import DUE, LONGEST_WAIT, advance_due
from shipper.recording.event import OUT_OF_TYPE, by_name
from shipper.recording.folder import Folder, open_app, open_config, open_state, spool_name
from shipper.recording.line import MAX_LINE, VERSION, format_time, new_id, seal_line, surroundings
from shipper.recording.lock import PATIENCE, Lock
from shipper.recording.names import valid_date, valid_name
from shipper.recording.values import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from shipper.recording.event import Event

#: Seconds from an event to the pass that sends it, at most. Long enough that a day of work is a few dozen requests.
FLUSH_INTERVAL = 15 * 60
#: Bytes of a spool: some 100,000 events, a year of somebody who works offline.
MAX_BYTES = 32 * 1024 * 1024
#: Days after which an event answers no question any more.
MAX_DAYS = 90
#: Files of a spool: bounds the time of every listing.
MAX_FILES = 2000
#: What the manifest can say: JSON's numbers are exact below it in every language.
LARGEST = 1 << 53
#: The wires that `wire=` names, and where an endpoint can lie: shipper.wires holds them, and a test holds both equal.
WIRES = ("shipper", "otlp", "wundergraph", "posthog", "webhook")
LOCAL = ("file", "stdout")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
# S12: what is left of the time that this process may wait for locks, all its events together.
_patience = PATIENCE
# S13: drawn again when the process id has changed, so that a forked child is a session of its own.
_session = (0, "")


class App:
    """One command-line tool and what it may record.

    `events` is the catalog. `policy` says what holds until a person chooses: "opt-in" (recorded, not sent, until asked)
    or "opt-out" (a notice once, then on); `ci` is the mode in CI; `policy_date` ("YYYY-MM-DD") shows the notice again
    when it changes; `notice` adds the author's own words to it; `about` is the public page, `retention` says on it how
    long the receiver keeps events ("13 months"). `endpoint` and `wire` say where a pass sends. `flush_interval` is in
    seconds; `max_bytes`, `max_days`, `max_files` bound the spool; `durability="power-loss"` syncs before `record()`
    returns True. `identity_file` ("FILE" or "FILE#key") names where an earlier telemetry kept its id: it is adopted.

    Raises DeclarationError when any of it is wrong: declaring is the one moment when an author can be told.
    """

    def __init__(
        self,
        name: "str",
        *,
        version: "str",
        endpoint: "str",
        events: "Iterable[Event]" = (),
        policy: "str" = "opt-in",
        policy_date: "str" = "",
        ci: "str" = "off",
        about: "str" = "",
        notice: "str" = "",
        retention: "str" = "",
        wire: "str" = "shipper",
        write_key: "str" = "",
        identity_file: "str" = "",
        flush_interval: "int" = FLUSH_INTERVAL,
        max_bytes: "int" = MAX_BYTES,
        max_days: "int" = MAX_DAYS,
        max_files: "int" = MAX_FILES,
        durability: "str" = "process",
    ) -> None:
        self.name, self.version, self.endpoint, self.wire = name, version, endpoint, wire
        self.policy, self.policy_date, self.ci = policy, policy_date, ci
        self.about, self.notice, self.write_key, self.identity_file = about, notice, write_key, identity_file
        self.retention = retention
        self.flush_interval, self.durability, self.sync = flush_interval, durability, durability == "power-loss"
        self.limits = (max_bytes, max_days, max_files)
        self.flag: str | None = None  #: "off" after --telemetry=false on this call
        self._check()
        self.events = by_name(events)
        self._prefix = consent.variable(name)
        self._noticed = 0
        self._manifests: dict[str, bytes] = {}  # made once per process, by endpoint from the environment
        self.has_commands = False  #: whether the host's own `telemetry off` and so on do what `shipper off APP` does

    def _check(self) -> None:  # noqa: C901 - one flat row per rule
        wrong = ""
        if not valid_name(self.name) or not _LETTERS.issuperset(self.name) or not self.name[0].isalpha():
            wrong = f"{self.name!r} cannot name an app: a to z, then a to z, 0 to 9 and -"
        elif len(self.name) > 32:
            wrong = f"the app's name {self.name!r} is longer than 32 characters"
        elif not valid_name(self.version):
            wrong = f"{self.version!r} cannot be a version: 1 to 64 of A-Z a-z 0-9 _ . : + / < > -"
        elif not _is_printable(self.endpoint) or not _is_place(self.endpoint):
            wrong = (
                f"{self.endpoint!r} is no place to send to: https://..., http://127.0.0.1:PORT, file:///... or stdout:"
            )
        elif self.wire not in WIRES:
            wrong = f"no wire is called {self.wire!r}: there are {', '.join(WIRES)}"
        elif not all(map(_is_printable, (self.about, self.write_key, self.identity_file, self.retention))):
            wrong = "about, retention, write_key and identity_file are one line of text each"
        elif [n for n in (*self.limits, self.flush_interval) if type(n) is not int or not 0 < n < LARGEST]:
            wrong = "flush_interval, max_bytes, max_days and max_files are whole numbers above 0, below 2 to the 53rd"
        elif self.flush_interval > LONGEST_WAIT:
            wrong = f"flush_interval is at most {LONGEST_WAIT} seconds"
        elif self.durability not in ("process", "power-loss"):
            wrong = f'durability is "process" or "power-loss", not {self.durability!r}'
        elif self.policy not in ("opt-in", "opt-out") or self.ci not in (consent.ON, consent.LOCAL, consent.OFF):
            wrong = (
                f'policy is "opt-in" or "opt-out" and ci is "on", "local" or "off", not {self.policy!r}, {self.ci!r}'
            )
        elif self.policy_date and not valid_date(self.policy_date):
            wrong = f'policy_date is a day such as "2026-11-23", not {self.policy_date!r}'
        if wrong:
            from shipper.errors import DeclarationError

            raise DeclarationError(wrong)

    def record(self, name: "str", /, **fields: "object") -> "bool":
        """Record one declared event. Returns True when its whole line is in the spool, False when nothing is promised.

        Never raises an Exception (under SHIPPER_STRICT=1, in the app's tests: BadValue), never prints (unless the person
        asked with <APP>_TELEMETRY_DEBUG), never waits longer than 50 ms in all.
        """
        try:
            return self._record(name, fields)
        except Exception as error:
            if _strict():
                from shipper.errors import BadValue

                if isinstance(error, BadValue):
                    raise
            self._explain_failure(name, error)
            return False

    def _explain_failure(self, name: "str", error: "Exception") -> None:
        try:
            wish = os.environ.get(self._prefix + "_DEBUG")
            if wish:
                from shipper.recording.debug import explain_failure

                explain_failure(wish, name, error)
        except Exception:  # something failed already: what fails for the same reason must not reach the host
            return

    def command(self, name: "str") -> "Command":
        """Measure a command: `with app.command("up"): ...` records its duration, its outcome and its error's class."""
        return Command(self, name)

    def instrument(self, cli: "Any") -> "Any":
        """Measure every command of a click group, a typer app, an argparse parser or a main function, and return it.

        It also gives them `--telemetry=true|false`, `--no-telemetry` and the commands `telemetry status` and so on.
        Raises DeclarationError for anything else.
        """
        from shipper.integrations import instrument

        self.has_commands = not hasattr(cli, "__code__")  # a function has no room for them
        return instrument(self, cli)

    def mode(self) -> "tuple[str, str]":
        """Say what may be done with an event now: (mode, the rule that decided it). Never raises, like record()."""
        environ = os.environ
        try:
            config = _open_config(environ)
        except OSError:
            return consent.OFF, consent.BY_UNREACHABLE
        try:
            return self._decide(environ, config)
        finally:
            if config is not None:
                config.close()

    def _decide(self, environ: "Mapping[str, str]", config: "Folder | None") -> "tuple[str, str]":
        policy = (self.name, self.policy, self.policy_date, self.ci)
        return consent.decide(self.flag, environ, consent.read_saved(config, self.name), policy)

    def _record(self, name: "str", fields: "dict[str, object]") -> "bool":
        environ = os.environ
        now = time.time_ns() // 1_000_000
        moment = format_time(now)
        today = moment[:10]
        said = self._say(name, fields, today)
        config = _open_config(environ)
        try:
            mode, why = self._decide(environ, config)
            if self._noticed == os.getpid():  # the run that shows the notice records nothing
                mode, why = consent.OFF, consent.NOTICE_DUE
            elif self.events[name].expired(today):
                mode, why = consent.OFF, "the event is past its last day"
            debug = environ.get(self._prefix + "_DEBUG")
            if why == consent.NOTICE_DUE:
                from shipper.choices.notice import show_once

                self._noticed = os.getpid() if show_once(self, environ, now) else self._noticed
            if mode != consent.ON:
                self._start_deletion_pass(environ, now)
            if mode == consent.OFF and not debug:
                return False
            ci = consent.in_ci(environ) != ""
            user = ""
            if mode != consent.OFF:  # S6: there must be a folder in which the look under the lock finds a choice
                config = config or open_config(environ, create=True)
            if config and not (ci or mode == consent.OFF or consent.one_run_home(environ)):
                user = consent.read_identity(config, self.name) or self._make_identity(config)
            line = self._line(now, moment, name, said, user, ci)
            kept = mode != consent.OFF and len(line) <= MAX_LINE and self._spool(environ, config, now, line)
            if debug:
                from shipper.recording.debug import tell

                tell(debug, line, kept, why if mode == consent.OFF else "the spool did not take it")
            return kept
        finally:
            if config is not None:
                config.close()

    def _make_identity(self, config: "Folder") -> "str":
        global _patience
        from shipper.choices.identity import make_identity

        # Where somebody else is making it, the event goes without: it counts for nobody, which is better than not at all.
        user, waited = make_identity(config, self.name, os.urandom(16), self.identity_file, _patience)
        _patience = max(0.0, _patience - waited)
        return user

    def _say(self, name: "str", fields: "dict[str, object]", today: "str") -> "str":
        declared = self.events.get(name)
        if declared is None:
            from shipper.errors import BadValue

            raise BadValue(f"the app declares no event {name}", f"it declares: {', '.join(self.events)}")
        said = declared.encode_fields(fields, False, today)
        if OUT_OF_TYPE in said and _strict():  # asked only now: every look at the environment costs
            declared.encode_fields(fields, True, today)
        return said

    def _start_deletion_pass(self, environ: "Mapping[str, str]", now: "int") -> None:
        """Have a request for erasure sent when it is due: it does not wait for consent, so nobody else would."""
        try:
            name = spool_name(self.name, environ.get(self._prefix + "_ENDPOINT", ""))
            with open_state(environ) as state, open_app(state, name) as folder:
                with folder.folder("deletions") as waiting:  # hardly anybody has one: nothing is loaded before
                    from shipper import files

                    if not files.names(waiting):
                        return
                with Lock(folder, 0):
                    news = advance_due(folder, now // 1000, self.flush_interval, 0)
        except OSError:
            return  # there is none, or whoever holds the lock is about to find it
        if news == DUE:
            from shipper.wakeup.spawn import start_pass

            start_pass(environ, name, self._prefix)

    def _line(self, now: "int", moment: "str", name: "str", said: "str", user: "str", ci: "bool") -> "bytes":
        global _session
        if _session[0] != os.getpid():
            _session = (os.getpid(), os.urandom(8).hex())
        person = f'"user":"{user}",' if user else ""
        return seal_line(
            f'{{"v":{VERSION},"id":"{new_id(now, os.urandom(10))}","time":"{moment}",'
            f'"app":"{self.name}","version":"{self.version}","name":"{name}",{person}"session":"{_session[1]}",'
            f'"ci":{"true" if ci else "false"},{surroundings()},"fields":{{{said}}}'
        )

    def manifest(self, endpoint: "str" = "") -> "bytes":
        """Say the declaration as one JSON object: what `app.json` holds and every pass reads. `endpoint` overrides."""
        return (
            f'{{"shipper":1,"version":"{self.version}","app":"{self.name}","endpoint":{quote(endpoint or self.endpoint)},'
            f'"wire":"{self.wire}","policy":"{self.policy}","policy_date":"{self.policy_date}","ci":"{self.ci}",'
            f'"about":{quote(self.about)},"notice":{quote(self.notice)},"write_key":{quote(self.write_key)},'
            f'"limits":{{"bytes":{self.limits[0]},"days":{self.limits[1]},"files":{self.limits[2]}}},'
            f'"flush_interval":{self.flush_interval},"durability":"{self.durability}",'
            f'"events":[{",".join([declared.manifest() for declared in self.events.values()])}]}}\n'
        ).encode("ascii")

    def _spool(self, environ: "Mapping[str, str]", config: "Folder | None", now: "int", line: "bytes") -> "bool":
        """Bring a line into the spool, and a due pass under way. Returns True when the line is promised (S1)."""
        endpoint = environ.get(self._prefix + "_ENDPOINT", "")
        if not endpoint.isprintable():  # no pass could read the manifest that names it
            return False
        name = spool_name(self.name, endpoint)
        news = ""
        with open_state(environ, create=True) as state, open_app(state, name, create=True) as folder:
            try:
                kept, news = self._take_turn(environ, config, folder, now, line, endpoint)
            except OSError as error:
                from shipper.errors import Busy  # here: to make an exception class costs as much as twenty functions

                if not isinstance(error, Busy):
                    raise
                from shipper.spool.overflow import write_overflow

                mode = self._decide(environ, config)[0]
                kept = write_overflow(folder, mode, line, self.limits[2], now, os.urandom(4), self.sync)
            if kept and self.sync:
                from shipper.files import sync_chain

                sync_chain(folder)
        if news == DUE:
            from shipper.wakeup.spawn import start_pass

            start_pass(environ, name, self._prefix)
        elif news:
            from shipper.wakeup.spawn import tell

            tell(environ)
        return kept

    def _take_turn(
        self,
        environ: "Mapping[str, str]",
        config: "Folder | None",
        folder: "Folder",
        now: "int",
        line: "bytes",
        endpoint: "str",
    ) -> "tuple[bool, str]":
        """Append under the lock. Returns (the line is in the spool, DUE, SET or ""). Raises Busy without the lock."""
        global _patience
        lock = Lock(folder, _patience)
        try:
            with lock:
                mode = self._decide(environ, config)[0]  # S6: a choice that was made while we waited holds
                if mode == consent.OFF:
                    return False, ""
                manifest = self._manifests.get(endpoint) or self._manifests.setdefault(
                    endpoint, self.manifest(endpoint)
                )
                _put_manifest(folder, manifest, self.version, self.sync)
                if mode == consent.LOCAL:
                    with folder.folder("held", create=True) as held:
                        self._put(folder, held, now, line)
                    return True, ""
                before = self._put(folder, folder, now, line)
                return True, advance_due(folder, now // 1000, self.flush_interval, before)
        finally:
            _patience = max(0.0, _patience - lock.waited)

    def _put(self, folder: "Folder", into: "Folder", now: "int", line: "bytes") -> "int":
        """Append to the active file of `into`, sealing a full one first (S3). Returns its size before, -1 if full."""
        full = is_full(into, len(line))
        if full:
            from shipper.spool.limits import Limits, evict
            from shipper.spool.segments import seal

            seal(folder, now, os.urandom(4), into is not folder, self.sync)
            evict(folder, Limits(*self.limits), self.sync)
        before = append_line(into, line, self.sync)
        if self.sync and into is not folder:
            from shipper import files

            files.sync_entries(into)
        return -1 if full else before


def _put_manifest(folder: "Folder", manifest: "bytes", version: "str", sync: "bool") -> None:
    """Keep `app.json` what the newest version of the app declares. The caller holds the spool's lock."""
    try:
        there = folder.read("app.json", MANIFEST_BYTES)
    except FileNotFoundError:
        there = b""
    if there != manifest:
        from shipper.spool.manifest_upgrade import replace_manifest

        replace_manifest(folder, there, manifest, version, sync)


def _strict() -> "bool":
    return os.environ.get("SHIPPER_STRICT") == "1"


def _open_config(environ: "Mapping[str, str]") -> "Folder | None":
    try:
        return open_config(environ)
    except FileNotFoundError:
        return None


def _is_printable(text: "object") -> "bool":
    return isinstance(text, str) and text.isprintable()


def _is_place(endpoint: "str") -> "bool":
    scheme, _, rest = endpoint.lower().partition(":")
    if scheme == "http":  # in the clear it goes to this machine only
        return rest.startswith(("//localhost", "//127.", "//[::1]"))
    return scheme in LOCAL or (scheme == "https" and rest[:2] == "//" and rest[2:3] not in ("", "/", ":"))
