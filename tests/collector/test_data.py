"""An operator's hands: a backup while events come in, and a store made of it."""

import subprocess
import sys
import threading
from pathlib import Path

from tests.fixtures.receiver_process import running
from tests.fixtures.wire_events import line


def data(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "shipper", "data", *words], capture_output=True, text=True, timeout=60)


def test_a_backup_that_is_made_while_events_come_in_is_a_whole_store(tmp_path: Path) -> None:
    backup = tmp_path / "backup.sqlite"
    with running(tmp_path / "data") as receiver:
        receiver.post(*map(line, range(900)))
        over = threading.Event()

        def send() -> None:
            number = 1000
            while not over.is_set():
                receiver.post(*map(line, range(number, number + 50)))
                number += 50

        sender = threading.Thread(target=send)
        sender.start()
        done = data("backup", str(backup), "--data", str(tmp_path / "data"))
        over.set()
        sender.join()
        assert done.returncode == 0, done.stderr
    assert backup.stat().st_mode & 0o777 == 0o600
    assert data("restore", str(backup), "--data", str(tmp_path / "new")).returncode == 0
    with running(tmp_path / "new") as receiver:
        assert receiver.post(*map(line, range(900))).json()["duplicate"] == 900
        assert receiver.client.get("/").status_code == 200


def test_nothing_is_written_over_and_what_is_no_store_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    with running(tmp_path / "data") as receiver:
        receiver.post(line(1))
        for words in (("backup", str(tmp_path / "there")), ("restore", str(tmp_path / "there"))):
            done = data(*words, "--data", str(tmp_path / "data"))
            assert (done.returncode, "is there already" in done.stderr) == (2, True)
    for file in ("there", "none"):
        done = data("restore", str(tmp_path / file), "--data", str(tmp_path / "new"))
        assert done.returncode in (1, 2)
        assert "Traceback" not in done.stderr
    assert (tmp_path / "there").read_text() == "mine"
    assert list((tmp_path / "new").iterdir()) == []


def test_a_report_sends_no_token_where_others_could_read_it_nor_reads_one_that_others_can(tmp_path: Path) -> None:
    tokens = tmp_path / "token"
    tokens.write_text("read secret\n")
    command = [sys.executable, "-m", "shipper", "report", "--token-file", str(tokens), "--from"]
    for mode, url, words in (
        (0o600, "http://192.0.2.1:4417", "plain http"),
        (0o644, "http://127.0.0.1:1", "by others"),
    ):
        tokens.chmod(mode)
        done = subprocess.run([*command, url], capture_output=True, text=True, timeout=60)
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr
