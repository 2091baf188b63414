"""What a stranger's folder can put into a flusher: nothing. And the flusher works wherever its host does.

Each row of ATTACKS is a real host that works in a hostile folder and, as many do, loads the `.env` that lies there. The
trap holds a module of every name that a pass imports or would like to; each leaves a file behind when it is run.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
import zipapp
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.command_line import ROOT
from tests.fixtures.daemon_process import APP, choose, finished, flushers, record, set_due
from tests.fixtures.faults import Faults
from tests.fixtures.waiting import until

SITE = Path(sysconfig.get_paths()["purelib"])
BASE = str(Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}"))
"""The interpreter under the environment that runs the tests: it has none of our packages."""
VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
PACKAGES = ("anyio", "certifi", "filelock", "h11", "httpcore", "httpx", "idna", "platformdirs", "sniffio", "tenacity")
WISHES = ("brotli", "brotlicffi", "zstandard", "tornado", "trio", "socksio", "h2", "rich", "click")
LIBRARY = ("json", "random", "dataclasses", "usercustomize", "sitecustomize")

HOST = f"""
import os
try:
    with open(".env") as file:
        os.environ.update(line.rstrip("\\n").split("=", 1) for line in file)
except FileNotFoundError:
    pass
{APP}
"""


def set_trap(folder: Path) -> Path:
    """Fill a folder with modules that leave a file behind when they are run; the file says which."""
    folder.mkdir()
    for name in ("shipper", *PACKAGES, *WISHES, *LIBRARY):
        (folder / f"{name}.py").write_text(f"import os\nopen({str(folder / 'sprung')!r}, 'a').write({name!r} + ' ')\n")
    packages = folder / ".local/lib" / VERSION / "site-packages"
    packages.mkdir(parents=True)
    (packages / "evil.pth").write_text(f"import os; open({str(folder / 'sprung')!r}, 'a').write('.pth ')\n")
    return folder


@pytest.fixture
def receiver(home: Path) -> Iterator[Faults]:
    """A receiver, and a spool of which a pass is due."""
    with Faults() as found:
        choose("on")
        record(found.endpoint)
        set_due(int(time.time()) - 1)
        yield found
        until(lambda: finished(home), 60)


def run(receiver: Faults, *command: str, cwd: Path, **environ: str) -> None:
    """Run a host to its end."""
    given = {name: value for name, value in os.environ.items() if name != "SHIPPER_SPAWN"} | environ
    arguments = ("demo", receiver.endpoint, "900", "1")
    done = subprocess.run([*command, *arguments], env=given, cwd=cwd, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("True\n", "")


def delivered(receiver: Faults) -> None:
    until(lambda: len(receiver.events) == 2, 60, "a flusher delivers both events")


ATTACKS = {
    "PYTHONPATH": "PYTHONPATH={trap}",
    "PYTHONHOME": "PYTHONHOME={trap}",
    "PYTHONUSERBASE": "PYTHONUSERBASE={trap}/.local",
    "HOME": "HOME={trap}",
    "PATH": "PATH={trap}",
    "PYTHONSTARTUP": "PYTHONSTARTUP={trap}/json.py",
    "PYTHONPLATLIBDIR": "PYTHONPLATLIBDIR={trap}",
    "PYTHONWARNINGS": "PYTHONWARNINGS=error::json.Evil",
    "PYTHONBREAKPOINT": "PYTHONBREAKPOINT=json.evil",
    "LD_LIBRARY_PATH": "LD_LIBRARY_PATH={trap}",
    "a working folder": "",
}
"""What the hostile folder's `.env` says."""


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("interpreter", ["environment", "base"])
def test_nothing_of_a_hostile_folder_is_run(receiver: Faults, tmp_path: Path, attack: str, interpreter: str) -> None:
    trap = set_trap(tmp_path / "trap")
    (trap / ".env").write_text(ATTACKS[attack].format(trap=trap) + "\n" if ATTACKS[attack] else "")
    script = tmp_path / "tool.py"
    script.write_text(HOST)
    if interpreter == "base":
        run(receiver, BASE, "-P", str(script), cwd=trap, PYTHONPATH=f"{ROOT}:{SITE}")
    else:
        run(receiver, sys.executable, "-P", str(script), cwd=trap)
    delivered(receiver)
    assert not (trap / "sprung").exists(), (trap / "sprung").read_text()


def test_a_project_that_the_host_itself_imports_from_adds_nothing_that_a_pass_merely_would_like(
    receiver: Faults, tmp_path: Path
) -> None:
    trap = set_trap(tmp_path / "trap")
    for name in LIBRARY:  # the host itself would run them
        (trap / f"{name}.py").unlink()
    script = tmp_path / "tool.py"
    script.write_text(f"import sys\nsys.path.append({str(trap)!r})\n{HOST}")
    run(receiver, BASE, "-P", str(script), cwd=tmp_path, PYTHONPATH=f"{ROOT}:{SITE}")
    delivered(receiver)
    assert not (trap / "sprung").exists(), (trap / "sprung").read_text()


@pytest.mark.skipif(not shutil.which("cc"), reason="to make a library takes a compiler")
def test_no_library_of_a_hostile_folder_is_preloaded(receiver: Faults, tmp_path: Path) -> None:
    trap = set_trap(tmp_path / "trap")
    (trap / "evil.c").write_text(
        "#include <fcntl.h>\n"
        f'__attribute__((constructor)) void evil(void) {{ open("{trap}/sprung", O_CREAT | O_WRONLY, 0600); }}\n'
    )
    subprocess.run(["cc", "-shared", "-fPIC", "-o", trap / "evil.so", trap / "evil.c"], check=True)
    assert subprocess.run([BASE, "-c", ""], env={"LD_PRELOAD": str(trap / "evil.so")}).returncode == 0
    (trap / "sprung").unlink()  # it works
    (trap / ".env").write_text(f"LD_PRELOAD={trap}/evil.so\nLD_AUDIT={trap}/evil.so\n")
    script = tmp_path / "tool.py"
    script.write_text(HOST)
    run(receiver, sys.executable, str(script), cwd=trap)
    delivered(receiver)
    assert not (trap / "sprung").exists()


def test_nobody_is_trusted_whom_the_environment_named_after_the_host_began(home: Path, tmp_path: Path) -> None:
    """A proxy and a certificate of the same stranger would be a man in the middle, who reads the token."""
    trap = set_trap(tmp_path / "trap")
    late = {"HTTPS_PROXY": "http://127.0.0.1:1", "SSL_CERT_FILE": "/evil.pem", "DEMO_TELEMETRY_TOKEN": "evil"}
    (trap / ".env").write_text("".join(f"{name}={value}\n" for name, value in late.items()))
    script = tmp_path / "tool.py"
    script.write_text(HOST)
    with Faults("hang") as hanging:
        choose("on")
        record(hanging.endpoint)
        set_due(int(time.time()) - 1)
        run(hanging, sys.executable, str(script), cwd=trap, NO_PROXY="127.0.0.1", DEMO_TELEMETRY_TOKEN="mine")
        until(lambda: hanging.requests, 60)
        (process,) = flushers(home)
        found = dict(pair.split("=", 1) for pair in Path(f"/proc/{process}/environ").read_text().split("\0") if pair)
        os.kill(process, 9)
    until(lambda: finished(home), 60)
    assert not found.keys() & {"HTTPS_PROXY", "SSL_CERT_FILE"}
    assert found["NO_PROXY"] == "127.0.0.1"
    assert "DEMO_TELEMETRY_TOKEN" not in found


def in_user_site(folder: Path) -> "tuple[list[str], dict[str, str]]":
    packages = folder / ".local/lib" / VERSION / "site-packages"
    packages.mkdir(parents=True)
    (packages / "ours.pth").write_text(f"{ROOT}\n{SITE}\n")
    return [BASE, str(folder / "tool.py")], {"HOME": str(folder)}


def in_a_folder_for_each_package(folder: Path) -> "tuple[list[str], dict[str, str]]":
    """As pex lays them out."""
    for package in (*PACKAGES, "typing_extensions"):
        for found in SITE.glob(f"{package}*"):
            (folder / package).mkdir(exist_ok=True)
            (folder / package / found.name).symlink_to(found)
    places = [str(ROOT), *(str(folder / name) for name in (*PACKAGES, "typing_extensions"))]
    (folder / "tool.py").write_text(f"import sys\nsys.path[:0] = {places!r}\n{APP}")
    return [BASE, "-I", str(folder / "tool.py")], {}


def in_a_zipapp(folder: Path) -> "tuple[list[str], dict[str, str]]":
    source, ignored = folder / "source", shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "shipper", source / "shipper", ignore=ignored)
    for package in PACKAGES:
        if (SITE / package).is_dir():
            shutil.copytree(SITE / package, source / package, ignore=ignored)
    shutil.copy(SITE / "typing_extensions.py", source)
    (source / "__main__.py").write_text(APP)
    zipapp.create_archive(source, folder / "tool.pyz")
    return [BASE, str(folder / "tool.pyz")], {}


def with_pythonhome(folder: Path) -> "tuple[list[str], dict[str, str]]":
    shutil.copy(os.path.realpath(BASE), folder / "python")
    environ = {
        "PYTHONHOME": sys.base_prefix,
        "PYTHONPATH": f"{ROOT}:{SITE}",
        "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib",
    }
    return [str(folder / "python"), str(folder / "tool.py")], environ


LAYOUTS: "dict[str, Callable[[Path], tuple[list[str], dict[str, str]]]]" = {
    "environment": lambda folder: (
        [sys.executable, str(folder / "tool.py")],
        {},
    ),  # an editable install; pipx makes the same
    "as a module": lambda _: ([sys.executable, "-m", "tool"], {}),
    "PYTHONPATH": lambda folder: ([BASE, str(folder / "tool.py")], {"PYTHONPATH": f"{ROOT}:{SITE}"}),
    "PYTHONHOME": with_pythonhome,
    "user site": in_user_site,
    "a folder for each package": in_a_folder_for_each_package,
    "zipapp": in_a_zipapp,
}
"""A host installed in some way: its command, and what its environment says from the start."""


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_flusher_works_wherever_its_host_works(receiver: Faults, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "installed"
    folder.mkdir()
    (folder / "tool.py").write_text(APP)
    command, environ = LAYOUTS[name](folder)
    run(receiver, *command, cwd=folder, **environ)
    delivered(receiver)
