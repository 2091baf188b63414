"""A receiver of one's own, in forty lines: what it must answer so that a sender deletes what it has sent.

It keeps each event id once in a file and says what it did with every line. A real one also checks each line's checksum,
asks for a token and stands behind TLS: docs/format.md says all of it.
"""

import gzip
import json
import os
import sys
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

STORE = Path(sys.argv[2] if len(sys.argv) > 2 else "events.ndjson")
known = {json.loads(line)["id"] for line in STORE.read_text().splitlines()} if STORE.exists() else set()


class Receiver(BaseHTTPRequestHandler):
    """POST /v1/events, one batch of lines."""

    def do_POST(self) -> None:
        """Keep the events that are new, on the disk, and only then acknowledge all of them."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        events = {json.loads(line)["id"]: line for line in body.splitlines()}
        new = {identity: line for identity, line in events.items() if identity not in known}
        with STORE.open("ab") as file:
            file.writelines(line + b"\n" for line in new.values())
            file.flush()
            os.fsync(file.fileno())
        known.update(new)
        reply = json.dumps(
            {
                "batch": self.headers["Idempotency-Key"],
                "sha256": sha256(body).hexdigest(),
                "accepted": len(new),
                "duplicate": len(events) - len(new),
                "rejected": [],
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 4417), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
