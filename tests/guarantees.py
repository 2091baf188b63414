"""`make guarantees`: run the proofs and print what they measured, as the table that stands in docs/guarantees.md.

With `--deep` every point is swept and not only those that the gate has time for; it takes an hour or more.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

PROOFS = ("tests/crash", "tests/spool")

#: The beginnings of the proofs on a real ext4, in the first of which strace stops a real writer at its real syscalls.
POWER = ("power cut, durability", "power cut, ext4")
STRICT = ("power cut, the strictest", "power cut, names")
#: What is promised, and the beginnings of the proofs' names that measure it.
GUARANTEES = (
    ("Nothing promised is lost when a process is killed", ("SIGKILL: ",)),
    ("... nor at the real syscalls of real processes, under strace", ("SIGKILL at real",)),
    ("A disk that is full, failing or read-only costs the host nothing and no promise", ("a failing",)),
    ('With durability="power-loss" nothing promised is lost when the power goes, nor what a pass has in hand', POWER),
    ("... nor on two disks that keep nothing, or no content, but what was synced", STRICT),
    ("A flipped byte costs the event that it hits, and that is counted", ("flipped",)),
    (
        "A year of outages, releases, changes of mind and clock jumps: delivered or counted, exactly once",
        ("a simulated year",),
    ),
    ("Writers that die at random, passes that collide, a moody receiver: nothing lost, nothing doubled", ("soak",)),
)
COMMANDS = {
    "SIGKILL: ": "pytest tests/crash/test_kill_sweep.py",
    "SIGKILL at real": "pytest tests/crash/test_strace.py",
    "a failing": "pytest tests/crash/test_errno_sweep.py",
    "power cut, durability": "pytest tests/crash -k 'power_cut and not strictest and not names'",
    "power cut, the strictest": "pytest tests/crash/test_power_cut_sweep.py -k 'strictest or names'",
    "flipped": "pytest tests/crash/test_corruption.py",
    "a simulated year": "pytest tests/crash/test_year.py",
    "soak": "pytest tests/crash/test_soak.py",
}
WORDS = {
    "points": "points",
    "recovery_points": "points in the recovery that follows",
    "events": "events",
    "killed": "writers killed",
    "passes": "passes",
    "passes_killed": "of them killed",
    "counted": "counted as lost by a bound",
    "writers": "writers at a time",
    "duplicates_on_the_wire": "sent twice and counted once",
}


def table(noted: Iterable[Mapping[str, object]]) -> str:
    """The table, from what the proofs noted. A guarantee that nothing measured says so."""
    rows = ["| guarantee | last measured, 0 lost | measure it again |", "|---|---|---|"]
    found = list(noted)
    for promise, beginnings in GUARANTEES:
        ours = [one for one in found if str(one["proof"]).startswith(beginnings)]
        rows.append(f"| {promise} | {_measured(ours)} | `{COMMANDS[beginnings[0]]}` |")
    return "\n".join(rows)


def _measured(noted: list[Mapping[str, object]]) -> str:
    if not noted:
        return "not on this machine"
    sums = {key: sum(int(str(one.get(key, 0))) for one in noted) for key in WORDS}
    said = [f"{number:,} {WORDS[key]}" for key, number in sums.items() if number]
    many = f"{len(noted)} proofs: " if len(noted) > 1 else ""
    return many + ", ".join(said)


def main() -> int:
    """Run the proofs; their exit code, after the table."""
    with tempfile.NamedTemporaryFile("r", suffix=".ndjson") as file:
        environ = os.environ | {"SHIPPER_FIGURES": file.name}
        if "--deep" in sys.argv:
            environ["SHIPPER_TESTS"] = "deep"
        code = subprocess.run([sys.executable, "-m", "pytest", "-q", *PROOFS], env=environ).returncode
        noted = [json.loads(line) for line in file]
    print(f"\nMeasured on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {sys.version.split()[0]}:\n")
    print(table(noted))
    return code


if __name__ == "__main__":
    sys.exit(main())
