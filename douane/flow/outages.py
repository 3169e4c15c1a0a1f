"""Telling a project's people that a destination is down: a mail, once an outage, where mail is set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from douane.errors import Unavailable
from douane.flow.destinations import TELL_DOWN
from douane.flow.house import House
from douane.flow.mail import Mail, send
from douane.jobs.queue import WorkItem
from douane.model.delivery import Delivery, Destination
from douane.store import deliveries, destinations, people, projects, templates
from douane.store.database import read

log = structlog.get_logger()


def tell(house: House, item_id: str) -> bool:
    """One mail to each of the project's people. A mail may come twice where a worker is killed in between."""
    if not house.settings.mail_url.get_secret_value():
        return False
    destination_id, _, delivery_id = item_id.partition(".")
    with read(house.engine) as connection:
        target = destinations.get(connection, destination_id)
        if target is None:
            return False
        held = deliveries.get(connection, delivery_id)
        stored = templates.get(connection, target.template_id)
        found = [people.get(connection, one.person_id) for one in projects.members(connection, target.project_id)]
    to = [person.email for person in found if person is not None and not person.disabled]
    name = "a deleted template" if stored is None else stored.name
    if to:
        send(house.settings, Mail(tuple(to), *_words(house, target, held, name)))
        log.info("destination.told", destination=target.id, people=len(to))
    return False


def _words(house: House, target: Destination, held: Delivery, name: str) -> tuple[str, str]:
    """(subject, text). The subject is the contract's (8.4)."""
    name = " ".join(name.split())[:200]
    subject = f"🛑 Encountered error while sending webhook data in {name}"
    address = target.settings.get("callbackUrl") or target.settings.get("url") or target.kind
    since = "" if target.down_since is None else f"Since: {target.down_since:%Y-%m-%d %H:%M} UTC\n"
    text = (
        f"The destination of {name} cannot be delivered to.\n\n"
        f"Error: {held.error or 'It does not answer.'}\n{since}Address: {address}\nUpload: {held.operation_id}\n\n"
        "Nothing is lost: it is tried again for some time, and what is given up can be sent again\n"
        f"(POST {house.settings.address}/v1/activity/{held.operation_id}/retry). "
        "This is the only mail about this outage.\n"
    )
    return subject, text


def give_up(house: House, kind: str, item: WorkItem, error: Exception) -> None:
    if isinstance(error, Unavailable):
        log.warning("mail.unsent", destination=item.id.partition(".")[0])


HANDLERS: Mapping[str, Callable[[House, str], bool]] = {TELL_DOWN: tell}
