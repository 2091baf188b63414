"""doctor: every way in which a home can be wrong, provoked for real, is named with what to do."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from shipper import files
from shipper.privacy import findings
from shipper.privacy.findings import NOTE, OK, WRONG, Finding
from shipper.privacy.folders import folders
from shipper.recording.due import write_due
from shipper.recording.folder import open_app, open_config, open_state
from shipper.service import systemd
from shipper.spool import Spool
from shipper.wires.message import Reply
from tests.fixtures.faults import Faults
from tests.fixtures.passes import choose
from tests.fixtures.sample_app import sample, spool_of
from tests.fixtures.waiting import until

NOBODY = 65534
in_namespaces = pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode != 0,
    reason="mounting for one process needs namespaces",
)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving files to somebody else needs root")


# Everything is loaded first: this Python may lie in a home that nobody else may look into.
AS_ANOTHER = """
import os, sys, platformdirs.unix, shipper.cli.doctor, shipper.service.systemd, shipper.wires.transport
from shipper.cli import main
os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
sys.exit(main(["doctor", "--json"]))
"""


def doctor(
    environ: Mapping[str, str | None] | None = None, before: str = "", user: int | None = None
) -> tuple[int, list[Finding]]:
    """Run it in a process of its own; before is shell to run first, in namespaces of its own; user is who runs it."""
    known = {**os.environ, **(environ or {})}
    command = [sys.executable, "-m", "shipper", "doctor", "--json"]
    if user is not None:
        command = [sys.executable, "-c", AS_ANOTHER, str(user)]
    if before:
        command = ["unshare", "-rm", "sh", "-ec", f'{before}\nexec "$@"', "sh", *command]
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        env={name: value for name, value in known.items() if value is not None},
        cwd="/",
    )
    assert done.stderr == b"", done.stderr.decode()
    return done.returncode, [Finding(**found) for found in json.loads(done.stdout)]


def wrong(found: tuple[int, list[Finding]]) -> list[Finding]:
    code, every = found
    faults = [finding for finding in every if finding.level == WRONG]
    assert code == (1 if faults else 0)
    assert all(finding.todo for finding in faults), "what is wrong comes with the next step"
    return faults


def only(found: tuple[int, list[Finding]], subject: str, text: str) -> Finding:
    faults = [finding for finding in wrong(found) if finding.subject == subject]
    assert [finding for finding in faults if text in finding.text], (subject, text, found)
    return faults[0]


def recorded(mode: str = "local", **options: object) -> None:
    choose(mode, "wunderctl")
    assert sample(**options).record("datasource", kind="mysql")  # type: ignore[arg-type]


def test_a_home_in_order_has_nothing_wrong() -> None:
    assert wrong(doctor()) == []
    recorded()
    code, found = doctor()
    assert code == 0
    assert {finding.level for finding in found} <= {OK, NOTE}
    assert {"state folder", "config folder", "clock", "proxy", "passes", "wunderctl"} <= {
        each.subject for each in found
    }


def test_it_prints_for_people_what_it_prints_for_scripts(home: Path) -> None:
    home.mkdir()
    (home / "state").write_text("")
    done = subprocess.run([sys.executable, "-m", "shipper", "doctor"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"wrong state folder: {home}/state/shipper is a link or a file where a folder belongs\n" in done.stdout
    assert "        Move it away, or put it elsewhere: SHIPPER_HOME=DIR\n" in done.stdout


@in_namespaces
@pytest.mark.parametrize("there", [True, False])
def test_a_read_only_home_is_named(home: Path, there: bool) -> None:
    if there:
        recorded()
    mounted = f"mkdir -p {home}; mount --bind {home} {home}; mount -o remount,bind,ro {home}"
    finding = only(doctor(before=mounted), "state folder", "is on a read-only file system")
    assert "SHIPPER_HOME=DIR" in finding.todo


@in_namespaces
@pytest.mark.parametrize("room", ["size=16k", "size=1m,nr_inodes=4"])
def test_a_full_disk_is_named(home: Path, room: str) -> None:
    shell = f"mkdir -p {home}; mount -t tmpfs -o {room},mode=700 tmpfs {home}; mkdir -p {home}/state/shipper"
    filled = f"{shell}; dd if=/dev/zero of={home}/rest bs=4k 2>/dev/null || true"
    only(doctor(before=filled), "state folder", "is on a full disk")


def test_a_home_that_is_missing_is_named(tmp_path: Path) -> None:
    found = doctor({"SHIPPER_HOME": None, "HOME": str(tmp_path / "gone")})
    assert "Make the home folder" in only(found, "state folder", "gone cannot be made").todo


@pytest.fixture
def reachable(tmp_path: Path) -> dict[str, str]:
    """A place in the home of root that somebody else can reach."""
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o055)
    place = tmp_path / "theirs"
    place.mkdir()
    return {"SHIPPER_HOME": str(place)}


@as_root
def test_a_home_that_nobody_knows_is_named(reachable: dict[str, str]) -> None:
    found = doctor({**reachable, "SHIPPER_HOME": None, "HOME": None}, user=12345)
    only(found, "state folder", "no home folder")


@as_root
def test_the_root_of_the_file_system_as_home_is_named(reachable: dict[str, str]) -> None:
    only(
        doctor({**reachable, "SHIPPER_HOME": None, "HOME": "/"}, user=NOBODY),
        "state folder",
        "/ may not be written by you",
    )


@as_root
def test_root_in_somebody_elses_home_is_named(home: Path) -> None:
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    assert "sudo -H" in only(doctor(), "state folder", "root does not write into a folder of somebody else").todo


@as_root
@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_a_folder_of_somebody_else_is_named(reachable: dict[str, str], mode: int) -> None:
    place = Path(reachable["SHIPPER_HOME"])
    for folder in ("state/shipper", "config/shipper"):
        (place / folder).mkdir(parents=True)
        (place / folder).chmod(mode)
    found = doctor(reachable, user=NOBODY)
    only(found, "state folder", "belongs to somebody else" if mode == 0o755 else "may not be written by you")


def test_a_folder_that_others_may_write_into_is_named(home: Path) -> None:
    recorded()
    (home / "state/shipper").chmod(0o777)
    assert only(doctor(), "state folder", "others may write into it").todo == f"chmod go-w {home}/state/shipper"


def test_what_others_may_read_is_named_and_so_is_what_is_no_file_of_ours(home: Path) -> None:
    recorded()
    spool = home / "state/shipper/apps/wunderctl"
    (spool / "held/active.ndjson").chmod(0o644)
    (spool / "held").chmod(0o755)
    os.link(spool / "app.json", spool / "twice")
    (spool / "sealed").symlink_to("/tmp")
    texts = [finding.text for finding in wrong(doctor()) if finding.subject == "state folder"]
    for part in ("held/active.ndjson can be read by others", "held can be read by others", "twice has a second name"):
        assert any(part in text for text in texts), (part, texts)
    assert any("sealed is no regular file" in text for text in texts), texts


def test_a_link_in_the_place_of_a_folder_is_named(home: Path, tmp_path: Path) -> None:
    (home / "state").mkdir(parents=True)
    (home / "state/shipper").symlink_to(tmp_path)
    only(doctor(), "state folder", "is a link or a file where a folder belongs")


def test_a_relative_xdg_folder_is_noted(tmp_path: Path) -> None:
    _, found = doctor({"SHIPPER_HOME": None, "HOME": str(tmp_path), "XDG_STATE_HOME": "state"})
    assert [each.level for each in found if each.subject == "XDG_STATE_HOME"] == [NOTE]


@pytest.mark.parametrize(("error", "text"), [(37, "there are no locks"), (0, "locks keep nobody out")])
def test_a_file_system_without_locks_is_named(error: int, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()

    def lockf(*_: object) -> None:
        if error:
            raise OSError(error, "No locks available")

    monkeypatch.setattr(os, "lockf", lockf)  # no kernel here has such a file system
    assert [finding.text for finding in folders(os.environ, time.time()) if text in finding.text]


def test_a_file_systems_clock_that_differs_is_named() -> None:
    recorded()
    (finding, *_) = [each for each in folders(os.environ, time.time() - 3600) if each.level == WRONG]
    assert "3600 s ahead" in finding.text


HOLDER = """
import os, sys
from shipper.recording.lock import Lock
from shipper.recording.folder import open_app, open_state
with open_state(os.environ) as state, open_app(state, "wunderctl") as folder, Lock(folder, 1.0):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_who_holds_the_lock_is_named_by_its_process() -> None:
    recorded()
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        finding = only(doctor(), "wunderctl", f"process {holder.pid} holds spool.lock")
        assert f"kill -CONT {holder.pid}" in finding.todo
        holder.communicate()


def test_a_clock_of_the_past_or_one_that_went_back_is_named() -> None:
    assert [each.level for each in findings.clock(86400.0, {})] == [WRONG]
    recorded()
    with spool_of(dict(os.environ)) as folder:
        spool = Spool(folder, os.environ)
        assert [each.level for each in findings.clock(time.time(), {"wunderctl": spool})] == [OK]
        spool.write_journal({"success": time.time() + 7200})
        (finding,) = findings.clock(time.time(), {"wunderctl": spool})
        assert "wunderctl is later: it went back" in finding.text


@pytest.mark.parametrize(
    ("environ", "level", "text"),
    [
        ({"HTTPS_PROXY": "http://jane:secret@proxy:3128"}, NOTE, "http://proxy:3128 (from HTTPS_PROXY)"),
        ({"https_proxy": "proxy.example.com:3128"}, NOTE, "http://proxy.example.com:3128 (from https_proxy)"),
        ({"ALL_PROXY": "socks5://proxy:1080"}, WRONG, "ALL_PROXY is a SOCKS proxy"),
        ({"HTTP_PROXY": "ftp://proxy"}, WRONG, "HTTP_PROXY is no proxy's address"),
        ({"HTTP_PROXY": "http://[proxy"}, WRONG, "HTTP_PROXY is no address"),
        ({"SSL_CERT_FILE": "/nowhere.pem"}, WRONG, "SSL_CERT_FILE names /nowhere.pem"),
        ({}, OK, "none"),
    ],
)
def test_proxies_and_certificates_are_looked_at_and_no_password_is_shown(
    environ: dict[str, str], level: str, text: str
) -> None:
    found = list(findings.network(environ, False, systemd.handing_over))
    assert [each.level for each in found if text in each.text] == [level]
    assert "secret" not in str(found)
    assert [
        each.level for each in findings.network({"ALL_PROXY": "socks5://proxy:1080"}, True, systemd.handing_over)
    ] == [NOTE]


def test_an_endpoint_that_answers_and_one_that_does_not() -> None:
    with Faults("status 404") as receiver:
        recorded("on", endpoint=receiver.endpoint)
        code, found = doctor()
        assert (code, [each.text for each in found][-1]) == (0, f"{receiver.endpoint} answers (404)")
        assert [(request.method, request.body) for request in receiver.requests] == [("GET", b"")]
    finding = only(doctor(), "wunderctl", "does not answer")
    assert "Nothing listens there" in finding.todo


def test_an_endpoint_is_not_asked_without_consent() -> None:
    with Faults() as receiver:
        recorded("local", endpoint=receiver.endpoint)
        _, found = doctor()
        assert "was not asked: nothing may be sent" in found[-1].text
        assert receiver.requests == []


def test_a_receivers_clock_is_compared() -> None:
    from shipper.cli.doctor import _skew

    def reply(date: str) -> Reply:
        return Reply(200, (("date", date),), b"", 0.0)

    assert _skew(reply("Mon, 23 Nov 2026 10:00:00 GMT"), 1795428000.0) == 0
    assert _skew(reply("Mon, 23 Nov 2026 11:00:00 GMT"), 1795428000.0) == 3600
    assert _skew(reply("soon"), 1795428000.0) == 0


def test_a_service_that_does_not_run_is_named() -> None:
    unit = Path(os.environ["HOME"], ".config/systemd/user/shipper.service")
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\n")
    assert "systemctl --user start shipper" in only(doctor(), "service", "nobody is listening").todo


def test_a_daemon_that_listens_is_seen() -> None:
    daemon = subprocess.Popen([sys.executable, "-m", "shipper", "run"], stderr=subprocess.DEVNULL)
    try:
        until(lambda: [each for each in doctor()[1] if each.subject == "daemon"], what="the daemon listens")
    finally:
        daemon.terminate()
        daemon.wait()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("wunderctl.mode", "off for wunderctl"),
        ("_all.mode", "off for all apps"),
        ("wunderctl.notice", "off for wunderctl"),
        ("wunderctl.id", "wunderctl records nothing"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_follows_from_it(file: str, text: str) -> None:
    with open_config(os.environ, create=True) as config:
        files.write(config, file, b"\x00\n")
    assert file in only(doctor(), "consent", text).text


def test_a_token_that_others_can_read_is_named(home: Path) -> None:
    with open_config(os.environ, create=True) as config:
        files.write(config, "wunderctl.token", b"https://telemetry.example.com secret\n")
    assert wrong(doctor()) == []
    (home / "config/shipper/wunderctl.token").chmod(0o640)
    finding = only(doctor(), "token", "can be read by others, so it is not used")
    assert finding.todo.startswith("chmod 600")
    assert "secret" not in str(finding)
    (home / "config/shipper/wunderctl.token").chmod(0o600)
    (home / "config/shipper/wunderctl.token").write_text("secret\n")
    assert "secret" not in str(only(doctor(), "token", "does not say whom it is for, so it is not used"))


def test_a_damaged_manifest_is_named(home: Path) -> None:
    recorded()
    (home / "state/shipper/apps/wunderctl/app.json").write_text("{")
    only(doctor(), "wunderctl", "app.json is damaged")


def test_what_is_kept_aside_is_noted_with_the_command_that_shows_it() -> None:
    recorded()
    with open_state(os.environ) as state, open_app(state, "wunderctl") as folder:
        with folder.folder("deletions", create=True) as waiting:
            files.write(waiting, "0123456789abcdef", b"")
        spool = Spool(folder, os.environ)
        found = {each.text: each.todo for each in findings.spool("wunderctl", spool, "on", "chosen")}
        assert "shipper on wunderctl" in found["1 from before your `on` stay here"]
        assert "shipper flush wunderctl" in found["1 requests for erasure wait"]
        spool.let_go(time.time())
        write_due(folder, 0, 0)
        texts = [each.text for each in findings.spool("wunderctl", spool, "on", "chosen")]
        assert "events wait, and no time is set for a pass" in texts


def test_a_place_where_ids_are_left_out_is_noted() -> None:
    found = list(findings.starting({"CI": "true", "SHIPPER_SPAWN": "0"}, daemon=False, service=""))
    assert [each.level for each in found] == [NOTE, NOTE]
    assert "no id" in found[1].text
