"""The wheel holds the recording path in one file. What was promised of the sources holds of it as well."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.wheels import ROOT, build_wheel, install_beside_the_tests, site_packages

SHARE = (
    "tests/recording", "tests/integrations/test_budget.py", "tests/crash/test_processes.py",
    "tests/crash/test_corruption.py", "tests/daemon/test_spawn.py", "tests/privacy/test_forget.py",
)  # fmt: skip
"""The tests that are run once more, against the installed wheel."""
USE = """
from shipper import App, Event, one_of
app = App("mytool", version="1.0", endpoint="https://example.com", events=[Event("theme", "Why.", name=one_of("dark"))])
reveal_type(app.record("theme", name="dark"))
reveal_type(app.events)
from shipper.recording.folder import Folder
reveal_type(Folder("/", -1).read("name", 9))
App("mytool", version=1)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment in which the wheel is installed."""
    for module in ("build", "hatchling", "hatch_fancy_pypi_readme"):
        pytest.importorskip(module, reason=f"{module} is not installed: it builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    return install_beside_the_tests(build_wheel(folder), folder / "environment")


def run(python: Path, *command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([python, *command], cwd=folder, capture_output=True, text=True, timeout=900, check=False)


def test_a_program_loads_one_file_of_ours_where_a_checkout_loads_one_for_each_subject(
    python: Path, tmp_path: Path
) -> None:
    show = "import shipper, sys; print(*sorted(name for name in sys.modules if name.startswith('shipper')))"
    assert run(python, "-I", "-c", show, folder=tmp_path).stdout.split() == ["shipper"]
    sources = run(Path(sys.executable), "-c", show, folder=ROOT).stdout.split()
    fused = "import shipper, sys; print(*(name for name in sys.argv[1:] if __import__(name, fromlist='x') is shipper))"
    assert run(python, "-I", "-c", fused, *sources, folder=tmp_path).stdout.split() == [
        name for name in sources if name != "shipper.recording"
    ]


def test_its_classes_are_the_same_by_either_name(python: Path, tmp_path: Path) -> None:
    code = (
        "import shipper, shipper.recording.app, shipper.wakeup.spawn, shipper.wakeup\n"
        "from shipper.recording.folder import Folder\n"
        "from shipper.recording import consent\n"
        "from shipper.spool.without_lock import ON\n"
        "assert shipper.recording.app.App is shipper.App\n"
        "assert Folder is shipper.recording.folder.Folder\n"
        "assert ON is ON\n"
        "assert shipper.wakeup.spawn.start_pass is shipper.wakeup.start_pass\n"
    )
    assert run(python, "-I", "-c", code, folder=tmp_path).stderr == ""


def test_a_traceback_and_inspect_show_the_text_that_ran(python: Path, tmp_path: Path) -> None:
    code = (
        "import inspect, traceback, shipper\n"
        "assert 'Record one declared event.' in inspect.getsource(shipper.App.record)\n"
        "try: shipper.integer(2, 1)\n"
        "except shipper.DeclarationError: traceback.print_exc()\n"
    )
    shown = run(python, "-I", "-c", code, folder=tmp_path)
    assert 'wrong("integer() needs low <= high, whole numbers of 64 bits")' in shown.stderr
    assert f'File "{site_packages(python)}/shipper/__init__.py"' in shown.stderr


def test_a_type_checker_sees_the_types_of_the_sources(python: Path, tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    (tmp_path / "use.py").write_text(USE)
    asked = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "use.py"]
    told = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert 'Revealed type is "bool"' in told
    assert 'Revealed type is "dict[str, shipper.recording.event.Event]"' in told
    assert 'Revealed type is "bytes"' in told
    assert 'Missing named argument "endpoint" for "App"' in told
    assert "Found 2 errors in 1 file" in told


@pytest.mark.parametrize("share", SHARE)
def test_the_tests_of_recording_pass_once_more_against_it(share: str, python: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    done = run(python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", share, folder=tmp_path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "100%" in done.stdout
