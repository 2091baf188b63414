"""The receiver's routes: limits while a body streams in, the one writer behind them, replies after the commit."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from shipper.collector.answers.declared import Declared
from shipper.collector.http.access import DELETE, OPERATE, READ, SEND, Grant, TokenFile
from shipper.collector.http.body import RequestRefused, unpack, unpacked_size
from shipper.collector.http.capacity import RETRY_FULL, Capacity
from shipper.collector.http.catalogs import Catalogs
from shipper.collector.http.deletions import RETRY_DELETION, Deletions, proves
from shipper.collector.http.exports import Exports
from shipper.collector.http.folding import NameBudgets
from shipper.collector.http.group_commit import Group
from shipper.collector.http.guard import Guard
from shipper.collector.http.intake import MEMORY_PER_BYTE, Intake
from shipper.collector.http.metrics import Metrics
from shipper.collector.http.receive import REJECT, CheckedBatch, Verdict, read_batch, reply
from shipper.collector.http.sources import RateLimits
from shipper.collector.http.upkeep import Retention, Turns, is_older
from shipper.collector.page.public_routes import PublicPage
from shipper.collector.page.routes import Page
from shipper.collector.stores.dimensions import FIRST_DAY, LAST_DAY
from shipper.collector.stores.store import Receipt, Store, StoreUnavailable, Window, person_of
from shipper.recording.names import valid_name

#: Days of events whose names are known when the receiver starts.
KNOWN_DAYS = 400
#: What is of one person is kept by nobody on the way.
NO_STORE = {"Cache-Control": "no-store"}


@dataclass(slots=True)
class Bounds:
    """What is allowed over all requests: rates, names, bytes."""

    rates: RateLimits = field(default_factory=RateLimits)
    names: NameBudgets = field(default_factory=NameBudgets)
    capacity: Capacity = field(default_factory=Capacity)


class ReceiverRoutes:
    """What the routes share. `clock` gives Unix seconds, `declared` what an app declares, for the page.

    `retention_days` says for how long events are kept, 0 for ever.
    """

    def __init__(
        self,
        store: Store,
        catalogs: Catalogs,
        tokens: TokenFile,
        bounds: Bounds | None = None,
        audit: Callable[[str], object] = lambda _: None,
        clock: Callable[[], float] = time.time,
        declared: Callable[[str], Declared | None] = lambda _: None,
        retention_days: Callable[[], int] = lambda: 0,
    ) -> None:
        self.store = store
        self.catalogs = catalogs
        self.bounds = bounds or Bounds()
        self.clock = clock
        self.metrics = Metrics()
        self.guard = Guard(tokens, self.bounds.rates, self.metrics, audit)
        self.declared = declared
        self.page = Page(store, clock, declared)
        self.public: list[Route] = []
        self.intake = Intake()
        self.exports = Exports(store)
        self.retention = Retention(store, retention_days, clock)
        self._health = ThreadPoolExecutor(1, "health")
        self._looking: asyncio.Future[None] | None = None

    def publish(self, least: int) -> None:
        """Show everybody the public page, on which no number stands for fewer installations than `least`."""
        public = PublicPage(self.store, least, self.declared, self.clock)
        self.public = [Route("/public", self.guard.route((), public.page))]

    async def events(self, request: Request) -> Response:
        """POST /v1/events: take a batch and acknowledge it after its commit."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-ndjson":
            raise RequestRefused(415, "the body must be application/x-ndjson")
        self.catalogs.refresh()
        self.bounds.capacity.admit()
        grant: Grant = request.state.grant
        async with self.intake.body(request) as body:
            self.bounds.rates.spend(request.state.source, grant.token, len(body))
            encoding = request.headers.get("content-encoding", "").strip().lower()
            key = request.headers.get("idempotency-key", "")
            async with self.intake.charge(unpacked_size(encoding, body) * MEMORY_PER_BYTE):
                batch = await self.intake.work(lambda: self._read(key, unpack(encoding, body), grant))
                receipt = await self.group.add(batch.rows) if batch.rows else Receipt(0, 0)
        self._count(batch, receipt)
        return JSONResponse(reply(batch, receipt))

    def _read(self, key: str, body: bytes, grant: Grant) -> CheckedBatch:
        """Read a batch in a thread of the intake: what its token, the catalogs, the quotas and the budgets make of it."""
        oldest = self.retention.oldest()
        plain = grant.apps is None and not oldest
        batch = read_batch(key, body, self.catalogs.check if plain else partial(self._check, grant, oldest))
        rows = self.bounds.names.fold(batch.rows)
        each = len(body) // (len(rows) or 1)
        self.bounds.capacity.spend({app: each * count for app, count in Counter(row.app for row in rows).items()})
        return replace(batch, rows=tuple(rows))

    def _check(self, grant: Grant, oldest: str, event: Mapping[str, Any]) -> Verdict:
        if oldest and is_older(event, oldest):
            return Verdict(REJECT, f"older than {oldest}, the first day that is kept")
        return self.catalogs.check(event) if grant.covers(event["app"]) else Verdict(REJECT, "not an app of this token")

    def _count(self, batch: CheckedBatch, receipt: Receipt) -> None:
        self.metrics.events["accepted"] += receipt.accepted
        self.metrics.events["duplicate"] += receipt.duplicate + batch.repeated
        self.metrics.events["rejected"] += len(batch.rejected)
        self.metrics.events["deferred"] += len(batch.deferred)

    async def deletion(self, request: Request) -> Response:
        """DELETE /v1/users/ID: delete a person's events, for who shows the secret of the id, and say so by name."""
        user = self._proven(request)
        events = await self.deletions.delete(person_of(user))
        if events is None:
            return JSONResponse({"state": "under way"}, 202, {"Retry-After": str(RETRY_DELETION)})
        return JSONResponse({"user": user, "events": events})

    async def export(self, request: Request) -> Response:
        """GET /v1/users/ID: what is kept of a person, for who shows the secret of the id; `?after=` goes on."""
        user = self._proven(request)
        return JSONResponse(await self.exports.export(user, request.query_params.get("after", "")), 200, NO_STORE)

    def _proven(self, request: Request) -> str:
        """The id that a request is about, from who may. Raises RequestRefused."""
        user, secret = str(request.path_params["user"]), request.headers.get("person-secret", "")
        if not valid_name(user):
            raise RequestRefused(400, "no such id can be")
        if request.state.kind != DELETE and not proves(user, secret):
            raise RequestRefused(403, "the id's secret is needed, or a token that may delete; its operator has one")
        return user

    async def health(self, _request: Request) -> Response:
        """GET /healthz: 200 while the store can be reached and written. However many ask, the store is asked once."""
        if trouble := self.bounds.capacity.trouble():
            raise RequestRefused(503, trouble, RETRY_FULL)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().run_in_executor(self._health, self.store.ready)
        await asyncio.shield(self._looking)
        return JSONResponse({"status": "ok"})

    async def numbers(self, _request: Request) -> Response:
        """GET /metrics, for Prometheus."""
        text = self.metrics.render(
            self.group.waiting, self.intake.reading, self.intake.memory, self.bounds.names.folded
        )
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Start the writer; at the end commit what waits, then close the store."""
        self.group = Group(self.store, self.clock, self._committed)
        self.turns = Turns(self.store, self.group)
        self.deletions = Deletions(self.store, self.turns)
        await asyncio.to_thread(self._learn)
        self.retention.start(self.turns)
        try:
            yield
        finally:
            await self.retention.close()
            await self.deletions.close()
            self.turns.close()
            await self.group.close()
            self.intake.close()
            self._health.shutdown()
            self.store.close()

    def _committed(self, result: str, rows: int, seconds: float) -> None:
        self.metrics.commit(result, rows, seconds)
        self.bounds.capacity.committed(result == "done")

    def _learn(self) -> None:
        """Take as known what the store and the catalogs know already; a store that does not answer now knows nothing."""
        names, today = self.bounds.names, int(self.clock()) // 86_400
        for app, version in self.catalogs.versions().items():
            names.learn(app, "versions", [version])
        with suppress(StoreUnavailable):
            for app in self.store.apps():
                view = self.store.view(Window(app, max(FIRST_DAY, today - KNOWN_DAYS), min(LAST_DAY, today)))
                names.learn(app, "versions", self.store.versions(app))
                values = view.values()
                names.learn(app, "events", {event for event, _, _ in values})
                names.learn(app, "labels", [value for value in values if value[1]])


def application(receiver: ReceiverRoutes) -> Starlette:
    """Build the ASGI application around a receiver. It closes the store when it stops."""
    page, guard = receiver.page, receiver.guard
    return Starlette(
        routes=[
            Route("/v1/events", guard.route((SEND,), receiver.events), methods=["POST"]),
            Route("/v1/users/{user}", guard.route((DELETE, SEND), receiver.deletion), methods=["DELETE"]),
            Route("/v1/users/{user}", guard.route((DELETE, SEND), receiver.export), methods=["GET"]),
            Route("/healthz", guard.route((), receiver.health)),
            Route("/metrics", guard.route((READ, OPERATE), receiver.numbers)),
            Route("/", guard.route((READ,), page.page)),
            Route("/answers.json", guard.route((READ,), page.answers)),
            *receiver.public,
            Route("/{name:str}", page.file),
        ],
        lifespan=receiver.lifespan,
    )
