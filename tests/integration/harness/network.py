# SPDX-License-Identifier: LGPL-2.1-or-later
"""A network of the test's own: what is started inside of it sees nothing else.

    with Network() as network:
        network.add("10.9.0.1")
        network.ip("route", "add", "default", "dev", "lo")

It is the calling thread's, with the threads and processes that this one starts, and for root.
"""

import contextlib
import ctypes
import os
import socket
import subprocess
import threading

CLONE_NEWNET = 0x40000000


def _check(result):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


class Network:
    def __init__(self):
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._before = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            stack.callback(os.close, self._before)
            _check(self._libc.unshare(CLONE_NEWNET))
            stack.callback(self._leave)
            self.ip("link", "set", "lo", "up")
            self._leaving = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._leaving.close()

    def _leave(self):
        _check(self._libc.setns(self._before, CLONE_NEWNET))

    @staticmethod
    def ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, stdin=subprocess.DEVNULL)

    def add(self, address):
        self.ip("address", "add", address + "/32", "dev", "lo")

    def remove(self, address):
        self.ip("address", "del", address + "/32", "dev", "lo")


class NameServer(threading.Thread):
    """Answers every question for an address with the same one; .names are those asked for."""

    def __init__(self, at, address):
        super().__init__(daemon=True)
        self.address = address
        self.names = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.bind((at, 53))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        # Nothing asked for is the end.
        self.socket.sendto(b"", self.socket.getsockname())
        self.join()
        self.socket.close()

    def run(self):
        while True:
            question, sender = self.socket.recvfrom(4096)
            if not question:
                return
            self.socket.sendto(self._answer(question), sender)

    def _answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        kind = int.from_bytes(question[at + 1:at + 3], "big")
        self.names.append(".".join(labels))
        record = (b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04"
                  + socket.inet_aton(self.address))
        is_address = kind == 1
        return (question[:2] + b"\x81\x80\x00\x01" + bytes([0, is_address]) + bytes(4)
                + question[12:at + 5] + (record if is_address else b""))
