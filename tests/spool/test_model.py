"""A spool against a model of it: whatever happens in whatever order, the two agree on every event (S2 to S8).

The model is a few Python lists. The spool is the real one, on the real disk, opened anew by every step as a process of its
own would. Crashes happen between steps here, and within them in tests/crash.
"""

import json
import os
import shutil
import tempfile
from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shipper import files
from shipper.recording.folder import open_app, open_state
from shipper.recording.lock import Lock
from shipper.recording.modes import LOCAL, ON
from shipper.spool.limits import Limits, evict, measure
from shipper.spool.lines import Line
from shipper.spool.manifest_upgrade import replace_manifest
from shipper.spool.names import SUFFIX, is_losses
from shipper.spool.spool import Spool
from shipper.spool.without_lock import write_overflow
from tests.fixtures.spools import DAY, NOW, id_of, line, milliseconds, record, told, write_manifest


class Model(RuleBasedStateMachine):
    """Events by id: waiting, held, sent, refused. Counted: lost, losses that arrived, lines torn. `hand`: a segment's."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.mkdtemp()
        self.state = open_state({"SHIPPER_HOME": self.place}, create=True)
        self.folder = open_app(self.state, "demo", create=True)
        write_manifest(self.folder)
        self.now = NOW
        self.waiting: set[str] = set()
        self.held: set[str] = set()
        self.sent: set[str] = set()
        self.refused: set[str] = set()
        self.lost = self.arrived = self.torn = 0
        self.remembered: dict[str, float] = {}
        self.hand: tuple[str, tuple[Line, ...]] | None = None

    def teardown(self) -> None:
        self.folder.close()
        self.state.close()
        shutil.rmtree(self.place)

    @property
    def spool(self) -> Spool:
        """A spool as a process that has just started sees it."""
        return Spool(self.folder, {})

    @rule(count=st.integers(1, 5), local=st.booleans())
    def write(self, count: int, local: bool) -> None:
        lines = [line(now=self.now) for _ in range(count)]
        record(self.spool, lines, held=local)
        (self.held if local else self.waiting).update(map(id_of, lines))

    @rule(local=st.booleans())
    def write_without_the_lock(self, local: bool) -> None:
        one = line(now=self.now)
        assert write_overflow(
            self.folder, LOCAL if local else ON, one, Limits(), milliseconds(self.now), os.urandom(4), False
        )
        (self.held if local else self.waiting).add(id_of(one))

    @rule()
    def a_writer_dies_in_its_line(self) -> None:
        fd = self.folder.open("active.ndjson", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, line()[:40])
        os.close(fd)
        self.torn += 1

    @rule(seconds=st.sampled_from([1.0, 3600.0, DAY, -3600.0, -400 * DAY, 30 * DAY]))
    def the_clock_moves(self, seconds: float) -> None:
        self.now = max(self.now + seconds, 0.0)

    @rule()
    def seal(self) -> None:
        present = [one.name for one in self.spool.waiting()]
        name = self.spool.seal(self.now)
        assert name is None or all(name > other for other in present)

    @precondition(lambda self: self.hand is None)
    @rule(which=st.integers(0, 3))
    def claim(self, which: int) -> None:
        waiting = self.spool.waiting()
        if waiting:
            segment = self.spool.claim(waiting[which % len(waiting)].name)
            if segment:
                self.spool.mark_sent(segment.name)
                self.hand = segment.name, tuple(one for one in segment.lines if one.number not in segment.quarantined)

    @precondition(lambda self: self.hand is not None)
    @rule()
    def acknowledged(self) -> None:
        assert self.hand
        for one in self.hand[1]:
            if one.id in self.waiting:
                self.sent.add(one.id)
                self.waiting.discard(one.id)
            else:
                self._losses_arrived(one)
        self.spool.delete(self.hand[0])
        self.hand = None

    def _losses_arrived(self, one: Line) -> None:
        assert b'"name":"shipper.losses"' in one.raw, "an event that nobody recorded, or one that was sent before"
        self.arrived += sum(json.loads(one.raw)["fields"].values())

    @precondition(lambda self: self.hand is not None and bool(self.hand[1]))
    @rule(which=st.integers(0, 9))
    def refused_alone(self, which: int) -> None:
        assert self.hand
        name, lines = self.hand
        one = lines[which % len(lines)]
        if one.id in self.waiting:
            self.spool.quarantine(name, one.number, one.raw, "rejected", "unwanted")
            self.spool.quarantine(name, one.number, one.raw, "rejected", "unwanted")
            self.refused.add(one.id)
            self.waiting.discard(one.id)
            self.lost += 1
            self.hand = name, tuple(other for other in lines if other is not one)

    @precondition(lambda self: self.hand is not None)
    @rule(unsure=st.booleans())
    def kept(self, unsure: bool) -> None:
        assert self.hand
        self.spool.release(self.hand[0], unsure=unsure)
        self.hand = None

    @rule()
    def the_pass_dies_and_the_next_begins(self) -> None:
        self.hand = None
        self.spool.recover()
        assert os.listdir(os.path.join(self.folder.path, "sending")) == []

    @precondition(lambda self: self.hand is None)
    @rule()
    def losses_are_told(self) -> None:
        self.spool.recover()
        self.spool.collect_losses(self.now)

    @rule(size=st.sampled_from([1, 2000, 6000]))
    def the_spool_is_full(self, size: int) -> None:
        unsure = self.spool.unconfirmed()
        with Lock(self.folder, 1):
            gone = evict(self.folder, Limits(bytes=size + self._fixed()))
        assert not any(map(is_losses, gone))
        if unsure.intersection(gone):  # those that may have arrived go last
            assert {name for name, _, _ in measure(self.folder).evictable} <= unsure
        self._forget_what_went()

    def _fixed(self) -> int:
        return sum(
            self.folder.stat(name).st_size for name in ("app.json", "active.ndjson") if name in files.names(self.folder)
        )

    @rule()
    def a_pass_tidies(self) -> None:
        self.remembered = self.spool.enforce_bounds(self.now, self.remembered)
        self._forget_what_went()

    def _forget_what_went(self) -> None:
        here = Counter(self._ids())
        for room in (self.waiting, self.held):
            gone = {one for one in room if not here[one]}
            self.lost += len(gone)
            room -= gone

    @rule()
    def switched_on(self) -> None:
        self.spool.let_go(self.now)
        self.waiting |= self.held
        self.held = set()

    @precondition(lambda self: self.hand is None)
    @rule()
    def switched_to_local(self) -> None:
        self.spool.hold_back(self.now)
        self.held |= self.waiting
        self.waiting = set()

    @rule()
    def switched_off(self) -> None:
        self.spool.purge()
        self.waiting, self.held, self.refused, self.hand = set(), set(), set(), None
        self.lost = self.arrived = self.torn = 0

    @rule(version=st.sampled_from(["0.9", "1.0", "2.0"]))
    def another_version_of_the_app_runs(self, version: str) -> None:
        manifest = (
            b'{"shipper":1,"version":"%s","app":"demo","endpoint":"http://127.0.0.1:9","events":[]}\n'
            % version.encode()
        )
        before = self.spool.manifest.version
        with Lock(self.folder, 1):
            replace_manifest(self.folder, self.folder.read("app.json", 4096), manifest, version, False)
        assert self.spool.manifest.version == max(before, version)

    def _ids(self) -> list[str]:
        found = []
        for base, _, names in os.walk(self.folder.path):
            if os.path.basename(base) in ("demo", "sealed", "sending", "held", "overflow"):
                for name in (one for one in names if one.endswith(SUFFIX) and one != "history.ndjson"):
                    with open(os.path.join(base, name), "rb") as file:
                        for raw in file.read().split(b"\n"):
                            if raw.endswith(b'"}') and b"shipper.losses" not in raw:
                                found.append(raw[raw.index(b'"id":"') + 6 :][:36].decode())
        return [one for one in found if one not in self.refused]

    @invariant()
    def every_event_is_in_one_place(self) -> None:
        assert Counter(self._ids()) == Counter([*self.waiting, *self.held])
        assert {one.id for one in self.spool.quarantined()} - {""} == self.refused

    @invariant()
    def every_loss_is_counted_once(self) -> None:
        # A torn line was promised to nobody; it is counted once at most, when somebody meets it.
        assert 0 <= sum(told(self.spool).values()) + self.arrived - self.lost <= self.torn


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
