# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls that nobody makes who means well, each with the errors that are right for it.

    python3 -m harness.hostile ADDRESS FOLDER OPTIONS

connects to the bus at ADDRESS, makes calls of each method of the interfaces in FOLDER (dbus/*.xml),
and prints what came of them as JSON. OPTIONS, in JSON too: "seed" and "calls"; "window": how many
are on their way at a time, 1: each waits for the answer to the one before; "uid", "gid" and
"groups": as whom, for root only; "foreign", {"Session": PATH, "Participant": PATH}: objects of
somebody else; "bulk": whether reads of many objects are made too; "large": how many calls of 30 MB
there are among them; "judge", false: nobody minds what is answered. A seed gives the same calls
each time, but for the numbers of its own objects.
"""

import collections
import json
import os
import pathlib
import random
import re
import socket
import struct
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

from jeepney import DBusAddress, MessageFlag, new_method_call
from jeepney.io.blocking import open_dbus_connection

from .answers import Answers
from .daemon import MANAGER, NAME, PARTICIPANT, PATH, PROPERTIES, SESSION

ROUND, TIMES = 64, 16  # so many calls between two that make and delete, and each so many times
LARGE = 30 << 20
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
LOG_CONTROL = ("/org/freedesktop/LogControl1", "org.freedesktop.LogControl1")

INVALID = {"InvalidArgs"}
NOT_THERE = {"UnknownObject", "UnknownMethod", "UnknownInterface"}
DENIED = {"AccessDenied", "InteractiveAuthorizationRequired", "LimitsExceeded"}
GONE = {"Session": {"NoSuchSession"}, "Participant": {"NoSuchParticipant"}}
# What may come of a call that is as it should be.
WELL = {"reply", "Conflict", "LimitsExceeded", "NoSuchParticipant", "NoSuchSession", "NoToken",
        "SessionFull", "Superseded", "Unavailable", "UnknownMethod", "UnknownObject"}

Method = collections.namedtuple("Method", "interface member arguments keys")
Call = collections.namedtuple("Call", "label path interface member signature body expect")


def read_methods(folder):
    """All methods of the interfaces; of a dictionary the keys that the comment above it tells."""
    found = []
    for path in sorted(pathlib.Path(folder).glob("org.convened1.*.xml")):
        text = path.read_text(encoding="utf-8")
        comments = dict(re.findall(r'<!--((?:(?!-->).)*?)-->\s*<method name="(\w+)"', text,
                                   re.DOTALL))
        comments = {member: comment for comment, member in comments.items()}
        for interface in ElementTree.fromstring(text).iter("interface"):
            for method in interface.iter("method"):
                member = method.get("name")
                arguments = [(arg.get("name"), arg.get("type")) for arg in method.iter("arg")
                             if arg.get("direction") == "in"]
                keys = dict(re.findall(r'"([A-Z]\w+)"\s+(a\(oas\)|as|[sbou])\b',
                                       comments.get(member, "")))
                found.append(Method(interface.get("name"), member, arguments,
                                    keys or {"Wait": "b"}))
    return found


class Maker:
    """Makes calls. `own` and `deleted`: paths by kind, which the caller keeps up to date."""

    def __init__(self, seed, methods, foreign, bulk):
        self.random = random.Random(seed)
        self.methods = methods
        self.foreign = foreign
        self.own = {"Session": [], "Participant": []}
        self.deleted = {"Session": [PATH + "/session/4000000000"] * 3,
                        "Participant": [PATH + "/participant/4000000000"] * 3}
        self.ways = [self.wrong_types, self.wrong_path, self.wrong_key, self.wrong_value,
                     self.wrong_value, self.wrong_argument, self.wrong_member, self.properties,
                     self.well]
        self.seldom = [self.others_object] + ([self.bulk] if bulk else [])

    def next(self):
        rare = self.random.random() < 0.05
        return self.random.choice(self.seldom if rare else self.ways)()

    # --- pieces

    def kind(self, method):
        return {SESSION: "Session", PARTICIPANT: "Participant"}.get(method.interface)

    def path_of(self, method):
        kind = self.kind(method)
        return self.random.choice(self.own[kind]) if kind else PATH

    def text(self, n=None):
        letters = "aZ0 -_/.:;<>&%'\"\\\t\n\x01\x7f\u0085\u00e9\u4e2d\U0001f3a7\ufffd"
        size = self.random.choice([0, 1, 7, 7, 7, 51, 255, 4096]) if n is None else n
        few = "".join(self.random.choices(letters, k=min(size, 20)))
        return (few * (size // max(1, len(few)) + 1))[:size]

    def value(self, signature):
        """A value of a complete type."""
        if signature == "a{sv}":
            return {self.text(7): self.variant() for _ in range(self.random.randint(0, 3))}
        if signature[0] == "a":
            if signature == "ay":
                return self.text().encode()
            return [self.value(signature[1:]) for _ in range(self.random.choice([0, 1, 1, 1, 9]))]
        if signature[0] == "(":
            return tuple(self.value(part) for part in re.findall("a?.", signature[1:-1]))
        return {"s": self.text, "v": self.variant, "b": lambda: True, "d": lambda: -0.5,
                "o": lambda: self.random.choice(["/", "/a/b", PATH + "/session/0"]),
                "g": lambda: self.random.choice(["", "a{sv}", "a" * 32 + "y"]),
                "y": lambda: 255, "u": lambda: 2 ** 32 - 1, "i": lambda: -2 ** 31,
                "t": lambda: 2 ** 64 - 1, "x": lambda: -2 ** 63}[signature]()

    def variant(self, depth=None):
        """Down to as deep as D-Bus lets it be."""
        depth = self.random.choice([0] * 9 + [1, 5, 55]) if depth is None else depth
        signature = self.random.choice("sbuotdg")
        value = (signature, self.value(signature))
        for _ in range(depth):
            value = ("v", value)
        return value

    def odd_path(self, kind):
        prefix = f"{PATH}/{kind.lower()}"
        other = "participant" if kind == "Session" else "session"
        return self.random.choice(
            self.deleted[kind][:-2][-20:] + [prefix, prefix + "/0", prefix + "/01", prefix + "/1x",
                                        prefix + "/18446744073709551616", prefix + "/1/1",
                                        f"{PATH}/{other}/1", "/a", "/org/freedesktop/DBus",
                                        prefix + "/" + "9" * 30000, prefix + "/1" * 30000])

    def publishers(self):
        """Wrong ones, and what is wrong with them."""
        path = self.random.choice(self.own["Participant"])
        many = [(f"{PATH}/participant/{n + 1}", [])
                for n in range(self.random.choice([21] * 9 + [300]))]
        return self.random.choice([
            ([(self.odd_path("Participant"), [])], GONE["Participant"]),
            (many, INVALID), ([(path, []), (path, [])], INVALID), ([(path, ["a", "a"])], INVALID),
            ([(path, [self.random.choice(["", "x" * 129, "\n", "x" * 100000])])], INVALID),
            ([(path, [str(n) for n in range(self.random.choice([33] * 9 + [300]))])], INVALID)])

    def bad(self, key, signature):
        """A value of the right type for a key, and the errors that it must get; None: all are
        right."""
        if signature == "a(oas)":
            return self.publishers()
        if signature == "o":
            path = self.odd_path("Session")
            return path, GONE["Session"]
        if signature == "as":
            word = self.random.choice(["", "audio", "AUDIO\n", "x" * 50000])
            return [word] * self.random.choice([1, 2, 40]), INVALID
        if signature == "s":
            junk = [self.text(51) + "\n", "\x7f" * self.random.choice([1, 50000]), "\n"]
            junk += ["x" * self.random.choice([2049, 200000]), "a\ufffeb", "\U0010ffff"]
            return self.random.choice(junk), INVALID
        return None

    def body(self, method, **given):
        """Arguments that are right, but for those that are given."""
        values = {"id": "nobody-9", "mode": "none", "publishers": [], "after": 0, "limit": 5,
                  "participant": self.random.choice(self.own["Participant"])}
        return tuple(given.get(name, {} if kind == "a{sv}" else values.get(name))
                     for name, kind in method.arguments)

    def call(self, label, method, expect, path=None, **given):
        return Call(label, path or self.path_of(method), method.interface, method.member,
                    "".join(kind for _, kind in method.arguments), self.body(method, **given),
                    expect)

    def method_with(self, *types):
        return self.random.choice([method for method in self.methods
                                   if any(kind in types for _, kind in method.arguments)])

    def dictionary(self, method):
        return next(name for name, kind in method.arguments if kind == "a{sv}")

    # --- ways to be hostile

    def wrong_types(self):
        method = self.random.choice(self.methods)
        right = "".join(kind for _, kind in method.arguments)
        parts = self.random.choice([part for part in (
            ["s"], ["u"], ["a{sv}"], ["v"], ["ay"], ["(sv)"], ["as"], ["a{sv}", "a{sv}"], ["s"] * 6,
            ["d"], ["x"], ["g"], ["o"], ["aas"], ["av"], ["a(oas)"], []) if "".join(part) != right])
        return Call("wrong types", self.path_of(method), method.interface, method.member,
                    "".join(parts), tuple(self.value(part) for part in parts), INVALID)

    def wrong_path(self):
        method = self.random.choice(self.methods)
        path = self.odd_path(self.kind(method) or "Session")
        return self.call("wrong path", method, NOT_THERE, path)

    def wrong_key(self):
        """One that is unknown, or beyond count."""
        method = self.method_with("a{sv}")
        end = self.random.choice("?????\ufffe")
        keys = [self.text() + end for _ in range(self.random.choice([1] * 60 + [2, 300]))]
        return self.call("wrong key", method, INVALID,
                         **{self.dictionary(method): {key: self.variant() for key in keys}})

    def wrong_value(self):
        """Of a key that there is."""
        method = self.method_with("a{sv}")
        key, signature = self.random.choice(list(method.keys.items()))
        made = self.bad(key, signature) if self.random.random() < 0.7 else None
        if made:
            value, expect = (signature, made[0]), made[1]
        else:
            value = self.random.choice([self.variant(self.random.choice([1, 1, 1, 55])),
                                        ("ay", b"x" * 70000), ("x", 1), ("(s)", ("x",)),
                                        ("a{sv}", {"Tag": ("s", "x")})])
            expect = INVALID
        return self.call("wrong value", method, expect, **{self.dictionary(method): {key: value}})

    def wrong_argument(self):
        method = self.method_with("s", "u", "o", "a(oas)")
        name, kind = self.random.choice([one for one in method.arguments
                                         if one[1] in ("s", "u", "o", "a(oas)")])
        if name == "id":
            value, expect = self.random.choice(["", "x" * 65, "..", "a/b", "é", "\n", "\ufffe",
                                                "x" * 100000]), INVALID
        elif kind == "a(oas)":
            # Beside the mode "none" it is wrong to name any.
            value, expect = self.publishers()
            expect = expect | INVALID
        elif kind == "o":
            value, expect = self.odd_path("Participant"), GONE["Participant"]
        elif kind == "u":
            value, expect = self.random.choice([1001, 2 ** 31, 2 ** 32 - 1]), INVALID
        else:
            value, expect = self.random.choice([self.text(51) + "?", "\U0010ffff"]), INVALID
        return self.call("wrong argument", method, expect, **{name: value})

    def wrong_member(self):
        method = self.random.choice(self.methods)
        interface, member = self.random.choice([
            (method.interface, "X" * 255), (method.interface, "Get"), ("a.b", method.member),
            (OBJECT_MANAGER, "X"), (INTROSPECTABLE, "X"), ("x" * 200 + ".y", "X")])
        return Call("wrong member", self.path_of(method), interface, member, None, (), NOT_THERE)

    def properties(self):
        method = self.random.choice(self.methods)
        path, long = self.path_of(method), "x" * self.random.choice([1, 300, 50000])
        member, signature, body, expect = self.random.choice([
            ("Get", "ss", (method.interface, long), {"UnknownProperty"}),
            ("Get", "ss", (long, "Tag"), {"UnknownProperty", "UnknownInterface"}),
            ("Get", "s", (method.interface,), INVALID),
            ("GetAll", "s", (long,), {"UnknownInterface"}),
            ("GetAll", "s", ("\ufffe",), {"UnknownInterface"}),
            ("Get", "ss", (method.interface, "\ufffe"), {"UnknownProperty"}),
            ("GetAll", "ss", (method.interface, ""), INVALID),
            ("Set", "ssv", (method.interface, "ApiState" if path == PATH else "Tag",
                            self.variant()), {"PropertyReadOnly"}),
            ("Set", "ssv", (method.interface, long, self.variant()), {"UnknownProperty"}),
            ("GetAll", "s", (method.interface,), {"reply"})])
        return Call("properties", path, PROPERTIES, member, signature, body, expect)

    def others_object(self):
        """All that would change what is somebody else's, or the daemon."""
        session, participant = self.foreign["Session"], self.foreign["Participant"]
        mine = self.random.choice(self.own["Participant"])
        return Call("others' objects", *self.random.choice([
            (session, SESSION, "Delete", "a{sv}", ({},), DENIED),
            (session, SESSION, "AddParticipant", "oa{sv}", (mine, {}), DENIED),
            (session, SESSION, "RemoveParticipant", "oa{sv}", (participant, {}), DENIED),
            (participant, PARTICIPANT, "Delete", "a{sv}", ({},), DENIED),
            (participant, PARTICIPANT, "GetToken", None, (), DENIED),
            (participant, PARTICIPANT, "SetSubscriptions", "sa(oas)a{sv}", ("none", [], {}),
             DENIED),
            (PATH, MANAGER, "CreateParticipant", "a{sv}", ({"Session": ("o", session)},), DENIED),
            (PATH, MANAGER, "Reload", None, (), DENIED),
            (LOG_CONTROL[0], PROPERTIES, "Set", "ssv",
             (LOG_CONTROL[1], "LogLevel", ("s", "debug")), {"AccessDenied"})]))

    def bulk(self):
        return Call("many objects", *self.random.choice([
            (PATH, MANAGER, "ListSessions", "a{sv}tu", ({}, 0, 1000)),
            (PATH, MANAGER, "ListParticipants", "a{sv}tu", ({}, 0, 1000)),
            (PATH, OBJECT_MANAGER, "GetManagedObjects", None, ()),
            (PATH + "/session", INTROSPECTABLE, "Introspect", None, ()),
        ]), {"reply", "LimitsExceeded"})

    def well(self):
        """What anybody may call, of an object that may just have been deleted."""
        kind = self.random.choice(["Session", "Participant"])
        path = self.random.choice(self.own[kind] + self.deleted[kind][-3:])
        interface = SESSION if kind == "Session" else PARTICIPANT
        return Call("nothing wrong", *self.random.choice([
            (path, INTROSPECTABLE, "Introspect", None, ()),
            (PATH, MANAGER, "Get" + kind, "s", ("nobody-9",)),
            (path, PROPERTIES, "GetAll", "s", (interface,))]), WELL | NOT_THERE)

    def large(self):
        """30 MB."""
        method = self.method_with("a{sv}")
        value = self.random.choice([("s", "x" * LARGE), ("ay", b"x" * LARGE)])
        return self.random.choice([
            self.call("30 MB", method, INVALID, **{self.dictionary(method): {"Tag": value}}),
            self.call("30 MB", method, INVALID, **{self.dictionary(method): {
                "x" * LARGE: ("b", True)}}),
            Call("30 MB", PATH, MANAGER, "GetSession", "s", ("x" * LARGE,), INVALID),
            Call("30 MB", PATH, PROPERTIES, "GetAll", "s", ("x" * LARGE,), {"UnknownInterface"})])


class Attacker:
    def __init__(self, address, maker, window, judges):
        self.address = address
        self.maker = maker
        self.window = window
        self.judges = judges
        self.connection = open_dbus_connection(bus=address)
        self.answers = Answers(self.connection)
        self.outcomes = collections.Counter()
        self.wrong = []
        self.n_calls = 0

    @staticmethod
    def bytes_of(call, flags=0):
        message = new_method_call(DBusAddress(call.path, bus_name=NAME, interface=call.interface),
                                  call.member, call.signature, call.body)
        message.header.flags |= flags
        return bytearray(message.serialise(serial=1))

    def send(self, message, connection=None):
        """Bytes of a call, with another serial each time; which one, it returns."""
        connection = connection or self.connection
        serial = next(connection.outgoing_serial)
        struct.pack_into("<I", message, 8, serial)
        connection.sock.sendall(message)
        self.n_calls += 1
        return serial

    def judge(self, call, outcome, text):
        self.outcomes[call.label, outcome] += 1
        length = len(text) if outcome != "reply" and text else 0
        if self.judges and (outcome not in call.expect or length > 40000):
            self.wrong.append(f"{call.label}: {call.interface}.{call.member} of {call.path[:80]} "
                              f"{call.signature} {str(call.body)[:300]}: {outcome} "
                              f"{str(text)[:300]}, not {sorted(call.expect)}")

    def run_all(self, calls, times=1):
        """Sends a window of them, then reads what came of each; and again; then the next."""
        calls = [(call, self.bytes_of(call)) for call in calls]
        for i in range(0, len(calls), self.window):
            for _ in range(times):
                waiting = {self.send(message): call for call, message in calls[i:i + self.window]}
                while waiting:
                    serial, outcome, text = self.answers.next()
                    if serial in waiting:
                        self.judge(waiting.pop(serial), outcome, text)

    def one(self, path, interface, member, signature=None, body=()):
        serial = self.send(self.bytes_of(Call(None, path, interface, member, signature, body,
                                              None)))
        while True:
            answered, outcome, text = self.answers.next()
            if answered == serial:
                return outcome, text

    def create(self, kind):
        outcome, path = self.one(PATH, MANAGER, "Create" + kind, "a{sv}", ({"Wait": ("b", False)},))
        if outcome == "reply":
            self.maker.own[kind].append(path)

    def churn(self):
        """One object comes, and one goes; calls of it follow at once, as it is going."""
        kind = self.maker.random.choice(["Session", "Participant"])
        self.create(kind)
        if len(self.maker.own[kind]) < 4:
            return
        path = self.maker.own[kind].pop(0)
        self.maker.deleted[kind].append(path)
        interface = SESSION if kind == "Session" else PARTICIPANT
        self.run_all(Call("just deleted", path, interface, member, signature, body, WELL)
                     for member, signature, body in (
                         ("Delete", "a{sv}", ({"Wait": ("b", False)},)),
                         ("Refresh", None, ()), ("Delete", "a{sv}", ({"Wait": ("b", False)},))))

    def flood(self, n):
        """Calls whose answers are never read, some of which nobody is to answer."""
        connection = open_dbus_connection(bus=self.address)
        for i in range(n):
            flags = MessageFlag.no_reply_expected if i % 2 else 0
            self.send(self.bytes_of(self.maker.next(), flags), connection)
        connection.close()

    def garbage(self):
        """What is no message, or no UTF-8: the bus lets none of it through, and hangs up."""
        connection = open_dbus_connection(bus=self.address)
        message = new_method_call(DBusAddress(PATH, bus_name=NAME, interface=MANAGER), "GetSession",
                                  "s", ("QQQQ",)).serialise(serial=9)
        broken = self.maker.random.choice([message.replace(b"QQQQ", b"Q\xff\xc0\x80"),
                                           message.replace(b"QQQQ", b"Q\x00QQ"),
                                           message[:3] + b"\x09" + message[4:], b"\xff" * 64])
        connection.sock.sendall(broken)
        connection.sock.settimeout(60)
        try:
            while connection.sock.recv(4096):
                pass
        except ConnectionResetError:
            pass
        except socket.timeout:
            self.wrong.append(f"{broken}: the bus goes on listening")
        self.n_calls += 1
        connection.close()

    def attack(self, n_calls, n_large):
        for kind in ("Session", "Participant") * 4:
            self.create(kind)
        n_rounds = n_calls // (ROUND * TIMES)
        large = set(self.maker.random.sample(range(n_rounds), n_large))
        for n in range(n_rounds):
            if n in large:
                self.run_all([self.maker.large()])
            self.churn()
            if n % 8 == 0:
                self.flood(self.window)
                self.garbage()
            self.run_all([self.maker.next() for _ in range(ROUND)], TIMES)
        self.connection.close()


def start(address, folder, **options):
    """The attack as a process; finish() has what it found."""
    tests = pathlib.Path(__file__).resolve().parent.parent
    return subprocess.Popen(["/usr/bin/python3", "-B", "-m", "harness.hostile", address,
                             str(folder), json.dumps(options)], cwd=tests,
                            stdout=subprocess.PIPE, text=True)


def finish(process):
    said, _ = process.communicate()
    return json.loads(said)


def main(address, folder, options):
    options = json.loads(options)
    methods = read_methods(folder)  # while all files may be read
    os.setgroups(options["groups"])
    os.setresgid(*[options["gid"]] * 3)
    os.setresuid(*[options["uid"]] * 3)
    maker = Maker(options["seed"], methods, options["foreign"], options["bulk"])
    attacker = Attacker(address, maker, options["window"], options.get("judge", True))
    attacker.attack(options["calls"], options["large"])
    outcomes = collections.defaultdict(dict)
    for (label, outcome), n in sorted(attacker.outcomes.items()):
        outcomes[label][outcome] = n
    json.dump({"calls": attacker.n_calls, "wrong": attacker.wrong[:20],
               "n_wrong": len(attacker.wrong), "outcomes": outcomes}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
