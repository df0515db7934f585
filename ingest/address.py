"""Web addresses: which may be opened, where they lead, and one normal form to know them by.

Nothing here opens a connection to a page; `public_addresses` asks the resolver and judges every address it gives.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit

from qa.errors import FetchError, UnsafeAddressError

PORTS = {"http": 80, "https": 443}
OPEN_PORTS = frozenset({80, 443, 8080, 8443})  # where web pages are served; the rest are other programs' doors
LONGEST = 4000  # characters; browsers and servers stop near 8,000, and no article needs 4,000

# What tells the publisher who sent the reader, and nothing about the page.
_TRACKING = re.compile(
    r"(?:utm|mtm|pk|piwik|hsa|at|mc|ga|oly|vero)_\w+|_?(?:fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|igshid|mkt_tok)|"
    r"_ga|_gl|ref_src|ref_url|cmpid|ocid|ncid|smid|smtyp|ito|cid|ICID|s_cid|partner|ftag|wt_?mc(?:_\w+)?|"
    r"__twitter_impression|guccounter|guce_\w+|share_?id|xtor|CMP|taid|spm|sh|traffic_source",
    re.IGNORECASE,
)
# Sites number their articles by these as well ("view.php?cid=102"): to keep one too many only stores a copy.
_MAY_BE_A_NUMBER = re.compile(r"(?:pk|at|mc|ga)_id|cid|sh|partner|share_?id", re.IGNORECASE)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\<>\"{}|^`]")
_NUMERIC = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)  # a last label like this makes the host an IPv4 number
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)*\.?")
_PAGE_LIKE = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}(?:/\S*)?", re.IGNORECASE)
_PASSWORD = re.compile(r"^(\w+://)[^/?#]*@")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(?://|(?!\\))", re.IGNORECASE)

SAVE_IT = "Save the page in your browser and add the file."


@dataclass(frozen=True, slots=True)
class Address:
    """A web address taken apart: `host` in ASCII and lower case, `target` the path and query, percent-encoded."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"

    def join(self, location: str) -> str:
        """Return where a redirect from here leads. Raises FetchError where that is no address."""
        try:
            return urljoin(self.url, location.strip())
        except ValueError:  # "http://[…"
            raise FetchError(f"{printable(self.url)}: the site leads to a broken address. {SAVE_IT}") from None


def is_url(text: str) -> bool:
    """Return whether `text` is written as a web address; it may still be a bad one."""
    return text[:8].lower().startswith(("http://", "https://"))


def scheme_of(text: str) -> str | None:
    """Return the scheme of an address that is not http(s) ("ftp"), None for a path; a drive letter is no scheme."""
    found = _SCHEME.match(text)
    return found[1].lower() if found and len(found[1]) > 1 else None


def looks_like_host(text: str) -> bool:
    """Return whether `text` reads like an address without its scheme: "example.org/story"."""
    return bool(_PAGE_LIKE.fullmatch(text)) and ("/" in text or text.lower().startswith("www."))


def parse(url: str, *, any_port: bool = False) -> Address:
    """Return `url` taken apart.

    Raises UnsafeAddressError for credentials, ports that serve no pages and numbers in disguise ("0x7f.1"), and
    FetchError for what is no http(s) address at all.
    """
    url = url.strip()
    shown = printable(url)
    if len(url) > LONGEST:
        raise FetchError(f"{shown}: the address is longer than {LONGEST} characters. Check it.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise FetchError(f"{shown}: not a web address. Check it.") from None
    if parts.scheme.lower() not in PORTS:
        raise FetchError(f"{shown}: only http and https addresses are opened. {SAVE_IT}")
    if not host or _FORBIDDEN.search(parts.netloc):
        raise FetchError(f"{shown}: not a web address. Check it.")
    if "@" in parts.netloc:
        raise UnsafeAddressError(f"{shown}: an address with a user name or password is not opened. Take it out.")
    port = PORTS[parts.scheme.lower()] if port is None else port
    if port not in OPEN_PORTS and not any_port:
        raise UnsafeAddressError(f"{shown}: port {port} is not one that web pages use. {SAVE_IT}")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]") if parts.query else ""
    return Address(parts.scheme.lower(), _ascii_host(host, shown), port, path + query)


def printable(source: str) -> str:
    """Return a source's name as it may be printed: one line, no password, no control characters, not endless."""
    plain = "".join(c if c.isprintable() else "?" for c in _PASSWORD.sub(r"\1…@", source))
    return plain if len(plain) <= 300 else plain[:300] + "…"


def _ascii_host(host: str, shown: str) -> str:
    if ":" in host:
        try:
            return str(
                ipaddress.IPv6Address(host)
            )  # a zone ("%eth0") names an interface of this machine: kept, refused
        except ValueError:
            raise FetchError(f"{shown}: not a web address. Check it.") from None
    try:
        name = host.encode("idna").decode("ascii").lower() if not host.isascii() else host.lower()
    except UnicodeError:
        name = ""
    if not _HOST.fullmatch(name) or len(name) > 253:
        raise FetchError(f"{shown}: {host!r} is no host name. Check the address.")
    if _NUMERIC.fullmatch(name.rstrip(".").rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise UnsafeAddressError(f"{shown}: {host!r} hides a numeric address. {SAVE_IT}") from None
    return name


def is_public(address: str) -> bool:
    """Return whether an IP address lies on the open internet, whatever is wrapped in it.

    Stricter than `ipaddress.is_global`, which counts multicast, 6to4 and some reserved ranges as global.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False  # with a zone, or no address at all
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip in _IETF or ip in _RELAY)
    if ip.scope_id:
        return False
    if ip in _NAT64:  # how a network without IPv4 reaches an IPv4 host: as public as that host
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip in _UNICAST and ip.is_global and not (ip in _SIXTOFOUR or ip in _SPECIAL)


_IETF = ipaddress.IPv4Network("192.0.0.0/24")
_RELAY = ipaddress.IPv4Network("192.88.99.0/24")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that is handed out; mapped, local and multicast lie outside
_SIXTOFOUR = ipaddress.IPv6Network("2002::/16")  # an IPv4 address in disguise
_SPECIAL = ipaddress.IPv6Network("2001::/23")  # Teredo and other protocols


def public_addresses(address: Address, seconds: float, *, allow_private: bool = False) -> list[str]:
    """Return the IP addresses of `address.host`, looked up once, after checking every one.

    Raises UnsafeAddressError if any of them leads into this machine or its network: a host that answers with both
    is trying something. Raises FetchError if there is none.
    """
    found = _resolve(address.host, address.port, seconds)
    if not found:
        raise FetchError(
            f"{address.url}: no host named {address.host} was found. Check the address and your connection."
        )
    if not allow_private and (inside := [ip for ip in found if not is_public(ip)]):
        raise UnsafeAddressError(
            f"{address.url} leads to {inside[0]}, inside this machine or its private network. "
            f"Only public pages are opened. {SAVE_IT}"
        )
    return found


def _resolve(host: str, port: int, seconds: float) -> list[str]:
    """Ask the resolver, in a thread of its own: it knows no time limit and cannot be stopped."""
    found: list[str] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    thread = threading.Thread(target=ask, daemon=True, name="resolve")
    thread.start()
    thread.join(seconds)
    return list(found)


def canonical(url: str) -> str:
    """Return the form of `url` by which an article is known.

    Scheme, "www.", default port, fragment, tracking parameters and a closing slash make no difference. Raises
    FetchError or UnsafeAddressError as `parse` does.
    """
    address = parse(without_tracking(url), any_port=True)
    path, _, query = address.target.partition("?")
    path = quote(unquote(path), safe="/:@!$&'()*+,;=~-._") if "%" in path else path
    port = "" if address.port in PORTS.values() else f":{address.port}"
    host = f"[{address.host}]" if ":" in address.host else address.host.rstrip(".").removeprefix("www.")
    return f"https://{host}{port}{path.rstrip('/') or '/'}{'?' + query if query else ''}"


def without_tracking(url: str) -> str:
    """Return `url` as it opens the page, without fragment and tracking parameters. Raises as `parse` does."""
    address = parse(url, any_port=True)
    path, _, query = address.target.partition("?")
    kept = [
        (name, value)
        for name, value in parse_qsl(query, keep_blank_values=True)
        if not _TRACKING.fullmatch(name) or (value.isdigit() and _MAY_BE_A_NUMBER.fullmatch(name))
    ]
    if query and len(kept) != query.count("&") + 1:
        query = urlencode(kept)
    return replace(address, target=path + (f"?{query}" if query else "")).url


# One domain, many publishers: what stands under one name says nothing about what stands under another.
_SHARED = frozenset(
    "substack.com wordpress.com medium.com ghost.io tumblr.com typepad.com livejournal.com beehiiv.com".split()
)


def same_site(one: str, other: str) -> bool:
    """Return whether two hosts belong to one registrable domain ("m.example.co.uk", "example.co.uk")."""
    bought = registrable(one)
    if bought in _SHARED and one.removeprefix("www.") != other.removeprefix("www."):
        return False
    return bought == registrable(other)


def registrable(host: str) -> str:
    """Return the part of a host name that is bought: "bbc.co.uk" of "www.bbc.co.uk"."""
    from tld import get_tld  # late: it reads a table of suffixes that most commands do not need

    found = get_tld(f"https://{host}", fail_silently=True, as_object=True)
    return str(found.fld) if found is not None and not isinstance(found, str) else host.lower().removeprefix("www.")
