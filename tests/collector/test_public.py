"""A receiver that anybody can reach: made public on purpose, by kinds of tokens, with limits that know no address."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from shipper.collector.http import folding
from shipper.collector.http.access import TokenFile
from shipper.collector.http.body import RequestRefused
from shipper.collector.http.capacity import Capacity, size_of
from shipper.collector.http.catalogs import Catalogs
from shipper.collector.http.folding import BUDGETS, INSTALLATIONS, OTHER, NameBudgets
from shipper.collector.http.receive import ACCEPT, DEFER, REJECT, row_of
from shipper.collector.http.sources import MAX_SOURCES, RateLimits, client_of, networks
from shipper.collector.stores.dimensions import labels_of
from shipper.collector.stores.store import Row
from shipper.reader import decode
from shipper.recording.event import LOSSES
from tests.fixtures.receiver_process import Running, running
from tests.fixtures.waiting import until
from tests.fixtures.wire_events import event_id, line

CATALOG = """
app = "wunderctl"
version = "1.2.0"
endpoint = "https://telemetry.example.com"
[events.command]
reason = "Which commands people use."
[events.command.fields]
command = { type = "one_of", members = ["up"] }
duration_ms = { type = "milliseconds" }
outcome = { type = "one_of", members = ["ok"] }
"""


def collect(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "shipper", "collect", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "10.1.2.3:4417", "telemetry.example.com:443"])
def test_nobody_is_public_by_accident(address: str, tmp_path: Path) -> None:
    done = collect("--listen", address, "--data", str(tmp_path / "data"))
    assert done.returncode == 2
    assert "--token-file" in done.stderr
    assert "--public" in done.stderr
    assert not (tmp_path / "data").exists()


def test_half_a_pair_of_tls_files_is_refused_in_words(tmp_path: Path) -> None:
    done = collect("--tls-cert", "cert.pem", "--data", str(tmp_path / "data"))
    assert (done.returncode, "go together" in done.stderr) == (2, True)


def test_each_kind_of_token_does_its_own_for_its_own_apps_and_the_file_is_read_again(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("send s1 wunderctl\nsend s2\nread r1 wunderctl\nread r2\noperate o1\ndelete d1\n")
    tokens.chmod(0o600)
    with running(tmp_path / "data", "--token-file", str(tokens)) as receiver:

        def status(path: str, token: str) -> int:
            return receiver.client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code

        mine, other = line(1), line(2, app="other")
        reply = receiver.post(mine, other, authorization="Bearer s1").json()
        assert (reply["accepted"], reply["rejected"]) == (
            1,
            [{"id": event_id(2), "reason": "not an app of this token"}],
        )
        assert receiver.post(other, authorization="Bearer s2").json()["accepted"] == 1
        for token, paths in {
            "r1": {"/answers.json": 200, "/answers.json?app=other": 403, "/?app=wunderctl": 200, "/metrics": 403},
            "r2": {"/answers.json?app=other": 200, "/metrics": 200},
            "o1": {"/metrics": 200, "/": 401},
            "s1": {"/metrics": 401, "/": 401},
            "d1": {"/": 401},
        }.items():
            assert {path: status(path, token) for path in paths} == paths, token
        assert (
            receiver.client.get("/answers.json", headers={"Authorization": "Bearer r1"}).json()["window"]["app"]
            == "wunderctl"
        )
        tokens.write_text("read r3\n")
        assert (status("/", "r3"), status("/", "r2")) == (200, 401)
        tokens.write_text("")  # a slip of the editor locks nobody out
        assert (status("/", "r3"), status("/", "r2")) == (200, 401)
        receiver.process.terminate()
        assert receiver.process.stderr is not None
        told = receiver.process.stderr.read()
    assert "read GET /answers.json other token=" in told
    assert "the tokens stay as they were" in told
    assert not [secret for secret in ("127.0.0.1", "r2 ", "s1 ", "person-1") if secret in told]


def test_a_source_is_a_name_for_a_day_that_nobody_can_turn_back_into_an_address() -> None:
    now = [0.0]
    limits = RateLimits(clock=lambda: now[0])
    one = limits.source_of("192.0.2.7", "")
    assert one == limits.source_of("::ffff:192.0.2.7", "") != limits.source_of("192.0.2.8", "")
    assert limits.source_of("2001:db8:0:ff::1", "") == limits.source_of("2001:db8:0:1::2", "")
    assert limits.source_of("2001:db8:0:ff::1", "") != limits.source_of("2001:db8:0:100::1", "")
    assert RateLimits(clock=lambda: 0.0).source_of("192.0.2.7", "") != one
    now[0] = 86_400.0
    assert limits.source_of("192.0.2.7", "") != one
    assert limits.source_of("127.0.0.1", "192.0.2.7") == b""


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "8.8.8.8, 192.0.2.7", "192.0.2.7"),  # what stands before it is its own claim
        ("10.0.0.1", "192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("203.0.113.9", "192.0.2.7", "203.0.113.9"),  # a stranger is no proxy
    ],
)
def test_only_a_trusted_proxy_is_believed_about_an_address(peer: str, forwarded: str, client: str) -> None:
    assert str(client_of(peer, forwarded, networks(["10.0.0.0/8"]))) == client


def test_a_source_that_sends_too_much_is_a_429_until_the_window_ends_and_nobody_else_is() -> None:
    now = [600.0]
    limits = RateLimits(source_requests=3, clock=lambda: now[0])
    for _ in range(3):
        limits.begin(b"one", "-")
    with pytest.raises(RequestRefused) as refused:
        limits.begin(b"one", "-")
    assert (refused.value.status, refused.value.retry_after) == (429, 60)
    limits.begin(b"two", "-")
    now[0] += 60
    limits.begin(b"one", "-")
    limits.spend(b"one", "-", 1 << 40)
    with pytest.raises(RequestRefused):
        limits.begin(b"one", "-")


def test_a_million_sources_cost_no_memory_and_do_not_keep_anybody_out() -> None:
    limits = RateLimits(source_requests=1, clock=lambda: 0.0)
    for number in range(MAX_SOURCES + 100):
        limits.begin(number.to_bytes(8, "big"), "-")
    limits.begin((MAX_SOURCES + 50).to_bytes(8, "big"), "-")
    assert len(limits._counts) == MAX_SOURCES


def test_a_sender_behind_a_trusted_proxy_is_limited_by_its_own_address(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--trusted-proxy", "127.0.0.1", "--source-requests", "2") as receiver:
        assert receiver.post(line(1), x_forwarded_for="192.0.2.7").status_code == 200
        # A minute may begin between any two of them.
        refused = until(lambda: too_many(receiver, "192.0.2.7"), what="the source is refused")
        assert refused is not None
        assert int(refused.headers["retry-after"]) <= 60
        assert receiver.post(line(1), x_forwarded_for="192.0.2.8").status_code == 200


def too_many(receiver: Running, address: str) -> "httpx.Response | None":
    """The reply of 429 to somebody behind a proxy, if it is one."""
    reply = receiver.post(line(1), x_forwarded_for=address)
    return reply if reply.status_code == 429 else None


def test_an_app_that_has_used_its_quota_waits_until_tomorrow_and_the_others_do_not() -> None:
    now = [1000.0]
    capacity = Capacity(quota=1000, clock=lambda: now[0])
    capacity.spend({"one": 1500})
    with pytest.raises(RequestRefused) as refused:
        capacity.spend({"two": 1, "one": 1})
    assert (refused.value.status, refused.value.retry_after) == (429, 86_400 - 1000)
    capacity.spend({"two": 1})
    now[0] = 86_400.0
    capacity.spend({"one": 1})


def test_a_store_at_its_ceiling_is_a_503_and_health_says_so(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--max-disk", "8K") as receiver:
        until(lambda: receiver.post(line(1)).status_code == 503, what="the ceiling is reached")
        assert receiver.post(line(1)).headers["retry-after"] == "3600"
        health = receiver.client.get("/healthz")
        assert (health.status_code, "ceiling" in health.json()["error"]) == (503, True)
        assert receiver.client.get("/").status_code == 200
    assert size_of(str(tmp_path / "data")) > 8192


def test_a_newer_version_than_the_catalogs_is_deferred_and_a_new_catalog_is_taken_without_a_restart(
    tmp_path: Path,
) -> None:
    catalog = tmp_path / "app.toml"
    catalog.write_text(CATALOG)
    with running(tmp_path / "data", "--catalog", str(catalog)) as receiver:
        new = '"command":"down","duration_ms":1,"outcome":"ok"'
        lines = (
            line(1, version="1.10.0", fields=new),
            line(2, version="1.2.0", fields=new),
            line(3, version="2", app="x"),
        )
        reply = receiver.post(*lines).json()
        assert reply["deferred"] == [
            {"id": event_id(1), "reason": "newer than the catalog's 1.2.0: outside its type: command"}
        ]
        assert [each["id"] for each in reply["rejected"]] == [event_id(2), event_id(3)]
        assert receiver.post(line(4, name=LOSSES, app="x", fields='"old":3')).json()["accepted"] == 1
        catalog.write_text(CATALOG.replace("1.2.0", "1.10.0").replace('["up"]', '["up", "down"]'))
        until(lambda: receiver.post(lines[0]).json()["accepted"] == 1, what="the new catalog is taken")
        catalog.write_text("nonsense")  # changes nothing
        assert receiver.post(line(5, version="1.10.0", fields=new)).json()["accepted"] == 1


def test_a_catalog_judges_by_the_version_as_people_order_versions(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(CATALOG)
    catalogs = Catalogs([str(tmp_path / "a.toml")])
    outcomes = {
        version: catalogs.check(
            {"app": "wunderctl", "name": "new", "version": version, "fields": {}, "time": "2026-11-23"}
        )
        for version in ("1.2.0", "1.10.0", "1.2.0rc1", "0.9", "2")
    }
    assert {version: verdict.outcome for version, verdict in outcomes.items()} == {
        "1.2.0": REJECT, "1.10.0": DEFER, "1.2.0rc1": REJECT, "0.9": REJECT, "2": DEFER,
    }  # fmt: skip
    assert catalogs.check({"app": "any", "name": LOSSES, "version": "1", "fields": {}}).outcome == ACCEPT


def novel(number: int, **other: str) -> Row:
    fields = f'"command":"c{number}","f{number % 7}":"v{number}"'
    return row_of(decode(line(number, fields=fields, version=f"1.{number}", user=f"p{number}", **other)))  # type: ignore[arg-type]


def test_what_is_over_a_budget_is_folded_into_other_counted_and_what_was_known_stays() -> None:
    names = NameBudgets(clock=lambda: 0.0)
    known = row_of(decode(line(1)))
    assert names.fold([known]) == [known]
    rows = names.fold([novel(number) for number in range(20_000)])
    assert names.fold([known]) == [known]
    assert len({row.version for row in rows}) <= BUDGETS["versions"].daily + 1
    assert len({(row.name, labels_of(row.fields)) for row in rows}) <= BUDGETS["shapes"].daily + 1
    assert len({value for row in rows for value in row.fields.values()}) <= BUDGETS["labels"].daily + 1
    assert rows[-1].version == rows[-1].fields["command"] == OTHER
    assert names.folded["versions"] > 19_000
    assert names.folded["labels"] > 19_000


def test_a_new_day_has_a_new_budget_and_the_whole_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(folding.BUDGETS, "versions", folding.Budget(10, 25))
    now = [0.0]
    names = NameBudgets(clock=lambda: now[0])
    kept = []
    for day in range(5):
        now[0] = day * 86_400.0
        kept.append(sum(row.version != OTHER for row in names.fold([novel(day * 100 + n) for n in range(50)])))
    assert kept == [10, 10, 5, 0, 0]


def test_apps_and_installations_have_budgets_of_the_whole_receiver() -> None:
    names = NameBudgets(clock=lambda: 0.0, installations=10)
    rows = names.fold([novel(number, app=f"app{number}") for number in range(100)])
    assert len({row.app for row in rows}) == folding.APPS.daily + 1
    assert len({row.person for row in rows}) == 11
    assert names.folded["apps"] == 100 - folding.APPS.daily
    assert names.folded["installations"] == 90
    assert INSTALLATIONS > 10


@given(some.lists(some.tuples(some.integers(0, 60), some.sampled_from(["a", "b"])), max_size=60))
def test_folding_never_loses_an_event_nor_touches_its_id(events: list[tuple[int, str]]) -> None:
    names = NameBudgets(clock=lambda: 0.0)
    rows = [novel(number, app=app) for number, app in events]
    folded = names.fold(rows)
    assert [(row.id, row.time, row.ci) for row in folded] == [(row.id, row.time, row.ci) for row in rows]


def test_a_flood_of_names_leaves_a_small_store_and_a_quick_page(tmp_path: Path) -> None:
    with running(tmp_path / "data") as receiver:
        for batch in range(20):
            lines = [
                line(
                    number, name=f"n{number}", version=f"{number}", fields=f'"a{number}":"b{number}"', user=f"u{number}"
                )
                for number in range(batch * 1000, batch * 1000 + 1000)
            ]
            assert receiver.post(*lines).json()["accepted"] == 1000
        said = receiver.client.get("/answers.json", params={"since": "2026-11-23", "until": "2026-11-23"}, timeout=60)
        assert said.json()["figures"]["Events"] == 20_000
        assert len(said.content) < 1_000_000
        assert 'shipper_folded_total{of="events"} 19900' in receiver.client.get("/metrics").text
        assert receiver.client.get("/", timeout=60).status_code == 200
    assert size_of(str(tmp_path / "data")) < 20 * 1024 * 1024


def test_no_token_file_lets_nobody_delete_without_a_secret() -> None:
    access = TokenFile(None).current()
    assert access.grant("send", "")
    assert access.grant("delete", "") is None
