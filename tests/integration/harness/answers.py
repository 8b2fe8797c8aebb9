# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the answers to calls, and of each no more than tells what came of the call. jeepney, which
reads all of a message, takes longer for it than the bus and the service together."""

import struct

from jeepney.bus_messages import message_bus

CALL, REPLY, ERROR, SIGNAL = 1, 2, 3, 4
ERROR_NAME, REPLY_SERIAL, SIGNATURE = 4, 5, 8  # fields of a header


def aligned(n, to):
    return (n + to - 1) // to * to


def text_at(message, at):
    """A text or a path, and where it ends."""
    n, = struct.unpack_from("<I", message, at)
    return message[at + 4:at + 4 + n].decode(), at + 4 + n + 1


def fields_of(message, end):
    """The fields of a header that ends there, by their codes."""
    found, at = {}, 16
    while at < end:
        at = aligned(at, 8)
        code, kind = message[at], message[at + 2:at + 3]
        at += 4
        if kind == b"u":
            found[code], = struct.unpack_from("<I", message, at)
            at += 4
        elif kind == b"g":
            n = message[at]
            found[code] = message[at + 1:at + 1 + n].decode()
            at += 1 + n + 1
        else:
            assert kind in (b"s", b"o"), kind
            found[code], at = text_at(message, at)
    return found


class Answers:
    """What comes on a connection of jeepney's, which itself reads no more."""

    def __init__(self, connection):
        # What it has read ahead is over with the answer to this.
        connection.send_and_get_reply(message_bus.GetId(), timeout=120)
        self.sock = connection.sock
        self.sock.settimeout(120)
        self.begun = bytearray()

    def fill(self, n):
        while len(self.begun) < n:
            some = self.sock.recv(max(1 << 16, n - len(self.begun)))
            assert some, "the bus hung up"
            self.begun += some

    def message(self):
        """All bytes of the next one, the end of its fields and the begin of its body."""
        self.fill(16)
        assert self.begun[:1] == b"l", "another's byte order"
        n_body, n_fields = struct.unpack_from("<4xI4xI", self.begun)
        body = aligned(16 + n_fields, 8)
        self.fill(body + n_body)
        message = bytes(memoryview(self.begun)[:body + n_body])
        del self.begun[:body + n_body]
        return message, 16 + n_fields, body

    def next(self):
        """The serial of the call that is answered next, the last word of the error or "reply", and
        the text or path that the answer begins with, None where it begins with something else."""
        while True:
            message, end, body = self.message()
            kind = message[1]
            if kind in (REPLY, ERROR):
                fields = fields_of(message, end)
                begins = fields.get(SIGNATURE, "")[:1] in ("s", "o")
                return (fields[REPLY_SERIAL],
                        "reply" if kind == REPLY else fields[ERROR_NAME].rpartition(".")[2],
                        text_at(message, body)[0] if begins else None)
