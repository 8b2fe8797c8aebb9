# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stand-in for polkit: the test itself reads its questions, and answers them, or does not.

    with Polkit(stage.bus) as polkit:
        call = bob.send(...)
        question = polkit.question()
        assert question.action == "org.convened1.manage-others"
        polkit.answer(question, True)
"""

import collections

from jeepney import new_error, new_method_return

from .bus import StandIn

NAME = "org.freedesktop.PolicyKit1"

Question = collections.namedtuple("Question", "message subject action details flags cancellation")


class Polkit(StandIn):
    def __init__(self, bus):
        super().__init__(bus, NAME)

    def question(self, timeout=10):
        message = self.receive("CheckAuthorization", timeout)
        (kind, subject), *rest = message.body
        assert kind == "system-bus-name" and list(subject) == ["name"]
        return Question(message, subject["name"][1], *rest)

    def cancelled(self, timeout=10):
        """The id of the next question that nobody waits for any more."""
        return self.receive("CancelCheckAuthorization", timeout).body[0]

    def answer(self, question, authorized, challenge=False):
        self.reply(question, "(bba{ss})", ((authorized, challenge, {}),))

    def reply(self, question, signature, body):
        self.connection.send(new_method_return(question.message, signature, body))

    def fail(self, question, name=NAME + ".Error.Failed"):
        self.connection.send(new_error(question.message, name, "s", ("It failed.",)))
