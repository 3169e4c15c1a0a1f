"""`init`, `serve`, `web`, `worker`, people and keys: everything that opens the house."""

from __future__ import annotations

import gc
import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.table import Table
from rich.text import Text

from douane.cli import log
from douane.cli.output import print_json
from douane.cli.screen import table_console
from douane.errors import BadRequest, Conflict, NotFound
from douane.flow import identity
from douane.flow.house import House, open_as_it_is, open_house
from douane.flow.setup import Installation, initialise
from douane.settings import Settings
from douane.store import projects
from douane.store.database import database_url, read

# Installation


def init(config: Settings, as_json: bool) -> None:
    log.quiet()
    if config.data.exists() and any(config.data.iterdir()):
        raise Conflict(f"The folder {config.data} is not empty; a new installation needs an empty one.")
    made = initialise(open_house(config))
    if made is None:
        raise Conflict("This database holds an installation already.")
    if as_json:
        print_json(_facts(made))
    else:
        _show_installation(config, made)
        print(f"Start it with: douane serve --data {config.data}")


def _facts(made: Installation) -> dict[str, str]:
    return {
        "projectId": made.project_id,
        "accessKey": made.access_key,
        "templateId": made.template_id,
        "user": made.username,
        "email": made.email,
        "password": made.password,
    }


def _show_installation(config: Settings, made: Installation) -> None:
    """What a person must note: it is said once and kept only as hashes. The three lines are ready to be pasted."""
    address, line = config.address, f"-H 'accesskey: {made.access_key}'"
    first = r"""| sed 's/.*"_id":"\([0-9a-f]*\)".*/\1/')"""
    print(
        f"""
Douane is set up. This is shown once; note it down.

  Page        {address}
  E-mail      {made.email}
  Password    {made.password}
  Access key  {made.access_key}
  Template    {made.template_id}  (the sample, "{made.template_name}")

Upload a file, see what is wrong with it, pull the valid rows:

id=$(curl -s {line} -F file=@people.csv '{address}/v1/upload/{made.template_id}?auto=true' {first}
curl -s {line} "{address}/v1/review/$id?type=invalid&limit=20"
curl -s {line} -H 'Accept: text/csv' "{address}/v1/upload/$id/rows/valid"
""",
        flush=True,
    )


# Processes


# What serves is heavy, and each process needs one part of it: the supervisor none, the worker no web framework. So each
# imports its part when it starts.


def serve(config: Settings) -> None:
    from douane.flow.doctor import unknown_variables
    from douane.jobs.supervisor import supervise

    _stay()
    log.set_up(config)
    if strange := unknown_variables(os.environ):
        logging.getLogger(__name__).warning("No setting is called %s.", ", ".join(strange))
    config = _listening(config)
    made = initialise(open_house(config))
    if made is not None:
        _show_installation(config, made)
    sys.exit(supervise(config, ready=lambda: print(f"Douane is at {config.address} (Ctrl-C stops it).", flush=True)))


def web(config: Settings) -> None:
    from douane.web.server import run

    _stay()
    log.set_up(config)
    config = _listening(config)
    # The server raises again what it was told to stop with, once it has stopped.
    with suppress(SystemExit):
        run(config)
    _leave()


def _stay() -> None:
    """For what goes on for long. `main` has garbage left alone, which costs those that end at once; here what the
    database layer leaves in rings would take a third of a MiB with each import, for ever."""
    gc.enable()


def _listening(config: Settings) -> Settings:
    """The settings with the port that will be listened on: for 0 one that is free, so that it can be said before the
    processes are there. `BadRequest` in a sentence where the address is taken, before anything is made or printed; the
    server would say so only to its log."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return config.model_copy(update={"port": probe.getsockname()[1]})
    except OSError as error:
        raise BadRequest(
            f"Douane can't listen on {config.host}:{config.port} ({error.strerror or error}); give another --port."
        ) from error


def worker(config: Settings) -> None:
    from douane.flow.worker import run

    _stay()
    log.set_up(config)
    run(config)
    _leave()


def _leave() -> None:
    """All is closed and written. What is left, taking a large program apart piece by piece, takes seconds and is for
    nobody."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


# Keys


def new_key(config: Settings, project_id: str | None, name: str, as_json: bool) -> None:
    house = open_existing(config)
    project = project_id or first_project(house)
    access_key = identity.new_access_key(house, identity.unlock(house), project, name)
    if as_json:
        print_json({"projectId": project, "name": name, "accessKey": access_key})
    else:
        print(access_key)


def list_keys(config: Settings, project_id: str | None, as_json: bool) -> None:
    house = open_existing(config)
    found = identity.access_keys(house, project_id or first_project(house))
    if as_json:
        print_json(
            [
                {
                    "id": key.id,
                    "name": key.name,
                    "createdAt": key.created_at.isoformat(),
                    "revokedAt": key.revoked_at.isoformat() if key.revoked_at else None,
                }
                for key in found
            ]
        )
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Id", min_width=24)  # whole, to be copied
    for name in ("Name", "Made", "Revoked"):
        table.add_column(name, overflow="fold")
    for key in found:
        revoked = key.revoked_at.strftime("%Y-%m-%d %H:%M") if key.revoked_at else ""
        table.add_row(
            Text(key.id), Text(key.name or "the project's own"), key.created_at.strftime("%Y-%m-%d %H:%M"), revoked
        )
    table_console().print(table)


def revoke_key(config: Settings, project_id: str | None, key_id: str) -> None:
    house = open_existing(config)
    identity.revoke_access_key(house, project_id or first_project(house), key_id)
    print("The key is refused from now on.")


# A lock that nobody gives back is what it is to find out; and what takes longer than a moment is said.
_DOCTOR_WAIT_S = 3.0
_DOCTOR_SAID_S = 1.0


def doctor(config: Settings, as_json: bool) -> bool:
    """Whether all is well."""
    from douane.flow.doctor import Finding, examine

    _stay()
    log.quiet()
    _existing(config)
    brief = config.model_copy(update={"database_wait_s": min(config.database_wait_s, _DOCTOR_WAIT_S)})
    found: list[Finding] = []
    for one in examine(open_as_it_is(brief), _said_while):
        found.append(one)
        if not as_json:
            print(f"{'ok  ' if one.good else 'BAD '} {one.about}: {one.says}", flush=True)
    if as_json:
        print_json([{"about": one.about, "good": one.good, "says": one.says} for one in found])
    return all(one.good for one in found)


@contextmanager
def _said_while(about: str) -> Iterator[None]:
    """What takes more than a moment is named, on standard error, while it is waited for."""
    timer = threading.Timer(_DOCTOR_SAID_S, lambda: print(f"...  {about}: still looking", file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def open_existing(config: Settings) -> House:
    """Opening makes what is missing, and a slip in `--data` must not leave an empty installation behind."""
    _stay()
    log.quiet()
    _existing(config)
    return open_house(config)


def _existing(config: Settings) -> None:
    if config.on_sqlite and not Path(database_url(config.database_url).database or "").exists():
        raise NotFound(f"There is no installation in {config.data}; `douane init` makes one.")


def first_project(house: House) -> str:
    with read(house.engine) as connection:
        found = projects.everything(connection)
    if not found:
        raise NotFound("There is no project here yet; `douane init` makes one.")
    return found[0].id
