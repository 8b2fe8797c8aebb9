# SPDX-License-Identifier: LGPL-2.1-or-later
"""probe.py RESULT: tries what the sandbox of the unit is to prevent; see test_confinement.py."""

import ctypes
import errno
import glob
import json
import mmap
import os
import resource
import socket
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    """A function of libc that returns -1 on failure."""
    if getattr(libc, name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def listing(path):
    return ", ".join(os.listdir(path)) or "nothing"


def write_into(folder):
    with open(os.path.join(folder, "probe"), "w", encoding="ascii") as file:
        file.write("here")


def read(path):
    with open(path, "rb") as file:
        file.read()


def change_credentials():
    with open(os.path.join(os.environ["CREDENTIALS_DIRECTORY"], "api"), "wb") as file:
        file.write(b"other:password")


def make_executable():
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    call("mprotect", ctypes.c_void_p(address), ctypes.c_size_t(4096),
         mmap.PROT_READ | mmap.PROT_EXEC)


def set_user_id_file():
    path = os.path.join(os.environ["STATE_DIRECTORY"], "suid")
    with open(path, "wb"):
        os.chmod(path, 0o4755)


def others():
    found = []
    for path in glob.glob("/proc/[0-9]*"):
        try:
            if os.stat(path).st_uid != os.getuid():
                found.append(path)
        except FileNotFoundError:
            pass
    return ", ".join(found) or "nothing"


def raise_limit():
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))


CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
AF_VSOCK, PTRACE_ATTACH, LINUX32 = 40, 16, 8

ATTEMPTS = {
    "write its state": lambda: write_into(os.environ["STATE_DIRECTORY"]),
    "read its credentials": lambda: read(os.environ["CREDENTIALS_DIRECTORY"] + "/api"),
    "read its configuration":
        lambda: read(os.environ["CONFIGURATION_DIRECTORY"] + "/convened.conf"),
    "open a TCP socket": lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close(),
    "ask for routes": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close(),
    "change its credentials": change_credentials,
    "open a raw socket":
        lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "open a packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "open a vsock": lambda: socket.socket(AF_VSOCK, socket.SOCK_STREAM),
    "make a user namespace": lambda: call("unshare", CLONE_NEWUSER),
    "make a mount namespace": lambda: call("unshare", CLONE_NEWNS),
    "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "become root": lambda: os.setresuid(0, 0, 0),
    "set the clock": lambda: time.clock_settime(time.CLOCK_REALTIME, 0),
    "set the host name": lambda: socket.sethostname("probe"),
    "load a module": lambda: call("syscall", 175, None, 0, b""),
    "reboot": lambda: call("reboot", 0),
    "trace process 1": lambda: call("ptrace", PTRACE_ATTACH, 1, None, None),
    "open /dev/mem": lambda: read("/dev/mem"),
    "open /dev/kmsg": lambda: os.open("/dev/kmsg", os.O_RDONLY),
    "map memory to write and execute": lambda: mmap.mmap(
        -1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "make memory executable": make_executable,
    "chroot": lambda: os.chroot("/tmp"),
    "real-time scheduling": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "set-user-id file": set_user_id_file,
    "another personality": lambda: call("personality", LINUX32),
    "raise a limit": raise_limit,
    "other users' processes": others,
    "read /tmp/convened-canary": lambda: read("/tmp/convened-canary"),
}
ATTEMPTS |= {"write " + folder: lambda folder=folder: write_into(folder)
             for folder in ("/", "/usr", "/etc", "/var", "/var/lib", "/boot", "/root",
                            "/etc/convened", "/dev", "/run", "/proc/sys/kernel", "/sys")}
ATTEMPTS |= {"list " + folder: lambda folder=folder: listing(folder)
             for folder in ("/home", "/root", "/run/user")}


def attempt(what):
    try:
        return what() or "done"
    except OSError as error:
        return errno.errorcode[error.errno]
    except ValueError as error:
        # how the resource module says EPERM
        return "EPERM" if "not allowed to raise" in str(error) else repr(error)


with open(sys.argv[1], "w", encoding="utf-8") as result:
    json.dump({name: attempt(what) for name, what in ATTEMPTS.items()}, result)
