# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much of an HTTP/2 server as it takes to treat a stream badly (RFC 9113).

    with Http2Server(certificate, lambda n: "refuse" if n == 1 else "answer") as server:
        ...
        assert server.n_streams == 1
"""

import socket
import ssl
import struct
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
ACK, END_STREAM, END_HEADERS = 1, 1, 4
INTERNAL_ERROR, REFUSED_STREAM = 2, 7
STATUS_200 = b"\x88"  # from the static table of RFC 7541
BODY = b'{"id":"S"}'


class Http2Server:
    def __init__(self, certificate, decide):
        """`decide`: from the number of a stream, from 1, to what becomes of it."""
        self.decide = decide
        self.n_streams = self.n_connections = 0
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(certificate.certificate, certificate.key)
        self.context.set_alpn_protocols(["h2"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._accept)]
        self.connections = []

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.threads[0].join()
        for connection in self.connections:
            self._shut(connection)
        for thread in self.threads[1:]:
            thread.join()
        for connection in self.connections:
            connection.close()
        self.listener.close()

    def _accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(plain)
            thread = threading.Thread(target=self._serve, args=(plain,))
            self.threads.append(thread)
            thread.start()

    def _serve(self, plain):
        try:
            with self.context.wrap_socket(plain.dup(), server_side=True) as connection:
                self.n_connections += 1
                self._talk(connection)
        except (OSError, EOFError):
            pass
        self._shut(plain)

    @staticmethod
    def _shut(connection):
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    @staticmethod
    def _read(connection, n):
        data = b""
        while len(data) < n:
            more = connection.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    @staticmethod
    def _write(connection, kind, flags, stream, payload=b""):
        head = struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream)
        connection.sendall(head + payload)

    def _talk(self, connection):
        if self._read(connection, len(PREFACE)) != PREFACE:
            raise EOFError
        self._write(connection, SETTINGS, 0, 0)
        while True:
            head = self._read(connection, 9)
            kind, flags, stream = struct.unpack(">BBI", head[3:])
            self._read(connection, int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & ACK:
                self._write(connection, SETTINGS, ACK, 0)
            if kind == HEADERS:
                self.n_streams += 1
                self._treat(connection, stream, self.decide(self.n_streams))

    def _treat(self, connection, stream, what):
        if what == "answer":
            self._write(connection, HEADERS, END_HEADERS, stream, STATUS_200)
            self._write(connection, DATA, END_STREAM, stream, BODY)
        elif what == "refuse":
            self._write(connection, RST_STREAM, 0, stream, struct.pack(">I", REFUSED_STREAM))
        elif what == "reset":
            self._write(connection, RST_STREAM, 0, stream, struct.pack(">I", INTERNAL_ERROR))
        elif what == "goaway":
            # Nothing above stream 0 was, or will be, processed.
            self._write(connection, GOAWAY, 0, 0, struct.pack(">II", 0, 0))
        else:
            assert what == "close"
            raise EOFError
