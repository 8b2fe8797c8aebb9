# SPDX-License-Identifier: LGPL-2.1-or-later
"""One connection that hears signals and replies in the order in which the daemon sent them.

    with Listener(bus) as listener:
        serial = listener.send(PATH, MANAGER, "CreateSession", "a{sv}", ({},))
        heard = listener.until_reply(serial)    # signals, then the reply
        listener.until(lambda event: event.changed.get("State") == "active")
"""

import time

from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call

from .bus import BusError, call

NAME = "org.convened1"


class Event:
    """A signal (.kind "added", "removed", "changed") or a reply ("reply", "error")."""

    def __init__(self, kind, path=None, interface=None, changed=None, body=None, serial=None,
                 error=None):
        self.kind = kind
        self.path = path
        self.interface = interface
        self.changed = changed or {}
        self.body = body
        self.serial = serial
        self.error = error

    def __repr__(self):
        return f"<{self.kind} {self.path or ''} {self.changed or self.error or self.body or ''}>"

    @property
    def brief(self):
        """Such as "+session/1", "-session/1", "~session/1", "reply", "Conflict"."""
        sign = {"added": "+", "removed": "-", "changed": "~"}.get(self.kind)
        if sign:
            return sign + (self.path.removeprefix("/org/convened1/"))
        return self.kind if self.kind == "reply" else self.error.name.rpartition(".")[2]


def plain(dictionary):
    return {name: value for name, (_, value) in dictionary.items()}


def event_of(message):
    """None for messages of no interest."""
    fields = message.header.fields
    kind = message.header.message_type
    if kind is MessageType.method_return:
        return Event("reply", body=message.body, serial=fields[HeaderFields.reply_serial])
    if kind is MessageType.error:
        text = message.body[0] if message.body else ""
        return Event("error", serial=fields[HeaderFields.reply_serial],
                     error=BusError(fields[HeaderFields.error_name], text))
    member, path = fields.get(HeaderFields.member), fields.get(HeaderFields.path)
    if member == "PropertiesChanged":
        interface, changed, invalidated = message.body
        assert invalidated == [], message.body
        return Event("changed", path, interface, plain(changed))
    if member == "InterfacesAdded":
        own = {name: plain(properties) for name, properties in message.body[1].items()
               if name.startswith(NAME)}
        (interface, properties), = own.items()
        return Event("added", message.body[0], interface, properties)
    if member == "InterfacesRemoved":
        own, = [name for name in message.body[1] if name.startswith(NAME)]
        return Event("removed", message.body[0], own)
    return None


class Listener:
    def __init__(self, bus, sender=NAME):
        self.connection = bus.connect()
        call(self.connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
             "org.freedesktop.DBus", "AddMatch", "s", (f"type='signal',sender='{sender}'",))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    def send(self, path, interface, member, signature=None, body=()):
        """Sends a call, waits for nothing, and returns what its reply will carry as .serial."""
        message = new_method_call(DBusAddress(path, bus_name=NAME, interface=interface), member,
                                  signature, body)
        serial = next(self.connection.outgoing_serial)
        self.connection.send(message, serial=serial)
        return serial

    def next(self, timeout=20):
        """The next event, of whatever kind; TimeoutError if there is none for so long."""
        deadline = time.monotonic() + timeout
        while True:
            event = event_of(self.connection.receive(timeout=max(0, deadline - time.monotonic())))
            if event:
                return event

    def until(self, wanted, timeout=20):
        """All events up to the first for which `wanted` is true, that one included."""
        deadline = time.monotonic() + timeout
        heard = []
        while not heard or not wanted(heard[-1]):
            try:
                heard.append(self.next(max(0, deadline - time.monotonic())))
            except TimeoutError:
                raise TimeoutError(f"heard only {heard}") from None
        return heard

    def until_reply(self, serial, timeout=30):
        return self.until(lambda event: event.serial == serial, timeout)

    def call(self, path, interface, member, signature=None, body=(), timeout=30):
        """The events up to the reply, the reply last; the manager's own properties left out."""
        heard = self.until_reply(self.send(path, interface, member, signature, body), timeout)
        return [event for event in heard if event.path != "/org/convened1"]
