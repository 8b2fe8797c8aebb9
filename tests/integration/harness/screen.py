# SPDX-License-Identifier: LGPL-2.1-or-later
"""A screen that nobody sees, and what a person does before it.

    with Screen(bus, "examples/switchboard/switchboard.py") as screen:
        screen.click("button", "New session")
        screen.type("standup")
        screen.click("button", "Create session")
        screen.await_text("standup")

What is on it, and where, is asked of the program itself, as screen readers do (AT-SPI); pointer and
keyboard are those of an X server of its own (Xvfb, xdotool), which also has the picture.
"""

import os
import re
import shutil
import struct
import subprocess
import zlib

import pytest

from .bus import BusError, call
from .programs import TREE, Folder
from .wait import wait_for

REGISTRY = "/usr/libexec/at-spi2-registryd"
ROOT = "/org/a11y/atspi/accessible/root"
ACCESSIBLE, COMPONENT, TEXT = (f"org.a11y.atspi.{one}" for one in
                               ("Accessible", "Component", "Text"))
SENSITIVE, VISIBLE, CHECKED = 1 << 24, 1 << 30, 1 << 4
OF_ITS_WINDOW = 1
TIMEOUT_SEC = 40

SETTINGS = "[Settings]\ngtk-enable-animations=0\ngtk-font-name=Cantarell 11\n"


class Widget:
    def __init__(self, where, name, role, states, extents, surface):
        self.where = where
        self.name = name
        self.role = role
        self.sensitive = bool(states & SENSITIVE)
        self.checked = bool(states & CHECKED)
        self.extents = extents
        self.surface = surface or self  # the window or popover that it is in

    def __repr__(self):
        return f"{self.role} {self.name!r} {self.extents}"


class Screen:
    def __init__(self, bus, program, width=920, height=560, meanwhile=lambda: None):
        """`meanwhile` is called again and again while it waits."""
        self.bus = bus
        self.program = program
        self.meanwhile = meanwhile
        self.size = width, height
        self.folder = Folder()
        self.processes = []
        self.connection = None

    def __enter__(self):
        for needed in ("Xvfb", "xdotool", REGISTRY):
            if not shutil.which(needed):
                pytest.skip(f"{needed} is not here")
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, kind, *_):
        ended = self.processes[-1].poll()
        self.stop()
        if not kind:
            assert ended is None, self.log
            assert not re.search("Traceback|CRITICAL", self.log), self.log

    def start(self):
        self.connection = self.bus.connect()
        self.environment = self.bus.environment(
            DISPLAY=self.start_server(), GDK_BACKEND="x11", GSK_RENDERER="cairo",
            AT_SPI_BUS_ADDRESS=self.bus.address, GSETTINGS_BACKEND="memory", GIO_USE_VFS="local",
            GTK_A11Y="atspi", LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1",
            XDG_CONFIG_HOME=self.folder.name, XDG_CACHE_HOME=self.folder.name)
        self.folder.write("gtk-4.0/settings.ini", SETTINGS)
        self.spawn(REGISTRY)
        self.bus.await_owner("org.a11y.atspi.Registry", timeout=TIMEOUT_SEC)
        self.spawn("/usr/bin/python3", os.path.join(TREE, self.program), log="log")
        self.find("window")
        return self

    def start_server(self):
        """Returns its name once it answers."""
        ours, theirs = os.pipe()
        with open(ours, encoding="ascii") as names:
            try:
                self.processes.append(subprocess.Popen(
                    ["Xvfb", "-displayfd", str(theirs), "-screen", "0", "%dx%dx24" % self.size,
                     "-fbdir", self.folder.name, "-nolisten", "tcp", "-noreset"],
                    pass_fds=[theirs], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL))
            finally:
                os.close(theirs)
            return ":" + names.readline().strip()

    def spawn(self, *command, log="other-log"):
        with open(self.folder.path(log), "ab") as file:
            self.processes.append(subprocess.Popen(command, env=self.environment, stdout=file,
                                                   stderr=file, stdin=subprocess.DEVNULL))

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(TIMEOUT_SEC)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        if self.connection:
            self.connection.close()
        self.final_log = self.log
        self.folder.cleanup()

    @property
    def log(self):
        """What the program has said to its developer."""
        path = self.folder.path("log")
        if not os.path.exists(path):
            return getattr(self, "final_log", "")
        with open(path, encoding="utf-8") as file:
            return file.read()

    def wait_for(self, what):
        def look():
            self.meanwhile()
            return what()

        return wait_for(look, TIMEOUT_SEC)

    # What is to be seen.

    def ask(self, where, interface, member, signature=None, *body):
        return call(self.connection, *where, interface, member, signature, body)

    def widgets(self):
        """All that is visible now."""
        try:
            for window in self.ask(("org.a11y.atspi.Registry", ROOT), ACCESSIBLE,
                                   "GetChildren")[0]:
                for child in self.ask(window, ACCESSIBLE, "GetChildren")[0]:
                    yield from self.walk(child, None)
        except BusError as error:
            # It went while we looked.
            raise AssertionError("the screen is changing") from error

    def walk(self, where, surface):
        states = self.ask(where, ACCESSIBLE, "GetState")[0]
        extents = self.ask(where, COMPONENT, "GetExtents", "u", OF_ITS_WINDOW)[0]
        if not states[0] & VISIBLE or not extents[2] or not extents[3]:
            return
        name = self.ask(where, "org.freedesktop.DBus.Properties", "Get", "ss", ACCESSIBLE,
                        "Name")[0][1]
        role = self.ask(where, ACCESSIBLE, "GetRoleName")[0]
        widget = Widget(where, name, role, states[0], extents, surface)
        yield widget
        for child in self.ask(where, ACCESSIBLE, "GetChildren")[0]:
            yield from self.walk(child, widget if is_surface(widget) else surface)

    def find_all(self, role, name=None):
        """Waits for one at least; they may be within each other. In the popover, if there is
        one."""
        def look():
            widgets = list(self.widgets())
            popovers = [one for one in widgets if is_popover(one)]
            return [one for one in widgets if one.role == role and name in (None, one.name)
                    and (not popovers or one.surface in popovers)]

        return self.wait_for(look)

    def find(self, role, name=None):
        return self.find_all(role, name)[-1]

    def is_sensitive(self, role, name):
        return all(one.sensitive for one in self.find_all(role, name))

    def texts(self):
        return [widget.name for widget in self.widgets() if widget.role == "label"]

    def await_text(self, *patterns):
        """Waits until for each of these (regular expressions of a whole label) there is one."""
        def look():
            texts = self.texts()
            missing = [pattern for pattern in patterns
                       if not any(re.fullmatch(pattern, text) for text in texts)]
            assert not missing, f"no {missing} in {texts}"
            return True

        self.wait_for(look)

    def await_no_text(self, *patterns):
        def look():
            found = [text for text in self.texts()
                     if any(re.fullmatch(pattern, text) for pattern in patterns)]
            assert not found, found
            return True

        self.wait_for(look)

    def text_of(self, widget):
        return self.ask(widget.where, TEXT, "GetText", "ii", 0, 1000)[0]

    def picture(self, path):
        """Writes what is on the screen, as soon as it is at rest."""
        frames = [None]

        def is_at_rest():
            with open(self.folder.path("Xvfb_screen0"), "rb") as file:
                frames.append(file.read())
            return frames.pop(0) == frames[0]

        self.wait_for(is_at_rest)
        with open(path, "wb") as file:
            file.write(png_of_xwd(frames[0]))

    # What a person does.

    def xdotool(self, *words):
        return subprocess.run(["xdotool", *words], env=self.environment, check=True, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout

    def click(self, role, name):
        """With the pointer, in the middle of it, once it is there and has come to rest."""
        before = [None]

        def is_at_rest():
            found = self.find_all(role, name)
            before.append((self.origin(found[-1].surface), found[-1].extents))
            return all(one.sensitive for one in found) and before.pop(0) == before[0]

        self.wait_for(is_at_rest)
        (left, top), (x, y, width, height) = before[0]
        self.xdotool("mousemove", str(left + x + width // 2), str(top + y + height // 2),
                     "click", "1")

    def origin(self, surface):
        """Where on the screen a window or a popover begins, in its own measure."""
        x, y, width, height = surface.extents
        if surface.role == "window":
            # It fills the screen, with an edge of the same width all around.
            return (self.size[0] - width) // 2, (self.size[1] - height) // 2
        for block in self.windows().split("WINDOW=")[1:]:
            there = dict(line.split("=") for line in block.splitlines()[1:])
            if (int(there["WIDTH"]), int(there["HEIGHT"])) == (width, height):
                return int(there["X"]) - x, int(there["Y"]) - y
        raise AssertionError(f"{surface} is not on the screen yet")

    def windows(self):
        return self.xdotool("search", "--onlyvisible", "--class", "", "getwindowgeometry",
                            "--shell", "%@")

    def type(self, text):
        self.xdotool("type", text)

    def press(self, key):
        self.xdotool("key", key)

    def point_away(self):
        """So that no tooltip is in the picture."""
        self.xdotool("mousemove", str(self.size[0] // 2), str(self.size[1] - 10))


def is_popover(widget):
    return widget.name == "GtkPopover"


def is_surface(widget):
    return widget.role == "window" or is_popover(widget)


def png_of_xwd(data):
    """Of 32 bits a pixel, blue first, as Xvfb has it."""
    header = struct.unpack(">25I", data[:100])
    width, height, line, n_colors = header[4], header[5], header[12], header[19]
    pixels = data[header[0] + 12 * n_colors:]
    rows = []
    for n in range(height):
        row, rgb = pixels[n * line:n * line + 4 * width], bytearray(3 * width)
        rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
        rows.append(b"\0" + bytes(rgb))
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"".join(rows), 9)) + chunk(b"IEND", b""))


def chunk(kind, data):
    return (struct.pack(">I", len(data)) + kind + data
            + struct.pack(">I", zlib.crc32(kind + data)))
