"""Fetching: which addresses are opened, and what is taken from a server that is broken, slow or hostile."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from ingest import address
from ingest.fetch import Fetcher
from qa.errors import FetchError, SourceError, UnsafeAddressError
from tests.web import answer, redirect, serving

STORY = b"<html><body><p>The harbour froze on Tuesday.</p></body></html>"


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    """A fetcher that may open this machine, with limits that a test can wait for."""
    with Fetcher(allow_private=True, seconds=3, megabytes=1) as opened:
        yield opened


@pytest.mark.parametrize(
    "ip",
    """127.0.0.1 127.9.9.9 0.0.0.0 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 192.0.0.8 192.0.2.1
    192.88.99.1 198.18.0.1 198.51.100.7 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 ::1 :: ::ffff:127.0.0.1
    ::ffff:8.8.8.8 ::7f00:1 fe80::1 fc00::1 fec0::1 ff02::1 2001:db8::1 2002:7f00:1:: 2001::1 64:ff9b::7f00:1
    64:ff9b:1::1 64:ff9b::a00:1 fe80::1%eth0 nonsense""".split(),
)
def test_addresses_that_are_not_public(ip: str) -> None:
    assert not address.is_public(ip)


@pytest.mark.parametrize(
    "ip", "8.8.8.8 93.184.216.34 1.1.1.1 2606:4700:4700::1111 2a00:1450::1 64:ff9b::808:808".split()
)
def test_addresses_that_are_public(ip: str) -> None:
    assert address.is_public(ip)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://192.168.0.1:8080/",
        "http://example.org:22/",
        "http://user:secret@example.org/",
        "http://127.0.0.1\\@example.org/",
    ],
)
def test_addresses_of_this_machine_and_its_network_are_refused(url: str) -> None:
    with pytest.raises(SourceError) as error:
        Fetcher().get(url)
    assert isinstance(error.value, UnsafeAddressError) or "not a web address" in str(error.value)
    assert "\n" not in str(error.value) and "secret" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["ftp://example.org/a", "http://", "http:///a", "https://exa mple.org", "http://[::1", "http://a..b/"]
)
def test_what_is_no_web_address(url: str) -> None:
    with pytest.raises(FetchError):
        address.parse(url)


def test_a_host_that_answers_with_one_inner_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("93.184.216.34", "10.0.0.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(UnsafeAddressError, match=r"leads to 10\.0\.0\.7"):
        address.public_addresses(address.parse("http://example.org/"), 5)


def test_a_host_is_looked_up_once_and_the_checked_address_is_opened(
    monkeypatch: pytest.MonkeyPatch, fetcher: Fetcher
) -> None:
    log: list[tuple[str, dict[str, str]]] = []
    with serving({"/": answer(STORY)}, log) as base:
        port = int(base.rpartition(":")[2])
        asked: list[str] = []

        def lookup(host: str, *_: object, **__: object) -> list[object]:
            asked.append(host)
            if len(asked) > 1:
                raise AssertionError("looked up again")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *a, **k: lookup(host) if host == "news.example" else real(host, *a, **k)
        )
        assert fetcher.get(f"http://news.example:{port}/").data == STORY
    assert asked == ["news.example"]
    assert log[0][1]["host"] == f"news.example:{port}"


def test_a_page_comes_with_its_address_type_and_charset(fetcher: Fetcher) -> None:
    log: list[tuple[str, dict[str, str]]] = []
    routes = {"/old": redirect("/story?x=1", 301), "/story": answer(STORY, Content_Type="text/html; charset=latin-1")}
    with serving(routes, log) as base:
        page = fetcher.get(f"{base}/old")
    assert (page.data, page.name, page.url) == (STORY, "story", f"{base}/story?x=1")
    assert (page.content_type, page.charset, page.source) == ("text/html", "latin-1", f"{base}/old")
    assert log[0][1]["user-agent"].startswith("Byline/")


def test_environment_proxies_are_not_used(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving({"/": answer(STORY)}) as base:
        assert fetcher.get(base).data == STORY


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw"])
def test_packed_pages_are_unpacked(fetcher: Fetcher, encoding: str) -> None:
    raw = zlib.compressobj(wbits=-15)
    packed = {"gzip": gzip.compress(STORY), "deflate": zlib.compress(STORY), "raw": raw.compress(STORY) + raw.flush()}
    with serving({"/": answer(packed[encoding], Content_Encoding=encoding.replace("raw", "deflate"))}) as base:
        assert fetcher.get(base).data == STORY


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "login"), (402, "payment"), (403, "refuses programs"), (404, "no such page"), (410, "no such page"),
     (418, "no page"), (429, "too many"), (451, "not available"), (500, "fault of its own"), (503, "fault of its own")],
)  # fmt: skip
def test_a_refusal_says_what_to_do(fetcher: Fetcher, status: int, says: str) -> None:
    with serving({"/": answer(b"no", status)}) as base, pytest.raises(FetchError, match=says) as error:
        fetcher.get(base)
    assert any(hint in str(error.value) for hint in ("Save the page", "Check the address", "Try again later"))


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "text/html")
    request.end_headers()
    while True:
        request.wfile.write(b"x" * 65536)


def dripping(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "text/html")
    request.end_headers()
    for _ in range(400):
        request.wfile.write(b"x")
        time.sleep(0.05)


def slow_headers(request: BaseHTTPRequestHandler) -> None:
    for _ in range(400):
        request.wfile.write(b"H")
        request.wfile.flush()
        time.sleep(0.05)


BOMB = gzip.compress(b"\0" * 60_000_000)
HOSTILE = {
    "/endless": (endless, "larger than 1 MB"),
    "/large": (answer(b"x" * 1_000_001), "larger than 1 MB"),
    "/bomb": (answer(BOMB, Content_Encoding="gzip"), "larger than 1 MB"),
    "/drip": (dripping, "no answer within 3 seconds"),
    "/headers": (slow_headers, "no answer within|broke off"),
    "/loop": (redirect("/loop"), "redirected more than 5 times"),
    "/inside": (redirect("ftp://example.org/a"), "only http and https"),
    "/pdf": (answer(b"%PDF", Content_Type="application/pdf"), "not a web page but application/pdf"),
    "/picture": (answer(b"x", Content_Type="image/png"), "not a web page but image/png"),
    "/broken": (answer(b"\x1f\x8bnot gzip", Content_Encoding="gzip"), "packed in a broken way"),
    "/brotli": (answer(b"x", Content_Encoding="br"), "packed as 'br'"),
    "/short": (answer(b"x", Content_Length="100"), "broke"),
    "/nowhere": (redirect("http://nothing.invalid/"), "no host named nothing.invalid"),
}


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_servers_end_in_one_clear_line(fetcher: Fetcher, path: str) -> None:
    route, says = HOSTILE[path]
    start = time.monotonic()
    with serving({path: route}) as base, pytest.raises(FetchError, match=says) as error:
        fetcher.get(base + path)
    assert time.monotonic() - start < 8
    assert "\n" not in str(error.value)


def test_a_redirect_into_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A public host, whose connection the test takes to its own server, redirects inside."""
    with serving({"/": redirect("http://127.0.0.1:80/admin")}) as base:
        port = int(base.rpartition(":")[2])
        real = socket.create_connection
        opened: list[object] = []

        def connect(where: tuple[str, int], *args: object, **kwargs: object) -> socket.socket:
            opened.append(where)
            return real(("127.0.0.1", port))

        monkeypatch.setattr(socket, "create_connection", connect)
        with pytest.raises(UnsafeAddressError, match=r"leads to 127\.0\.0\.1"):
            Fetcher(seconds=3).get("http://93.184.216.34/")
    assert opened == [("93.184.216.34", 80)]


def test_a_host_that_does_not_answer(fetcher: Fetcher) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(FetchError, match="does not answer"):
        fetcher.get(f"http://127.0.0.1:{port}/")


def test_one_page_at_a_time_from_a_host(fetcher: Fetcher) -> None:
    under_way, most = 0, 0
    lock = threading.Lock()

    def route(request: BaseHTTPRequestHandler) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.05)
        with lock:
            under_way -= 1
        answer(STORY)(request)

    with serving({f"/{number}": route for number in range(4)}) as base:
        threads = [threading.Thread(target=fetcher.get, args=(f"{base}/{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == 1


def test_closing_stops_what_is_under_way() -> None:
    fetcher = Fetcher(allow_private=True, seconds=30)
    with serving({"/": dripping}) as base:
        threading.Timer(0.3, fetcher.close).start()
        start = time.monotonic()
        with pytest.raises(FetchError):
            fetcher.get(base)
        assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://www.example.org/a", "https://example.org/a"),
        ("https://Example.ORG:443/a/", "https://example.org/a"),
        ("https://example.org/a?utm_source=x&id=7&fbclid=1#part", "https://example.org/a?id=7"),
        ("https://example.org/caf%C3%A9", "https://example.org/café"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
    ],
)
def test_one_article_has_one_canonical_address(one: str, other: str) -> None:
    assert address.canonical(one) == address.canonical(other)


def test_different_articles_have_different_canonical_addresses() -> None:
    urls = [
        "https://example.org/a?id=1",
        "https://example.org/a?id=2",
        "https://example.org/A",
        "https://a.example.org/a",
        "https://example.org/view?cid=101",
        "https://example.org/view?cid=102",
    ]
    assert len({address.canonical(url) for url in urls}) == 6


def test_sites_are_told_apart_by_what_is_bought() -> None:
    assert address.same_site("www.bbc.co.uk", "m.bbc.co.uk")
    assert not address.same_site("example.co.uk", "other.co.uk")
    assert not address.same_site("ada.substack.com", "eve.substack.com")
    assert address.same_site("www.ada.substack.com", "ada.substack.com")
