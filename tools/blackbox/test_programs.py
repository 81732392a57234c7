"""What a user meets: exit codes, key files, messages, and a verifier that needs no network."""

import base64
import json
import os
import re
import resource
import socket
import stat
import subprocess
import tempfile
import threading
import time

from harness import BIN, Log, Signer, holdfast


def with_exports():
    signer = Signer()
    log = Log([signer])
    log.start()
    answers = log.parent / "answers"
    answers.mkdir()
    for number in range(3):
        statement = signer.event({"n": number})
        status, _, headers = log.submit(statement)
        assert status == 201
        signer.follow(statement)
        place = headers["Location"]
        for suffix, path in ((".transparent", place + "/statement"), (".tlog-proof", place + "/proof")):
            status, body, _ = log.get(path[path.index("/entries") :])
            assert status == 200, body
            (answers / f"{number}{suffix}").write_bytes(body)
        (answers / f"{number}.cose").write_bytes(statement)
    out = log.export()
    log.stop()
    return log, answers, out


def test_the_verifier_is_static_and_works_without_network():
    """holdfast-verify is one static binary and verifies in an empty network namespace"""
    linked = subprocess.run(["ldd", BIN / "holdfast-verify"], capture_output=True, text=True)
    assert "not a dynamic executable" in linked.stdout + linked.stderr, linked.stdout
    log, answers, out = with_exports()
    try:
        isolated = ["unshare", "--user", "--map-root-user", "--net"] if os.geteuid() != 0 else ["unshare", "--net"]
        commands = [
            ["transparent", answers / "0.transparent"],
            ["statement", answers / "1.cose", "--proof", answers / "1.tlog-proof"],
            ["checkpoint", out / "checkpoint"],
            ["log", out],
        ]
        for command in commands:
            full = [*isolated, BIN / "holdfast-verify", *command, "--trust", log.trust]
            result = subprocess.run(list(map(str, full)), capture_output=True, text=True, timeout=60)
            assert result.returncode == 0, (command, result.stdout, result.stderr)
            assert "VERIFIED" in result.stdout, result.stdout
    finally:
        log.remove()


def test_what_init_accepts():
    """init takes media types, '*' and hash-envelope for what is admitted besides events, and refuses anything else"""
    with tempfile.TemporaryDirectory() as parent:
        for number, types in enumerate((["foo"], ["text/"], [" text/plain"], ["text/plain", "none"], [""])):
            arguments = [word for value in types for word in ("--accept", value)]
            path = f"{parent}/{number}"
            result = holdfast("init", path, "--origin", "example.com/x", *arguments, check=False)
            assert result.returncode == 2 and "media type" in result.stderr, (types, result)
            assert not os.path.exists(path), types
        for number, types in enumerate((["none"], ["*"], ["text/plain", "hash-envelope"], ["coap:60"])):
            arguments = [word for value in types for word in ("--accept", value)]
            holdfast("init", f"{parent}/good{number}", "--origin", "example.com/x", *arguments)


def test_exit_codes_of_the_verifier():
    """0 verified, 1 not verified, 2 usage or unreadable"""
    log, answers, out = with_exports()
    try:
        trust = ["--trust", log.trust]

        def code(*arguments):
            return holdfast(*arguments, check=False, program="holdfast-verify").returncode

        assert code("transparent", answers / "0.transparent", *trust) == 0
        assert code("statement", answers / "0.cose", "--proof", answers / "1.tlog-proof", *trust) == 1
        assert code("statement", answers / "0.cose", "--proof", answers / "0.tlog-proof") == 1
        assert code("statement", answers / "0.cose", "--proof", answers / "missing", *trust) == 2
        assert code("statement", "--no-such-option") == 2
        assert code("no-such-command") == 2
        assert code("--help") == 0
        damaged = bytearray((answers / "0.transparent").read_bytes())
        for at in range(0, len(damaged), 7):
            copy = bytearray(damaged)
            copy[at] ^= 1
            (answers / "damaged").write_bytes(copy)
            result = holdfast(
                "transparent", answers / "damaged", *trust, check=False, program="holdfast-verify"
            )
            # Four bytes are the label under which our receipts carry a checkpoint. Under another label it is a
            # receipt without one, as other services make them, and the verifier has to say so.
            unchecked = "the receipt carries no checkpoint" in result.stdout
            assert result.returncode == 1 or unchecked, f"byte {at} changed: {result.stdout}"
    finally:
        log.remove()


def test_a_damaged_log_directory_is_localised():
    """a changed entry is found, and named, by the verifier of whole logs"""
    log, _, out = with_exports()
    try:
        bundle = next(path for path in sorted((out / "tile" / "entries").rglob("*")) if path.is_file())
        data = bytearray(bundle.read_bytes())
        data[-20] ^= 1
        bundle.write_bytes(data)
        result = holdfast("log", out, "--trust", log.trust, check=False, program="holdfast-verify")
        assert result.returncode == 1, result.stdout
        assert re.search(r"entry \d+|tile/", result.stdout), result.stdout
    finally:
        log.remove()


def test_the_verifier_is_not_led_astray_by_files():
    """devices, pipes, endless files and names with escape sequences are refused, in little memory and time"""
    log, answers, out = with_exports()
    try:
        def little():
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

        def refused(*arguments):
            full = [BIN / "holdfast-verify", *arguments, "--trust", log.trust]
            result = subprocess.run(
                list(map(str, full)), capture_output=True, text=True, timeout=20, preexec_fn=little
            )
            assert result.returncode in (1, 2), (arguments, result)
            assert "\x1b" not in result.stdout + result.stderr and "\u202e" not in result.stdout + result.stderr, result
            return result.stdout + result.stderr

        sparse, pipe, odd = (log.parent / name for name in ("sparse", "pipe", "a\x1b[2J\u202e: VERIFIED"))
        sparse.touch()
        os.truncate(sparse, 1 << 36)
        os.mkfifo(pipe)
        odd.write_bytes(b"no statement")
        for target in ("/dev/zero", pipe, sparse, log.parent, odd, log.parent / "none\x1b[2J"):
            refused("transparent", target)
            refused("transparent", target, answers / "0.transparent")
        assert "bytes" in refused("transparent", sparse)
        for path in [path for path in sorted(out.rglob("*")) if path.is_file()]:
            content = path.read_bytes()
            for target in ("/dev/zero", pipe, sparse, path):
                path.unlink()
                path.symlink_to(target)
                refused("log", out)
            path.unlink()
            path.write_bytes(content)
    finally:
        log.remove()


def test_a_dripping_log_keeps_no_client():
    """a log that sends its answer byte by byte is given up when --timeout is over"""
    log = Log([Signer()])
    listener = socket.create_server(("127.0.0.1", 0))

    def drip(connection):
        try:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while True:
                connection.sendall(b"x")
                time.sleep(0.1)
        except OSError:
            connection.close()

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # Six attempts of a second, and the waits between them; all of the answer would take 100 seconds.
        result = subprocess.run(
            [BIN / "holdfast", "tree", "--dir", log.directory, "--url", url, "--timeout", "1"],
            capture_output=True, text=True, timeout=40,
        )
        assert result.returncode == 3 and "in time" in result.stderr, result
    finally:
        listener.close()
        log.remove()


def test_secret_keys_stay_secret():
    """key files are 0600 and refused when wider; no secret is printed or logged"""
    log = Log([Signer()])
    try:
        secrets = {}
        for path in sorted((log.directory / "keys").iterdir()):
            if path.suffix == ".pub":
                continue
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
            secrets[path] = path.read_text().split()[1]
        assert len(secrets) >= 4, secrets.keys()
        assert len(set(secrets.values())) == len(secrets), "two keys are the same"
        log.start("--log-level", "trace")
        log.stop()
        said = "".join(log.output) + (log.directory / "holdfast.yaml").read_text() + log.trust.read_text()
        for secret in secrets.values():
            assert secret not in said
        path = next(iter(secrets))
        assert secrets[path] not in holdfast("key", "show", path).stdout
        path.chmod(0o644)
        text = log.refuses_to_start()
        assert "chmod 600" in text, text
        path.chmod(0o600)
        again = holdfast("key", "new", "--out", path, check=False)
        assert again.returncode != 0 and path.read_text().split()[1] == secrets[path], "a key was overwritten"
    finally:
        log.remove()


def test_graceful_shutdown_answers_what_was_accepted():
    """SIGTERM ends the server with 0, and the log starts again at the same head"""
    signer = Signer()
    log = Log([signer])
    try:
        log.start()
        statement = signer.event({"n": 0})
        assert log.submit(statement)[0] == 201
        before = log.checkpoint()
        assert log.stop() == 0, "".join(log.output)
        log.start()
        assert log.checkpoint().split(b"\n")[:3] == before.split(b"\n")[:3]
    finally:
        log.remove()


def test_an_issuer_enrolled_later_registers_until_it_is_revoked():
    """an authority enrols an issuer after the genesis; it registers until its key is revoked"""
    log = Log([Signer()])
    try:
        log.start()
        late, later = log.parent / "late.key", log.parent / "note.json"
        holdfast("key", "new", "--out", late)
        public, kid = re.findall(r"[0-9a-f]{64}", holdfast("key", "show", late).stdout)[:2]
        _, authority = re.findall(r"[0-9a-f]{64}", holdfast("key", "show", authority_key(log)).stdout)[:2]
        by_authority = ["--key", authority_key(log), "--issuer", "urn:ietf:params:oauth:ckt:sha-256:" + url64(authority)]
        by_late = ["--key", late, "--issuer", "urn:example:late"]

        def submit(event, *signer, check=True):
            later.write_text(json.dumps(event))
            return holdfast(
                "submit", "--dir", log.directory, "--again", later, *signer, "--out", log.parent / "out", check=check
            )

        note = {"type": "agent.note", "data": {"n": 1}}
        refused = submit(note, *by_late, check=False)
        assert refused.returncode == 2 and "knows no issuer with the key" in refused.stderr, refused.stderr
        key = {"$bytes": url64(public)}
        enrolment = {"issuer": "urn:example:late", "key": key, "roles": ["runtime"]}
        submit({"type": "identity.enroll", "stream": "governance", "data": enrolment}, *by_authority)
        assert "verified" in submit(note, *by_late).stdout
        revocation = {"keyID": {"$bytes": url64(kid)}, "reason": "lost"}
        submit({"type": "identity.revoke", "stream": "governance", "data": revocation}, *by_authority)
        refused = submit({"type": "agent.note", "data": {"n": 2}}, *by_late, check=False)
        assert refused.returncode == 1, refused.stdout
        assert log.stop() == 0
        out = log.export()
        assert "VERIFIED" in holdfast("log", out, "--trust", log.trust, program="holdfast-verify").stdout
    finally:
        log.remove()


def authority_key(log):
    return log.directory / "keys" / "authority.key"


def url64(text):
    return base64.urlsafe_b64encode(bytes.fromhex(text)).decode().rstrip("=")
