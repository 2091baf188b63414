"""The receiver's routes: limits while a body streams in, the one writer behind them, replies after the commit."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from shipper.collector.answers.declared import Declared
from shipper.collector.http.access import READ, SEND, Access
from shipper.collector.http.group_commit import Group, Overloaded
from shipper.collector.http.metrics import Metrics
from shipper.collector.http.receive import Objection, Refused, Taken, Unpacker, reply, take
from shipper.collector.page.routes import Page
from shipper.collector.stores.store import Receipt, Store, StoreUnavailable, person_of
from shipper.recording.names import valid_name

#: Seconds within which a body must have come in: 1 MiB in that time is 35 KiB/s, and a phone's tether is faster.
BODY_SECONDS = 30.0
#: Bytes of bodies held at a time while they come in, over all connections: eight of the largest, thousands of usual ones.
MAX_READING = 64 * 1024 * 1024
#: Seconds that a sender is asked to wait when too much waits already, and when the store is away.
RETRY_OVERLOAD, RETRY_STORE = 5, 30
#: Unpacked bytes that are parsed in place; more goes to a thread, so that a large body does not delay a small one.
PARSE_IN_PLACE = 64 * 1024

Handler = Callable[[Request], Awaitable[Response]]


class Receiver:
    """What the routes share. `clock` gives Unix seconds, `declared` what an app declares, for the page."""

    def __init__(
        self,
        store: Store,
        objection: Objection,
        access: Access,
        clock: Callable[[], float] = time.time,
        declared: Callable[[str], Declared | None] = lambda _: None,
    ) -> None:
        self.store = store
        self.objection = objection
        self.access = access
        self.clock = clock
        self.metrics = Metrics()
        self.page = Page(store, clock, declared)
        self._reading = 0

    async def events(self, request: Request) -> Response:
        """POST /v1/events: take a batch and acknowledge it after its commit."""
        body = await self._body(request)
        key = request.headers.get("idempotency-key", "")
        if len(body) > PARSE_IN_PLACE:
            taken = await asyncio.to_thread(take, key, body, self.objection)
        else:
            taken = take(key, body, self.objection)
        receipt = await self.group.add(taken.rows) if taken.rows else Receipt(0, 0)
        self._count(taken, receipt)
        return JSONResponse(reply(taken, receipt))

    def _count(self, taken: Taken, receipt: Receipt) -> None:
        self.metrics.events["accepted"] += receipt.accepted
        self.metrics.events["duplicate"] += receipt.duplicate + taken.repeated
        self.metrics.events["rejected"] += len(taken.rejected)

    async def deletion(self, request: Request) -> Response:
        """DELETE /v1/users/ID: delete a person's events, and say so by name."""
        user = request.path_params["user"]
        if not valid_name(user):
            raise Refused(400, "no such id can be")
        events = await self.group.call(lambda: self.store.forget(person_of(user)))
        return JSONResponse({"user": user, "events": events})

    async def health(self, _request: Request) -> Response:
        """GET /healthz: 200 while the store can be reached."""
        await asyncio.to_thread(self.store.ready)
        return JSONResponse({"status": "ok"})

    async def numbers(self, _request: Request) -> Response:
        """GET /metrics, for Prometheus."""
        text = self.metrics.render(self.group.waiting, self._reading)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def _body(self, request: Request) -> bytes:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-ndjson":
            raise Refused(415, "the body must be application/x-ndjson")
        unpacker = Unpacker(request.headers.get("content-encoding", "").strip().lower())
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for piece in request.stream():
                    self._reading -= unpacker.held
                    try:
                        unpacker.feed(piece)
                    finally:
                        self._reading += unpacker.held
                    if self._reading > MAX_READING:
                        raise Overloaded
            return unpacker.finish()
        except TimeoutError:
            raise Refused(408, f"the body took longer than {BODY_SECONDS:.0f} seconds") from None
        except ClientDisconnect:
            raise Refused(400, "the body ended before its end") from None
        finally:
            self._reading -= unpacker.held

    def guarded(self, kind: str | None, handler: Handler) -> Handler:
        """Let only those in who may (None: everybody), and turn what goes wrong into the right reply."""

        async def guard(request: Request) -> Response:
            if kind and not self.access.allows(kind, request.headers.get("authorization", "")):
                response = problem(401, f"a token that may {kind} is needed")
                response.headers["WWW-Authenticate"] = 'Basic realm="shipper: the token is the password", Bearer'
            else:
                response = await _answered(handler, request)
            self.metrics.replies[response.status_code] += 1
            return response

        return guard

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Start the writer; at the end commit what waits, then close the store."""
        self.group = Group(self.store, self.clock, self.metrics.commit)
        try:
            yield
        finally:
            await self.group.close()
            self.store.close()


async def _answered(handler: Handler, request: Request) -> Response:
    try:
        return await handler(request)
    except Refused as refused:
        response = problem(refused.status, refused.why)
    except Overloaded:
        response = problem(429, "too much waits already; try again", RETRY_OVERLOAD)
    except StoreUnavailable as error:
        response = problem(503, str(error), RETRY_STORE)
    return response


def problem(status: int, why: str, retry_after: int = 0) -> Response:
    """A reply that is no acknowledgement, in words for the sender's log."""
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return JSONResponse({"error": why}, status, headers)


def application(receiver: Receiver) -> Starlette:
    """Build the ASGI application around a receiver. It closes the store when it stops."""
    page = receiver.page
    return Starlette(
        routes=[
            Route("/v1/events", receiver.guarded(SEND, receiver.events), methods=["POST"]),
            Route("/v1/users/{user}", receiver.guarded(SEND, receiver.deletion), methods=["DELETE"]),
            Route("/healthz", receiver.guarded(None, receiver.health)),
            Route("/metrics", receiver.guarded(READ, receiver.numbers)),
            Route("/", receiver.guarded(READ, page.page)),
            Route("/answers.json", receiver.guarded(READ, page.answers)),
            Route("/{name:str}", page.file),
        ],
        lifespan=receiver.lifespan,
    )
