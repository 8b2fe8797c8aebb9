# SPDX-License-Identifier: LGPL-2.1-or-later
"""What convened knows, as it changes, and a way to call it.

Signals are asked for before the objects are, and both come in the order in which convened sent
them: so an answer replaces what is here, and a signal after it changes that. Nothing is forgotten
while convened is away: it brings everything back, under the same paths.
"""

from gi.repository import Gio, GLib, GObject

NAME, ROOT, NOWHERE = "org.convened1", "/org/convened1", "/"
MANAGER, SESSION, PARTICIPANT = (f"{NAME}.{one}" for one in ("Manager", "Session", "Participant"))
DBUS = "org.freedesktop.DBus"
PAGE = 1000  # rows, which is the most that a call may ask for


def interface_of(path):
    return SESSION if "/session/" in path else PARTICIPANT if "/participant/" in path else MANAGER


def error_name(error):
    return Gio.DBusError.get_remote_error(error) or ""


class Emitter(GObject.Object):
    __gsignals__ = {"changed": (GObject.SignalFlags.RUN_FIRST, None, ())}


class Thing(Emitter):
    """A session or a participant, as its D-Bus properties. NOWHERE stands for no session."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.number = int(path.rsplit("/", 1)[1] or 0)
        self.values = {}

    def __getitem__(self, name):
        return self.values[name]


class Things(Gio.ListStore):
    """Ordered by number, for a list on the screen."""

    def position(self, thing):
        low, high = 0, self.get_n_items()
        while low < high:
            middle = (low + high) // 2
            if self.get_item(middle).number < thing.number:
                low = middle + 1
            else:
                high = middle
        return low

    def put(self, thing):
        self.insert(self.position(thing), thing)

    def drop(self, thing):
        self.remove(self.position(thing))


class Registry(Emitter):
    """It tells of present and status; a Thing tells of itself, and Things of what is in them."""

    def __init__(self, bus_type):
        super().__init__()
        self.present = False
        self.status = {}                         # the manager's properties
        self.things = {}                         # by path
        self.sessions = Things(item_type=Thing)
        self.by_session = {}                     # participants
        self.unseen = set()                      # not named again by a convened that came back
        self.bus = Gio.bus_get_sync(bus_type)
        self.bus.signal_subscribe(NAME, None, None, None, None, Gio.DBusSignalFlags.NONE,
                                  self.on_signal)
        Gio.bus_watch_name_on_connection(self.bus, NAME, Gio.BusNameWatcherFlags.NONE,
                                         self.on_appeared, self.on_vanished)

    def members(self, session):
        """Who is wanted in the session of that path, or NOWHERE."""
        return self.by_session.setdefault(session, Things(item_type=Thing))

    def call(self, path, interface, method, done, signature="", *arguments):
        """Returns at once; later it is done(result, None) or done(None, error)."""
        def on_reply(bus, result):
            try:
                body = bus.call_finish(result).unpack()
            except GLib.Error as error:
                done(None, error)
            else:
                done(body, None)

        self.bus.call(NAME, path, interface, method, GLib.Variant(f"({signature})", arguments),
                      None, Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION, -1, None, on_reply)

    # --- it comes and goes

    def on_appeared(self, *_):
        def on_status(body, error):
            if not error:
                self.status = body[0]
                self.emit("changed")

        self.present = True
        self.unseen = set(self.things)
        self.call(ROOT, f"{DBUS}.Properties", "GetAll", on_status, "s", MANAGER)
        self.call(ROOT, f"{DBUS}.ObjectManager", "GetManagedObjects", self.on_objects)

    def on_vanished(self, *_):
        self.present = False
        self.emit("changed")

    # All objects at once, or in pages where they are too many for that. Any other error means that
    # convened has left again; when it is back, so are we.

    def on_objects(self, body, error):
        if not error:
            for path, interfaces in body[0].items():
                self.learn(path, interfaces[interface_of(path)])
            self.forget(self.unseen)
        elif error_name(error) == f"{DBUS}.Error.LimitsExceeded":
            self.load_page("ListSessions", 0)

    def load_page(self, method, after):
        def on_page(body, error):
            # Another program of the same user reads a list: its turn, then ours.
            if error and error_name(error) == f"{DBUS}.Error.LimitsExceeded" and self.present:
                GLib.timeout_add(100, lambda: self.load_page(method, after))
            if error:
                return
            for path, values in body[0]:
                self.learn(path, values)
            if body[1]:
                self.load_page(method, body[1])
            elif method == "ListSessions":
                self.load_page("ListParticipants", 0)
            else:
                self.forget(self.unseen)

        self.call(ROOT, MANAGER, method, on_page, "a{sv}tu", {}, after, PAGE)

    def on_signal(self, _bus, _sender, path, _interface, signal, parameters):
        body = parameters.unpack()
        if signal == "InterfacesAdded":
            self.learn(body[0], body[1][interface_of(body[0])])
        elif signal == "InterfacesRemoved":
            self.forget([body[0]])
        elif signal == "PropertiesChanged" and path == ROOT:
            self.status.update(body[1])
            self.emit("changed")
        elif signal == "PropertiesChanged" and path in self.things:
            self.learn(path, body[1])

    def ask_next_attempt(self, thing):
        """There is no signal for it, as there would be too many: ask where it is on the screen."""
        def on_value(body, error):
            if not error and thing.path in self.things:
                self.learn(thing.path, {"NextAttemptUSec": body[0]})

        self.call(thing.path, f"{DBUS}.Properties", "Get", on_value, "ss", interface_of(thing.path),
                  "NextAttemptUSec")

    # --- what is here

    def home(self, thing):
        return self.members(thing["Session"]) if "Session" in thing.values else self.sessions

    def learn(self, path, values):
        thing = self.things.setdefault(path, Thing(path))
        before = self.home(thing) if thing.values else None
        thing.values.update(values)
        after = self.home(thing)
        if before is not after:
            if before is not None:
                before.drop(thing)
            after.put(thing)
        self.unseen.discard(path)
        thing.emit("changed")

    def forget(self, paths):
        for path in list(paths):
            thing = self.things.pop(path, None)
            if thing:
                self.home(thing).drop(thing)
            self.unseen.discard(path)
