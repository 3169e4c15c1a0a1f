"""Who asks on `/v1`: the access key or the signed cookie of a request, before any of its body is read (contract 2.2).

The cookie holds a signed token whose `jti` is a session the database knows, so signing out and disabling hold at once.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

import jwt
import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from douane.errors import NotFound
from douane.flow import audit, identity
from douane.flow.identity import Secrets, SignIn
from douane.model.identity import READ_ACCESS_KEY, ROLES, Caller, ImportToken
from douane.web.auth import Web, from_own_pages, origin_of, own_origins, web_of
from douane.web.bodies import read_value
from douane.web.spreadsheet import wire

# What the widget says of the page that shows it: the origin of that page's message, which no page can choose.
HOST_HEADER = "x-host-origin"
COOKIE = "authentication"
# Kept when its owner signs out: it says that the account was used in this browser, and opens nothing.
DEVICE_COOKIE = "device"
_DEVICE_S = 365 * 86_400
_ISSUER = "impler"


# The dependencies of endpoints


def may(permission: str, *, by_token: bool = False) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency: the caller by key or cookie, if it has the permission in its project. An import token opens what
    stands under an upload (`find` looks whose), and else only what says so: `by_token`."""

    async def caller(request: Request) -> Caller:
        found = await _caller(request)
        if not found.may(permission):
            raise wire.forbidden()
        if found.token is not None:
            _refuse_token(request, found.token, by_token)
        return found

    return caller


async def anyone(request: Request) -> Caller:
    """A dependency: the caller by key or cookie, whatever it may do; one that is in no project too. No import token."""
    found = await _caller(request)
    if found.token is not None:
        raise wire.forbidden()
    return found


async def anyone_or_token(request: Request) -> Caller:
    """The same, or an import token: the endpoint shows it nothing but its own template."""
    return await _caller(request)


def _refuse_token(request: Request, token: ImportToken, by_token: bool) -> None:
    """Another template is to a token what an unknown one is to a key."""
    if not by_token and "upload_id" not in request.path_params:
        raise wire.forbidden()
    template_id = request.path_params.get("template_id")
    if template_id is not None and checked(template_id) != token.template_id:
        raise wire.not_existing("Template", template_id)


def beside(caller: Caller, template_id: str) -> bool:
    """Whether the caller's token is for another template."""
    return caller.token is not None and caller.token.template_id != template_id


async def person(request: Request) -> SignIn:
    """A dependency: the signed-in person; an access key is not enough."""
    web = web_of(request)
    found = await _signed_in(web, request)
    if found is None:
        raise wire.unauthorized("bad_token")
    _refuse_other_sites(request)
    return found


async def _caller(request: Request) -> Caller:
    web = web_of(request)
    key = request.headers.get("accesskey")
    if key is not None:
        found = await web.keys.find(key)
        if found is None:
            raise wire.unauthorized("API Key not found!")
        caller, domains = found
        who = "an access key" if caller.token is None else "an import token"
        audit.asked_by(who, key_id=caller.key_id, project_id=caller.project_id)
        if domains:
            _check_domain(request, domains)
        return caller
    signed_in = await _signed_in(web, request)
    if signed_in is None:
        raise wire.unauthorized()
    _refuse_other_sites(request)
    return identity.caller_of(signed_in)


async def _signed_in(web: Web, request: Request) -> SignIn | None:
    claims = read_token(web.secrets, request.cookies.get(COOKIE))
    if claims is None:
        return None
    found = await run_in_threadpool(identity.of_token, web.house, web.secrets, claims["jti"])
    if found is not None:
        person, project_id = found.person, found.session.project_id
        audit.asked_by(person.email, person_id=person.id, project_id=project_id)
    return found


async def in_project(request: Request, caller: Caller, project_id: str, permission: str) -> Caller:
    """The caller, if it may do this in that project: a key in its own, a person in every project joined. Else what an
    unknown project answers."""
    if not wire.is_mongo_id(project_id):
        raise wire.bad_id()
    project_id = project_id.lower()
    if caller.project_id != project_id:
        if caller.person_id is None:
            raise wire.not_existing("Project", project_id)
        role = await run_in_threadpool(identity.role_in, web_of(request).house, project_id, caller.person_id)
        if role is None:
            raise wire.not_existing("Project", project_id)
        caller = Caller(project_id, ROLES.get(role, frozenset()), caller.person_id, caller.session_id)
    if not caller.may(permission):
        raise wire.forbidden()
    return caller


# Domains and origins


def _check_domain(request: Request, domains: tuple[str, ...]) -> None:
    """`Origin`, else `Referer`, must equal an allowed entry in protocol and host with port (2.2). Our own pages pass;
    the widget says which page shows it, and that one is judged in its place."""
    asked = origin_of(request.headers.get("origin") or request.headers.get("referer") or "")
    if asked is None:
        raise wire.unauthorized("Invalid Origin")
    if asked in own_origins(request):
        host = request.headers.get(HOST_HEADER)
        if host is None:
            return
        asked = origin_of(host)
    if asked not in {origin_of(domain) for domain in domains}:
        raise wire.unauthorized("Domain not allowed")


def _refuse_other_sites(request: Request) -> None:
    # The contract has two changes that are GETs.
    changes = request.method not in ("GET", "HEAD", "OPTIONS") or request.url.path.endswith(("/regenerate", "/logout"))
    if changes and not from_own_pages(request):
        raise wire.forbidden()


# The cookie


def read_token(secrets: Secrets, cookie: str | None) -> dict[str, Any] | None:
    """The claims of a cookie that we signed and that has not expired."""
    if not cookie:
        return None
    kind, _, token = unquote(cookie).partition(" ")
    if kind != "Bearer":
        return None
    try:
        claims: dict[str, Any] = jwt.decode(
            token.strip(),
            secrets.signing_key,
            algorithms=["HS256"],
            issuer=_ISSUER,
            options={"require": ["exp", "iat", "jti"]},
        )
    except jwt.InvalidTokenError:
        return None
    return claims if isinstance(claims["jti"], str) else None


def claims_of(web: Web, signed_in: SignIn, *, with_key: bool = True) -> wire.Claims:
    """Reads the project's key: it is one of the claims."""
    project_id = signed_in.session.project_id if signed_in.role is not None else None
    key = ""
    if with_key and project_id is not None and READ_ACCESS_KEY in ROLES.get(signed_in.role or "", frozenset()):
        key = identity.access_key(web.house, web.secrets, project_id)
    expires = signed_in.session.expires_at
    return wire.claims(
        signed_in.person,
        project_id,
        signed_in.role,
        key,
        issued=int(signed_in.session.created_at.timestamp()),
        expires=int(expires.timestamp()) if expires else int(time.time()) + 86_400,
    )


def token_of(web: Web, signed_in: SignIn, *, with_key: bool = True) -> str:
    """The signed token of the answer of signing in. That of the cookie is the same without the project's key: a cookie
    is sent with every request, and proxies keep what they see; `/v1/auth/me` answers the key to who needs it."""
    claims: Mapping[str, Any] = msgspec.to_builtins(claims_of(web, signed_in, with_key=with_key))
    return jwt.encode({**claims, "jti": signed_in.token}, web.secrets.signing_key, algorithm="HS256")


async def set_cookie(request: Request, response: Response, signed_in: SignIn) -> None:
    """SameSite=None, which the contract asks for, needs Secure; without https a browser takes neither."""
    https, web = _is_https(request), web_of(request)
    token = await run_in_threadpool(lambda: token_of(web, signed_in, with_key=False))
    response.set_cookie(
        COOKIE,
        quote(f"Bearer {token}", safe="."),
        max_age=web.house.settings.session_days * 86_400,
        httponly=True,
        secure=https,
        samesite="none" if https else "lax",
    )


def mark_device(request: Request, response: Response, mark: str) -> None:
    """So that strangers who guess at the account cannot keep its owner out of this browser."""
    https = _is_https(request)
    response.set_cookie(
        DEVICE_COOKIE,
        mark,
        max_age=_DEVICE_S,
        path="/v1/auth",
        httponly=True,
        secure=https,
        samesite="none" if https else "lax",
    )


def clear_cookie(request: Request, response: Response) -> None:
    https = _is_https(request)
    response.delete_cookie(COOKIE, httponly=True, secure=https, samesite="none" if https else "lax")


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https" or web_of(request).house.settings.address.startswith("https://")


def own_project(caller: Caller) -> str:
    """The project a caller acts in; who is in none finds nothing."""
    if caller.project_id is None:
        raise NotFound("You are in no project yet.")
    return caller.project_id


# What endpoints read of a request


async def body(request: Request) -> Any:
    """The body as plain data, without a NUL in it: the endpoint says what it should be."""
    return await read_value(request, web_of(request).house.settings, wire.clean)


def checked(text: str) -> str:
    """An id of the path. Malformed ones get the bare 400 everywhere (2.1)."""
    if not wire.is_mongo_id(text):
        raise wire.bad_id()
    return text.lower()


def page_of(request: Request) -> tuple[int, int]:
    """(page, limit) of the query (2.4). A limit has no upper bound: who answers lists of any length streams them."""
    page = wire.number_or(request.query_params.get("page"), 1)
    limit = wire.number_or(request.query_params.get("limit"), 100)
    return page, limit


def short_page_of(request: Request) -> tuple[int, int]:
    """The same where a page is held whole: a limit beyond the setting is refused, for cutting it would shift the
    pages."""
    page, limit = page_of(request)
    most = web_of(request).house.settings.page_rows_max
    if limit > most:
        raise wire.WireError(400, f"limit must not be greater than {most} (setting page_rows_max)")
    return page, limit
