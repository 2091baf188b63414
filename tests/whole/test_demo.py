"""The demo is the proof that a stranger runs first: it ends well in under a minute, and badly when a count is off."""

import re
import subprocess
import sys
import time
from collections import Counter

import pytest

from shipper.demo import story
from shipper.demo.story import Invocation, Plan

LIMIT = 60
"""Seconds that the demo promises to stay below."""


def test_every_promise_holds_in_under_a_minute() -> None:
    begun = time.monotonic()
    ended = subprocess.run([sys.executable, "-m", "shipper", "demo"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert "✗" not in ended.stdout
    assert re.search(r"^(\d+) of \1 checks held: 1\d\d events", ended.stdout, re.MULTILINE)
    assert time.monotonic() - begun < LIMIT


def test_a_count_that_is_off_is_seen_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    short = Plan(("postgres", "rest")).init("postgres", "rest")
    monkeypatch.setattr(story, "first_hour", lambda: short)
    # One event more is expected than this call records: as if one had been lost on the way.
    lossy = Plan()
    lossy.invocations.append(Invocation(("generate", "nuxt"), 0, Counter(command=2, integration=1)))
    monkeypatch.setattr(story, "second_hour", lambda _: lossy)
    assert story.tell({}) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if "✗" in line]
    (lost,) = failed
    assert "expected {'command': 3, 'integration': 1, 'datasource': 2}" in lost
    assert "found {'command': 2, " in lost
