"""The test kit for authors of instrumented CLIs, and its pytest plugin, which pytest finds by itself.

    def test_up_tells_how_it_ended(shipper_recorded):
        CliRunner().invoke(cli, ["up"])
        shipper_recorded.assert_events(("command", {"command": "up", "outcome": "ok"}))

The plugin does nothing to a test that asks for none of its fixtures. One that asks for `shipper_recorded` writes into a home
of its own, starts no flusher, and fails when it would send events anywhere but to this machine; for a whole suite:

    @pytest.fixture(autouse=True)
    def no_telemetry_of_mine(shipper_recorded): ...

`shipper_receiver` is a receiver on loopback with every fault by name:

    def test_nothing_is_lost_while_the_receiver_is_down(shipper_receiver):
        with shipper_receiver("status 503", "acknowledge") as receiver: ...
"""

import os
import sys
from collections.abc import Generator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from shipper.testing.receiver import Receiver

__all__ = ["OutsideTheFence", "Recorded", "assert_events", "is_loopback"]

Expected = str | tuple[str, Mapping[str, object]]
"""An event as a test expects it: its name, alone or with some of its fields."""

_HOME = "SHIPPER_HOME"
_TAKEN_AWAY = ("DO_NOT_TRACK", "CI", "GITHUB_ACTIONS", "GITLAB_CI")


class OutsideTheFence(OSError):
    """A test was about to send events to somewhere else than this machine.

    Whoever sends takes it for a network that is down; the test fails all the same, when it ends.
    """


_reached: list[str] = []
# Whether the audit hook was added, and whether a test under way has asked for it.
_hooked: list[bool] = []
_watching: list[bool] = []


class Recorded:
    """What apps have recorded in a test, read back from their spools on disk, held events included."""

    def events(self, app: str = "") -> list[dict[str, Any]]:
        """Every event of an app, or of all, oldest first, as it stands in its line."""
        from shipper import files
        from shipper.reader import decode
        from shipper.recording.folder import open_app, open_state
        from shipper.spool.pending import pending_lines

        found: list[dict[str, Any]] = []
        try:
            with open_state(os.environ) as state, state.folder("apps") as apps:
                for name in sorted(files.names(apps)):
                    if app in ("", name.partition("@")[0]):
                        with open_app(state, name) as spool:
                            found += [decode(line) for line in pending_lines(spool, held=True)]
        except FileNotFoundError:
            return []
        return sorted(found, key=lambda event: str(event["time"]))

    def assert_events(self, *expected: Expected, app: str = "") -> None:
        """See assert_events()."""
        assert_events(*expected, app=app)


def assert_events(*expected: Expected, app: str = "") -> None:
    """Assert that exactly these events were recorded, in this order; of the fields, those that are given.

    Raises AssertionError that shows what was recorded instead.
    """
    found = [(event["name"], event["fields"]) for event in Recorded().events(app)]
    wanted: list[tuple[str, Mapping[str, object]]] = [(one, {}) if isinstance(one, str) else one for one in expected]
    same = len(found) == len(wanted) and all(
        name == wish and fields.items() >= some.items()
        for (name, fields), (wish, some) in zip(found, wanted, strict=True)
    )
    if not same:
        shown = "\n".join(f"  {name} {fields}" for name, fields in found) or "  nothing"
        wish_list = "\n".join(f"  {name} {dict(fields)}" for name, fields in wanted) or "  nothing"
        raise AssertionError(f"expected\n{wish_list}\nbut recorded was\n{shown}")


def is_loopback(host: object) -> bool:
    """Say whether a host (a name, an address, None) is this machine, or a name that by RFC 6761 exists nowhere."""
    import ipaddress

    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name is None or name in ("", "localhost"):
        return True
    if not isinstance(name, str):
        return False
    if name.endswith(".invalid"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    """The audit hook: look at each address before shipper's own transport reaches for it."""
    if (
        not _watching
        or event not in ("socket.connect", "socket.getaddrinfo")
        or "shipper.wires.transport" not in sys.modules
    ):
        return
    address = arguments[1] if event == "socket.connect" else (arguments[0],)
    if isinstance(address, tuple) and not is_loopback(address[0]) and _sending():
        _reached.append(str(address[0]))
        raise OutsideTheFence(f"a test was about to send events to {address[0]!r}")


def _sending() -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != "shipper.wires.transport":
        frame = frame.f_back
    return frame is not None


@pytest.fixture
def _shipper_guard() -> Generator[None, None, None]:
    """Fail the test that reached for somebody else, whatever became of that in between."""
    if not _hooked:
        sys.addaudithook(_guard)  # no hook is ever taken away: it looks only while a test has asked for it
    _hooked[:] = [True]
    _watching[:] = [True]
    _reached.clear()
    yield
    _watching.clear()
    if _reached:
        raise OutsideTheFence(f"the test was about to send events to {', '.join(sorted(set(_reached)))}")


@pytest.fixture
def shipper_recorded(
    _shipper_guard: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Recorded:
    """A home for this test alone in which everybody has agreed to everything, and what is recorded there.

    SHIPPER_STRICT is set: an event or a value that the catalog does not know raises BadValue.
    """
    from shipper.choices.saving import save_choice
    from shipper.recording.folder import open_config
    from shipper.recording.modes import ALL, ON

    monkeypatch.setenv(_HOME, str(tmp_path_factory.mktemp("shipper") / "home"))
    monkeypatch.setenv("SHIPPER_SPAWN", "0")
    monkeypatch.setenv("SHIPPER_STRICT", "1")
    for name in (*_TAKEN_AWAY, *filter(_decides, os.environ)):
        monkeypatch.delenv(name, raising=False)
    with open_config(os.environ, create=True) as config:
        save_choice(config, ALL, ON, "test", 0)
    return Recorded()


def _decides(variable: str) -> bool:
    return variable.endswith("_TELEMETRY") or "_TELEMETRY_" in variable


@pytest.fixture
def shipper_receiver(_shipper_guard: None) -> "type[Receiver]":
    """The class Receiver: `with shipper_receiver("status 503", "acknowledge") as receiver: ...`."""
    from shipper.testing.receiver import Receiver

    return Receiver
