# SPDX-License-Identifier: LGPL-2.1-or-later
"""Certificates for tests, and nghttpx: HTTP/2 over TLS in front of a server that has neither."""

import signal
import socket
import subprocess

from .programs import Folder, await_exit
from .wait import wait_for

START_TIMEOUT_SEC = 20


class Certificate:
    """Signed by itself, for the names given; a client trusts it with cafile=.certificate."""

    def __init__(self, names="IP:127.0.0.1,DNS:localhost", expired=False):
        self.folder = Folder()
        self.certificate = self.folder.path("certificate.pem")
        self.key = self.folder.path("key.pem")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=test",
                      "-addext", "subjectAltName=" + names, "-keyout", self.key,
                      "-out", self.certificate)
        if expired:
            self._openssl("x509", "-in", self.certificate, "-signkey", self.key, "-days", "-1",
                          "-out", self.certificate)

    @staticmethod
    def _openssl(*command):
        subprocess.run(["openssl", *command], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


class Frontend:
    """nghttpx with that certificate before a port; .log: a line for each request."""

    def __init__(self, certificate, backend_port):
        self.folder = Folder()
        with socket.create_server(("127.0.0.1", 0)) as reserved:
            self.port = reserved.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            ["nghttpx", "--no-ocsp", f"--frontend=127.0.0.1,{self.port}",
             f"--backend=127.0.0.1,{backend_port}", "--workers=1", "--errorlog-file=/dev/stderr",
             "--accesslog-file=" + self.folder.path("log"),
             "--accesslog-format=$alpn $remote_port $method $path $status",
             "--conf=/dev/null", certificate.key, certificate.certificate],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(self._listens, START_TIMEOUT_SEC)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _listens(self):
        assert self.process.poll() is None, "nghttpx has ended"
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionError:
            return False
        return True

    def requests(self):
        """[(alpn, port of the client, method, path, status)], as far as they are logged."""
        with open(self.folder.path("log"), encoding="utf-8") as file:
            return [tuple(line.split()) for line in file]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            await_exit(self.process, START_TIMEOUT_SEC)
        except TimeoutError:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()
