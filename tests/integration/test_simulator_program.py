# SPDX-License-Identifier: LGPL-2.1-or-later
"""The simulator as a program: its command line, TLS, its state file, its way out."""

import json
import os
import signal
import ssl
import subprocess

import pytest

from harness.programs import await_exit, program
from harness.simulator import Simulator
from harness.wait import wait_for


def run(*arguments):
    return subprocess.run([program("convened-simulator"), *arguments], capture_output=True,
                          text=True, timeout=20, check=False)


@pytest.mark.covers("option: convened-simulator --help", "option: convened-simulator --version",
                    "exit: convened-simulator 0")
def test_help_and_version():
    result = run("--help")
    assert result.returncode == 0 and "--credentials" in result.stdout and not result.stderr
    result = run("--version")
    assert result.returncode == 0 and result.stdout.startswith("convened-simulator ")


@pytest.mark.covers("exit: convened-simulator 2")
@pytest.mark.parametrize("arguments", [
    ["--nonsense"], ["-x"], ["argument"], ["--listen"], ["--generation=2021"], ["--seed=x"],
    ["--session-lifetime=0"], ["--participant-lifetime=-1"], ["--session-lifetime=nan"],
    ["--credentials=nocolon"], ["--requests-per-sec=0"], ["--account=a/b"], ["--account="],
    ["--verbose=yes"], ["--tls-cert=x"], ["--state="], ["--listen=here"], ["--listen=127.0.0.1"],
    ["--listen=:0"], ["--listen=127.0.0.1:"], ["--listen=127.0.0.1:http"],
    ["--listen=127.0.0.1:65536"], ["--listen=127.0.0.1:-1"], ["--listen=127.0.0.1:4294967296"],
])
def test_command_line_that_cannot_be(arguments):
    result = run(*arguments)
    assert result.returncode == 2 and not result.stdout
    assert arguments[0].split("=")[0].lstrip("-") in result.stderr and "--help" in result.stderr


def test_password_is_not_repeated():
    result = run("--credentials=secret")
    assert result.returncode == 2 and "secret" not in result.stderr


@pytest.mark.covers("exit: convened-simulator 1")
@pytest.mark.parametrize("arguments", [
    ["--listen=192.0.2.1:0"], ["--listen=[::1:0"],
    ["--faults=/nonexistent"], ["--state=/nonexistent/file"],
    ["--tls-cert=/nonexistent", "--tls-key=/nonexistent"],
    ["--tls-cert=/dev/null", "--tls-key=/dev/null"],
])
def test_start_that_fails(arguments):
    result = run(*arguments)
    assert result.returncode == 1 and not result.stdout
    assert arguments[0].split("=")[1] in result.stderr


def test_address_that_is_none():
    result = run("--listen=here")
    assert result.returncode == 2
    assert result.stderr == ("convened-simulator: --listen=here: must be ADDRESS:PORT, "
                             "with a port up to 65535: see --help\n")


def test_port_that_is_taken(simulator):
    result = run(f"--listen=127.0.0.1:{simulator.port}")
    assert result.returncode == 1 and "in use" in result.stderr


@pytest.mark.covers("option: convened-simulator --listen")
def test_ipv6(simulator_with):
    running = Simulator("--listen=[::1]:0")
    try:
        running.start()
        assert running.url.startswith("http://[::1]:")
        assert running.create_session()
    finally:
        running.stop()
        running.folder.cleanup()


@pytest.mark.covers("exit: convened-simulator 0")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals(simulator, number):
    simulator.create_session()
    simulator.process.send_signal(number)
    # A second signal on its way out would find the leak sanitizer at work, which can hang then.
    await_exit(simulator.process, 20)
    simulator.stop()


def test_end_while_it_is_down(simulator):
    simulator.down(60000)
    simulator.stop()


@pytest.mark.covers("option: convened-simulator --verbose")
def test_verbose(simulator_with):
    simulator = simulator_with("--verbose")
    simulator.create_session()
    simulator.set_faults({"kind": "drop"})
    with pytest.raises(ConnectionError):
        simulator.create_session()
    assert simulator.stop() == ""
    lines = simulator.log.splitlines()
    assert len(lines) == 2 and "POST" in lines[0] and "200" in lines[0] and "drop" in lines[1]
    assert "password" not in simulator.log


@pytest.mark.covers("option: convened-simulator --seed")
def test_same_seed_same_ids(simulator_with):
    ids = [simulator_with("--seed=5").create_session()["id"] for _ in range(2)]
    assert ids[0] == ids[1] != simulator_with("--seed=6").create_session()["id"]


# The state file.

def fill(simulator):
    session = simulator.create_session(tag="call \u00e9")["id"]
    members = [simulator.create_participant(publishPermissions=["VIDEO"], tag=f"desk-{i}",
                                            callbackUrl="https://app.example.net/")["id"]
               for i in range(3)]
    for member in members:
        simulator.add(session, member, {"sessionId": session})
    simulator.add(session, members[0], {"participants": [
        {"participantId": members[1], "streamAliases": ["mic"]}]})
    simulator.call("DELETE", "/participants/" + members[2])
    simulator.call("DELETE", "/sessions/" + simulator.create_session()["id"])


@pytest.mark.covers("option: convened-simulator --state", "simulator: state in a file")
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_state_survives(simulator_with, tmp_path, end):
    simulator = simulator_with(f"--state={tmp_path}/state")
    fill(simulator)
    before = simulator.state()
    assert len(before["participants"]) == 2 and len(before["sessions"]) == 1
    for _ in range(2):
        getattr(simulator, end)()
        simulator.start()
        assert simulator.state() == before
    assert os.stat(f"{tmp_path}/state").st_mode & 0o777 == 0o600


def test_what_expired_meanwhile_is_gone(simulator_with, tmp_path):
    simulator = simulator_with(f"--state={tmp_path}/state", "--participant-lifetime=0.05")
    simulator.create_participant()
    session = simulator.create_session()
    simulator.restart()
    wait_for(lambda: not simulator.state()["participants"])
    assert list(simulator.state()["sessions"]) == [session["id"]]


def test_seed_gives_no_id_twice_over_a_restart(simulator_with, tmp_path):
    simulator = simulator_with(f"--state={tmp_path}/state", "--seed=1")
    ids = []
    for _ in range(3):
        ids.append(simulator.create_session()["id"])
        simulator.call("DELETE", "/sessions/" + ids[-1])
        simulator.restart()
    assert len(set(ids)) == 3


def test_last_line_cut_off_by_a_crash(simulator_with, tmp_path):
    path = tmp_path / "state"
    simulator = simulator_with(f"--state={path}")
    fill(simulator)
    before = simulator.state()
    simulator.kill()
    with path.open("a") as file:
        file.write('{"session":"cut o')
    simulator.start()
    assert simulator.state() == before


@pytest.mark.parametrize("line", ["nonsense", "{}", '{"gone":"nobody"}', '{"participant":"p"}',
                                  '{"session":"' + "x" * 40 + '"}',
                                  '{"participant":"p","token":"t","in":"nowhere"}'])
def test_state_file_that_cannot_be_read(tmp_path, line):
    path = tmp_path / "state"
    path.write_text('{"account":"9900000","starts":1}\n' + line + "\n")
    result = run(f"--state={path}")
    assert result.returncode == 1 and "line 2" in result.stderr
    assert line in path.read_text(), "it is left as it was"


def test_state_file_of_another_account(tmp_path):
    path = tmp_path / "state"
    path.write_text('{"account":"1","starts":1}\n')
    result = run(f"--state={path}")
    assert result.returncode == 1 and "account" in result.stderr


# TLS.

@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key",
                    "-out", folder / "cert"], check=True, capture_output=True, timeout=60)
    return folder


@pytest.fixture
def secure(simulator_with, certificate):
    return simulator_with(f"--tls-cert={certificate}/cert", f"--tls-key={certificate}/key",
                          certificate=certificate / "cert")


@pytest.mark.covers("option: convened-simulator --tls-cert",
                    "option: convened-simulator --tls-key", "simulator: first line")
def test_tls(secure):
    assert secure.url.startswith("https://127.0.0.1:")
    session = secure.create_session(tag="safe")
    assert secure.state()["sessions"][session["id"]]["tag"] == "safe"
    secure.restart()


def test_tls_is_verified(secure, certificate):
    secure.certificate = None
    with pytest.raises(ssl.SSLCertVerificationError):
        secure.create_session()


@pytest.mark.parametrize("kind", ["drop", "reset", "refuse", "truncate"])
def test_faults_inside_tls(secure, kind):
    session = secure.create_session()
    secure.set_faults({"kind": kind, "effect": True})
    for method, path in (("POST", "/sessions"), ("DELETE", "/sessions/" + session["id"])):
        with pytest.raises(Exception) as caught:
            secure.call(method, path)
        assert not isinstance(caught.value, AssertionError)
    assert [request["fault"] for request in secure.requests(after=1)] == [kind] * 2


def test_slow_late_and_huge_inside_tls(secure):
    secure.set_faults({"kind": "slow", "bytes_per_s": 500, "count": 1},
                      {"kind": "latency", "ms": 50, "count": 1}, {"kind": "huge", "bytes": 300000})
    for _ in range(3):
        assert json.loads(secure.call("POST", "/sessions", {}).body)["id"]


def test_hang_inside_tls(secure):
    secure.set_faults({"path": "/hang*", "kind": "hang"})
    with pytest.raises(TimeoutError):
        secure.call("GET", "/hang", timeout=0.2)
    secure.create_session()
