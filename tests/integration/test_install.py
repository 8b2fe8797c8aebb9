# SPDX-License-Identifier: LGPL-2.1-or-later
"""What make install brings, for those who build or package something on top of it."""

import os
import pathlib
import re
import subprocess

import pytest

from harness.daemon import Daemon
from harness.programs import build_directory, unit_environment


@pytest.fixture(name="root", scope="module")
def root_fixture(tmp_path_factory):
    """A folder with everything that make install would put below /."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["make", "-s", "-C", build_directory(), "install", f"DESTDIR={root}"],
                   check=True, stdout=subprocess.DEVNULL)
    return root


def files_below(root):
    return sorted(str(path.relative_to(root)) for path in pathlib.Path(root).rglob("*")
                  if not path.is_dir())


def test_uninstall(tmp_path):
    """What make install brings, make uninstall takes away."""
    make = ["make", "-s", "-C", build_directory(), f"DESTDIR={tmp_path}"]
    subprocess.run([*make, "install"], check=True, stdout=subprocess.DEVNULL)
    assert len(files_below(tmp_path)) > 20
    subprocess.run([*make, "uninstall"], check=True, stdout=subprocess.DEVNULL)
    assert files_below(tmp_path) == []
    assert list(tmp_path.rglob("*convened*")) == []


def test_uninstall_leaves_what_is_not_ours(tmp_path):
    make = ["make", "-s", "-C", build_directory(), f"DESTDIR={tmp_path}"]
    subprocess.run([*make, "install"], check=True, stdout=subprocess.DEVNULL)
    kept = only(tmp_path, "examples/convened.conf").parent / "mine.conf"
    kept.touch()
    subprocess.run([*make, "uninstall"], check=True, stdout=subprocess.DEVNULL)
    assert files_below(tmp_path) == [str(kept.relative_to(tmp_path))]


def test_at_home_under_systemd(root):
    """Each file where its reader looks for it; systemd looks in each of its folders' /usr/local,
    too."""
    for ending in ("systemd/system/convened.service", "systemd/user/convened.service",
                   "sysusers.d/convened.conf", "systemd/catalog/convened.catalog",
                   "dbus-1/system.d/org.convened1.conf",
                   "dbus-1/system-services/org.convened1.service",
                   "dbus-1/services/org.convened1.service", "polkit-1/actions/org.convened1.policy",
                   "examples/convened.service.d/address-allow-list.conf",
                   "examples/convened.service.d/encrypted-credentials.conf",
                   "examples/convened.service.d/memory-limits.conf",
                   "examples/convened.conf"):
        assert [name for name in files_below(root) if name.endswith("/" + ending)], ending


@pytest.mark.parametrize("unit", ["system", "user"])
def test_unit_starts_what_is_installed(root, unit):
    text = only(root, f"systemd/{unit}/convened.service").read_text(encoding="utf-8")
    assert "@" not in text.replace("@system-service", "").replace("@privileged @resources", "")
    command, = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert (root / command.removeprefix("ExecStart=/").split()[0]).exists()


@pytest.mark.without_sanitizers
@pytest.mark.skipif(not os.path.exists("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"),
                    reason="this kernel has no large pages")
@pytest.mark.skipif(os.getuid() != 0, reason="only root can look into the daemon")
@pytest.mark.parametrize("unit", ["system", "user"])
def test_unit_asks_for_large_pages(root, bus, unit):
    """"hg" in proc(5): somebody advised MADV_HUGEPAGE."""
    environment = unit_environment(only(root, f"systemd/{unit}/convened.service"))
    with Daemon(bus, environment=environment) as daemon:
        with open(f"/proc/{daemon.process.pid}/smaps", encoding="utf-8") as file:
            heap = file.read().partition("[heap]")[2]
    assert "hg" in re.search(r"^VmFlags: (.*)$", heap, re.MULTILINE)[1].split()


def only(root, pattern):
    found = list(pathlib.Path(root).rglob(pattern))
    assert len(found) == 1, found
    return found[0]


def pc_variable(file, name, *words):
    environment = {**os.environ, "PKG_CONFIG_PATH": str(file.parent)}
    return subprocess.run(["pkg-config", *words, name, "convened"], env=environment, check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


def test_schema(root):
    assert only(root, "convenectl.schema.json").parent.parts[-2:] == ("share", "convened")


def test_manual_pages(root):
    found = {path.name for path in pathlib.Path(root).rglob("man/man*/*")}
    assert found == {"convened.8", "convenectl.1", "convened-simulator.1", "convened.conf.5",
                     "org.convened1.5"}


def test_completion(root):
    found = [str(path.relative_to(root)) for path in pathlib.Path(root).rglob("*convenectl")
             if "complet" in str(path) or "zsh" in str(path)]
    assert sorted(path.rsplit("/", 3)[-3:] for path in found) == [
        ["bash-completion", "completions", "convenectl"], ["zsh", "site-functions", "_convenectl"]]


def test_pkg_config(root):
    file = only(root, "convened.pc")
    assert file.parent.parts[-2:] == ("share", "pkgconfig")
    assert pc_variable(file, "--variable=bus_name") == "org.convened1"
    assert pc_variable(file, "--variable=object_path") == "/org/convened1"
    assert pc_variable(file, "--modversion")
    folder = pathlib.Path(str(root) + pc_variable(file, "--variable=interfaces_dir"))
    assert sorted(xml.name for xml in folder.iterdir()) == [
        "org.convened1.Manager.xml", "org.convened1.Participant.xml", "org.convened1.Session.xml"]
