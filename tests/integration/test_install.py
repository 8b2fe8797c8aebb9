# SPDX-License-Identifier: LGPL-2.1-or-later
"""What make install brings, for those who build or package something on top of it."""

import os
import pathlib
import subprocess

import pytest

from harness.programs import build_directory


@pytest.fixture(name="root", scope="module")
def root_fixture(tmp_path_factory):
    """A folder with everything that make install would put below /."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["make", "-s", "-C", build_directory(), "install", f"DESTDIR={root}"], check=True,
                   stdout=subprocess.DEVNULL)
    return root


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
