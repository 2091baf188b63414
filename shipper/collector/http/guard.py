"""What stands before every route: tokens, limits, and the right reply for what goes wrong."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shipper.collector.http.access import DELETE, OPERATE, READ, Grant, TokenFile
from shipper.collector.http.body import RequestRefused
from shipper.collector.http.intake import Overloaded
from shipper.collector.http.metrics import Metrics
from shipper.collector.http.sources import RateLimits, forwarded_of
from shipper.collector.stores.store import StoreUnavailable

#: Seconds that a sender is asked to wait when too much waits already, and when the store is away.
RETRY_OVERLOAD, RETRY_STORE = 5, 30
#: Readers that wait for the page at a time; each page may take seconds.
MAX_READERS = 8

Handler = Callable[[Request], Awaitable[Response]]


class Guard:
    """Lets in who may come in, as often as they may. `audit` is told of reads and deletions, without any address."""

    def __init__(
        self, tokens: TokenFile, limits: RateLimits, metrics: Metrics, audit: Callable[[str], object] = lambda _: None
    ) -> None:
        self._tokens = tokens
        self._limits = limits
        self._metrics = metrics
        self._audit = audit
        self._readers = 0

    def route(self, kinds: tuple[str, ...], handler: Handler) -> Handler:
        """Guard a handler; a token of one of the kinds is needed, and none where there are no kinds.

        The handler finds the Grant in `request.state.grant`, and in `request.state.kind` of which kind it is.
        """

        async def guarded(request: Request) -> Response:
            response = await self._answered(kinds, handler, request)
            self._metrics.replies[response.status_code] += 1
            if self._tokens.given and {READ, DELETE, OPERATE} & {getattr(request.state, "kind", "")}:
                self._tell(request, response.status_code)
            return response

        return guarded

    async def _answered(self, kinds: tuple[str, ...], handler: Handler, request: Request) -> Response:
        try:
            if kinds and not self._admit(kinds, request):
                response = problem(401, f"a token that may {' or '.join(kinds)} is needed")
                response.headers["WWW-Authenticate"] = 'Basic realm="shipper: the token is the password", Bearer'
                return response
            if kinds and kinds[0] == READ:
                return await self._read(handler, request)
            return await handler(request)
        except RequestRefused as refused:
            return problem(refused.status, refused.why, refused.retry_after)
        except Overloaded:
            return problem(429, "too much waits already; try again", RETRY_OVERLOAD)
        except StoreUnavailable as error:
            return problem(503, str(error), RETRY_STORE)

    def _admit(self, kinds: tuple[str, ...], request: Request) -> bool:
        access, given = self._tokens.current(), request.headers.get("authorization", "")
        # A source is limited before its token is looked at, so that nobody can try tokens for long.
        source = self._limits.source_of(request.client.host if request.client else "", forwarded_of(request.headers))
        for kind in kinds:
            grant = access.grant(kind, given)
            if grant is not None:
                request.state.kind, request.state.grant, request.state.source = kind, grant, source
                self._limits.begin(source, grant.token)
                return True
        self._limits.begin(source, Grant().token)
        return False

    async def _read(self, handler: Handler, request: Request) -> Response:
        """Let somebody look, at the apps of their token alone."""
        grant: Grant = request.state.grant
        if grant.apps is not None:
            asked = request.query_params.get("app") or min(grant.apps)
            if not grant.covers(asked) or request.url.path == "/metrics":
                raise RequestRefused(403, "this token is not for that")
            if "app" not in request.query_params:
                given = [*request.query_params.multi_items(), ("app", asked)]
                request.scope["query_string"] = urlencode(given).encode()
                request = Request(request.scope, request.receive)
        if self._readers >= MAX_READERS:
            raise Overloaded
        self._readers += 1
        try:
            return await handler(request)
        finally:
            self._readers -= 1

    def _tell(self, request: Request, status: int) -> None:
        path = request.url.path if "user" not in request.path_params else "/v1/users/*"
        app = request.query_params.get("app", "")
        self._audit(f"{request.state.kind} {request.method} {path} {app} token={request.state.grant.token} {status}")


def problem(status: int, why: str, retry_after: int = 0) -> Response:
    """A reply that is no acknowledgement, in words for the sender's log."""
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return JSONResponse({"error": why}, status, headers)
