"""The clients that `tests.bench.peers` compares: how each records one event in a program that then ends.

A program finds the receiver in URL and the event's name in WORD, and does what its client's own documentation shows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FIRST, SECOND = "first-event", "second-event"


def nothing(home: Path) -> None:
    """Leave the home as it is."""
    del home


@dataclass(frozen=True)
class Client:
    """One row of the table."""

    name: str
    packages: tuple[str, ...]
    program: str
    before: Callable[[Path], None] = nothing
    """What is true of the home whenever the program begins."""
    agree: tuple[str, ...] = ()
    """Arguments of the interpreter: how a person agrees, once in a new home."""
    send: tuple[str, ...] = ()
    """Arguments of the interpreter: how a person has sent what waits."""
    files: Mapping[str, str] = field(default_factory=dict)
    """What the program reads, beside the library."""
    constant: tuple[str, str, str] | None = None
    """File, what it says and what it must say instead: a receiver's address that the client has no option for."""
    local: bool = False
    """Keeps events and sends none."""


def due(home: Path) -> None:
    """Let the next event find that it is time to send, so that its program starts a flusher."""
    spool = home / ".local" / "state" / "shipper" / "apps" / "peers"
    if spool.is_dir():
        (spool / "due").write_bytes(b"%011d %011d\n" % (0, 1))


SHIPPER = """
from os import environ
from shipper import App, Event, one_of
telemetry = App("peers", version="1.0", endpoint=environ["URL"], events=[
    Event("step", "Which of two events it is.", name=one_of("first-event", "second-event"))])
telemetry.record("step", name=environ["WORD"])
"""
POSTHOG = """
from os import environ
from posthog import Posthog
client = Posthog("key", host=environ["URL"])
client.capture(environ["WORD"], distinct_id="person")
client.shutdown()
"""
SEGMENT = """
from os import environ
import segment.analytics as analytics
analytics.write_key, analytics.host = "key", environ["URL"]
analytics.track("person", environ["WORD"])
analytics.shutdown()
"""
MIXPANEL = """
from os import environ
from mixpanel import Consumer, Mixpanel
Mixpanel("token", Consumer(events_url=environ["URL"] + "/track")).track("person", environ["WORD"])
"""
SENTRY = """
from os import environ
import sentry_sdk
sentry_sdk.init(dsn=environ["URL"].replace("://", "://key@") + "/1")
sentry_sdk.capture_message(environ["WORD"])
"""
SNOWPLOW = """
from os import environ
from snowplow_tracker import Snowplow, StructuredEvent
tracker = Snowplow.create_tracker(namespace="peers", endpoint=environ["URL"])
tracker.track(StructuredEvent(category="step", action=environ["WORD"]))
tracker.flush()
"""
OPENTELEMETRY = """
from os import environ
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
provider = LoggerProvider()
provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=environ["URL"] + "/v1/logs")))
provider.get_logger("peers").emit(body=environ["WORD"])
provider.shutdown()
"""
ITERATIVE = """
from os import environ
from iterative_telemetry import IterativeTelemetryLogger
IterativeTelemetryLogger("peers", "1.0", url=environ["URL"], token="token").send_event("cli", environ["WORD"])
"""
AZURE = """
import json
from os import environ
from azure.cli.telemetry import DEFAULT_INSTRUMENTATION_KEY, save
event = {"name": "azurecli/command", "properties": {"command": environ["WORD"]}}
save(environ["HOME"] + "/.azure", json.dumps({DEFAULT_INSTRUMENTATION_KEY: [event]}))
"""
GLEAN = """
import sys
from os import environ
from pathlib import Path
from glean import Configuration, Glean, load_metrics, load_pings
Glean.initialize(application_id="peers", application_version="1.0", upload_enabled=True,
                 data_dir=Path(environ["HOME"]) / ".glean", configuration=Configuration(server_endpoint=environ["URL"]))
pings = load_pings(environ["PYTHONPATH"] + "/pings.yaml")
metrics = load_metrics(environ["PYTHONPATH"] + "/metrics.yaml")
metrics.step.name.set(environ["WORD"])
pings.step.submit()
"""
GLEAN_REVIEW = """
    description: Which of two events it is.
    bugs: [https://bugzilla.mozilla.org/show_bug.cgi?id=1]
    data_reviews: [https://example.com]
    notification_emails: [nobody@example.com]
"""
GLEAN_FILES = {
    "metrics.yaml": f"""$schema: moz://mozilla.org/schemas/glean/metrics/2-0-0
step:
  name:
    type: string
    expires: never
    send_in_pings: [step]{GLEAN_REVIEW}""",
    "pings.yaml": f"""$schema: moz://mozilla.org/schemas/glean/pings/2-0-0
step:
    include_client_id: true{GLEAN_REVIEW}""",
}
PERSIST_QUEUE = """
from os import environ
from persistqueue import Queue
Queue(environ["HOME"] + "/queue").put(environ["WORD"])
"""

AGREE, SEND = ("-m", "shipper", "on"), ("-m", "shipper", "flush")

CLIENTS = (
    Client("shipper", ("event-shipper",), SHIPPER, agree=AGREE, send=SEND),
    Client("shipper, starting a flusher", ("event-shipper",), SHIPPER, due, AGREE, SEND),
    Client("persist-queue", ("persist-queue",), PERSIST_QUEUE, local=True),
    Client(
        "azure-cli-telemetry",
        ("azure-cli-telemetry",),
        AZURE,
        constant=(
            "applicationinsights/channel/SenderBase.py",
            "'https://dc.services.visualstudio.com/v2/track'",
            "__import__('os').environ['URL'] + '/v2/track'",
        ),
    ),
    Client("iterative-telemetry", ("iterative-telemetry",), ITERATIVE),
    Client("glean-sdk", ("glean-sdk",), GLEAN, files=GLEAN_FILES),
    Client("snowplow-tracker", ("snowplow-tracker",), SNOWPLOW),
    Client("mixpanel", ("mixpanel",), MIXPANEL),
    Client("sentry-sdk", ("sentry-sdk",), SENTRY),
    Client("opentelemetry logs", ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"), OPENTELEMETRY),
    Client("posthog", ("posthog",), POSTHOG),
    Client("segment", ("segment-analytics-python",), SEGMENT),
)
