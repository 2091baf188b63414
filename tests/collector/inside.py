"""A receiver inside the test's own process, for tests that shorten its patience."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from shipper.cli.collect import bind
from shipper.collector.http.access import Access
from shipper.collector.http.connections import PatientProtocol
from shipper.collector.http.receive import unobjectionable
from shipper.collector.http.server import Receiver, application
from shipper.collector.stores.sqlite import SqliteStore


@contextmanager
def receiving(data: Path) -> Iterator[tuple[httpx.Client, Receiver]]:
    """Serve on a free port until the block ends; a client for it, and the receiver itself."""
    listener = bind("127.0.0.1:0")
    listener.listen()
    receiver = Receiver(SqliteStore(str(data)), unobjectionable, Access())
    config = uvicorn.Config(application(receiver), http=PatientProtocol, ws="none", log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        host, port = listener.getsockname()
        with httpx.Client(base_url=f"http://{host}:{port}", trust_env=False, timeout=20) as client:
            yield client, receiver
    finally:
        server.should_exit = True
        thread.join()
