# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stand-in for convened: its D-Bus contract over objects in memory, for the tests of clients.

It runs in a thread of the test. What the daemon would learn from the API, the test decides:

    service.mode = "confirm"   changes are confirmed before the reply (default)
    service.mode = "defer"     accepted, a first attempt failed; then confirm() or refuse()
    service.mode = "refuse"    an error reply, service.refusal
    service.mode = "fall back" refused between the reply and the first look at the object
    service.mode = "silent"    no reply at all; the change is pending

Of arguments it checks only filters; it knows no rights and no quotas, and orders nothing.
"""

import os
import queue
import re
import select
import threading
import time

from jeepney import HeaderFields, MessageFlag, MessageType, new_error, new_method_return, new_signal
from jeepney import DBusAddress

from .bus import call

NAME = "org.convened1"
MANAGER_PATH = "/org/convened1"
MANAGER = "org.convened1.Manager"
LOG_PATH = "/org/freedesktop/LogControl1"
INTERFACES = {"session": "org.convened1.Session", "participant": "org.convened1.Participant"}
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
ERROR = "org.convened1.Error."
DBUS_ERROR = "org.freedesktop.DBus.Error."

COMMON = {"Number": "t", "Id": "s", "Tag": "s", "State": "s", "InSync": "b", "LastError": "(ss)",
          "Attempts": "u", "NextAttemptUSec": "t", "Owner": "u", "Lifetime": "s",
          "CreatedUSec": "t", "SyncedUSec": "t"}
SIGNATURES = {
    "manager": {"Version": "s", "AccountId": "s", "BaseUrl": "s", "ApiState": "s",
                "LastContactUSec": "t", "SessionCount": "u", "ParticipantCount": "u",
                "PendingCount": "u", "SuspectedOrphans": "u"},
    "session": {**COMMON, "Participants": "ao", "ExpiresUSec": "t"},
    "participant": {**COMMON, "CallbackUrl": "s", "PublishPermissions": "as",
                    "DeviceApiVersion": "s", "Session": "o", "SessionId": "s",
                    "SubscriptionMode": "s", "Publishers": "a(oas)"},
}
NOT_SIGNALLED = ("NextAttemptUSec", "SyncedUSec", "LastContactUSec")


def now_usec():
    return int(time.time() * 1e6)


class Refused(Exception):
    """Becomes the error reply of the call that is being served."""

    def __init__(self, name, text):
        super().__init__(name)
        self.name = name
        self.text = text


class Thing:
    """A session or a participant: its properties, and what is on its way out of sync."""

    def __init__(self, kind, number, values):
        self.kind = kind
        self.path = f"{MANAGER_PATH}/{kind}/{number}"
        self.values = {"Number": number, "Id": "", "Tag": "", "State": "pending", "InSync": False,
                       "LastError": ("", ""), "Attempts": 0, "NextAttemptUSec": 0,
                       "Owner": os.getuid(), "Lifetime": "persistent",
                       "CreatedUSec": now_usec(), "SyncedUSec": 0, **values}

    def variants(self, names=None):
        signatures = SIGNATURES[self.kind]
        return {name: (signatures[name], self.values[name])
                for name in (names if names is not None else signatures)}


class MockService:
    def __init__(self, bus):
        self.bus = bus
        self.mode = "confirm"
        self.refusal = (ERROR + "Rejected", "the API said no")
        self.n_busy = 0  # so many lists are refused, as where another of the user's is read
        self.page_cap = 1000        # rows looked at in one call
        self.things = {}
        self.next_number = {"session": 1, "participant": 1}
        self.before_reading = None  # called once, in the service's thread, before an object is read
        self.calls = []             # (member, body) of every method of ours
        self.manager = {"Version": "0.1.0", "AccountId": "9900000",
                        "BaseUrl": "http://127.0.0.1:1/v1", "ApiState": "online",
                        "LastContactUSec": now_usec(), "SuspectedOrphans": 0}
        self.log_level = "info"
        self.elsewhere = {}         # API id -> (kind, properties): at the API, and not here yet
        self._tasks = queue.Queue()
        self._wake_read, self._wake_write = os.pipe()
        self._stopping = False
        self._connection = None
        self._thread = None

    # --- life ---------------------------------------------------------------------------------

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self._connection = self.bus.connect()
        call(self._connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
             "org.freedesktop.DBus", "RequestName", "su", (NAME, 4))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def stop(self):
        """Leaves the bus, as a daemon that ends does."""
        if self._thread:
            self.do(self._leave)
            self._thread.join(10)
            self._thread = None

    def abandon(self):
        """The bus is gone: nothing to leave any more."""
        self._thread.join(10)
        self._thread = None

    def _leave(self):
        self._stopping = True

    def _run(self):
        while not self._stopping:
            select.select([self._connection.sock, self._wake_read], [], [])
            while not self._tasks.empty():
                os.read(self._wake_read, 1)
                task, result = self._tasks.get()
                result.put(self._attempt(task))
            self._receive_all()
        self._connection.close()

    @staticmethod
    def _attempt(task):
        try:
            return task(), None
        except Exception as error:  # pylint: disable=broad-except
            return None, error

    def _receive_all(self):
        while True:
            try:
                message = self._connection.receive(timeout=0)
            except TimeoutError:
                return
            except ConnectionError:
                self._stopping = True
                return
            if message.header.message_type is MessageType.method_call:
                self._serve(message)

    def do(self, task):
        """Runs a function in the service's thread and returns its result."""
        if threading.current_thread() is self._thread:
            return task()
        result = queue.Queue()
        self._tasks.put((task, result))
        os.write(self._wake_write, b"x")
        value, error = result.get(timeout=10)
        if error:
            raise error
        return value

    # --- what a test decides -------------------------------------------------------------------

    def add(self, kind, **values):
        """An object that has been there for long: active and in sync. Returns its path."""
        return self.do(lambda: self._add(kind, values))

    def _add(self, kind, values):
        thing = self._new(kind, values)
        self._settle(thing)
        if values.get("Session", "/") != "/":
            self.things[values["Session"]].values["Participants"].append(thing.path)
        return thing.path

    def change(self, path, **values):
        """Sets properties and signals them."""
        self.do(lambda: self._set(self.things[path], values))

    def change_manager(self, **values):
        def task():
            self.manager.update(values)
            self._signal(MANAGER_PATH, PROPERTIES, "PropertiesChanged", "sa{sv}as",
                         (MANAGER, {k: (SIGNATURES["manager"][k], v) for k, v in values.items()},
                          []))
        self.do(task)

    def confirm(self, path):
        """The API confirms what is pending there; a deletion makes it go."""
        def task():
            thing = self.things[path]
            if thing.values["State"] == "deleting":
                self._remove(thing)
            else:
                self._settle(thing)
        self.do(task)

    def refuse(self, path, name=ERROR + "Rejected", text="the API said no"):
        """The API refuses for good what is pending there, after the reply has gone."""
        def task():
            thing = self.things[path]
            failed = thing.values["State"] == "pending"
            self._set(thing, {"State": "failed" if failed else "active", "InSync": not failed,
                              "LastError": (name, text), "Attempts": 0})
        self.do(task)

    def remove(self, path):
        """Found gone, or deleted by somebody else."""
        self.do(lambda: self._remove(self.things[path]))

    def await_call(self, member, timeout=10):
        """The body of the last call of that method, as soon as there is one."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for name, body in reversed(self.calls):
                if name == member:
                    return body
            select.select([], [], [], 0.005)
        raise TimeoutError(member)

    # --- objects and signals -------------------------------------------------------------------

    def _new(self, kind, values):
        number = self.next_number[kind]
        self.next_number[kind] += 1
        own = {"Participants": [], "ExpiresUSec": 0} if kind == "session" else {
            "CallbackUrl": "", "PublishPermissions": [], "DeviceApiVersion": "V3", "Session": "/",
            "SessionId": "", "SubscriptionMode": "none", "Publishers": []}
        thing = Thing(kind, number, {**own, **values})
        self.things[thing.path] = thing
        self._signal(MANAGER_PATH, OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}",
                     (thing.path, {INTERFACES[kind]: thing.variants()}))
        return thing

    def _settle(self, thing):
        """Confirmed: as a fresh id where there was none, and in sync."""
        number = thing.values["Number"]
        letter = thing.kind[0]
        values = {"State": "active", "InSync": True, "LastError": ("", ""), "Attempts": 0,
                  "NextAttemptUSec": 0, "SyncedUSec": now_usec()}
        if not thing.values["Id"]:
            values["Id"] = f"{letter}{number:04x}0000-aaaa-bbbb-cccc-{number:012x}"
        self._set(thing, values)

    def _set(self, thing, values):
        changed = [k for k, v in values.items() if thing.values[k] != v]
        thing.values.update(values)
        told = [k for k in changed if k not in NOT_SIGNALLED]
        if told:
            self._signal(thing.path, PROPERTIES, "PropertiesChanged", "sa{sv}as",
                         (INTERFACES[thing.kind], thing.variants(told), []))

    def _remove(self, thing):
        del self.things[thing.path]
        for member in thing.values.get("Participants", ()):
            self._set(self.things[member], {"Session": "/", "SubscriptionMode": "none",
                                            "Publishers": []})
        if thing.values.get("Session", "/") != "/":
            self._leave_session(thing)
        self._signal(MANAGER_PATH, OBJECT_MANAGER, "InterfacesRemoved", "oas",
                     (thing.path, [INTERFACES[thing.kind]]))

    def _leave_session(self, participant):
        session = self.things.get(participant.values["Session"])
        if session:
            rest = [p for p in session.values["Participants"] if p != participant.path]
            self._set(session, {"Participants": rest})

    def _signal(self, path, interface, member, signature, body):
        emitter = DBusAddress(path, interface=interface)
        self._connection.send(new_signal(emitter, member, signature, body))

    # --- serving -------------------------------------------------------------------------------

    def _serve(self, message):
        fields = message.header.fields
        try:
            signature, body, reply = self._dispatch(
                fields[HeaderFields.path], fields.get(HeaderFields.interface, ""),
                fields[HeaderFields.member], message.body)
        except Refused as refused:
            self._send_error(message, refused.name, refused.text)
            return
        if reply and not message.header.flags & MessageFlag.no_reply_expected:
            self._connection.send(new_method_return(message, signature, body))

    def _send_error(self, message, name, text):
        self._connection.send(new_error(message, name, "s", (text,)))

    def _dispatch(self, path, interface, member, body):
        """Returns the reply's signature, its body, and whether there is a reply at all."""
        if interface == "org.freedesktop.DBus.Peer":
            return None, (), True
        if interface == PROPERTIES and path == LOG_PATH:
            return (*self._log_level(member, body), True)
        if interface == PROPERTIES:
            return (*self._properties(path, member, body), True)
        self.calls.append((member, body))
        if interface == MANAGER and path == MANAGER_PATH:
            return self._manager_call(member, body)
        thing = self._find(path, interface)
        return self._thing_call(thing, member, body)

    def _log_level(self, member, body):
        if self.mode == "refuse":
            raise Refused(*self.refusal)
        if member == "Get":
            return "v", (("s", self.log_level),)
        self.log_level = body[2][1]
        return None, ()

    def _find(self, path, interface=None):
        thing = self.things.get(path)
        if not thing or (interface and INTERFACES[thing.kind] != interface):
            raise Refused(DBUS_ERROR + "UnknownObject", f"Unknown object '{path}'.")
        return thing

    def _properties(self, path, member, body):
        if path == MANAGER_PATH:
            counts = {"SessionCount": self._count("session"),
                      "ParticipantCount": self._count("participant"),
                      "PendingCount": sum(not t.values["InSync"] for t in self.things.values())}
            values = {k: (s, {**counts, **self.manager}[k])
                      for k, s in SIGNATURES["manager"].items()}
        else:
            hook, self.before_reading = self.before_reading, None
            if hook:
                hook(path)
            values = self._find(path, body[0]).variants()
        if member == "GetAll":
            return "a{sv}", (values,)
        return "v", (values[body[1]],)

    def _count(self, kind):
        return sum(thing.kind == kind for thing in self.things.values())

    def _manager_call(self, member, body):
        if member in ("ListSessions", "ListParticipants"):
            kind = "session" if member == "ListSessions" else "participant"
            if self.n_busy > 0:
                self.n_busy -= 1
                raise Refused(DBUS_ERROR + "LimitsExceeded", "one page after the other")
            return (*self._list(kind, *body), True)
        if member in ("CreateSession", "CreateParticipant"):
            return self._create("session" if member == "CreateSession" else "participant", body[0])
        if member in ("AdoptSession", "AdoptParticipant"):
            return self._adopt("session" if member == "AdoptSession" else "participant", *body)
        if member == "Sync":
            return None, (), True
        raise Refused(DBUS_ERROR + "UnknownMethod", member)

    def _passes(self, thing, wanted):
        values = thing.values
        for key, (_, value) in wanted.items():
            if key == "IdPrefix":
                if not values["Id"].startswith(value):
                    return False
            elif key != "Fields" and values[key] != value:
                return False
        return True

    def _list(self, kind, wanted, after, limit):
        if not re.fullmatch("[A-Za-z0-9_-]{0,64}", wanted.get("IdPrefix", ("s", ""))[1]):
            raise Refused(DBUS_ERROR + "InvalidArgs", "IdPrefix")
        tag = wanted.get("Tag", ("s", ""))[1]
        if len(tag) > 50 or re.search("[\0-\x1f\x7f-\x9f]", tag):
            raise Refused(DBUS_ERROR + "InvalidArgs", "Tag")
        things = sorted((t for t in self.things.values()
                         if t.kind == kind and t.values["Number"] > after),
                        key=lambda t: t.values["Number"])
        fields = wanted.get("Fields", ("as", None))[1]
        rows, last, more = [], 0, False
        for looked, thing in enumerate(things):
            if looked == self.page_cap or len(rows) == (limit or 100):
                more = True
                break
            last = thing.values["Number"]
            if self._passes(thing, wanted):
                rows.append((thing.path, thing.variants(fields)))
        return "a(oa{sv})t", (rows, last if more else 0)

    def _create(self, kind, given):
        values = {k: v for k, (_, v) in given.items() if k in SIGNATURES[kind]}
        wait = given.get("Wait", ("b", True))[1]
        if values.get("Publishers"):
            values.setdefault("SubscriptionMode", "participants")
        if self.mode == "refuse" and wait:
            raise Refused(*self.refusal)
        if values.get("Session", "/") != "/":
            self._find(values["Session"])
        thing = self._new(kind, values)
        if values.get("Session", "/") != "/":
            session = self.things[values["Session"]]
            self._set(session, {"Participants": session.values["Participants"] + [thing.path]})
        return self._finish(thing, wait, "o", (thing.path,))

    def _adopt(self, kind, api_id, options):
        if self.mode == "refuse":
            raise Refused(*self.refusal)
        here = [t for t in self.things.values() if t.kind == kind and t.values["Id"] == api_id]
        if here:
            return "o", (here[0].path,), True
        if self.elsewhere.get(api_id, (None,))[0] != kind:
            raise Refused(f"{ERROR}NoSuch{kind.title()}", f"The API knows no {kind} {api_id}.")
        values = {"Lifetime": options.get("Lifetime", ("s", "persistent"))[1], "Id": api_id}
        thing = self._new(kind, {**self.elsewhere.pop(api_id)[1], **values})
        self._settle(thing)
        return "o", (thing.path,), True

    def _finish(self, thing, wait, signature=None, body=()):
        """Ends a change that was accepted, as the mode says."""
        if self.mode == "confirm" and wait:
            if thing.values["State"] == "deleting":
                self._remove(thing)
            else:
                self._settle(thing)
        elif self.mode == "fall back" and wait:
            self._settle(thing)
            self._set(thing, {"Session": "/", "LastError": self.refusal})
        elif self.mode != "silent" and wait:
            self._set(thing, {"Attempts": 1, "NextAttemptUSec": now_usec() + 4_900_000,
                              "LastError": (ERROR + "Unavailable", "connection refused")})
        return signature, body, self.mode != "silent"

    def _thing_call(self, thing, member, body):
        if member == "Refresh":
            if self.mode == "refuse":
                raise Refused(*self.refusal)
            return None, (), True
        if member == "GetToken":
            if not thing.values["Id"] or self.mode == "refuse":
                raise Refused(ERROR + "NoToken", "There is no token yet.")
            return "s", (f"token-of-{thing.values['Number']}",), True

        wait = body[-1].get("Wait", ("b", True))[1]
        if self.mode == "refuse" and wait:
            raise Refused(*self.refusal)
        changed = {"Delete": self._delete, "AddParticipant": self._join,
                   "RemoveParticipant": self._part,
                   "SetSubscriptions": self._subscribe}[member](thing, *body)
        return self._finish(changed, wait)

    def _delete(self, thing, _options):
        self._set(thing, {"State": "deleting", "InSync": False, "LastError": ("", "")})
        return thing

    def _intend(self, thing, values):
        self._set(thing, {**values, "InSync": False, "LastError": ("", "")})
        return thing

    def _join(self, session, path, options):
        participant = self.things.get(path)
        if not participant:
            raise Refused(ERROR + "NoSuchParticipant", f"There is no participant {path}.")
        if participant.values["Session"] not in ("/", session.path):
            raise Refused(ERROR + "Conflict", "It is in another session.")
        members = session.values["Participants"]
        if path not in members:
            self._set(session, {"Participants": members + [path]})
        publishers = options.get("Publishers", ("", []))[1]
        mode = options.get("SubscriptionMode", ("", "participants" if publishers else "none"))[1]
        return self._intend(participant, {"Session": session.path, "SubscriptionMode": mode,
                                          "Publishers": publishers})

    def _part(self, session, path, _options):
        participant = self.things.get(path)
        if not participant or participant.values["Session"] != session.path:
            raise Refused(ERROR + "Conflict", "It is not in this session.")
        self._leave_session(participant)
        return self._intend(participant, {"Session": "/", "SubscriptionMode": "none",
                                          "Publishers": []})

    def _subscribe(self, participant, mode, publishers, _options):
        if participant.values["Session"] == "/":
            raise Refused(ERROR + "Conflict", "It is in no session.")
        return self._intend(participant, {"SubscriptionMode": mode, "Publishers": publishers})


__all__ = ["BusError", "MockService"]
