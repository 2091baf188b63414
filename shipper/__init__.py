"""Usage telemetry for command-line tools: recorded offline, delivered once, deleted only when acknowledged.

    from shipper import App, Event, one_of

    telemetry = App("mytool", version="1.0", endpoint="https://telemetry.example.com",
                    events=[Event("theme", "Which themes people choose.", name=one_of("dark", "light"))])
    telemetry.record("theme", name="dark")

The map. The recording path is this file (App: record, command), event (Event, the closed value types, an event's line),
consent (choices, id, decide) and append (places, lock, append, due): a process that records loads these and nothing
else. They are few because each file costs every host a tenth of a millisecond. What happens seldom stands apart: files
(what is done to files by name), choice (saving one), identity (making an id), places (other systems, a first use),
wording (versions and errors). spool is what a pass does with the disk, delivery what it decides, wires how it speaks,
flusher where the three meet. daemon serves all apps of a person; bell and spawn are how a CLI reaches a flusher. privacy
is notice, forget and the public page; integrations instrument a CLI in one line; collector receives; cli has a file per
command.

App is declared once; then `record()` and `command()` never raise into the host and never wait. The path of one event:
consent (read, decide) -> one line -> the lock -> consent again -> append -> due. Whoever finds a pass due rings the
doorbell or starts a flusher, after the lock is released.
"""

import os
import time

from shipper import append, consent, event
from shipper.event import Event, error_class, flag, integer, milliseconds, one_of, version_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Any

__all__ = ["App", "Event", "error_class", "flag", "integer", "milliseconds", "one_of", "version_number"]
__version__ = "0.1.0"

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
_patience = append.PATIENCE
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
        self.events = event.by_name(events)
        self._prefix = consent.variable(name)
        self._noticed = 0
        self._manifests: dict[str, bytes] = {}  # made once per process, by endpoint from the environment
        self.has_commands = False  #: whether the host's own `telemetry off` and so on do what `shipper off APP` does

    def _check(self) -> None:  # noqa: C901 - one flat row per rule
        wrong = ""
        if not event.valid_name(self.name) or not _LETTERS.issuperset(self.name) or not self.name[0].isalpha():
            wrong = f"{self.name!r} cannot name an app: a to z, then a to z, 0 to 9 and -"
        elif len(self.name) > 32:
            wrong = f"the app's name {self.name!r} is longer than 32 characters"
        elif not event.valid_name(self.version):
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
        elif self.flush_interval > append.LONGEST_WAIT:
            wrong = f"flush_interval is at most {append.LONGEST_WAIT} seconds"
        elif self.durability not in ("process", "power-loss"):
            wrong = f'durability is "process" or "power-loss", not {self.durability!r}'
        elif self.policy not in ("opt-in", "opt-out") or self.ci not in (consent.ON, consent.LOCAL, consent.OFF):
            wrong = (
                f'policy is "opt-in" or "opt-out" and ci is "on", "local" or "off", not {self.policy!r}, {self.ci!r}'
            )
        elif self.policy_date and not event.valid_date(self.policy_date):
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
            self._excuse(name, error)
            return False

    def _excuse(self, name: "str", error: "Exception") -> None:
        try:
            wish = os.environ.get(self._prefix + "_DEBUG")
            if wish:
                from shipper.privacy.debug import excuse

                excuse(wish, name, error)
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

    def _decide(self, environ: "Mapping[str, str]", config: "append.Folder | None") -> "tuple[str, str]":
        policy = (self.name, self.policy, self.policy_date, self.ci)
        return consent.decide(self.flag, environ, consent.read_saved(config, self.name), policy)

    def _record(self, name: "str", fields: "dict[str, object]") -> "bool":
        environ = os.environ
        now = time.time_ns() // 1_000_000
        moment = event.format_time(now)
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
                from shipper.privacy.notice import show_once

                self._noticed = os.getpid() if show_once(self, environ, now) else self._noticed
            if mode != consent.ON:
                self._chase_deletion(environ, now)
            if mode == consent.OFF and not debug:
                return False
            ci = consent.in_ci(environ) != ""
            user = ""
            if mode != consent.OFF:  # S6: there must be a folder in which the look under the lock finds a choice
                config = config or append.open_config(environ, create=True)
            if config and not (ci or mode == consent.OFF or consent.one_run_home(environ)):
                user = consent.read_identity(config, self.name) or self._make_identity(config)
            line = self._line(now, moment, name, said, user, ci)
            kept = mode != consent.OFF and len(line) <= event.MAX_LINE and self._spool(environ, config, now, line)
            if debug:
                from shipper.privacy.debug import tell

                tell(debug, line, kept, why if mode == consent.OFF else "the spool did not take it")
            return kept
        finally:
            if config is not None:
                config.close()

    def _make_identity(self, config: "append.Folder") -> "str":
        global _patience
        from shipper.identity import make_identity

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
        if event.OUT_OF_TYPE in said and _strict():  # asked only now: every look at the environment costs
            declared.encode_fields(fields, True, today)
        return said

    def _chase_deletion(self, environ: "Mapping[str, str]", now: "int") -> None:
        """Have a request for erasure sent when it is due: it does not wait for consent, so nobody else would."""
        try:
            name = append.spool_name(self.name, environ.get(self._prefix + "_ENDPOINT", ""))
            with append.open_state(environ) as state, append.open_app(state, name) as folder:
                with folder.folder("deletions") as waiting:  # hardly anybody has one: nothing is loaded before
                    from shipper import files

                    if not files.names(waiting):
                        return
                with append.Lock(folder, 0):
                    news = append.advance_due(folder, now // 1000, self.flush_interval, 0)
        except OSError:
            return  # there is none, or whoever holds the lock is about to find it
        if news == append.DUE:
            from shipper.spawn import start_pass

            start_pass(environ, name, self._prefix)

    def _line(self, now: "int", moment: "str", name: "str", said: "str", user: "str", ci: "bool") -> "bytes":
        global _session
        if _session[0] != os.getpid():
            _session = (os.getpid(), os.urandom(8).hex())
        person = f'"user":"{user}",' if user else ""
        return event.seal_line(
            f'{{"v":{event.VERSION},"id":"{event.new_id(now, os.urandom(10))}","time":"{moment}",'
            f'"app":"{self.name}","version":"{self.version}","name":"{name}",{person}"session":"{_session[1]}",'
            f'"ci":{"true" if ci else "false"},{event.surroundings()},"fields":{{{said}}}'
        )

    def manifest(self, endpoint: "str" = "") -> "bytes":
        """Say the declaration as one JSON object: what `app.json` holds and every pass reads. `endpoint` overrides."""
        quote = event.quote
        return (
            f'{{"shipper":1,"version":"{self.version}","app":"{self.name}","endpoint":{quote(endpoint or self.endpoint)},'
            f'"wire":"{self.wire}","policy":"{self.policy}","policy_date":"{self.policy_date}","ci":"{self.ci}",'
            f'"about":{quote(self.about)},"notice":{quote(self.notice)},"write_key":{quote(self.write_key)},'
            f'"limits":{{"bytes":{self.limits[0]},"days":{self.limits[1]},"files":{self.limits[2]}}},'
            f'"flush_interval":{self.flush_interval},"durability":"{self.durability}",'
            f'"events":[{",".join([declared.manifest() for declared in self.events.values()])}]}}\n'
        ).encode("ascii")

    def _spool(self, environ: "Mapping[str, str]", config: "append.Folder | None", now: "int", line: "bytes") -> "bool":
        """Bring a line into the spool, and a due pass under way. Returns True when the line is promised (S1)."""
        endpoint = environ.get(self._prefix + "_ENDPOINT", "")
        if not endpoint.isprintable():  # no pass could read the manifest that names it
            return False
        name = append.spool_name(self.name, endpoint)
        news = ""
        with append.open_state(environ, create=True) as state, append.open_app(state, name, create=True) as folder:
            try:
                kept, news = self._take_turn(environ, config, folder, now, line, endpoint)
            except append.Busy:
                from shipper.spool.overflow import spill

                mode = self._decide(environ, config)[0]
                kept = spill(folder, mode, line, self.limits[2], now, os.urandom(4), self.sync)
            if kept and self.sync:
                from shipper.places import sync_chain

                sync_chain(folder)
        if news == append.DUE:
            from shipper.spawn import start_pass

            start_pass(environ, name, self._prefix)
        elif news:
            from shipper.spawn import tell

            tell(environ)
        return kept

    def _take_turn(
        self,
        environ: "Mapping[str, str]",
        config: "append.Folder | None",
        folder: "append.Folder",
        now: "int",
        line: "bytes",
        endpoint: "str",
    ) -> "tuple[bool, str]":
        """Append under the lock. Returns (the line is in the spool, DUE, SET or ""). Raises Busy without the lock."""
        global _patience
        lock = append.Lock(folder, _patience)
        try:
            with lock:
                mode = self._decide(environ, config)[0]  # S6: a choice that was made while we waited holds
                if mode == consent.OFF:
                    return False, ""
                manifest = self._manifests.get(endpoint) or self._manifests.setdefault(
                    endpoint, self.manifest(endpoint)
                )
                append.put_manifest(folder, manifest, self.version, self.sync)
                if mode == consent.LOCAL:
                    with folder.folder("held", create=True) as held:
                        self._put(folder, held, now, line)
                    return True, ""
                before = self._put(folder, folder, now, line)
                return True, append.advance_due(folder, now // 1000, self.flush_interval, before)
        finally:
            _patience = max(0.0, _patience - lock.waited)

    def _put(self, folder: "append.Folder", into: "append.Folder", now: "int", line: "bytes") -> "int":
        """Append to the active file of `into`, sealing a full one first (S3). Returns its size before, -1 if full."""
        full = append.is_full(into, len(line))
        if full:
            from shipper.spool.limits import Limits, evict
            from shipper.spool.segments import seal

            seal(folder, now, os.urandom(4), into is not folder, self.sync)
            evict(folder, Limits(*self.limits), self.sync)
        before = append.append_line(into, line, self.sync)
        if self.sync and into is not folder:
            from shipper import files

            files.sync_entries(into)
        return -1 if full else before


class Command:
    """One command under way: a context manager that records the event `command` when it ends, however it ends.

    It fills those of the fields command, duration_ms, outcome, exit_code, error that the event declares, and the fields
    that are named like options (`--force`): True for each in `options`. `outcome` is "ok", "error", "usage" (exit code
    2) or "interrupted"; set it before the end to say it yourself. As a decorator it measures each call of a function.
    """

    def __init__(self, app: "App", name: "str") -> None:
        self.app, self.name = app, name
        self.process, self._start = os.getpid(), time.monotonic_ns()
        self.outcome, self.exit_code = "", -1
        self.options: Iterable[str] = ()

    def __call__(self, function: "Any") -> "Any":
        """Decorate a function: each call of it is a command of its own."""
        from shipper.integrations.function import measured

        return measured(self.app, self.name, function)

    def __enter__(self) -> "Command":
        self.process, self._start = os.getpid(), time.monotonic_ns()
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self.end(error)

    def end(self, error: "BaseException | None" = None) -> None:
        """Record the command, ended by error or well."""
        outcome, code = ending(error)
        values: dict[str, object] = {
            "command": self.name,
            "duration_ms": (time.monotonic_ns() - self._start) // 1_000_000,
            "outcome": self.outcome or outcome,
            "exit_code": code if self.exit_code < 0 else self.exit_code,
            "error": error if isinstance(error, Exception) else None,
        }
        for option in self.options:
            values[option] = True
        declared = self.app.events.get("command")
        fields = declared.fields if declared else {}
        self.app.record("command", **{key: values[key] for key in values if key in fields and values[key] is not None})


def ending(error: "BaseException | None") -> "tuple[str, int]":
    """Say how a process ends that error leaves: "ok", "error", "usage" or "interrupted", and its exit status."""
    if error is None:
        return "ok", 0
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", 130
    if isinstance(error, SystemExit) and error.code is None:
        return "ok", 0
    code = error.code & 0xFF if isinstance(error, SystemExit) and isinstance(error.code, int) else 1
    return ("error", "ok", "usage")[1 if code == 0 else 2 if code == 2 else 0], code


def _strict() -> "bool":
    return os.environ.get("SHIPPER_STRICT") == "1"


def _open_config(environ: "Mapping[str, str]") -> "append.Folder | None":
    try:
        return append.open_config(environ)
    except FileNotFoundError:
        return None


def _is_printable(text: "object") -> "bool":
    return isinstance(text, str) and text.isprintable()


def _is_place(endpoint: "str") -> "bool":
    scheme, _, rest = endpoint.lower().partition(":")
    if scheme == "http":  # in the clear it goes to this machine only
        return rest.startswith(("//localhost", "//127.", "//[::1]"))
    return scheme in LOCAL or (scheme == "https" and rest[:2] == "//" and rest[2:3] not in ("", "/", ":"))
