"""`douane link`: import links of a project's templates."""

from __future__ import annotations

from datetime import datetime

from rich.table import Table
from rich.text import Text

from douane.cli.house import first_project, open_existing
from douane.cli.output import print_json
from douane.cli.screen import table_console
from douane.errors import BadRequest
from douane.flow import identity, tokens
from douane.flow.house import as_served
from douane.settings import Settings


def new(
    config: Settings, project_id: str | None, template_id: str, name: str, days: int | None, uses: str, as_json: bool
) -> None:
    house = open_existing(as_served(config))
    if uses != "any" and not (uses.isascii() and uses.isdigit() and len(uses) < 9):
        raise BadRequest("--uses is a number, or any.")
    link = tokens.NewLink(template_id.lower(), name, days, None if uses == "any" else int(uses))
    url, made = tokens.add_link(house, identity.unlock(house), project_id or first_project(house), link)
    if as_json:
        print_json(
            {"id": made.id, "url": url, "templateId": made.template_id, "name": made.name}
            | {"usesMax": made.uses_max, "expiresAt": made.expires_at.isoformat()}
        )
    else:
        print(url)


def show(config: Settings, project_id: str | None, as_json: bool) -> None:
    house = open_existing(config)
    found = tokens.links(house, project_id or first_project(house))
    if as_json:
        print_json(
            [
                {
                    "id": one.id,
                    "templateId": one.template_id,
                    "name": one.name,
                    "uses": one.uses,
                    "usesMax": one.uses_max,
                    "createdAt": one.created_at.isoformat(),
                    "expiresAt": one.expires_at.isoformat(),
                    "revokedAt": one.revoked_at.isoformat() if one.revoked_at else None,
                }
                for one in found
            ]
        )
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("Id", "Template"):
        table.add_column(heading, min_width=24)  # whole, to be copied
    for heading in ("Name", "Uses", "Made", "Expires", "Revoked"):
        table.add_column(heading, overflow="fold")
    for one in found:
        uses = f"{one.uses} of {'any' if one.uses_max is None else one.uses_max}"
        made, expires, revoked = _shown(one.created_at), _shown(one.expires_at), _shown(one.revoked_at)
        table.add_row(one.id, one.template_id, Text(one.name), uses, made, expires, revoked)
    table_console().print(table)


def _shown(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else ""


def revoke(config: Settings, project_id: str | None, link_id: str) -> None:
    house = open_existing(config)
    tokens.revoke_link(house, project_id or first_project(house), link_id)
    print("The link is refused from now on.")
