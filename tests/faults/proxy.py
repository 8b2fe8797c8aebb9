# SPDX-License-Identifier: LGPL-2.1-or-later
"""A proxy between the daemon and the API that cuts connections where it is told to.

    with Proxy(simulator.port) as proxy:
        daemon = Daemon(bus, base_url=proxy.base_url)
        point = Cut(at=17, reset=True, reused=False)
        proxy.cuts["DELETE", "/sessions/…", None] = point
        ...
        assert point.is_made

Each exchange is taken in as a whole and passed on as far as it may go: a request is cut after so
many of its bytes have reached the API, an answer after so many of its bytes have reached the
daemon, and both connections end as the cut says. So the daemon has always sent all of its request,
and cannot know how much of it has arrived.
"""

import json
import queue
import re
import selectors
import socket
import struct
import threading
import time

PREFIX = re.compile(r"/v1/accounts/\d+")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNK_SIZE = 16
NOT_FOUND = (b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n"
             b"Content-Length: 72\r\n\r\n"
             b'{"error":"Not found","requestId":"7c0b7d3e-52a7-4a3b-8c0f-6f0b9a1d2e33"}')
BACKLOG = 512
END_TIMEOUT_SEC = 20

PARTS = ("no connection", "request head", "request body", "answer head", "answer body",
         "behind the answer")


class Layout:
    """The sizes of an exchange."""

    def __init__(self, request, answer):
        self.request_head = head_size(request)
        self.request = len(request)
        self.answer_head = self.request + head_size(answer)
        self.answer = self.request + len(answer)

    def __eq__(self, other):
        return vars(self) == vars(other)

    def part(self, at):
        """What a cut after so many bytes is in."""
        ends = (0, self.request_head, self.request, self.answer_head, self.answer, at + 1)
        return next(part for part, end in zip(PARTS, ends) if at < end)


class Cut:
    """Where an exchange is to be cut: after so many bytes, counted through request and answer; of a
    connection that was used before, or of one that was not. `is_made`: it was."""

    def __init__(self, at, reset, reused):
        self.at = at
        self.reset = reset
        self.reused = reused
        self.is_made = False


class Exchange:
    """A request that came: what it is, whether on a connection that was used before, and whether
    its answer went back whole."""

    def __init__(self, data, reused):
        line, _, rest = data.partition(b"\r\n")
        method, target, _ = line.decode().split(" ")
        body = rest.partition(b"\r\n\r\n")[2]
        self.tag = json.loads(body).get("tag") if method == "POST" else None
        self.key = (method, PREFIX.sub("", target, 1), self.tag)
        self.body = body
        self.reused = reused
        self.at = time.monotonic()
        self.is_whole = False
        self.layout = None


def head_size(data):
    return data.index(b"\r\n\r\n") + 4


def missing(message):
    """Whether more of it has to come. Daemon and simulator say how long theirs are."""
    if b"\r\n\r\n" not in message:
        return True
    length = LENGTH.search(message, 0, head_size(message))
    return length and len(message) < head_size(message) + int(length[1])


def plain(answer):
    """As it came."""
    return answer


def chunked(answer):
    """The body in chunks."""
    head, body = split(answer)
    if not body:
        return answer
    chunks = [body[at:at + CHUNK_SIZE] for at in range(0, len(body), CHUNK_SIZE)]
    return (LENGTH.sub(b"\r\nTransfer-Encoding: chunked", head)
            + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""]))


def unsized(answer):
    """The body ends where the connection does."""
    head, body = split(answer)
    return LENGTH.sub(b"\r\nConnection: close", head) + body


def not_found(_):
    """The object is said to be gone."""
    return NOT_FOUND


def split(message):
    n = head_size(message)
    return message[:n], message[n:]


def unsized_not_found(_):
    """Likewise, and the body ends where the connection does."""
    return unsized(NOT_FOUND)


SHAPES = {"plain": plain, "chunked": chunked, "unsized": unsized, "not found": not_found,
          "not found, unsized": unsized_not_found}
# Nobody is told so to the end.
NEVER_WHOLE = (not_found, unsized_not_found)


class Relay:
    """A connection of the daemon's, and the one to the API that belongs to it."""

    def __init__(self, proxy, client):
        self.proxy = proxy
        self.client = client
        self.api = socket.create_connection(("127.0.0.1", proxy.port))
        self.request = self.answer = b""
        self.exchange = None
        self.n_exchanges = 0
        for end, act in ((client, self.hear_client), (self.api, self.hear_api)):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            proxy.selector.register(end, selectors.EVENT_READ, act)

    def hear_client(self):
        data = receive(self.client)
        self.request += data
        if not data:
            self.end(reset=False)
        elif not missing(self.request):
            self.take()

    def take(self):
        self.exchange = Exchange(self.request, self.n_exchanges > 0)
        self.proxy.exchanges.append(self.exchange)
        cut = self.cut()
        if cut and cut.at < len(self.request):
            self.api.sendall(self.request[:cut.at])
            self.end(cut.reset, cut)
        else:
            self.api.sendall(self.request)

    def cut(self):
        """The one that is to be made here, None: none is."""
        cut = self.proxy.cuts.get(self.exchange.key)
        return cut if cut and not cut.is_made and cut.reused == self.exchange.reused else None

    def hear_api(self):
        data = receive(self.api)
        self.answer += data
        if not data or not self.exchange:
            self.end(reset=False)
        elif not missing(self.answer):
            self.give()

    def give(self):
        """Gives the answer to the daemon, in another shape if that is asked for."""
        shaped = self.proxy.shape(self.answer)
        self.exchange.layout = Layout(self.request, shaped)
        cut = self.cut()
        if cut:
            n = cut.at - len(self.request)
            # libcurl is content without the very last byte of all chunks.
            self.exchange.is_whole = n >= len(shaped) - (self.proxy.shape is chunked)
            send(self.client, shaped[:n])
            self.end(cut.reset, cut)
            return
        self.exchange.is_whole = True
        if self.proxy.shape not in NEVER_WHOLE:
            self.answer = shaped
        keep = self.proxy.keep and self.proxy.shape is not unsized
        send(self.client, self.answer, 0 if keep else socket.MSG_MORE)
        self.request = self.answer = b""
        self.exchange = None
        self.n_exchanges += 1
        if not keep:
            self.end(reset=False)

    def end(self, reset, cut=None):
        # First, as whoever sees the connection end may ask.
        if cut:
            cut.is_made = True
        for end in (self.api, self.client):
            self.proxy.selector.unregister(end)
            close(end, reset)


def receive(end):
    try:
        return end.recv(1 << 16)
    except ConnectionError:
        return b""


def send(end, data, flags=0):
    try:
        end.sendall(data, flags)
    except ConnectionError:
        pass  # it gave up, which its own next read tells


def close(end, reset):
    if reset:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    else:
        try:
            # With what was sent last, so that nobody sees the one without the other.
            end.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    end.close()


class Proxy:
    """`cuts`: by what is asked for (method, path, and of a creation its tag); `exchanges`: all
    requests so far; `keep`: whether connections are kept for the next request; `shape`: what
    becomes of answers; `hang_up`: whether connections are closed before a byte of them was read,
    and `reset` how."""

    def __init__(self, port):
        self.port = port
        self.keep = True
        self.shape = plain
        self.cuts = {}
        self.exchanges = []
        self.hang_up = False
        self.reset = False
        self.selector = selectors.DefaultSelector()
        self.orders = queue.SimpleQueue()
        self.waker, self.woken = socket.socketpair()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.own_port = 0
        self.listener = None
        self.failure = None

    def __enter__(self):
        self.selector.register(self.woken, selectors.EVENT_READ, self._obey)
        self._listen()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self._order(None)
        self.thread.join(END_TIMEOUT_SEC)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()
        self.waker.close()
        if self.failure:
            raise self.failure

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.own_port}/v1"

    def deaf(self, is_deaf):
        """Whether nobody listens."""
        self._order(self._listen if not is_deaf else self._refuse)

    def _listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.own_port))
        self.listener.listen(BACKLOG)
        self.own_port = self.listener.getsockname()[1]
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)

    def _refuse(self):
        self.selector.unregister(self.listener)
        self.listener.close()

    def _accept(self):
        client, _ = self.listener.accept()
        if self.hang_up:
            close(client, self.reset)
        else:
            Relay(self, client)

    def _order(self, order):
        done = threading.Event()
        self.orders.put((order, done))
        self.waker.send(b".")
        if not done.wait(END_TIMEOUT_SEC):
            raise TimeoutError("the proxy does not answer")

    def _obey(self):
        self.woken.recv(1)
        order, done = self.orders.get()
        if order:
            order()
        done.set()
        if not order:
            raise StopIteration

    def _run(self):
        try:
            while True:
                for key, _ in self.selector.select():
                    # What another of this turn has closed is heard no more.
                    if key.fileobj.fileno() >= 0:
                        key.data()
        except StopIteration:
            pass
        except Exception as error:  # for whoever waits for it
            self.failure = error
