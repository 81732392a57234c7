"""A log, three witnesses and monitors, all of them real: what is reported, and what survives."""

import base64
import hashlib
import re
import shutil
import socket
import subprocess
import time

from harness import BIN, holdfast, leaf_hash, tree_head
from monitors import Files, Monitor
from test_witness import TestLog
from test_witnessed import Witnessed


def test_log_and_witnesses():
    """a log and three witnesses: growth and statements are reported; one witness down is said; a restart goes on"""
    place, monitor = Witnessed(), Monitor()
    try:
        place.start()
        place.add(5)
        url = f"http://127.0.0.1:{place.log.port}/"
        arguments = ("--log", f"{place.trust}={url}", "--issuer", place.signer.issuer, "--type", "test.event")
        monitor.start(*arguments, "--listen", "127.0.0.1:0")
        first = monitor.event("growth", **{"from": 0})
        assert first["size"] == tree_head(place.log.checkpoint())[0] and first["stateRoot"], first
        assert base64.b64encode(bytes.fromhex(first["root"])).decode() == tree_head(place.log.checkpoint())[1]
        assert len(first["cosignedBy"]) >= 2 and abs(first["headTime"] - time.time()) < 60, first
        assert monitor.names().count("statement") == 5
        statement, index = place.add()
        found = monitor.event("statement", index=index)
        assert found["id"] == leaf_hash(statement).hex() and found["statement"]["data"] == {"n": 5}, found
        place.witnesses[1].end()
        down = monitor.event("witness-unreachable")
        assert down["witness"] == "w1", down
        place.add()
        size = tree_head(place.log.checkpoint())[0]
        monitor.event("growth", size=size)
        text = monitor.get("/metrics")
        assert f'holdfast_monitor_tree_size{{log="example.com/blackbox"}} {size}\n' in text, text
        assert re.search(r'holdfast_monitor_condition\{.*condition="witness-unreachable",witness="w1"\} 1', text), text
        assert re.search(r'holdfast_monitor_witness_tree_size\{log="example.com/blackbox",witness="w0"\} \d+', text), text
        assert monitor.get("/healthz") == "alive\n"
        place.witnesses[1].start()
        monitor.event("recovered", of="witness-unreachable", witness="w1")
        assert monitor.stop() == 0, monitor.errors

        place.add(2)
        size, before = tree_head(place.log.checkpoint())[0], size
        monitor.start(*arguments)
        assert monitor.event("started")["size"] == before
        assert monitor.event("growth")["from"] == before
        assert monitor.stop() == 0
        # What is kept is what the log has: nothing is read twice, nothing is reported twice.
        code, events, errors = monitor.once(*arguments)
        assert code == 0, (events, errors)
        assert [event["event"] for event in events] == ["started", "checked"], events
        assert events[1]["size"] == size and events[1]["conditions"] == [], events
        # A log that is not there.
        place.log.stop()
        code, events, _ = monitor.once(*arguments)
        assert code == 3 and "unreachable" in [event["event"] for event in events], (code, events)
    finally:
        monitor.remove()
        place.remove()


def test_killed_while_it_reads():
    """killed again and again while a log grows: what was accepted is never lost, and in the end everything is there"""
    place, monitor = Witnessed(), Monitor()
    try:
        place.start()
        arguments = ("--log", f"{place.trust}=http://127.0.0.1:{place.log.port}/")
        known = 0
        for number in range(6):
            monitor.start(*arguments)
            assert monitor.event("started")["size"] >= known, (known, monitor.events)
            place.add(4)
            if number % 2:
                known = monitor.event("growth")["size"]
            monitor.process.kill()
            monitor.ended()
        code, events, errors = monitor.once(*arguments)
        assert code == 0 and events[-1]["event"] == "checked", (events, errors)
        size, root = tree_head(place.log.checkpoint())
        assert events[-1]["size"] == size and base64.b64encode(bytes.fromhex(events[-1]["root"])).decode() == root
        # Two at once would tear what is kept.
        monitor.start(*arguments)
        monitor.event("started")
        code, events, _ = monitor.once(*arguments)
        assert code == 1 and events[-1]["event"] == "storage", (code, events)
        assert monitor.stop() == 0, monitor.errors
    finally:
        monitor.remove()
        place.remove()


def test_many_logs():
    """fifteen logs, three of which never answer and come first: the others are followed, and one with a gap is found"""
    place, monitor = Witnessed(), Monitor()
    stuck = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    files = None
    try:
        arguments = []
        for number, server in enumerate(stuck):
            trust = monitor.parent / f"stuck{number}.trust"
            trust.write_text(f"log {TestLog(f'stuck.example/{number}').vkey}\nquorum none\n")
            arguments += ["--log", f"{trust}=http://127.0.0.1:{server.getsockname()[1]}/"]
        files = Files(lambda path: monitor.parent / "copies" / path.strip("/"))
        for number in range(12):
            directory = monitor.parent / f"log{number}"
            holdfast("init", directory, "--origin", f"many.example/{number}")
            holdfast("export", monitor.parent / "copies" / str(number), "--dir", directory)
            arguments += ["--log", f"{directory / 'log.trust'}={files.url}{number}/"]
        monitor.start(*arguments, "--timeout", "300", "--listen", "127.0.0.1:0")
        for number in range(12):
            assert monitor.event("growth", log=f"many.example/{number}")["size"] == 2
        text = monitor.get("/metrics")
        assert text.count("holdfast_monitor_tree_size{") == 15, text
        assert 'holdfast_monitor_rounds_total{log="stuck.example/0"} 0\n' in text, text
        # One of them shows a head over entries that it does not have.
        (monitor.parent / "copies" / "7" / "tile" / "entries").rename(monitor.parent / "gone")
        shutil.rmtree(monitor.directory / "logs" / hashlib.sha256(b"many.example/7").hexdigest(), ignore_errors=True)
        assert monitor.stop() == 0, monitor.errors
        monitor.start(*arguments, "--timeout", "300")
        assert monitor.event("gap", log="many.example/7")
        assert monitor.stop() == 0, monitor.errors
    finally:
        for server in stuck:
            server.close()
        if files:
            files.end()
        monitor.remove()
        place.remove()


def test_wrong_input():
    """what can't be right is refused before anything is read, with status 2 and a word about what to do"""
    monitor = Monitor()
    try:
        good = monitor.parent / "good.trust"
        good.write_text(f"log {TestLog('good.example/log').vkey}\nquorum none\n")
        (monitor.parent / "bad.trust").write_text("log what\n")
        (monitor.parent / "names.yaml").write_text("logs: []\nintervall: 3\n")
        (monitor.parent / "number.yaml").write_text("interval: soon\n")
        log = f"{good}=http://127.0.0.1:9/"
        for arguments, words in [
            ((), "no log to watch"),
            (("--log", good), "URL"),
            (("--log", f"{good}=ftp://good.example/"), "URL"),
            (("--log", log, "--log", log), "named twice"),
            (("--log", f"{monitor.parent / 'bad.trust'}=http://127.0.0.1:9/"), "trust file"),
            (("--log", f"{monitor.parent / 'none.trust'}=http://127.0.0.1:9/"), "none.trust"),
            (("--log", log, "--config", monitor.parent / "names.yaml"), "intervall"),
            (("--log", log, "--config", monitor.parent / "number.yaml"), "interval"),
            (("--log", log, "--interval", "-1"), "interval"),
            (("--log", log, "--timeout", "0"), "timeout"),
            (("--log", log, "--map-size", "0"), "map-size"),
            (("--log", log, "--listen", "nowhere"), "listen"),
            (("--log", log, "--listen", "0.0.0.0:0"), "allow-plain-http"),
            (("--log", log, "--state-witness", monitor.parent / "x.key"), "--listen"),
            (("--log", log, "--state-witness", monitor.parent / "x.key", "--listen", "127.0.0.1:0"), "x.key"),
            (("--log", log, "--witnesses", monitor.parent / "none.policy"), "none.policy"),
        ]:
            result = subprocess.run(
                [BIN / "holdfast", "monitor", "--dir", monitor.directory, *map(str, arguments)],
                capture_output=True, text=True, timeout=60,
            )
            # A key that can't be read is no matter of usage.
            status = 1 if words == "x.key" else 2
            assert result.returncode == status and words in result.stderr, (arguments, result)
            assert result.stdout == "", (arguments, result.stdout)
        # More logs than there may be open files.
        lines = []
        for number in range(40):
            (monitor.parent / f"{number}.trust").write_text(
                f"log {TestLog(f'many.example/{number}').vkey}\nquorum none\n")
            lines.append(f"  - {{trust: {number}.trust, url: 'http://127.0.0.1:9/'}}\n")
        (monitor.parent / "many.yaml").write_text("logs:\n" + "".join(lines))
        result = subprocess.run(
            ["bash", "-c", 'ulimit -n 256; exec "$@"', "-", BIN / "holdfast", "monitor", "--dir", monitor.directory,
             "--config", monitor.parent / "many.yaml"], capture_output=True, text=True, timeout=60)
        assert result.returncode == 2 and "ulimit -n 384" in result.stderr, result
    finally:
        monitor.remove()


def test_slow_servers_hold_up_nobody():
    """a server that accepts and never answers: the other logs are followed meanwhile; both are in one configuration file"""
    place, monitor = Witnessed(), Monitor()
    stuck = socket.create_server(("127.0.0.1", 0))
    try:
        place.log.start()
        other = TestLog("slow.example/log")
        (monitor.parent / "slow.trust").write_text(f"log {other.vkey}\nquorum none\n")
        (monitor.parent / "good.trust").write_bytes(place.log.trust.read_bytes())
        (monitor.parent / "monitor.yaml").write_text(
            f"logs:\n  - {{trust: slow.trust, url: 'http://127.0.0.1:{stuck.getsockname()[1]}/'}}\n"
            f"  - {{trust: good.trust, url: 'http://127.0.0.1:{place.log.port}/'}}\n"
            "types: [test.event]\n")
        monitor.start("--config", monitor.parent / "monitor.yaml", "--timeout", "20")
        for _ in range(3):
            _, index = place.add()
            monitor.event("statement", index=index)
        assert not [event for event in monitor.events if event["log"] == "slow.example/log" and event["event"] != "started"]
        assert monitor.stop() == 0, monitor.errors
    finally:
        stuck.close()
        monitor.remove()
        place.remove()
