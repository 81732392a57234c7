"""A proxy before a log that can hold one chosen message, on its way in or on its way back, and can show another log's
reads. It knows the statements by their types, so that a test can stop everything at a named step of a protocol."""

import http.client
import http.server
import io
import re
import threading
import time

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import leaf_hash, tree_head
from test_state_witness import entries_of
from test_witness import TestLog, b64, key_id, line, root


def event_types(body):
    """The types of the events in what is posted to /entries: one COSE_Sign1, or a sequence of them."""
    types = []
    stream = io.BytesIO(body)
    while stream.tell() < len(body):
        try:
            statement = cbor2.load(stream)
            types.append(cbor2.loads(statement.value[2])["type"])
        except Exception:
            return types
    return types


class Hold:
    """One message that is held once: `before` it is passed on, `after` it was answered (and before the answer is), or the
    first read that comes `then`, once it was answered."""

    def __init__(self, type, where):
        self.type, self.where = type, where
        self.reached, self.gone = threading.Event(), threading.Event()
        self.is_over, self.is_answered, self.is_lost = False, False, False

    def wait(self):
        """Whether the message goes on afterwards."""
        self.reached.set()
        self.gone.wait(120)
        return not self.is_lost


class Holding:
    """Forwards to a log at a port, until it is told otherwise."""

    def __init__(self, port):
        self.port, self.hold_on, self.dropped, self.shown = port, None, set(), {}
        self.newest = None
        self.lock = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                owner.pass_on(self, b"")

            def do_POST(self):
                owner.pass_on(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, request_queue_size = True, 512

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hold(self, type, where):
        with self.lock:
            self.hold_on = Hold(type, where)
            return self.hold_on

    def release(self, lost=False):
        """Lets go of what is held: on its way, or lost as with a connection that ended."""
        with self.lock:
            held, self.hold_on = self.hold_on, None
        if held:
            held.is_lost = lost
            held.gone.set()

    def take(self, where, types):
        """The hold, if this is its message; it is nobody else's then."""
        with self.lock:
            held = self.hold_on
            if not held or held.is_over or held.where != where:
                return None
            if where == "then" and not held.is_answered or where != "then" and held.type not in types:
                return None
            held.is_over = True
            return held

    def pass_on(self, request, body):
        types = event_types(body) if request.command == "POST" else []
        if self.dropped & set(types):
            request.close_connection = True
            return
        held = self.take("then", types) if request.command == "GET" else self.take("before", types)
        if held and not held.wait():
            request.close_connection = True
            return
        shown = self.shown.get(request.path) if request.command == "GET" else None
        if shown is None and self.shown and request.command == "GET" and request.path.startswith("/tile/"):
            return self.answer(request, 404, [], b"")
        if shown is not None:
            return self.answer(request, 200, [], shown)
        try:
            log = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            headers = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "connection")}
            log.request(request.command, request.path, body=body if request.command == "POST" else None, headers=headers)
            response = log.getresponse()
            answer = response.read()
            log.close()
        except (OSError, http.client.HTTPException):
            request.close_connection = True
            return
        held = self.take("after", types)
        if held and not held.wait():
            request.close_connection = True
            return
        with self.lock:
            if self.hold_on and self.hold_on.where == "then" and self.hold_on.type in types:
                self.hold_on.is_answered = True
            if request.path == "/checkpoint" and response.status == 200:
                self.newest = answer
        skipped = ("transfer-encoding", "content-length", "connection", "date", "server")
        self.answer(
            request, response.status, [(k, v) for k, v in response.getheaders() if k.lower() not in skipped], answer)

    def answer(self, request, status, headers, body):
        try:
            request.send_response(status)
            for name, value in headers:
                request.send_header(name, value)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except OSError:
            request.close_connection = True

    def end(self):
        self.release()
        self.server.shutdown()
        self.server.server_close()


# Lies, signed with the log's own keys and cosigned by its witnesses.


def secret(path):
    words = path.read_text().split()
    return Ed25519PrivateKey.from_private_bytes(
        next(bytes.fromhex(word) for word in words if re.fullmatch(r"[0-9a-f]{64}", word)))


def public(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def cosigned(place, note):
    """The note with the lines of two of the place's witnesses."""
    text = note.split("\n\n")[0] + "\n"
    now = int(time.time())
    for witness in place.witnesses[:2]:
        key = secret(next(witness.directory.glob("*.key")))
        signature = key.sign(f"cosignature/v1\ntime {now}\n{text}".encode())
        note += line(witness.name, key_id(witness.name, 4, public(key)), now.to_bytes(8, "big") + signature)
    return note.encode()


def liar(place):
    log = TestLog("example.com/blackbox")
    log.key = secret(place.log.directory / "keys" / "checkpoint.key")
    log.public = public(log.key)
    return log


def other_history(place, checkpoint):
    """The same size with another root."""
    size, _ = tree_head(checkpoint)
    log = liar(place)
    text = f"{log.origin}\n{size}\n{b64(bytes(32))}\n"
    return {"/checkpoint": cosigned(place, log.note(size, text=text))}


def other_state(place):
    """One more batch without statements, whose seal says another root of the state."""
    copy = place.log.export("copy-to-lie")
    size = tree_head((copy / "checkpoint").read_bytes())[0]
    entries = entries_of(copy, size)
    protected, _, payload, _ = cbor2.loads(entries[-1]).value
    event = cbor2.loads(payload)
    event["seq"], event["prev"] = event["seq"] + 1, leaf_hash(entries[-1])
    event["time"], event["data"] = int(time.time() * 1000), {"statements": 0, "stateRoot": bytes(32)}
    payload = cbor2.dumps(event, canonical=True)
    signature = secret(place.log.directory / "keys" / "statement.key").sign(
        cbor2.dumps(["Signature1", protected, b"", payload]))
    entries.append(cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature])))
    log = liar(place)
    log.leaves = entries
    size += 1
    shown = {"/checkpoint": cosigned(place, log.note(size))}
    # Level 0 and the entries; a tree of 256 and more has a level 1.
    for first in range(0, size, 256):
        part = entries[first:first + 256]
        name = f"{first // 256:03}" + ("" if len(part) == 256 else f".p/{len(part)}")
        shown[f"/tile/0/{name}"] = b"".join(map(leaf_hash, part))
        shown[f"/tile/entries/{name}"] = b"".join(len(e).to_bytes(2, "big") + e for e in part)
    if size >= 256:
        full = [root(entries[n * 256:(n + 1) * 256]) for n in range(size // 256)]
        shown[f"/tile/1/000.p/{len(full)}"] = b"".join(full)
    return shown
