"""What recording costs a CLI in instructions, counted by callgrind: the same to a few hundred, however busy the machine is.

    python -m tests.bench.instructions [--python INTERPRETER] [--only WORD ...] [--sizes N] [--check]

Each line is one program in one situation, with the wheel installed and with a checkout's sources in its place: how many
million user instructions it takes without shipper, how many more with it, and the ratio. With --check the exit code is 1
when a target is missed. With --sizes the usual situation is counted for hosts of N sizes, spread over a period of Python's
collector: whether our few hundred objects bring one more run of it depends on how many the host has. A million instructions
are some 0.27 ms; what the kernel does is not counted.
"""

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.overhead import BARE_TARGET, CLICK_TARGET
from tests.bench.stage import PROGRAMS, SITUATIONS, SPAWNS, USUAL, Situation, Stage, prepared

OLDEST_BARE_TARGET = 1.12
"""A bare 3.11 starts in fewer instructions than its successors, and its bytecode is larger."""
STATE_TARGET = 0.3
"""Million instructions that any other situation may cost more than the usual one."""
FREE = ("due, a daemon listens", SPAWNS)
"""What does more than recording: held by the clock in `make bench`."""


def count(stage: Stage, program: str, with_shipper: int, situation: Situation, objects: int = 0) -> float:
    """Million instructions that one process takes, whose host holds so many objects of its own."""
    situation.before(stage)
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--"]
    ran = subprocess.run(
        [*callgrind, *stage.command(program, with_shipper, objects)], env={**stage.environ, "PYTHONHASHSEED": "0"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    situation.after(stage)
    found = re.search(r"Collected : (\d+)", ran.stderr)
    if ran.returncode or found is None:
        raise SystemExit(f"{program}_{with_shipper} ended with {ran.returncode}:\n{ran.stderr}")
    return int(found[1]) / 1e6


def measure(stages: dict[str, Stage], only: list[str]) -> dict[tuple[str, str], dict[str, tuple[float, float]]]:
    """Count every program in every situation, print each, and return (without, more with shipper) for each form."""
    found: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
    for situation in SITUATIONS:
        wanted = [name for name in situation.programs if not only or {name, situation.name} & set(only)]
        for form, stage in stages.items() if wanted else ():
            try:
                with prepared(stage, situation):
                    for program in wanted:
                        without, with_shipper = (count(stage, program, which, situation) for which in (0, 1))
                        found.setdefault((program, situation.name), {})[form] = without, with_shipper - without
            except subprocess.CalledProcessError as error:
                print(f"         {situation.name}: not possible here: {error.stderr.decode().strip()}")
        for program in wanted:
            print(words(program, situation.name, found.get((program, situation.name), {})), flush=True)
    return found


def sized(stage: Stage, program: str, sizes: int) -> list[float]:
    """The ratios of a program in the usual situation, for hosts that hold so many numbers of objects of their own."""
    (usual,) = [situation for situation in SITUATIONS if situation.name == USUAL]
    ratios = []
    with prepared(stage, usual):
        for objects in [stage.period * number // sizes for number in range(sizes)]:
            without, with_shipper = (count(stage, program, which, usual, objects) for which in (0, 1))
            ratios.append(with_shipper / without)
    return ratios


def words(program: str, situation: str, forms: dict[str, tuple[float, float]]) -> str:
    """One line of the table."""
    cells = "".join(f"{without:12.2f}{more:+8.2f}{1 + more / without:8.3f}" for without, more in forms.values())
    return f"{program:9}{situation:27}{cells}"


def verdicts(found: dict[tuple[str, str], dict[str, tuple[float, float]]], form: str, oldest: bool) -> dict[str, bool]:
    """What was promised of the wheel, and whether it is kept."""
    said = {}
    for program, target in (("bare", OLDEST_BARE_TARGET if oldest else BARE_TARGET), ("click", CLICK_TARGET)):
        without, usual = found.get((program, USUAL), {}).get(form, (0.0, 0.0))
        if without:
            ratio = 1 + usual / without
            said[f"{program}: {ratio:.3f} x, at most {target:.3f}"] = ratio <= target
        for (other, situation), forms in found.items():
            if without and other == program and situation not in (USUAL, *FREE) and form in forms:
                more = forms[form][1] - usual
                said[f"{program}, {situation}: {more:+.2f} M more than the usual"] = more <= STATE_TARGET
    return said


def main() -> int:
    """Count, print the table and the verdicts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--python", default=sys.executable, help="the interpreter to measure with")
    parser.add_argument("--only", nargs="*", default=[], help="only these programs or situations")
    parser.add_argument("--forms", nargs="*", default=["wheel", "checkout"], choices=["wheel", "checkout"])
    parser.add_argument("--sizes", type=int, default=0, metavar="N", help="hosts of N sizes, in the usual situation")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    args = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: it counts the instructions")
        return 2
    with tempfile.TemporaryDirectory(prefix=".instructions-", dir=Path.home()) as folder:
        stages = {}
        for form in args.forms:
            (Path(folder) / form).mkdir()
            stages[form] = Stage(Path(folder) / form, args.python, checkout=form == "checkout")
            stages[form].build(PROGRAMS, "click", "typer")
        version = subprocess.run([args.python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        print(f"{version}, million instructions: without, more with shipper, ratio")
        print(f"{'program':9}{'situation':27}{''.join(f'{form:>28}' for form in stages)}")
        found = measure(stages, args.only)
        for program in PROGRAMS if args.sizes else ():
            if program != "bare" and (not args.only or program in args.only):
                ratios = sized(stages[args.forms[0]], program, args.sizes)
                each = ", ".join(f"{ratio:.3f}" for ratio in ratios)
                print(f"{program}, hosts of {args.sizes} sizes: median {statistics.median(ratios):.3f}, each {each}")
    said = verdicts(found, args.forms[0], version.startswith("Python 3.11."))
    for sentence, kept in said.items():
        print(f"{'kept  ' if kept else 'MISSED'} {args.forms[0]}: {sentence}")
    return int(args.check and not all(said.values()))


if __name__ == "__main__":
    sys.exit(main())
