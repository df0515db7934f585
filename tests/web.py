"""A small web server on this machine, for tests of fetching: `with serving(routes) as base`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Route = Callable[[BaseHTTPRequestHandler], None]


def answer(body: bytes, status: int = 200, **headers: str) -> Route:
    """Return a route that sends `body`; headers are named with underscores, HTML is the default type."""
    sent = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body))}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}

    def route(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in sent.items():
            if value:
                request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return route


def redirect(location: str, status: int = 302) -> Route:
    """Return a route that redirects."""
    return answer(b"", status, Location=location)


@contextmanager
def serving(routes: dict[str, Route], log: list[tuple[str, dict[str, str]]] | None = None) -> Iterator[str]:
    """Serve `routes` by path and yield the address; `log` collects each request's path and headers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if log is not None:
                log.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            with suppress(BrokenPipeError, ConnectionResetError):  # the other side has had enough, as it should
                routes.get(self.path.partition("?")[0], answer(b"nothing here", 404))(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
