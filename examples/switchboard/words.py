# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a person reads."""

import time

from registry import DBUS, NOWHERE, SESSION, error_name, interface_of

AWAY = "convened is not running. This is what it said last; when it is back, so is everything."
API = {  # what ApiState is called, and what is to be said about it
    "unknown": ("No answer of the API yet", ""),
    "online": ("API online", ""),
    "throttled": ("API paused", "The API wants a pause. Changes are kept, and follow after it."),
    "offline": ("API offline", "The API cannot be reached. Changes are kept, and follow later."),
    "unauthorized": ("API refuses us", "There are no credentials, or the API refuses them. Until "
                     "convened is given good ones, it accepts nothing but deletions."),
}
ERRORS = {  # instead of the message, where that was not made for this reader
    "ServiceUnknown": "convened is not running.",
    "NoReply": "convened left before it had answered. Look before you try again: it may be done.",
    "UnknownObject": "It is gone already.",
    "AccessDenied": "It belongs to somebody else.",
}


def explain(what, error):
    """Why something that was asked for is not done."""
    name = error_name(error)
    said = error.message.removeprefix(f"GDBus.Error:{name}: ")
    known = ERRORS.get(name.rsplit(".", 1)[1]) if name.startswith(DBUS) else None
    return f"{what} did not work. {known or said}"


def count(number, noun):
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def span(until_usec):
    sec = max(until_usec / 1e6 - time.time(), 1)
    length, unit = (3600, "h") if sec >= 3600 else (60, "min") if sec >= 60 else (1, "s")
    return f"{sec / length:.0f} {unit}"


def name_of(thing):
    if thing.path == NOWHERE:
        return "In no session"
    kind = "Session" if interface_of(thing.path) == SESSION else "Participant"
    return thing["Tag"] or f"{kind} {thing.number}"


def condition(thing):
    """A word for it, the class of its looks, and why it is so."""
    error, message = thing["LastError"]
    if thing["State"] == "failed":
        return "failed", "error", message
    if thing["InSync"]:
        return ("refused", "error", message) if error else ("in sync", "success", "")
    why = message if error else "Waiting for the API"
    if thing["NextAttemptUSec"]:
        why += f"; attempt {thing['Attempts'] + 1} in {span(thing['NextAttemptUSec'])}"
    return "deleting" if thing["State"] == "deleting" else "pending", "warning", why


def media(thing, things):
    """Whom a participant hears, and what it sends."""
    publishers = [name_of(things[path]) + (f" ({', '.join(streams)})" if streams else "")
                  for path, streams in thing["Publishers"] if path in things]
    heard = {"session": "everyone", "none": "nobody", "participants": ", ".join(publishers)}
    sent = " and ".join(thing["PublishPermissions"]).lower() or "nothing"
    return f"Hears {heard[thing['SubscriptionMode']]}; sends {sent}"


def about_session(thing, members):
    about = count(members, "participant")
    if thing.path == NOWHERE:
        return about
    word, _, why = condition(thing)
    if word != "in sync":
        return f"{about}, {word}: {why}"
    return about + (f", ends in {span(thing['ExpiresUSec'])}" if thing["ExpiresUSec"] else "")
