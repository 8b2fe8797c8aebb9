#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who is in which session and hears whom (on Debian: gir1.2-gtk-4.0 gir1.2-adw-1 python3-gi).

    switchboard.py [--system]

A window on what convened knows, as a model of an app on it: registry.py follows convened on D-Bus,
words.py says it in words, and this shows it. What is done here is done by a call, and shown once
convened says that it is so.
"""

import sys

import gi

gi.require_version("Gtk", "4.0")
gi.require_version("Adw", "1")
from gi.repository import Adw, Gdk, Gio, GLib, Gtk, Pango  # noqa: E402

import words  # noqa: E402
from registry import MANAGER, NOWHERE, ROOT, Registry, Thing, interface_of  # noqa: E402

SHOWN_MAX = 100  # a session has at most 20 participants; there may be many more in none

CSS = b"""
.pill { border-radius: 99px; padding: 1px 10px; font-size: smaller; font-weight: bold; }
.pill.success, .notice.success { background: alpha(@success_color, 0.12); }
.pill.warning, .notice.warning { background: alpha(@warning_color, 0.15); }
.pill.error, .notice.error { background: alpha(@error_color, 0.12); }
.notice { padding: 8px 16px; color: inherit; }
"""


# --- widgets in a line each

def box(*children, vertical=False, **more):
    result = Gtk.Box(**more)
    result.set_orientation(Gtk.Orientation.VERTICAL if vertical else Gtk.Orientation.HORIZONTAL)
    for child in children:
        result.append(child)
    return result


def button(clicked, **more):
    result = Gtk.Button(**more)
    result.connect("clicked", lambda _: clicked())
    return result


def label(text="", *classes, **more):
    return Gtk.Label(label=text, css_classes=list(classes), xalign=0, **more)


def menu(icon, what, fill):
    """A button with a popover, whose content is made anew each time it opens."""
    def on_show(_):
        while child := content.get_first_child():
            content.remove(child)
        fill(content, popover)

    content = box(vertical=True, spacing=6, margin_top=6, margin_bottom=6, margin_start=6,
                  margin_end=6, width_request=240)
    popover = Gtk.Popover(child=content)
    popover.connect("show", on_show)
    result = Gtk.MenuButton(popover=popover, icon_name=icon, tooltip_text=what,
                            valign=Gtk.Align.CENTER, css_classes=["flat"])
    result.update_property([Gtk.AccessibleProperty.LABEL], [what])
    return result


class Pill(Gtk.Label):
    def tell(self, thing):
        word, look, why = words.condition(thing)
        self.set_label(word)
        self.set_css_classes(["pill", look])
        return why


class Notice(Gtk.Revealer):
    """A line above the participants, while there is something to say."""

    def __init__(self, look, *buttons):
        self.label = label(wrap=True, hexpand=True)
        super().__init__(child=box(self.label, *buttons, css_classes=["notice", look]))

    def tell(self, text):
        self.label.set_label(text or self.label.get_label())
        self.set_reveal_child(bool(text))


# --- a participant

class Row(Adw.ActionRow):
    def __init__(self, window, thing):
        super().__init__(activatable=False, subtitle_lines=0)
        self.window, self.thing, self.name = window, thing, words.name_of(thing)
        self.set_title(GLib.markup_escape_text(self.name))
        self.pill = Pill(valign=Gtk.Align.CENTER)
        self.ears = menu("audio-headphones-symbolic", f"Whom {self.name} hears", self.fill_ears)
        self.add_prefix(Adw.Avatar(size=36, text=self.name, show_initials=True))
        for widget in (self.pill, self.ears,
                       menu("view-more-symbolic", f"More about {self.name}", self.fill_more)):
            self.add_suffix(widget)
        self.handler = thing.connect("changed", self.tell)
        self.connect("notify::root", self.on_root)
        self.tell()

    def on_root(self, *_):
        if not self.get_root():  # no longer on the screen
            self.thing.disconnect(self.handler)

    def tell(self, *_):
        why = self.pill.tell(self.thing)
        lines = [words.media(self.thing, self.window.registry.things)] + ([why] if why else [])
        self.set_subtitle(GLib.markup_escape_text("\n".join(lines)))
        self.ears.set_visible(self.thing["Session"] != NOWHERE)

    def fill_ears(self, content, _):
        """Nobody, everyone, or those with a tick. Each click is a change."""
        def subscribe(mode, publishers=()):
            self.window.do(f"Changing whom {self.name} hears", self.thing.path, "SetSubscriptions",
                           "sa(oas)a{sv}", mode, list(publishers), {})

        def on_mode(radio, mode):
            if radio.get_active():
                subscribe(mode)

        def on_tick(tick, path):
            publishers = dict(self.thing["Publishers"])  # each with the streams of it
            publishers.pop(path, None)
            if tick.get_active():
                publishers[path] = []
            subscribe("participants" if publishers else "none", publishers.items())

        radio = None
        for mode, text in ("none", "Nobody"), ("session", "Everyone, whoever joins later too"):
            radio = Gtk.CheckButton(label=text, group=radio)
            radio.set_active(self.thing["SubscriptionMode"] == mode)
            radio.connect("toggled", on_mode, mode)
            content.append(radio)
        for other in self.window.registry.members(self.thing["Session"]):
            if other is not self.thing:
                tick = Gtk.CheckButton(label=words.name_of(other))
                tick.set_active(other.path in dict(self.thing["Publishers"]))
                tick.connect("toggled", on_tick, other.path)
                content.append(tick)

    def fill_more(self, content, popover):
        def entry(text, look, *call, done=None):
            def on_clicked():
                popover.popdown()
                self.window.do(*call, done=done)
            content.append(button(on_clicked, label=text, css_classes=[look]))

        def copy(body):
            self.get_clipboard().set(body[0])

        path, session = self.thing.path, self.thing["Session"]
        entry("Copy token", "flat", f"Getting the token of {self.name}", path, "GetToken",
              done=copy)
        if session != NOWHERE:
            entry("Remove from session", "flat", f"Removing {self.name}", session,
                  "RemoveParticipant", "oa{sv}", path, {})
        entry("Delete", "destructive-action", f"Deleting {self.name}", path, "Delete", "a{sv}", {})


# --- the window

class Window(Adw.ApplicationWindow):
    def __init__(self, application, bus_type):
        super().__init__(application=application, title="Switchboard", default_width=920,
                         default_height=560)
        self.registry = Registry(bus_type)
        self.nowhere = self.current = Thing(NOWHERE)
        self.wanted = None  # path of the session to go to, once it is there
        self.watched = []
        self.sidebar, self.content = self.make_sidebar(), self.make_content()
        self.set_content(box(self.sidebar, Gtk.Separator(), self.content))
        self.registry.connect("changed", self.tell_status)
        self.tell_status()
        self.go()
        GLib.timeout_add_seconds(1, self.on_second)

    def do(self, what, path, method, signature="", *arguments, done=None):
        """Calls; tells of an error in the name of what a person wanted."""
        def on_reply(body, error):
            self.failure.tell(words.explain(what, error) if error else "")
            if done and not error:
                done(body)

        self.registry.call(path, interface_of(path), method, on_reply, signature, *arguments)

    def tell_status(self, *_):
        status, present = self.registry.status, self.registry.present
        state, remark = words.API[status.get("ApiState", "unknown")]
        lines = [state, words.count(status.get("SessionCount", 0), "session") + ", "
                 + words.count(status.get("ParticipantCount", 0), "participant")]
        if status.get("PendingCount"):
            lines.append(f"{status['PendingCount']:,} not in sync")
        self.footer.set_label("\n".join(lines) if present else "convened is not running")
        self.notice.tell(remark if present else words.AWAY)
        for widget in (self.new, self.add, self.delete, self.people):
            widget.set_sensitive(present)

    def on_second(self):
        """Time goes on: to the next attempt, to the end of a session."""
        for thing in [*self.registry.members(self.current.path)[:SHOWN_MAX], self.current]:
            if thing is not self.nowhere and not thing["InSync"]:
                self.registry.ask_next_attempt(thing)
        self.current.emit("changed")
        return GLib.SOURCE_CONTINUE

    # The sessions.

    def make_sidebar(self):
        models = Gio.ListStore(item_type=Gio.ListModel)
        for model in Gio.ListStore(item_type=Thing), self.registry.sessions:
            models.append(model)
        models[0].append(self.nowhere)
        self.selection = Gtk.SingleSelection(model=Gtk.FlattenListModel(model=models))
        self.selection.connect("notify::selected-item", self.go)
        self.registry.sessions.connect("items-changed", self.go_where_wanted)
        factory = Gtk.SignalListItemFactory()
        factory.connect("bind", self.on_bind)
        factory.connect("unbind", lambda _, item: item.thing.disconnect(item.handler))
        sessions = Gtk.ListView(model=self.selection, factory=factory,
                                css_classes=["navigation-sidebar"])
        self.new = menu("list-add-symbolic", "New session", self.fill_new)
        self.footer = label("", "dim-label", "caption", margin_start=18, margin_top=9,
                            margin_bottom=9)
        header = Adw.HeaderBar(show_end_title_buttons=False,
                               title_widget=Adw.WindowTitle(title="Sessions"))
        header.pack_start(self.new)
        return box(header, Gtk.ScrolledWindow(child=sessions, vexpand=True), Gtk.Separator(),
                   self.footer, vertical=True, width_request=270)

    def on_bind(self, _, item):
        def tell(*_):
            name.set_label(words.name_of(item.thing))
            if item.thing is not self.nowhere:
                pill.tell(item.thing)
                pill.set_visible(words.condition(item.thing)[0] != "in sync")

        name, pill = label(ellipsize=Pango.EllipsizeMode.END, hexpand=True), Pill(visible=False)
        item.set_child(box(name, pill))
        item.thing = item.get_item()
        item.handler = item.thing.connect("changed", tell)
        tell()

    def fill_new(self, content, popover):
        def done(body):
            self.wanted = body[0]
            self.go_where_wanted()

        def create(*_):
            popover.popdown()
            self.do("Creating the session", ROOT, "CreateSession", "a{sv}",
                    {"Tag": GLib.Variant("s", name.get_text())}, done=done)

        name = Gtk.Entry(placeholder_text="Name of the session", max_length=50)
        name.connect("activate", create)
        content.append(name)
        content.append(button(create, label="Create session", css_classes=["suggested-action"]))
        name.grab_focus()

    def go_where_wanted(self, *_):
        wanted = self.registry.things.get(self.wanted)
        if wanted:
            self.wanted = None
            self.selection.set_selected(1 + self.registry.sessions.position(wanted))

    # The participants of one of them.

    def make_content(self):
        self.title = Adw.WindowTitle()
        self.add = menu("contact-new-symbolic", "Add participant", self.fill_add)
        self.delete = menu("user-trash-symbolic", "Delete session", self.fill_delete)
        header = Adw.HeaderBar(title_widget=self.title)
        header.pack_start(self.add)
        header.pack_start(self.delete)
        self.notice = Notice("warning")
        self.failure = Notice("error", button(lambda: self.failure.tell(""), css_classes=["flat"],
                                              icon_name="window-close-symbolic"))
        self.people = Gtk.ListBox(selection_mode=Gtk.SelectionMode.NONE, css_classes=["boxed-list"])
        self.more = label("", "dim-label", margin_top=6)
        people = Adw.Clamp(child=box(self.people, self.more, vertical=True, margin_top=18,
                                     margin_bottom=18, margin_start=18, margin_end=18))
        self.somebody = Gtk.ScrolledWindow(child=people, vexpand=True)
        self.nobody = Adw.StatusPage(title="Nobody is here", icon_name="system-users-symbolic",
                                     vexpand=True)
        return box(header, self.notice, self.failure, self.somebody, self.nobody, vertical=True,
                   hexpand=True)

    def go(self, *_):
        """Shows the session that is selected, and follows it."""
        def tell(*_):
            n = members.get_n_items()
            self.title.set_title(words.name_of(self.current))
            self.title.set_subtitle(words.about_session(self.current, n))
            self.more.set_label(f"and {n - SHOWN_MAX:,} more" if n > SHOWN_MAX else "")
            self.somebody.set_visible(n > 0)
            self.nobody.set_visible(n == 0)

        for thing, handler in self.watched:
            thing.disconnect(handler)
        self.current = self.selection.get_selected_item() or self.nowhere
        members = self.registry.members(self.current.path)
        self.watched = [(members, members.connect("items-changed", tell)),
                        (self.current, self.current.connect("changed", tell))]
        self.people.bind_model(Gtk.SliceListModel(model=members, size=SHOWN_MAX),
                               lambda thing: Row(self, thing))
        self.delete.set_visible(self.current is not self.nowhere)
        tell()

    def fill_add(self, content, popover):
        here = self.current.path

        def create(*_):
            properties = {"Tag": GLib.Variant("s", name.get_text()),
                          "PublishPermissions": GLib.Variant(
                              "as", [word for word in media if media[word].get_active()])}
            if here != NOWHERE:
                properties["Session"] = GLib.Variant("o", here)
            popover.popdown()
            self.do(f"Creating {name.get_text() or 'the participant'}", ROOT, "CreateParticipant",
                    "a{sv}", properties)

        def add(thing):
            popover.popdown()
            self.do(f"Adding {words.name_of(thing)}", here, "AddParticipant", "oa{sv}", thing.path,
                    {})

        name = Gtk.Entry(placeholder_text="Name of the participant", max_length=50)
        name.connect("activate", create)
        media = {word: Gtk.CheckButton(label=f"Sends {word.lower()}")
                 for word in ("AUDIO", "VIDEO")}
        for widget in (name, *media.values(), button(create, label="Create participant",
                                                     css_classes=["suggested-action"])):
            content.append(widget)
        for thing in self.registry.members(NOWHERE)[:10] if here != NOWHERE else ():
            content.append(button(lambda thing=thing: add(thing), css_classes=["flat"],
                                  label=f"Add {words.name_of(thing)}"))
        name.grab_focus()

    def fill_delete(self, content, popover):
        def delete():
            popover.popdown()
            self.do(f"Deleting {name}", self.current.path, "Delete", "a{sv}", {})

        name = words.name_of(self.current)
        content.append(label("Its participants stay, in no session.", wrap=True))
        content.append(button(delete, label=f"Delete {name}", css_classes=["destructive-action"]))


class Application(Adw.Application):
    def do_activate(self):
        provider = Gtk.CssProvider()
        provider.load_from_data(CSS)
        Gtk.StyleContext.add_provider_for_display(Gdk.Display.get_default(), provider,
                                                  Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION)
        system = "--system" in sys.argv
        Window(self, Gio.BusType.SYSTEM if system else Gio.BusType.SESSION).present()


if __name__ == "__main__":
    sys.exit(Application(application_id="org.convened1.Switchboard",
                         flags=Gio.ApplicationFlags.NON_UNIQUE).run())
