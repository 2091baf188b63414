"""forget: nothing left here, somebody new, and a request to the receiver that survives whatever happens meanwhile."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shipper import files
from shipper.cli import main
from shipper.flusher import run_pass
from shipper.privacy.forget import forget
from shipper.recording import consent
from shipper.recording.due import write_due
from shipper.recording.folder import open_app, open_config, open_state
from shipper.recording.lock import Lock
from shipper.spool import Spool
from tests.fixtures.faults import Faults
from tests.fixtures.passes import choose
from tests.fixtures.sample_app import lines, sample, spool_of
from tests.fixtures.spools import tree
from tests.fixtures.waiting import until

APP = "wunderctl"


def shipper(*arguments: str, **environ: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "shipper", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )
    return done.returncode, done.stdout, done.stderr


def known_to(receiver: Faults) -> str:
    """Record and deliver an event; return the id under which the receiver knows this person."""
    choose("on", APP)
    assert sample(endpoint=receiver.endpoint).record("datasource", kind="mysql")
    assert flush(receiver) == 0
    (body,) = receiver.events.values()
    return str(json.loads(body)["user"])


def flush(receiver: Faults) -> int:
    before = len(receiver.requests)
    result = run_pass(APP, environ=os.environ, by_hand=True)
    assert len(receiver.requests) >= before
    return result.left + result.deletions


def requests(home: Path) -> list[str]:
    folder = home / "state/shipper/apps" / APP / "deletions"
    return sorted(os.listdir(folder)) if folder.exists() else []


def erasures(receiver: Faults) -> list[str]:
    return [request.path for request in receiver.requests if request.method == "DELETE"]


def test_the_receiver_is_asked_at_once_and_its_receipt_is_kept(home: Path) -> None:
    with Faults("acknowledge", "erased") as receiver:
        person = known_to(receiver)
        sample(endpoint=receiver.endpoint).record("datasource", kind="mysql")
        code, out, err = shipper("forget", APP)
        assert (code, out) == (0, ""), err
        assert "1 event erased here" in err
        assert "its receipt is in" in err
    assert erasures(receiver) == [f"/v1/users/{person}"]
    assert requests(home) == []
    with spool_of(dict(os.environ)) as folder:
        assert tree(Spool(folder, os.environ)) == {}
        receipt = Spool(folder, os.environ).history()[-1]
    assert receipt["deleted"] == person
    assert person in str(receipt["receipt"])
    assert person not in "".join(path.read_text() for path in (home / "config/shipper").iterdir())


def test_a_receiver_that_is_down_is_asked_again_by_every_pass_until_it_confirms(home: Path) -> None:
    with Faults("acknowledge", "status 503", "status 503", "status 503", "status 503", "page", "erased") as receiver:
        person = known_to(receiver)
        code, _, err = shipper("forget", APP)
        assert code == 3
        assert "The request waits" in err
        assert requests(home) == [person]
        assert shipper("off", APP)[0] == 0
        assert requests(home) == [person], "opting out does not withdraw it"
        for _ in range(5):
            if flush(receiver) == 0:
                break
        assert requests(home) == []
    assert set(erasures(receiver)) == {f"/v1/users/{person}"}


def test_nobody_is_asked_when_nothing_was_ever_sent(home: Path) -> None:
    choose("on", APP)
    sample().record("datasource", kind="mysql")
    code, _, err = shipper("forget", APP)
    assert code == 0
    assert "nobody to ask" in err
    assert requests(home) == []
    assert shipper("forget", "neverseen")[0] == 0


def test_every_id_that_this_person_ever_had_is_asked_for(home: Path) -> None:
    with Faults() as receiver:
        first = known_to(receiver)
        shipper("off", APP)
        shipper("on", APP)
        assert sample(endpoint=receiver.endpoint).record("datasource", kind="mysql")
        with spool_of(dict(os.environ)) as folder:
            second = str(lines(folder)[0]["user"])
    assert first != second
    shipper("forget", APP)
    assert requests(home) == sorted([first, second])


def test_the_next_event_is_of_somebody_new_and_an_adopted_id_does_not_come_back() -> None:
    Path(os.environ["HOME"], "theirs").write_text("0ujtsYcgvSTl8PAuAdqWYSMnLOv")
    choose("on", APP)
    app = sample(identity_file="~/theirs")
    assert app.record("datasource", kind="mysql")
    with spool_of(dict(os.environ)) as folder:
        assert lines(folder)[0]["user"] == "0ujtsYcgvSTl8PAuAdqWYSMnLOv"
    shipper("forget", APP)
    assert app.record("datasource", kind="mysql")
    with spool_of(dict(os.environ)) as folder:
        (event,) = lines(folder)
    assert len(str(event["user"])) == 32


def test_the_mode_stays_as_it_was() -> None:
    for mode in ("on", "local", "off"):
        choose(mode, APP)
        shipper("forget", APP)
        with open_config(os.environ) as config:
            assert consent.read_choice(config, APP)[0] == mode


KILLED = """
import os, sys, time
from shipper import files
from shipper.recording import consent
from shipper.cli.spools import spool_names
from shipper.privacy import forget
done = 0
def dying(call):
    def step(*arguments, **options):
        global done
        if done == int(sys.argv[1]):
            os._exit(9)
        done += 1
        return call(*arguments, **options)
    return step
for name in ("write", "rename", "remove", "sync_entries"):
    setattr(files, name, dying(getattr(files, name)))
forget.forget(os.environ, "wunderctl", spool_names(os.environ, ["wunderctl"]), time.time_ns() // 1_000_000)
"""


def test_killed_before_any_step_it_is_finished_by_the_next_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    while True:
        monkeypatch.setenv("SHIPPER_HOME", str(tmp_path / f"home-{steps}"))
        with Faults() as receiver:
            person = known_to(receiver)
            sample(endpoint=receiver.endpoint).record("datasource", kind="mysql")
        ended = subprocess.run([sys.executable, "-c", KILLED, str(steps)], check=False).returncode
        known = named(tmp_path / f"home-{steps}")
        assert person in known, f"after step {steps} nobody remembers whom to ask for"
        with Faults("erased") as receiver:
            write_endpoint(receiver.endpoint)
            assert main(["forget", APP]) == 0
            assert f"/v1/users/{person}" in erasures(receiver), f"killed before step {steps}"
        assert person not in named(tmp_path / f"home-{steps}")
        if ended == 0:
            break
        assert ended == 9
        steps += 1
    assert steps > 8


def named(home: Path) -> str:
    """Every id that the folders name: in files of ids, and as requests."""
    ids = [path.read_text() for path in (home / "config/shipper").iterdir() if path.suffix != ".mode"]
    return "".join(ids) + " ".join(path.name for path in home.glob(f"state/shipper/apps/{APP}/deletions/*"))


def write_endpoint(endpoint: str) -> None:
    """The receiver is back, at another port of this machine."""
    with spool_of(dict(os.environ)) as folder, folder.folder("tmp", create=True) as tmp:
        manifest = json.loads(folder.read("app.json", 1 << 20)) | {"endpoint": endpoint}
        files.replace(folder, "app.json", json.dumps(manifest).encode(), tmp)


def test_a_full_spool_does_not_push_a_request_out(home: Path) -> None:
    with Faults("acknowledge", "status 503") as receiver:
        person = known_to(receiver)
        shipper("forget", APP)
        app = sample(endpoint=receiver.endpoint, max_bytes=1, max_files=1)
        for _ in range(1200):
            app.record("datasource", kind="mysql")
        flush(receiver)
    assert requests(home) == [person]


def test_a_lock_that_is_not_had_is_said_and_nothing_is_forgotten_by_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipper.spool.spool.PATIENCE", 0.05)
    with Faults() as receiver:
        known_to(receiver)
        sample(endpoint=receiver.endpoint).record("datasource", kind="mysql")
    with spool_of(dict(os.environ)) as folder, Lock(folder, 1.0), pytest.raises(OSError, match="lock"):
        forget(os.environ, APP, [APP], 0)
    assert forget(os.environ, APP, [APP], 0).erased == 1


@pytest.mark.parametrize("mode", ["off", "local"])
def test_without_consent_the_next_run_of_the_app_still_has_the_request_sent(
    mode: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Faults("acknowledge", "status 503", "status 503", "status 503", "erased") as receiver:
        person = known_to(receiver)
        assert shipper("forget", APP)[0] == 3
        choose(mode, APP)
        with open_state(os.environ) as state, open_app(state, APP) as folder:
            Spool(folder, os.environ).write_journal({})
            write_due(folder, 0, 1)
        monkeypatch.delenv("SHIPPER_SPAWN")
        sample(endpoint=receiver.endpoint).record("datasource", kind="mysql")
        until(lambda: requests(home) == [], what="a pass that the run started has had the request confirmed")
    assert set(erasures(receiver)) == {f"/v1/users/{person}"}
    assert len(receiver.events) == 1, "nothing else was sent"


def test_where_the_wire_has_no_erasure_the_person_is_told_whom_to_ask_and_under_which_id(home: Path) -> None:
    recorded_and_tried(wire="otlp", endpoint="https://otel.example.com", about="https://example.com/privacy")
    with open_config(os.environ) as config:
        person = consent.read_identity(config, APP)
    code, _, err = shipper("forget", APP)
    assert code == 3
    assert "Ask its operator, at https://example.com/privacy" in err
    assert person in err
    assert requests(home) == [], "nobody could answer it"


def test_a_request_waits_while_the_manifest_cannot_be_read(home: Path) -> None:
    recorded_and_tried()
    (home / f"state/shipper/apps/{APP}/app.json").write_text("{")
    code, _, err = shipper("forget", APP)
    assert (code, len(requests(home))) == (3, 1)
    assert "app.json is damaged" in err


def recorded_and_tried(**options: object) -> None:
    """An event was recorded, and a pass has begun to send something once."""
    choose("on", APP)
    assert sample(**options).record("datasource", kind="mysql")  # type: ignore[arg-type]
    with spool_of(dict(os.environ)) as folder:
        Spool(folder, os.environ).write_journal({"began": 1.0})


def test_the_name_of_no_app_is_refused() -> None:
    code, out, err = shipper("forget", "../x")
    assert (code, out) == (2, "")
    assert "cannot be the name of an app" in err
