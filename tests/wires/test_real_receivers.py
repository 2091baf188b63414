"""The wires against receivers that were not written for them: nginx, Debian's webhook, rotel (OTLP).

Absent ones are skipped.

What was sent is compared with what the receiver itself kept, not with its status.
"""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.command_line import free_port
from tests.fixtures.passes import flush, id_of, line, sealed, sending_to
from tests.fixtures.waiting import until

LINES = [line(number) for number in range(20)]


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def serving(command: list[str], port: int, folder: Path) -> Iterator[None]:
    with (
        open(folder / "log", "wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True) as process,
    ):
        try:
            until(lambda: listens(port) or process.poll() is not None, what=f"{command[0]} listens")
            assert process.poll() is None, (folder / "log").read_text()
            yield
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.skipif(not shutil.which("webhook"), reason="Debian's package webhook is not installed")
def test_debian_s_webhook_keeps_every_line_that_the_webhook_wire_sends(tmp_path: Path) -> None:
    port, kept = free_port(), tmp_path / "kept"
    kept.mkdir()
    script = tmp_path / "keep.sh"
    script.write_text(f'#!/bin/sh\nexec mv "$BODY" {kept}/\n')
    script.chmod(0o755)
    hook = {
        "id": "events",
        "execute-command": str(script),
        "command-working-directory": str(tmp_path),
        "include-command-output-in-response": True,
        "pass-file-to-command": [{"source": "raw-request-body", "envname": "BODY"}],
    }
    (tmp_path / "hooks.json").write_text(json.dumps([hook]))
    command = ["webhook", "-hooks", "hooks.json", "-ip", "127.0.0.1", "-port", str(port), "-verbose"]
    with serving(command, port, tmp_path), sending_to(f"http://127.0.0.1:{port}/hooks/events", wire="webhook") as spool:
        sealed(spool, LINES)
        assert (flush().delivered, spool.counts().events) == (20, 0)
    (body,) = kept.iterdir()
    assert body.read_bytes() == b"".join(LINES)


NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size {most};
  log_format body escape=none '$request_body';
  server {{ listen 127.0.0.1:{inner}; location / {{ return 204; }} }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      client_body_buffer_size 1m;
      access_log {folder}/kept body if=$upstream_status;
      proxy_pass http://127.0.0.1:{inner};
    }}
  }}
}}
"""


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")
@pytest.mark.parametrize("most", ["1m", "3k"])
def test_nginx_in_between_gets_the_lines_as_they_stand_and_its_413_is_answered_with_halves(
    most: str, tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "conf").write_text(NGINX.format(folder=tmp_path, port=port, inner=free_port(), most=most))
    with (
        serving(["nginx", "-c", str(tmp_path / "conf"), "-p", str(tmp_path)], port, tmp_path),
        sending_to(f"http://127.0.0.1:{port}/", wire="webhook") as spool,
    ):
        sealed(spool, LINES)
        assert (flush().delivered, spool.counts().events) == (20, 0)
    kept = [each for each in (tmp_path / "kept").read_bytes().splitlines(keepends=True) if each.startswith(b"{")]
    assert sorted(kept) == sorted(LINES)


def rotel() -> str:
    """The agent in the package `rotel`, or nothing."""
    spec = importlib.util.find_spec("rotel")
    path = Path(spec.origin).parent / "rotel-agent" if spec and spec.origin else Path("/nonexistent")
    return str(path) if path.exists() else ""


@pytest.mark.skipif(not rotel(), reason="the package rotel (pip install --pre rotel) is not installed")
def test_rotel_takes_the_logs_and_hands_them_on(tmp_path: Path) -> None:
    port, agent = free_port(), rotel()
    os.chmod(agent, 0o755)
    command = [
        agent,
        "start",
        "--otlp-http-endpoint",
        f"127.0.0.1:{port}",
        "--otlp-grpc-endpoint",
        f"127.0.0.1:{free_port()}",
        "--exporter",
        "blackhole",
        "--debug-log",
        "logs",
        "--debug-log-verbosity",
        "detailed",
    ]
    with serving(command, port, tmp_path), sending_to(f"http://127.0.0.1:{port}", wire="otlp") as spool:
        sealed(spool, LINES)
        result = flush()
        assert (result.delivered, result.left) == (20, 0), result
        until(
            lambda: all(id_of(each) in (tmp_path / "log").read_text() for each in LINES), what="rotel says all of them"
        )
