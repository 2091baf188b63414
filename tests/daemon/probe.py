"""Run inside the unit in the daemon's place, and outside of it: try what the sandbox must prevent, and what it must not.

usage: probe.py STATE CONFIG NAME ANYBODY GROUP. NAME is a new file's name, ANYBODY a folder that anybody may write into
outside, GROUP the unit's control group. Prints one JSON object: what trying each came to ("done", or the error's name),
and what the kernel says of this process.
"""

import ctypes
import errno
import json
import mmap
import os
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Callable

HOME, (STATE, CONFIG, NAME, ANYBODY, GROUP) = os.environ["HOME"], sys.argv[1:6]
libc = ctypes.CDLL(None, use_errno=True)
NOTHING = ctypes.create_string_buffer(512)


def tried(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "done"


def call(name: str, *arguments: int) -> None:
    if getattr(libc, name)(*map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), name)


def write(path: str) -> None:
    with open(path, "w") as file:
        file.write("written from the inside\n")


def read(path: str) -> None:
    with open(path, "rb") as file:
        file.read(1)


def writable_and_executable() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def connect(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(path)


def set_user_id() -> None:
    path = os.path.join(STATE, "probe")
    write(path)
    try:
        os.chmod(path, 0o4700)
    finally:
        os.unlink(path)


def unknown_scheduler() -> None:
    # No policy has this number: without the filter that is the complaint (EINVAL), with it nobody gets to look.
    call("sched_setscheduler", 0, 99, ctypes.addressof(NOTHING))


def visible(path: str) -> None:
    if not stat.S_IMODE(os.stat(path).st_mode):  # systemd lays an empty file without any permission over it
        raise OSError(errno.ENOENT, path)


def foreign_architecture() -> None:
    """Run the smallest 32-bit program there is: exit(0) by int 0x80."""
    code = bytes.fromhex("31c040 31db cd80")
    program = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1", 2, 3, 1, 0x8054, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    program += struct.pack("<IIIIIIII", 1, 0, 0x8000, 0x8000, 84 + len(code), 84 + len(code), 5, 4096) + code
    path = os.path.join(STATE, "probe-32")
    with open(path, "wb") as file:
        file.write(program)
    os.chmod(path, 0o700)
    if subprocess.run([path], check=False).returncode:
        raise OSError(errno.EPERM, "was ended")


PERSONALITY_32 = 8
CLONE_NEWUSER = 0x10000000

TRIED = {
    "TemporaryFileSystem: write the home": lambda: write(f"{HOME}/{NAME}"),
    "TemporaryFileSystem: read a key in the home": lambda: read(f"{HOME}/.ssh/id_ed25519"),
    "TemporaryFileSystem: write /tmp": lambda: write(f"/tmp/{NAME}"),
    "TemporaryFileSystem: read another's file in /tmp": lambda: read(f"/tmp/{NAME}-other"),
    "TemporaryFileSystem: write /var/tmp": lambda: write(f"/var/tmp/{NAME}"),
    "BindPaths: write the state folder": lambda: write(f"{STATE}/probe"),
    "BindReadOnlyPaths: read the choices": lambda: read(f"{CONFIG}/_all.mode"),
    "BindReadOnlyPaths: write a choice": lambda: write(f"{CONFIG}/{NAME}"),
    "ProtectHome: speak with the manager": lambda: connect(f"/run/user/{os.getuid()}/systemd/private"),
    "ProtectSystem: write where anybody may": lambda: write(f"{ANYBODY}/{NAME}"),
    "PrivateDevices: see a device of the machine": lambda: os.stat("/dev/kmsg"),
    "ProtectKernelTunables: write /proc/sys": lambda: write("/proc/sys/vm/swappiness"),
    "ProtectControlGroups: make a group": lambda: os.mkdir(f"/sys/fs/cgroup{GROUP}/{NAME}"),
    "ProtectKernelModules: load a module": lambda: call("init_module", 0, 0, 0),
    "ProtectKernelLogs: see the kernel's log": lambda: visible("/proc/kmsg"),
    "ProtectClock: ask how the clock is steered": lambda: call("adjtimex", ctypes.addressof(NOTHING)),
    "RestrictAddressFamilies: raw packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "RestrictAddressFamilies: the hypervisor": lambda: socket.socket(40, socket.SOCK_STREAM).close(),
    "RestrictAddressFamilies: the internet": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close(),
    "RestrictAddressFamilies: the internet, 6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close(),
    "RestrictAddressFamilies: the manager": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).close(),
    "RestrictAddressFamilies: the resolver": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "SystemCallFilter: trace a process": lambda: call("ptrace", 2, 0, 0, 0),
    "SystemCallFilter: become another": lambda: os.setuid(os.getuid()),
    "SystemCallArchitectures: run a 32-bit program": foreign_architecture,
    "MemoryDenyWriteExecute: execute what was written": writable_and_executable,
    "LockPersonality: another personality": lambda: call("personality", PERSONALITY_32),
    "RestrictNamespaces: a namespace": lambda: call("unshare", CLONE_NEWUSER),
    "RestrictRealtime: another scheduler": unknown_scheduler,
    "RestrictSUIDSGID: a set-user-id file": set_user_id,
}


def facts() -> dict[str, str]:
    """What the kernel says of this process."""
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    with open("/proc/self/uid_map") as file:
        uids = " ".join(file.read().split())
    os.umask(umask := os.umask(0o077))
    return {
        "NoNewPrivs": status["NoNewPrivs"],
        "Seccomp": status["Seccomp"],
        "CapBnd": status["CapBnd"],
        "CapEff": status["CapEff"],
        "uid_map": uids,
        "umask": f"{umask:04o}",
        "nice": str(os.nice(0)),
        "io": str(libc.syscall(252, 1, 0) >> 13),  # ioprio_get of this process: 3 is idle
        "uts": os.readlink("/proc/self/ns/uts"),
        "home": " ".join(sorted(os.listdir(HOME))),
    }


if __name__ == "__main__":
    print(json.dumps({"facts": facts(), "tried": {name: tried(attempt) for name, attempt in TRIED.items()}}))
