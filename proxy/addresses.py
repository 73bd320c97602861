"""Which addresses a provider may have."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from proxy.gateway import Wire

# names that no public server has: RFC 6761, RFC 6762, RFC 8375, and what home and office routers make up
PRIVATE_ENDINGS = (".localhost", ".local", ".lan", ".internal", ".intranet", ".home.arpa", ".test")
FOLLOWS: dict[Wire, tuple[str, ...]] = {
    "anthropic": ("/v1/messages", "/v1"),
    "openai": ("/chat/completions",),
}


def why_not(url: str, wire: Wire) -> str:
    """What is wrong with a provider's address, and what would be right; empty for a good one."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        return f"is no address ({error}); it must be such as https://api.example.com"
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or not url.isprintable() or " " in url:
        return "is no address of a web server; it must begin with https:// (or http:// for one nearby) and name a host"
    return _unclear(url, parts) or _in_clear(parts.scheme, host) or _too_long(parts.path, wire)


def _unclear(url: str, parts: SplitResult) -> str:
    if "@" in parts.netloc:
        return "has a password in it; keys go into keys"
    return "has a ? or a # in it; a path must be its end" if "?" in url or "#" in url else ""


def _in_clear(scheme: str, host: str) -> str:
    if scheme == "https" or is_near(host):
        return ""
    return f"would send keys and code in clear to {host}; write https://, or name a host of your own network"


def _too_long(path: str, wire: Wire) -> str:
    """The proxy itself adds the last part of the path."""
    ending = next((end for end in FOLLOWS[wire] if path.rstrip("/").endswith(end)), "")
    return f"ends with {ending}, which is added by itself on the {wire} wire; leave {ending} out" if ending else ""


def is_near(host: str) -> bool:
    """Whether a host is this machine, or by its looks one of a private network."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(PRIVATE_ENDINGS)
