"""``kldrift dashboard``: a server on this machine, in this process, that asks no network."""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from kldrift.config import configured_either
from kldrift.errors import ConfigError
from kldrift.tables.store import reach_store

NEEDED: Final = ("streamlit", "duckdb")
BEHIND_THE_VIEWS: Final = (
    "kldrift.reporting.stored",
    "kldrift.monitor.backtest",
    "altair",
    "duckdb",
)
"""Imported before anyone looks, so that the first look does not wait for them."""
MISSING: Final = "the dashboard needs Streamlit and DuckDB: pip install 'kldrift[dashboard]'"
FIRST_PORT: Final = 8501
PORTS_TRIED: Final = 50
APP: Final = Path(__file__).with_name("app.py")
COLOURS: Final = {"light": "#075e98", "dark": "#4aa8e8"}
HEADINGS: Final = ("1.6rem", "1.35rem", "1.1rem", "1rem", "1rem", "1rem")
SECTION: Final = "kldrift"
"""Under this name the app is told what it is about; Streamlit hands secrets to no browser."""
POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""For the browser: nothing is fetched from elsewhere, and no other page shows this one."""


def check(path: str, overrides: Sequence[str]) -> None:
    """Check before serving that what is needed is installed, and load it."""
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        raise ConfigError(MISSING)
    reach_store(configured_either(path, overrides).output.path)
    for name in BEHIND_THE_VIEWS:
        importlib.import_module(name)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server at an address.

    Examples:
        >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def free_port(host: str, port: int | None) -> int:
    """The port that is asked for, or the first that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tried in [port] if port is not None else range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, tried))
            except (OSError, OverflowError) as error:
                reason = error
                continue
            return int(probe.getsockname()[1])
    raise ConfigError(f"cannot listen on {host}, port {tried}: {reason}; see --host and --port")


def address(host: str, port: int) -> str:
    """Where a browser finds the server.

    Examples:
        >>> address("::1", 8501)
        'http://[::1]:8501/'
    """
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def app_arguments(path: str, overrides: Sequence[str], host: str) -> dict[str, Any]:
    """What the app is told; only on this machine mutes can be written."""
    return {
        "config": str(Path(path).absolute()),
        "set": list(overrides),
        "writable": is_loopback(host),
    }


def serve(path: str, overrides: Sequence[str], host: str, port: int, *, open_browser: bool) -> None:
    """Serve the dashboard until the process is asked to end.

    Raises:
        KeyboardInterrupt: always, by the signal that ended it, once everything is closed.
    """
    from starlette.middleware import Middleware  # noqa: PLC0415
    from starlette.middleware.trustedhost import TrustedHostMiddleware  # noqa: PLC0415
    from streamlit import App  # noqa: PLC0415 - takes a second, and only here

    middleware = [Middleware(WithPolicy)]
    if is_loopback(host) and ":" not in host:  # a name that leads to this machine is no way in
        names = [host, "localhost", "127.0.0.1"]
        middleware.append(Middleware(TrustedHostMiddleware, allowed_hosts=names))
    app = App(APP, secrets={SECTION: app_arguments(path, overrides, host)}, middleware=middleware)
    app.run(
        config={
            "server.address": host,
            "server.port": port,
            "server.headless": not open_browser,
            "server.fileWatcherType": "none",
            "server.enableStaticServing": False,
            "server.maxUploadSize": 1,
            "browser.gatherUsageStats": False,
            "client.toolbarMode": "viewer",
            "client.showErrorDetails": "type",
            "client.showErrorLinks": False,
            "logger.hideWelcomeMessage": True,
            "runner.magicEnabled": False,
            "theme.headingFontSizes": [*HEADINGS],
            **{f"theme.{side}.primaryColor": colour for side, colour in COLOURS.items()},
        }
    )
    raise KeyboardInterrupt  # the server keeps to itself a Ctrl-C that comes while it starts


class WithPolicy:
    """Adds the content security policy to every response."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request."""

        async def with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    (b"content-security-policy", POLICY.encode()),
                    (b"referrer-policy", b"no-referrer"),
                    (b"x-content-type-options", b"nosniff"),
                ]
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        await self._app(scope, receive, with_policy)
