"""Signing in and out, who am I, and personal access tokens (contract 2.2)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.errors import NotAllowed
from douane.flow import identity
from douane.flow.identity import SignIn
from douane.web.auth import address_of, web_of
from douane.web.chat import answers, callers, wire
from douane.web.chat.answers import says

router = APIRouter(prefix="/api", tags=["Chat: sign-in"])

# Anybody may send one, and plain data takes many times the room of its JSON.
_LOGIN_BYTES_MAX = 64 << 10
_NOTE = {"type": "object", "properties": {"tokenName": {"type": "string"}}, "required": ["tokenName"]}
_LOGIN = {
    "type": "object",
    "properties": {
        "user": {"type": "string"},
        "username": {"type": "string"},
        "email": {"type": "string"},
        "password": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"digest": {"type": "string"}, "algorithm": {"const": "sha-256"}},
                },
            ]
        },
        "resume": {"type": "string"},
        "code": {"type": "string"},
    },
}


@router.post("/v1/login", **says(401, 413, 429, body=_LOGIN, open_to_all=True))
async def login(request: Request) -> Response:
    """Begins a session by username or e-mail and password (or its SHA-256), or takes up one by its token."""
    web = web_of(request)
    given = await callers.value(request, _LOGIN_BYTES_MAX)
    if not isinstance(given, dict):
        raise wire.login_refused()
    if isinstance(given.get("resume"), str):
        found = await run_in_threadpool(identity.of_token, web.house, web.secrets, given["resume"])
        if found is None:
            raise wire.login_refused()
        return _signed_in(request, found)
    name, password, digest = _credentials(given)
    if "\0" in name:  # no database takes one
        raise wire.login_refused()
    account, address = name.strip().lower(), address_of(request)
    tried = await run_in_threadpool(web.sign_in_limit.begin, account, address)
    if tried.wait_s > 0:
        await run_in_threadpool(identity.sign_in_limited, web.house, name, tried.wait_s)
        raise wire.too_many(max(1, round(tried.wait_s)), {"Retry-After": str(max(1, round(tried.wait_s)))})
    try:
        found = await run_in_threadpool(
            identity.sign_in, web.house, web.secrets, name, password=password, digest=digest, days=_days(request)
        )
    except NotAllowed as error:
        raise wire.login_refused() from error
    await run_in_threadpool(web.sign_in_limit.succeed, tried)
    return _signed_in(request, found)


def _credentials(given: dict[str, Any]) -> tuple[str, str | None, str | None]:
    """(name or e-mail, password, digest); what is no text fits nobody."""
    name = next((given[key] for key in ("user", "username", "email") if given.get(key)), "")
    if isinstance(name, dict):  # {user: {email | username}}, as some clients wrap it
        name = name.get("email") or name.get("username") or ""
    password = given.get("password")
    if isinstance(password, dict):
        digest = password.get("digest")
        fits = isinstance(digest, str) and password.get("algorithm") == "sha-256"
        return str(name), None, digest if fits else ""
    if isinstance(password, int | float) and not isinstance(password, bool):
        password = str(password)  # a form or a careless client
    return str(name), password if isinstance(password, str) else "", None


def _days(request: Request) -> int:
    return web_of(request).house.settings.chat_session_days


def _me(request: Request, found: SignIn) -> dict[str, Any]:
    return wire.me(found.person, wire.roles_of(found.role), web_of(request).house.settings.address)


def _signed_in(request: Request, found: SignIn) -> Response:
    data = {"userId": found.person.id, "authToken": found.token, "me": _me(request, found)}
    return answers.success({"status": "success", "data": data})


@router.api_route("/v1/logout", methods=["POST", "GET"], include_in_schema=False)
async def logout(request: Request, found: SignIn = Depends(callers.signed_in)) -> Response:
    """Revokes the token that is presented, no other."""
    await run_in_threadpool(identity.sign_out, web_of(request).house, found)
    return answers.success({"status": "success", "data": {"message": "You've been logged out!"}})


@router.get("/v1/me", **says())
async def me(request: Request, found: SignIn = Depends(callers.signed_in)) -> Response:
    """The signed-in person."""
    return answers.success(_me(request, found))


@router.get("/info", include_in_schema=False)
@router.get("/v1/info", **says(open_to_all=True))
async def info(_request: Request) -> Response:
    """Which generation of the contract is spoken; open to all."""
    return answers.success({"version": wire.VERSION, "info": {"version": wire.VERSION}})


# Personal access tokens


@router.post("/v1/users.generatePersonalAccessToken", **says(400, body=_NOTE))
async def generate_token(request: Request, found: SignIn = Depends(callers.signed_in)) -> Response:
    """A token for programs, in the project of this session. It is shown once."""
    name = await _token_name(request)
    made = await run_in_threadpool(_new_token, request, found, name)
    return answers.success({"token": made})


@router.post("/v1/users.regeneratePersonalAccessToken", **says(400, body=_NOTE))
async def regenerate_token(request: Request, found: SignIn = Depends(callers.signed_in)) -> Response:
    """Another token under the same name; the old one is revoked."""
    name = await _token_name(request)
    if not await run_in_threadpool(identity.end_personal_token, web_of(request).house, found.person.id, name):
        raise _no_token()
    return answers.success({"token": await run_in_threadpool(_new_token, request, found, name)})


@router.post("/v1/users.removePersonalAccessToken", **says(400, body=_NOTE))
async def remove_token(request: Request, found: SignIn = Depends(callers.signed_in)) -> Response:
    """Revokes a token by its name."""
    name = await _token_name(request)
    if not await run_in_threadpool(identity.end_personal_token, web_of(request).house, found.person.id, name):
        raise _no_token()
    return answers.success()


@router.get("/v1/users.getPersonalAccessTokens", **says())
async def tokens(request: Request, found: SignIn = Depends(callers.signed_in)) -> Response:
    """The names of one's tokens, and when each was made."""
    made = await run_in_threadpool(identity.personal_tokens, web_of(request).house, found.person.id)
    shown = [
        {"name": one.name, "createdAt": wire.time(one.created_at), "lastUsedAt": wire.time(one.used_at)} for one in made
    ]
    return answers.success({"tokens": shown})


async def _token_name(request: Request) -> str:
    given = await callers.body(request, _NOTE)
    name = str(given["tokenName"]).replace("\0", "").strip()
    if not name:
        raise wire.plain("The 'tokenName' param is required")
    return name


def _new_token(request: Request, found: SignIn, name: str) -> str:
    web = web_of(request)
    if found.session.project_id is None:
        raise wire.forbidden()
    if any(one.name == name for one in identity.personal_tokens(web.house, found.person.id)):
        raise wire.coded(
            "error-token-already-exists", "A token with this name already exists", "personalAccessTokens:generateToken"
        )
    made = identity.personal_token(web.house, web.secrets, found.person, found.session.project_id, name)
    return made.token


def _no_token() -> wire.WireError:
    return wire.coded("error-token-does-not-exists", "Token does not exist", "personalAccessTokens:removeToken")
