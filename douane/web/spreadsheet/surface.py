"""`/v1` as one value."""

from __future__ import annotations

from douane.web.auth import pages_of_projects
from douane.web.spreadsheet import (
    activity,
    answers,
    common,
    customizations,
    destinations,
    feeds,
    live,
    mapping,
    projects,
    remembered,
    review,
    rows,
    samples,
    sign_in,
    suggestions,
    templates,
    tokens,
    uploads,
    values,
    wire,
    workbooks,
)
from douane.web.surface import Surface

SURFACE = Surface(
    prefix="/v1/",
    # Looked through in this order with every request: what is asked for most stands first.
    routers=[
        one.router
        for one in (
            review,
            rows,
            live,
            uploads,
            suggestions,
            values,
            mapping,
            templates,
            samples,
            customizations,
            destinations,
            feeds,
            workbooks,
            remembered,
            tokens,
            projects,
            sign_in,
            activity,
            common,
        )
    ],
    refusal=wire.WireError,
    answers=answers,
    fault=b'{"statusCode":500,"message":"Internal server error"}',
    head_as_get=True,
    # Without an end, or not to be done by looking.
    not_by_head=("/events", "/regenerate", "/logout"),
    origins=pages_of_projects,
    components=answers.components,
    schemes={
        "accessKey": {"type": "apiKey", "in": "header", "name": "accesskey"},
        "signIn": {"type": "apiKey", "in": "cookie", "name": "authentication"},
    },
    security=[{"accessKey": []}, {"signIn": []}],
    open_paths=frozenset({"/v1/auth/login", "/v1/link/open", "/v1/health-check"}),
)
