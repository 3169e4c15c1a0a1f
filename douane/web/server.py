"""Runs the web application until it is told to stop."""

from __future__ import annotations

import gc
import logging
import socket
import sys
from types import FrameType

import uvicorn

from douane.errors import Unavailable
from douane.flow.house import note_address
from douane.jobs import processor, readiness
from douane.settings import Settings
from douane.web.app import create_app
from douane.web.manners import Said

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            settings = self.config.app.state.web.house.settings  # type: ignore[union-attr]
            note_address(settings)
            readiness.ready()
            log.info("The web process answers at %s.", settings.address)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # The server waits for open answers to end before it tells the application; streams must hear of it at once.
        self.config.app.state.web.closing = True  # type: ignore[union-attr]
        super().handle_exit(sig, frame)


# A thread that computes gives way to those that wait after so long, ten times as often as is usual: a page changes
# hands some dozen times, and beside a stranger's large body it waits so long at each.
_SWITCH_S = 0.0005


def run(settings: Settings) -> None:
    """Serves on `host`:`port` of the settings. SIGTERM and SIGINT let running requests end, for `stop_wait_s`."""
    processor.short_turns()
    sys.setswitchinterval(_SWITCH_S)
    logging.getLogger("uvicorn.error").addFilter(_unsaid)
    app = create_app(settings)
    # Here, where what is wrong with it ends this process in its own words, and not in a trace of the server's.
    app.state.web.house.jobs.open()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[one.strip() for one in settings.trusted_proxies.split(",")],
        timeout_graceful_shutdown=int(settings.stop_wait_s),
        server_header=False,
        access_log=False,
        log_config=None,
        ws="websockets-sansio",
        ws_max_size=1 << 20,
    )
    # What is there now stays to the end: nobody who waits for an answer waits for a look through it.
    gc.collect()
    gc.freeze()
    server = _Server(config)
    server.run()
    if getattr(server.lifespan, "startup_failed", False):
        raise Unavailable("The web process could not start; the line before says why.")


def _unsaid(record: logging.LogRecord) -> bool:
    """Whether nobody has logged yet what the application raised."""
    return not (record.exc_info and isinstance(record.exc_info[1], Said))
