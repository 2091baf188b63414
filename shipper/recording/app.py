"""App: what one command-line tool declares, and how its events are recorded.

The path of one event: consent (read, decide) -> one line -> the lock -> consent again -> append -> due. Whoever finds a
pass due rings the doorbell or starts a flusher, after the lock is released.
"""

import os
import time

from shipper.recording.automation import one_run_home, signs
from shipper.recording.command import Command
from shipper.recording.consent import (
    BY_UNREACHABLE,
    ENVIRONMENT_OFF,
    NOTICE_DUE,
    decide_here,
    read_consent_date,
    read_identity,
    read_others,
    variable,
)
from shipper.recording.environment import look_up
from shipper.recording.event import OUT_OF_TYPE, by_name
from shipper.recording.folder import find_config, home_path, open_config, spool_name
from shipper.recording.foreign import is_foreign
from shipper.recording.line import MAX_LINE, event_line, format_time
from shipper.recording.manifest import write_manifest
from shipper.recording.modes import NONE, OFF, ON, PSEUDONYMOUS
from shipper.recording.settings import FLUSH_INTERVAL, MAX_BYTES, MAX_DAYS, MAX_FILES, check_settings
from shipper.recording.spooling import endpoint_here, spool_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from typing import Literal, TypeVar

    from shipper.integrations.program import Program
    from shipper.recording.consent import Others
    from shipper.recording.event import Event
    from shipper.recording.folder import Folder

    C = TypeVar("C")


class App:
    """One command-line tool and what it may record.

    `events` is the catalog. `policy` says what holds until a person chooses: "opt-in" (recorded, not sent, until asked)
    or "opt-out" (a notice once, then on); `ci` is the mode in CI; `policy_date` ("YYYY-MM-DD") shows the notice again
    when it changes; `notice` adds the author's own words to it; `about` is the public page. `retention_days`
    says how long the receiver keeps events, on the page and to the receiver; 0 says nothing. `identity` is "pseudonymous",
    or "none": then nothing that is sent can be linked to anything else that is sent. `endpoint` and `wire` say where a
    pass sends. `flush_interval` is in seconds; `max_bytes`, `max_days`, `max_files` bound the spool;
    `durability="power-loss"` syncs before `record()` returns True. `identity_file` ("FILE" or "FILE#key") names where an
    earlier telemetry kept its id: it is adopted. `invite_after` (days) has an instrumented opt-in program call `invite()` as
    it ends. `questions` are pairs of commands and funnels for the receiver's page; see `shipper.recording.questions`.

    Raises DeclarationError when any of it is wrong: declaring is the one moment when an author can be told.
    """

    def __init__(
        self,
        name: "str",
        *,
        version: "str",
        endpoint: "str",
        events: "Iterable[Event]" = (),
        policy: "Literal['opt-in', 'opt-out']" = "opt-in",
        policy_date: "str" = "",
        ci: "Literal['on', 'local', 'off']" = "off",
        about: "str" = "",
        notice: "str" = "",
        retention_days: "int" = 0,
        wire: "Literal['shipper', 'otlp', 'wundergraph', 'posthog', 'webhook', 'webhook-gzip']" = "shipper",
        write_key: "str" = "",
        identity: "Literal['pseudonymous', 'none']" = "pseudonymous",
        identity_file: "str" = "",
        invite_after: "int" = 0,
        flush_interval: "int" = FLUSH_INTERVAL,
        max_bytes: "int" = MAX_BYTES,
        max_days: "int" = MAX_DAYS,
        max_files: "int" = MAX_FILES,
        durability: "Literal['process', 'power-loss']" = "process",
        questions: "Mapping[str, Mapping[str, object]] | None" = None,
    ) -> None:
        self.name, self.version, self.endpoint = name, version, endpoint
        # Whoever checks no types can give any text: what is kept is a text until check_settings() has looked at it.
        texts: tuple[str, ...] = (wire, policy, ci, durability, identity)
        self.wire, self.policy, self.ci, self.durability, self.identity = texts
        self.about, self.notice, self.write_key, self.identity_file = about, notice, write_key, identity_file
        self.policy_date, self.retention_days, self.invite_after = policy_date, retention_days, invite_after
        self.flush_interval, self.sync = flush_interval, durability == "power-loss"
        self.limits = (max_bytes, max_days, max_files)
        self.flag: str | None = None  #: "off" after --telemetry=false on this call
        check_settings(self)
        self.events = by_name(events)
        if self.identity != PSEUDONYMOUS:
            from shipper.recording.unlinked import check_level

            check_level(self, questions)
        self.questions = ""  #: as a member of the manifest
        if questions:
            from shipper.recording.questions import questions_json

            self.questions = questions_json(questions)
        self.variable = variable(name)  #: the environment variable that says on, local or off; others begin with it
        self._manifests: dict[str, bytes] = {}  # made once per process, by endpoint from the environment
        self.programs: list[Program] = []  #: what was instrumented
        self._noticed = self.open_commands = 0  #: commands of instrumented programs that are under way
        self.said_name = ""  #: what name_command() said of the one that is under way

    def record(self, name: "str", /, **fields: "object") -> "bool":
        """Record one declared event. Returns True when its whole line is in the spool, False when nothing is promised.

        Never raises an Exception (under SHIPPER_STRICT=1, in the app's tests: BadValue) but one that a signal handler of
        the host raises meanwhile, which leaves nothing of ours open or locked. Never prints (unless the person
        asked with <APP>_TELEMETRY_DEBUG), never waits longer than 50 ms in all.
        """
        try:
            return self._record(name, fields)
        except BaseException as error:
            if not isinstance(error, Exception) or is_foreign(error):
                from shipper.recording.interruptions import clean_up, raised_by_a_handler

                if not isinstance(error, Exception) or raised_by_a_handler(error):
                    clean_up(os.environ, App.record.__code__)
                    raise
            if os.environ.get("SHIPPER_STRICT") == "1":
                from shipper.errors import BadValue

                if isinstance(error, BadValue):
                    raise
            try:
                wish = os.environ.get(self.variable + "_DEBUG")
                if wish:
                    from shipper.recording.debug import explain_failure

                    explain_failure(wish, name, error)
            except Exception:  # noqa: S110 - something failed already: what fails for the same reason must not reach the host
                pass
            return False

    def command(self, name: "str") -> "Command":
        """Measure a command: `with app.command("up"): ...` records its duration, its outcome and its error's class."""
        return Command(self, name)

    def name_command(self, name: "str") -> "None":
        """Say the name of the command that is under way, where no parser knows it: of a plug-in that was just found."""
        self.said_name = name

    def instrument(
        self,
        cli: "C",
        *,
        group: "str | None" = "",
        prog: "str" = "",
        ok: "Collection[int]" = (0,),
        usage: "Collection[int]" = (),
    ) -> "C":
        """Measure every command of a click group, a typer app, an argparse parser or a main function, and return it.

        It also gives them `--no-telemetry` and `--telemetry=true|false` and, where a program has commands, our own under
        the word `telemetry`, or `group`, or none (None). A main function has them only under a word that `group` gives.
        `prog` is the program's name where it is not the script's. `ok` and `usage` say which exit statuses stand for those
        outcomes. Raises DeclarationError for what cannot be measured.
        """
        from shipper.integrations import instrument

        measured: C = instrument(self, cli, group, prog, ok, usage)
        return measured

    def invite(self) -> "str":
        """Ask once, on a terminal, `invite_after` (0: 7) days after the first event, whether events may be sent.

        Returns "on" or "off" where a person answered so just now, else "". Waits 30 s at most. Never raises, like record().
        """
        from shipper.integrations.inviting import invite

        return invite(self)

    def mode(self) -> "tuple[str, str]":
        """Say what may be done with an event now: (mode, the rule that decided it). Never raises, like record()."""
        environ = look_up(os.environ, self.variable)
        try:
            config = find_config(os.environ)
        except OSError as error:
            if is_foreign(error):
                raise
            return OFF, BY_UNREACHABLE
        try:
            return self.decide(environ, config, read_others(self.name))
        finally:
            if config is not None:
                config.close()

    def decide(self, environ: "Mapping[str, str]", config: "Folder | None", others: "Others") -> "tuple[str, str]":
        """Decide from the open configuration folder and what machine and repository say: (mode, the rule that decided)."""
        policy = (self.name, self.policy, self.policy_date, self.ci)
        return decide_here(self.flag, environ, config, policy, others)

    def _record(self, name: "str", fields: "dict[str, object]") -> "bool":
        environ = look_up(os.environ, self.variable)
        now = time.time_ns() // 1_000_000
        moment = format_time(now)
        today = moment[:10]
        config = find_config(environ)
        try:
            others = read_others(self.name)
            mode, why = self._decide_now(environ, config, others, now)
            event = self.events.get(name)
            if event and event.expired(today):
                mode, why = OFF, "the event is past its last day"
            covered = read_consent_date(config, self.name, why) if event and event.dated else "~"
            if mode != OFF and event and event.since > covered:
                mode, why = OFF, "the event is newer than the choice; to include it, choose again"
            if mode != OFF:  # S6: there must be a folder in which the look under the lock finds a choice
                config = config or open_config(environ, create=True)
            endpoint = endpoint_here(self, environ)
            # A person is somebody else at each receiver: the id belongs to the spool, as that does to an endpoint.
            spool = spool_name(self.name, endpoint)
            if event and event.measured:
                from shipper.choices.remembered import answer

                fields = answer(event, fields, environ, config if mode != OFF else None, spool, now)
            said = self._say(name, fields, today, covered)
            debug = environ.get(self.variable + "_DEBUG")
            # Hardly anybody asks for deletion: nothing is loaded before there is a folder for it.
            if mode != ON and os.access(f"{home_path(environ, 'state')}/apps/{spool}/deletions", os.F_OK):
                from shipper.wakeup.deletions import start_deletion_pass

                start_deletion_pass(os.environ, spool, self.variable, now // 1000, self.flush_interval)
            if mode == OFF and not debug:
                return False
            ci, agent = signs(environ)
            user = ""
            if config and not (ci or mode == OFF or one_run_home(environ)):
                user = self._identify(config, now, name, agent, endpoint, spool)
            line = self._line(now, moment, name, said, user, ci, agent)
            kept = mode != OFF and len(line) <= MAX_LINE
            kept = kept and spool_line(self, environ, config, others, now, line, endpoint)
            if debug:
                from shipper.recording.debug import tell

                tell(debug, line, kept, why if mode == OFF else "the spool did not take it")
            return kept
        finally:
            if config is not None:
                config.close()

    def _decide_now(
        self, environ: "Mapping[str, str]", config: "Folder | None", others: "Others", now: "int"
    ) -> "tuple[str, str]":
        """Decide for one event, show a notice that is due, and hold back what waits where a variable says off."""
        mode, why = self.decide(environ, config, others)
        if why in ENVIRONMENT_OFF:
            from shipper.recording.unsent import may_hold_unsent

            if may_hold_unsent(environ, self.name):
                from shipper.spool.holding import hold_pending

                hold_pending(environ, self.name, why, now)
        if self._noticed == os.getpid():  # the run that shows the notice records nothing
            mode, why = OFF, NOTICE_DUE
        if why == NOTICE_DUE:
            from shipper.choices.notice import show_once

            self._noticed = os.getpid() if show_once(self, os.environ, now) else self._noticed
        return mode, why

    def _identify(
        self, config: "Folder", now: "int", name: "str", agent: "str", endpoint: "str", spool: "str"
    ) -> "str":
        """Return the person's id; "" where the app wants none: then this installation is counted, once a week."""
        if self.identity == NONE:
            from shipper.recording.uses import count_use

            count_use(self, os.environ, config, now, name, agent, endpoint)
            return ""
        user = read_identity(config, spool)
        if not user:
            from shipper.choices.identity import first_identity

            user = first_identity(config, spool, self.name, self.identity_file)
        return user

    def _say(self, name: "str", fields: "dict[str, object]", today: "str", covered: "str") -> "str":
        declared = self.events.get(name)
        if declared is None:
            from shipper.errors import BadValue

            raise BadValue(f"the app declares no event {name}", f"it declares: {', '.join(self.events)}")
        said = declared.encode_fields(fields, False, today, covered)
        if OUT_OF_TYPE in said and os.environ.get("SHIPPER_STRICT") == "1":  # a look that costs
            declared.encode_fields(fields, True, today, covered)
        return said

    def _line(
        self, now: "int", moment: "str", name: "str", said: "str", user: "str", ci: "str", agent: "str"
    ) -> "bytes":
        if self.identity == NONE:
            from shipper.recording.unlinked import unlinked_line

            return unlinked_line(os.urandom(16), moment[:10], self.name, self.version, name, ci != "", agent, said)
        return event_line(self, now, moment, name, said, user, ci, agent)

    def manifest(self, endpoint: "str" = "") -> "bytes":
        """Say the declaration as one JSON object: what `app.json` holds and every pass reads. `endpoint` overrides."""
        found = self._manifests.get(endpoint)
        if found is None:
            declared = self.events.get("command")
            for value_type in declared.fields.values() if declared and self.programs else ():
                if value_type.from_tree:
                    from shipper.integrations.names import fill_names

                    fill_names(self)
                    break
            found = self._manifests[endpoint] = write_manifest(self, endpoint)
        return found
