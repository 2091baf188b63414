"""The story: a tool is used offline, nothing is lost, everything arrives once. Every figure is measured as it is told.

What was promised is known without asking shipper: each invocation is planned together with the events that it must
record (`Invocation.events`). The score compares that plan with what lies on disk and with what the receiver answers.
"""

import json
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import NamedTuple

from shipper.demo.answers import show_answers
from shipper.demo.stage import Stage
from shipper.errors import ShipperError

SHOWN = 2
"""Pending lines that are printed: enough to see what an event is, few enough to read."""


class Invocation(NamedTuple):
    """One call of the tool, the exit code that it ends with and the events that it records."""

    arguments: tuple[str, ...]
    code: int
    events: Counter[str]


class Plan:
    """The calls of a developer at work, with what each of them must record."""

    def __init__(self, sources: tuple[str, ...] = ()) -> None:
        self.invocations: list[Invocation] = []
        self.sources = sources

    def init(self, *sources: str) -> "Plan":
        """Make the project anew with these data sources."""
        self.sources = sources
        return self._add(("init", *sources), 0, Counter(command=1))

    def generate(self, integration: str) -> "Plan":
        """Generate a client."""
        return self._add(("generate", integration), 0, Counter(command=1, integration=1))

    def up(self, offline: str = "") -> "Plan":
        """Connect the data sources in their order, until one is offline. Without a project it is an error."""
        tried = self.sources.index(offline) + 1 if offline else len(self.sources)
        fails = bool(offline) or not self.sources
        arguments = ("up", "--offline", offline) if offline else ("up",)
        return self._add(arguments, int(fails), Counter(command=1, datasource=tried))

    def _add(self, arguments: tuple[str, ...], code: int, events: Counter[str]) -> "Plan":
        self.invocations.append(Invocation(arguments, code, events))
        return self

    def commands(self) -> list[tuple[str, ...]]:
        """The command lines, in order."""
        return [("wunderctl", *invocation.arguments) for invocation in self.invocations]

    def codes(self) -> list[int]:
        """The exit codes that they end with, as they would without telemetry."""
        return [invocation.code for invocation in self.invocations]

    def events(self) -> Counter[str]:
        """All events that they record, by name."""
        return sum((invocation.events for invocation in self.invocations), Counter())


def first_hour() -> Plan:
    """Thirty calls: somebody tries the tool, meets its errors and settles."""
    plan = Plan().up().init("postgres", "rest").generate("nextjs").up()
    for integration, source in (("nuxt", "graphql"), ("sveltekit", "mongodb")):
        plan.up().up(offline="rest").up().generate("nextjs").up()
        plan.init("postgres", "rest", source).up(offline=source).up().generate(integration)
        plan.up().up().up().generate("nextjs")
    return plan


def second_hour(sources: tuple[str, ...]) -> Plan:
    """Twenty calls in the project that the first hour left, with these data sources."""
    plan = Plan(sources)
    for _ in range(5):
        plan.up().generate("nextjs").up(offline=sources[-1]).up()
    return plan


def tell(environ: Mapping[str, str]) -> int:
    """Tell the whole story and return 0, or 1 when a promise did not hold. Raises ShipperError when it cannot be told."""
    if not all(map(find_spec, ("starlette", "uvicorn"))):
        raise ShipperError("the story needs a receiver", "Install it: pip install 'event-shipper[collector]'")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="shipper-demo-") as folder, socket.socket() as address:
        address.bind(("127.0.0.1", 0))  # bound and not listening: whoever connects is refused
        receiver = f"127.0.0.1:{address.getsockname()[1]}"
        stage = Stage(folder, environ, f"http://{receiver}")
        print(f"All of this is real: processes, files, a receiver. It happens in {folder}, which then goes.")
        plan = first_hour()
        _offline(stage, plan)
        _visible(stage)
        _refused(stage)
        _unreachable(stage, plan.events())
        address.close()
        with stage.start(stage.command_line("collect", "--listen", receiver, "--data", "data")) as process:
            try:
                stage.until("the receiver listens", lambda: _listens(receiver) or process.poll() is not None)
                _delivered(stage, receiver, plan.events())
                promised = plan.events() + _killed(stage, plan.sources)
                _once(stage, promised)
            finally:
                process.terminate()
        return _curtain(stage, promised, time.monotonic() - begun)


def _offline(stage: Stage, plan: Plan) -> None:
    stage.act(f"A developer uses wunderctl {len(plan.invocations)} times, and nothing listens.")
    for command in plan.commands()[:4]:
        stage.command(" ".join(command))
    stage.output(f"... and {len(plan.invocations) - 4} more")
    ran = stage.run_all(plan.commands())
    middle = statistics.median(one.seconds for one in ran)
    stage.note(f"{len(ran)} processes; in the middle one took {middle * 1000:.0f} ms, its own work included")
    stage.check("each ended with the exit code of its own work", plan.codes(), [one.code for one in ran])
    _on_disk(stage, plan.events())


def _visible(stage: Stage) -> None:
    stage.act("Anybody can read what waits. The last of it:")
    stage.shipper("show", "wunderctl", shown=lambda text: "\n".join(text.splitlines()[-SHOWN:]))


def _refused(stage: Stage) -> None:
    stage.act("Nobody has agreed yet, so nothing leaves.")
    refused = stage.shipper("flush", "wunderctl")
    stage.check("flush was not allowed to (exit 5)", 5, refused.code)
    agreed = stage.shipper("on", "wunderctl", "--with-held")
    stage.check("the choice is saved", 0, agreed.code)


def _unreachable(stage: Stage, promised: Counter[str]) -> None:
    stage.act("It may leave now, but nobody answers.")
    failed = stage.shipper("flush", "wunderctl")
    stage.check("flush said that something is left (exit 3)", 3, failed.code)
    _on_disk(stage, promised)


def _delivered(stage: Stage, receiver: str, promised: Counter[str]) -> None:
    stage.act("The receiver comes up.")
    stage.command(f"shipper collect --listen {receiver} --data data &")
    done = stage.shipper("flush", "wunderctl")
    stage.check("flush delivered everything (exit 0)", 0, done.code)
    _at_receiver(stage, promised)
    _on_disk(stage, Counter())


def _killed(stage: Stage, sources: tuple[str, ...]) -> Counter[str]:
    plan = second_hour(sources)
    stage.act(f"{len(plan.invocations)} more, four at a time, while flushes run; and one process is killed.")
    lost = _hang_and_kill(stage, sources[1])
    with ThreadPoolExecutor(1) as aside:
        running = aside.submit(stage.run_all, plan.commands(), 4)
        meanwhile = []
        while not running.done():
            (told,) = json.loads(stage.run(stage.command_line("flush", "wunderctl", "--json")).out)
            meanwhile.append(int(told["delivered"]))
        ran = running.result()
    stage.note(f"flushes meanwhile: {len(meanwhile)}; they delivered {sum(meanwhile)} events")
    stage.check("each other one ended with the exit code of its own work", plan.codes(), [one.code for one in ran])
    return plan.events() + lost


def _hang_and_kill(stage: Stage, source: str) -> Counter[str]:
    """Kill a tool in the middle of its work, and return what it had recorded by then."""
    command = ("wunderctl", "up", "--hanging", source)
    stage.command(" ".join(command) + " &")
    with stage.start(command, stdout=subprocess.PIPE) as victim:
        try:
            assert victim.stdout is not None
            connected = 0
            for line in victim.stdout:
                connected += 1
                if line == b"connecting %s\n" % source.encode():
                    break
        finally:
            victim.kill()
    stage.command(f"kill -9 {victim.pid}")
    stage.check("it died of SIGKILL", -signal.SIGKILL, victim.returncode)
    # One event for each source that it had come to. Its command never ended, so that event was never promised.
    return Counter(datasource=connected)


def _once(stage: Stage, promised: Counter[str]) -> None:
    done = stage.shipper("flush", "wunderctl")
    stage.check("flush delivered everything (exit 0)", 0, done.code)
    _at_receiver(stage, promised)
    _on_disk(stage, Counter())
    show_answers(stage)


def _at_receiver(stage: Stage, promised: Counter[str]) -> None:
    answer = stage.run(stage.command_line("report", "wunderctl", "--data", "data", "--json")).out
    said = json.loads(answer)["answers"] if answer else []
    everything: list[tuple[str, str, str, int]] = next(
        (question["rows"] for question in said if question["key"] == "everything"), []
    )
    found = {event: times for event, field, _, times in everything if not field}
    stage.check(
        f"the receiver counted {promised.total()} of {promised.total()} promised events, each once",
        dict(promised),
        found,
    )


def _on_disk(stage: Stage, expected: Counter[str]) -> None:
    shown = stage.run(stage.command_line("show", "wunderctl")).out.splitlines()
    found = Counter(str(json.loads(line)["name"]) for line in shown)
    claim = (
        f"{expected.total()} of {expected.total()} promised events are on disk"
        if expected
        else "nothing is left on disk"
    )
    stage.check(claim, dict(expected), dict(found))


def _curtain(stage: Stage, promised: Counter[str], seconds: float) -> int:
    checks = f"{stage.held} of {stage.held + len(stage.failed)} checks held"
    stage.act(f"{checks}: {promised.total()} events were promised to be delivered once. It took {seconds:.0f} s.")
    if stage.failed:
        return 1
    stage.note("Next: instrument a tool of your own; `shipper --help` lists the commands.")
    return 0


def _listens(receiver: str) -> bool:
    host, _, port = receiver.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True
