# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several users on one private bus. Only root can be them."""

import os

from jeepney import DBusAddress, HeaderFields, MessageFlag, MessageType, new_method_call

from . import bus as private_bus
from .bus import BusError, call
from .daemon import MANAGER, NAME, PATH, variants

ALICE, BOB = 1, 2


def open_to_all(monkeypatch):
    """Lets other users than root connect to the private buses of a test."""
    monkeypatch.setattr(private_bus, "CONFIG", private_bus.CONFIG.replace(
        '<allow own="*"/>', '<allow own="*"/><allow user="*"/>'))


class User:
    """A connection as another uid."""

    def __init__(self, bus, uid):
        os.chmod(bus.directory, 0o755)
        os.setresuid(uid, uid, 0)
        try:
            self.connection = bus.connect()
        finally:
            os.setresuid(0, 0, 0)
        self.uid = uid
        self.outcomes = {}  # by serial, of calls that were not asked for yet

    @property
    def name(self):
        """The unique one."""
        return self.connection.unique_name

    def call(self, path, interface, member, signature=None, body=()):
        return call(self.connection, NAME, path, interface, member, signature, body)

    def send(self, path, interface, member, signature=None, body=(), interactive=False):
        """A call that is not waited for yet: outcome() does. Returns its serial."""
        message = new_method_call(DBusAddress(path, bus_name=NAME, interface=interface), member,
                                  signature, body)
        if interactive:
            message.header.flags |= MessageFlag.allow_interactive_authorization
        message.header.serial = next(self.connection.outgoing_serial)
        self.connection.send(message, serial=message.header.serial)
        return message.header.serial

    def outcome(self, serial, timeout=30):
        """"reply", or what stands last in the name of the error that a call got."""
        while serial not in self.outcomes:
            message = self.connection.receive(timeout=timeout)
            fields = message.header.fields
            error = message.header.message_type is MessageType.error
            self.outcomes[fields.get(HeaderFields.reply_serial)] = (
                fields[HeaderFields.error_name].rpartition(".")[2] if error else "reply")
        return self.outcomes.pop(serial)

    def refused(self, *arguments):
        """What stands last in the name of the error that a call gets."""
        try:
            reply = self.call(*arguments)
        except BusError as error:
            return error.name.rpartition(".")[2]
        raise AssertionError(f"{arguments} was answered with {reply}")

    def create(self, what, **properties):
        return self.call(PATH, MANAGER, "Create" + what, "a{sv}", (variants(properties),))[0]

    def close(self):
        self.connection.close()
