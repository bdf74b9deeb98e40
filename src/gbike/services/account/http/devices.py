"""Where a session began, told so coarsely that it helps its owner and nobody else."""

from ipaddress import ip_address, ip_network

from gbike.kit.http.request import Request
from gbike.services.account.domain import Device

V4_PREFIX, V6_PREFIX = 24, 48
"""What is kept of an address: some networks of a town, no household."""
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Macintosh", "CrOS", "Linux")
_BROWSERS = {
    **{"SamsungBrowser/": "Samsung Internet", "Edg": "Edge", "Whale/": "Whale", "KAKAOTALK": "KakaoTalk"},
    **{"OPR/": "Opera", "Firefox/": "Firefox", "FxiOS/": "Firefox", "CriOS/": "Chrome", "Chrome/": "Chrome"},
    **{"Safari/": "Safari"},
}
"""In this order, as most say that they are others too."""
LONGEST_NAME = 20


def device_of(request: Request) -> Device:
    """The network and the kind of program that asks."""
    return Device(_network(request.origin), _agent(request.headers.get("user-agent", "")))


def _network(address: str) -> str:
    try:
        prefix = V4_PREFIX if ip_address(address).version == 4 else V6_PREFIX
        return str(ip_network(f"{address}/{prefix}", strict=False))
    except ValueError:
        return ""


def _agent(published: str) -> str:
    """`Chrome, Android`; of what is no browser its first word: `curl`."""
    browser = next((name for word, name in _BROWSERS.items() if word in published), "")
    if not browser:
        first = published.partition("/")[0].partition(" ")[0]
        return first[:LONGEST_NAME] if first.isascii() and first.replace("-", "").isalnum() else ""
    system = next((word for word in _SYSTEMS if word in published), "")
    return f"{browser}, {system}" if system else browser
