# SPDX-License-Identifier: LGPL-2.1-or-later
"""The journal's catalog: an explanation for each message, and each for a message."""

import pathlib
import re
import subprocess

from harness.programs import TREE

CATALOG = pathlib.Path(TREE, "data", "catalog", "convened.catalog")
DAEMON = pathlib.Path(TREE, "src", "daemon")


def entries():
    """{id: (header, text)}, each id once."""
    found = {}
    text = CATALOG.read_text(encoding="utf-8")
    for entry in re.split(r"(?m)^-- ", text)[1:]:
        message, _, rest = entry.partition("\n")
        header, _, body = rest.partition("\n\n")
        assert message not in found, message
        found[message] = dict(line.split(": ", 1) for line in header.splitlines()), body.strip()
    return found


def message_ids():
    text = (DAEMON / "message-ids.h").read_text(encoding="utf-8")
    return dict(re.findall(r'#define (MESSAGE_\w+)\s+"(\w+)"', text))


def test_each_message_is_explained():
    ids = message_ids()
    assert len(ids) >= 20 and len(set(ids.values())) == len(ids)
    assert set(entries()) == set(ids.values())


def test_each_message_is_used():
    code = "".join(path.read_text(encoding="utf-8") for path in DAEMON.glob("*.c"))
    assert [name for name in message_ids() if not re.search(rf"\b{name}\b", code)] == []
    assert "journal_log(LOG_ERR, NULL" not in code


def test_entries_are_whole():
    fields = set(re.findall(r'"(?:%s=)?([A-Z_]+)(?:=|")',
                            (DAEMON / "journal.c").read_text(encoding="utf-8")))
    for message, (header, body) in entries().items():
        assert set(header) == {"Subject", "Defined-By", "Documentation"}, message
        assert header["Defined-By"] == "convened" and body
        assert set(re.findall(r"@(\w+)@", header["Subject"] + body)) <= fields, message
        assert max(map(len, body.splitlines())) <= 84


def test_systemd_takes_it(tmp_path):
    """As "journalctl --update-catalog" reads it, in a root of its own."""
    folder = tmp_path / "usr/lib/systemd/catalog"
    folder.mkdir(parents=True)
    (folder / CATALOG.name).write_bytes(CATALOG.read_bytes())
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    journalctl = ["journalctl", f"--root={tmp_path}"]
    subprocess.run([*journalctl, "--update-catalog"], check=True)
    for message, (header, body) in entries().items():
        said = subprocess.run([*journalctl, "--dump-catalog", message], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        assert header["Subject"] in said and body.splitlines()[-1] in said
