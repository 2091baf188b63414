"""Several interpreters, or several copies of shipper, in one process: every promised event is there once, whole (S1, S5)."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from shipper.reader import decode

DECLARE = textwrap.dedent(
    """
    import sys
    from shipper import App, Event, integer
    from shipper.recording import active
    from shipper.recording.lock import set_patience
    set_patience(20.0)
    sys.setswitchinterval(1e-6)
    active.SEGMENT_LINES, active.SHORTEST_LINE = 5, 1  # sealed all the time: that is where a line can be lost
    app = App("demo", version="1.0", endpoint="http://127.0.0.1:9", max_files=10**6,
              events=[Event("tick", "Why.", number=integer(0, 10**9))])
    def work(first):
        return [number for number in range(first, first + 300) if app.record("tick", number=number)]
    """
)
INTERPRETERS = """
import os, threading
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
exec(declare)
def within(number):
    source, sink = os.pipe()
    one = interpreters.create()
    interpreters.run_string(one, f"import os\\ndeclare = {declare!r}\\nexec(declare)\\n"
                                 f"os.write({sink}, repr(work({number} * 1000)).encode()); os.close({sink})")
    kept.extend(eval(b"".join(iter(lambda: os.read(source, 65536), b""))))
    interpreters.destroy(one)  # from 3.14 on an interpreter that is left at the end is warned of
kept = []
threads = [threading.Thread(target=within, args=(number,)) for number in (1, 2)]
for thread in threads: thread.start()
kept += work(3000)
for thread in threads: thread.join()
print(len(kept))
"""
COPIES = """
import sys
from shipper.recording import folder, lock
for name in [name for name in sys.modules if name.partition(".")[0] == "shipper"]:
    del sys.modules[name]
from shipper.recording import folder as second_folder, lock as second_lock
assert lock.Lock is not second_lock.Lock
with folder.open_folder(sys.argv[1]) as place, second_folder.open_folder(sys.argv[1]) as same:
    with lock.Lock(place, 0):  # a lock of the process: the kernel alone would let the second one in
        try:
            second_lock.Lock(same, 0).__enter__()
        except OSError:
            print("busy", open("/proc/locks").read().count(f" {__import__('os').getpid()} "))
"""


def test_a_second_copy_in_one_process_waits_for_the_first(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    done = subprocess.run([sys.executable, "-c", COPIES, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("busy 1\n", "")


def test_every_promised_event_of_every_interpreter_is_there_once(home: Path) -> None:
    code = f"declare = {DECLARE!r}\n" + INTERPRETERS
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DEMO_TELEMETRY": "on"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.stdout, done.stderr) == ("900\n", "")
    lines = [line for path in home.rglob("*.ndjson") for line in path.read_bytes().splitlines()]
    assert len({decode(line)["fields"]["number"] for line in lines}) == len(lines) == 900
