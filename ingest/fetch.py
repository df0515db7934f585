"""URL → bytes. The only network code in Byline.

A page is asked for as its reader would: once, politely, a page at a time from each host. Whoever wrote the
address is not trusted: the host is looked up once, every answer is checked, and the connection goes to the very
address that was checked, again at each redirect. The response is cut off at a size and a time, compressed or not.

A proxy named in the environment is not used. It would look hosts up itself, out of reach of the check; where the
network allows no other way out, the message says to save the page instead.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable
from importlib import metadata
from typing import Any

import certifi
import httpcore

from ingest import address
from ingest.address import SAVE_IT, Address
from ingest.records import Page
from qa.errors import FetchError, UnsafeAddressError

SECONDS = 30.0  # for one page in all: look-up, redirects and body; a reader has given up by then
STALL_SECONDS = 10.0  # without a byte
MEGABYTES = 20  # of one page, unpacked; the largest article page seen in 37,000 is under 8
REDIRECTS = 5
AT_ONCE = 4  # pages at the same time, each from another host

_TEXT_TYPES = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown", "text/x-markdown")
_REDIRECT = frozenset({301, 302, 303, 307, 308})
_REFUSALS = {401: "asks for a login", 402: "asks for payment", 403: "refuses programs", 407: "asks for a login"}
_REFUSALS |= {429: "is getting too many requests", 451: "is not available where you are"}


class Fetcher:
    """Fetches pages within limits; safe to share between threads.

    `allow_private` opens this machine's own network too, on any port: for tests and for code that knows the address.
    """

    def __init__(self, *, seconds: float = SECONDS, megabytes: float = MEGABYTES, allow_private: bool = False) -> None:
        self.seconds = seconds
        self.limit = int(megabytes * 1_000_000)
        self.allow_private = allow_private
        self._hosts: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._guard = threading.Lock()
        self._tls = ssl.create_default_context()  # the system's own certificates, for offices with one of their own
        self._tls.load_verify_locations(certifi.where())
        self._open: set[socket.socket] = set()
        self._closed = False

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop what is under way, in other threads too."""
        with self._guard:
            self._closed = True
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def get(self, url: str) -> Page:
        """Return the page at `url`, after at most `REDIRECTS` redirects.

        Raises UnsafeAddressError where an address on the way leads into this machine or its private network, and
        FetchError, with the reason and what to do, where the page cannot be had.
        """
        at = address.parse(url, any_port=self.allow_private)
        with self._guard:
            host = self._hosts[at.host]
        with host, self._slots:
            deadline = time.monotonic() + self.seconds
            for _ in range(REDIRECTS + 1):
                answer = self._once(url, at, deadline)
                if isinstance(answer, Page):
                    return answer
                at = address.parse(answer, any_port=self.allow_private)
        raise FetchError(f"{url}: redirected more than {REDIRECTS} times. {SAVE_IT}")

    def _once(self, url: str, at: Address, deadline: float) -> Page | str:
        """Return the page at `at`, or where it redirects to."""
        ips = address.public_addresses(at, deadline - time.monotonic(), allow_private=self.allow_private)
        pinned = _Pinned(self, ips, deadline)
        request = httpcore.Request("GET", at.url, headers=_headers(at))
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self._tls, network_backend=pinned) as pool,
                pool.stream("GET", request.url, headers=request.headers) as response,
            ):
                headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in response.headers}
                if response.status in _REDIRECT and headers.get("location"):
                    return at.join(headers["location"])
                _check_status(url, response.status)
                kind, charset = _content_type(url, headers.get("content-type", ""))
                data = self._body(url, response.iter_stream(), headers)
        except httpcore.TimeoutException:
            raise FetchError(
                f"{url}: no answer within {self._patience(deadline)}. Try again later. {SAVE_IT}"
            ) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ssl.SSLError) as error:
            raise FetchError(f"{url}: {_network_reason(error)}") from None
        if self._closed:  # a page without a length ends like a connection that was cut
            raise FetchError(f"{url}: stopped before the page was there. Add it again.")
        name = at.target.partition("?")[0].rstrip("/").rpartition("/")[2]
        return Page(url, data, name or at.host, url=at.url, content_type=kind, charset=charset)

    def _patience(self, deadline: float) -> str:
        left = deadline - time.monotonic()
        return f"{self.seconds:g} seconds" if left <= 0.1 else f"{min(STALL_SECONDS, self.seconds):g} seconds"

    def _body(self, url: str, chunks: Iterable[bytes], headers: dict[str, str]) -> bytes:
        """Return the whole body, unpacked while it arrives, so that a bomb goes off within the limit."""
        limit = self.limit
        if headers.get("content-length", "").isdigit() and int(headers["content-length"]) > limit:
            raise _too_large(url, limit)
        unpack = _unpacker(url, headers.get("content-encoding", "").strip().lower())
        body = bytearray()
        try:
            for chunk in chunks:
                for piece in unpack(chunk):
                    body += piece
                    if len(body) > limit:
                        raise _too_large(url, limit)
        except zlib.error:
            raise FetchError(f"{url}: the page is packed in a broken way. {SAVE_IT}") from None
        return bytes(body)


class _Pinned(httpcore.NetworkBackend):
    """Connects to addresses that were checked, and gives no read or write more time than is left in all."""

    def __init__(self, fetcher: Fetcher, ips: list[str], deadline: float) -> None:
        self._fetcher, self._ips, self._deadline = fetcher, ips, deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        for ip in self._ips[:-1]:
            try:
                return self._connect(ip, port)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._connect(self._ips[-1], port)

    def _connect(self, ip: str, port: int) -> httpcore.NetworkStream:
        stream = self._backend.connect_tcp(ip, port, timeout=_time_left(self._deadline))
        return _Stream(self._fetcher, stream, self._deadline)


class _Stream(httpcore.NetworkStream):
    def __init__(self, fetcher: Fetcher, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._fetcher, self._stream, self._deadline = fetcher, stream, deadline
        self._socket = stream.get_extra_info("socket")
        with fetcher._guard:
            fetcher._open.add(self._socket)
            if fetcher._closed:
                raise httpcore.ConnectError("stopped")

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _time_left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _time_left(self._deadline))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._forget()  # wrapping detaches the plain socket
        inner = self._stream.start_tls(ssl_context, server_hostname, _time_left(self._deadline))
        return _Stream(self._fetcher, inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._forget()
        self._stream.close()

    def _forget(self) -> None:
        with self._fetcher._guard:
            self._fetcher._open.discard(self._socket)


def _time_left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for this page is up")
    return min(left, STALL_SECONDS)


def _headers(at: Address) -> list[tuple[str, str]]:
    host = at.url.split("/")[2]
    return [
        ("Host", host),
        ("User-Agent", f"Byline/{version()} (+personal article library)"),
        ("Accept", "text/html,application/xhtml+xml;q=0.9,text/plain;q=0.8,*/*;q=0.1"),
        ("Accept-Language", "en,*;q=0.5"),
        ("Accept-Encoding", "gzip, deflate"),
        ("Connection", "close"),
    ]


def version() -> str:
    """Return Byline's installed version, "0" from a plain checkout."""
    try:
        return metadata.version("byline")
    except metadata.PackageNotFoundError:
        return "0"


def _check_status(url: str, status: int) -> None:
    if status in _REFUSALS:
        raise FetchError(f"{url}: the site {_REFUSALS[status]} ({status}). {SAVE_IT}")
    if status in (404, 410):
        raise FetchError(f"{url}: no such page ({status}). Check the address.")
    if status >= 500:
        raise FetchError(f"{url}: the site has a fault of its own ({status}). Try again later.")
    if status not in (200, 203):
        raise FetchError(f"{url}: the site gave no page ({status}). {SAVE_IT}")


def _content_type(url: str, header: str) -> tuple[str | None, str | None]:
    """Return the media type and the charset of a Content-Type header."""
    kind, *parameters = (part.strip() for part in header.split(";"))
    if kind and kind.lower() not in _TEXT_TYPES:
        hint = "Save the article as a web page or text and add the file."
        raise FetchError(f"{url}: not a web page but {kind[:60]}. {hint}")
    charset = next(
        (value.split("=", 1)[1].strip(" \"'") for value in parameters if value[:8].lower() == "charset="), None
    )
    return kind.lower() or None, charset or None


def _unpacker(url: str, encoding: str) -> Any:
    """Return a function from a chunk to its unpacked pieces, none of them large."""
    if encoding in ("", "identity"):
        return lambda chunk: [chunk]
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise FetchError(f"{url}: the page is packed as {encoding[:30]!r}, which was not asked for. {SAVE_IT}")
    state: list[Any] = [zlib.decompressobj(47)]  # 47: gzip or zlib, whichever the header says

    def unpack(chunk: bytes) -> Iterable[bytes]:
        try:
            piece = state[0].decompress(chunk, 1 << 20)
        except zlib.error:
            if encoding != "deflate" or len(state) > 1:
                raise
            state[:] = [zlib.decompressobj(-15), True]  # some servers send "deflate" without its header
            piece = state[0].decompress(chunk, 1 << 20)
        yield piece
        while state[0].unconsumed_tail:
            yield state[0].decompress(state[0].unconsumed_tail, 1 << 20)

    return unpack


def _too_large(url: str, limit: int) -> FetchError:
    return FetchError(f"{url}: larger than {limit / 1e6:g} MB. Save just the article as text and add the file.")


def _network_reason(error: Exception) -> str:
    cause = error.__cause__ or error.__context__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the site's certificate is not valid ({cause.verify_message}). Check the address, or {SAVE_IT.lower()}"
    if isinstance(cause, ssl.SSLError):
        return f"no secure connection could be made. Check the address, or {SAVE_IT.lower()}"
    if isinstance(error, httpcore.ConnectError):
        named = next(
            (name for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy") if os.environ.get(name)), ""
        )
        proxy = f" {named} is set, but Byline opens pages directly: {SAVE_IT.lower()}" if named else ""
        return f"the host does not answer. Check the address and your connection.{proxy}"
    if isinstance(error, httpcore.ProtocolError):
        return f"the site broke off or did not answer as a web server. Try again later. {SAVE_IT}"
    return f"the connection broke. Try again later. {SAVE_IT}"


__all__ = ["Fetcher", "UnsafeAddressError", "version"]
