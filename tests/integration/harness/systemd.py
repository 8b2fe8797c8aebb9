# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stand-in for systemd: it says of one process in which unit it is, and what is so of that.

    systemd = Systemd(bus, os.getpid(), {"MainPID": ("u", os.getpid()), "StatusText": ("s", "up")})
    systemd.serve(process)              # until that has ended
"""

from jeepney import HeaderFields, MessageType, new_error, new_method_return

from .bus import StandIn

NAME = "org.freedesktop.systemd1"
UNIT = "/org/freedesktop/systemd1/unit/convened_2eservice"
SERVICE = "org.freedesktop.systemd1.Service"


class Systemd(StandIn):
    def __init__(self, bus, pid, properties):
        """`properties`: None for one that answers nothing."""
        super().__init__(bus, NAME)
        self.pid = pid
        self.properties = properties

    def serve(self, process):
        while process.poll() is None:
            try:
                message = self.connection.receive(timeout=0.05)
            except TimeoutError:
                continue
            if (message.header.message_type is MessageType.method_call
                    and self.properties is not None):
                self.connection.send(self.answer(message))

    def answer(self, message):
        fields = message.header.fields
        question = (fields[HeaderFields.path], fields[HeaderFields.member], *message.body)
        if question == ("/org/freedesktop/systemd1", "GetUnitByPID", self.pid):
            return new_method_return(message, "o", (UNIT,))
        if question[:3] == (UNIT, "Get", SERVICE) and question[3] in self.properties:
            return new_method_return(message, "v", (self.properties[question[3]],))
        return new_error(message, f"{NAME}.NoSuchUnit")
