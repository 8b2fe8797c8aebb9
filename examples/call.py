#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A call for three, with Python and jeepney (on Debian: python3-jeepney).

    call.py [TAG]       Enter ends the call

Creates a session and three participants who hear each other, shows what becomes of them, and
deletes them. convened may be restarted at any time meanwhile: what it has accepted it keeps, and
paths stay valid.
"""

import sys
from queue import Queue
from threading import Thread

from jeepney import (DBusAddress, HeaderFields, MatchRule, MessageType, Properties, message_bus,
                     new_method_call)
from jeepney.io.threading import Proxy, open_dbus_router

NAME, ROOT = "org.convened1", "/org/convened1"
DBUS_ERROR = "org.freedesktop.DBus.Error."
AWAY = {DBUS_ERROR + "ServiceUnknown", DBUS_ERROR + "NoReply"}
NAMES = ("alice", "bob", "carol")


class CallError(Exception):
    def __init__(self, reply):
        self.name = reply.header.fields[HeaderFields.error_name]
        super().__init__(f"{self.name}: {reply.body[0] if reply.body else ''}")


def interface_of(path):
    return NAME + (".Session" if "/session/" in path else
                   ".Participant" if "/participant/" in path else ".Manager")


class Client:
    def __init__(self, router):
        self.router = router
        self.labels = {}  # path: the tag that we show for it
        self.shown = {}   # path: what we have shown last

    def send(self, message):
        reply = self.router.send_and_get_reply(message)
        if reply.header.message_type is MessageType.error:
            raise CallError(reply)
        return reply.body

    def call(self, path, member, signature, *body):
        address = DBusAddress(path, NAME, interface_of(path))
        return self.send(new_method_call(address, member, signature, body))

    def patiently(self, function, *arguments):
        """Calls the function again when convened left meanwhile: it has to bear being repeated."""
        while True:
            try:
                return function(*arguments)
            except CallError as error:
                if error.name not in AWAY:
                    raise
            self.await_service()

    def await_service(self):
        queue = Queue()
        with self.router.filter(message_bus_rule(), queue=queue):
            while not Proxy(message_bus, self.router).NameHasOwner(NAME)[0]:
                queue.get()

    def find_or_create(self, kind, tag, session=None):
        """The path of what bears this tag.

        It looks before it creates. So nothing is created twice, whether a reply was lost because
        convened was restarted, or this program was: the tag tells what is ours.
        """
        filters = {"Tag": ("s", tag)}
        properties = {"Tag": ("s", tag)}
        if session:
            filters["Session"] = properties["Session"] = ("o", session)
            properties["PublishPermissions"] = ("as", ["AUDIO"])
            properties["SubscriptionMode"] = ("s", "session")  # hears everybody in it
        rows, _ = self.call(ROOT, f"List{kind}s", "a{sv}tu", filters, 0, 1)
        if rows:
            return rows[0][0]
        return self.call(ROOT, f"Create{kind}", "a{sv}", properties)[0]

    def create(self, tag):
        session = self.patiently(self.find_or_create, "Session", tag)
        self.labels[session] = tag
        for name in NAMES:
            path = self.patiently(self.find_or_create, "Participant", name, session)
            # GetToken, on the participant, gives what its phone or browser joins the call with.
            self.labels[path] = name

    def delete(self, path):
        try:
            self.call(path, "Delete", "a{sv}", {})
        except CallError as error:
            if error.name != DBUS_ERROR + "UnknownObject":  # gone already is as good
                raise

    def show(self, path):
        """Prints what there is to know about an object, when that has changed."""
        address = DBusAddress(path, NAME, interface_of(path))
        try:
            values, = self.send(Properties(address).get_all())
        except CallError as error:
            if error.name in AWAY:
                return
            line = "gone"
        else:
            in_sync = "in sync" if values["InSync"][1] else "not yet in sync"
            line = f"{values['State'][1]}, {in_sync}"
        if self.shown.get(path) != line:
            self.shown[path] = line
            print(f"{self.labels[path]}: {line}", flush=True)

    def watch(self, queue):
        """A signal says when to look. After a restart we look at everything."""
        for message in iter(queue.get, None):
            if message.header.fields[HeaderFields.member] == "NameOwnerChanged":
                here = bool(message.body[2])
                print("convened is", "there" if here else "away", flush=True)
                paths = list(self.labels) if here else []
            else:
                # InterfacesAdded and InterfacesRemoved come from the root, and name the object.
                path = message.header.fields[HeaderFields.path]
                paths = [message.body[0] if path == ROOT else path]
            for path in paths:
                if path in self.labels:
                    self.show(path)


def message_bus_rule():
    rule = MatchRule(type="signal", sender=message_bus.bus_name, interface=message_bus.interface,
                     member="NameOwnerChanged")
    rule.add_arg_condition(0, NAME)
    return rule


def main(tag="standup"):
    with open_dbus_router(bus="SESSION") as router:
        client = Client(router)
        queue = Queue()
        bus = Proxy(message_bus, router)
        bus.AddMatch(MatchRule(type="signal", sender=NAME, path_namespace=ROOT))
        bus.AddMatch(message_bus_rule())
        # Signals bear the unique name of their sender; so the filter on our side names none.
        with router.filter(MatchRule(type="signal", path_namespace=ROOT), queue=queue), \
                router.filter(message_bus_rule(), queue=queue):
            client.create(tag)
            for path in client.labels:
                client.show(path)
            watcher = Thread(target=client.watch, args=(queue,), daemon=True)
            watcher.start()

            sys.stdin.readline()

            for path in reversed(list(client.labels)):
                client.patiently(client.delete, path)
            queue.put(None)
            watcher.join()
            print("cleaned up", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
