"""Who may use a route: declared with the route as data, checked before its handler runs, denied where nothing is.

Roles only ever widen: whatever `read-only` may see, `operator` and `admin` may see too. A key's own list of routes
narrows further.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from fastapi import Request

from synthlang_router.api.headers import Headers
from synthlang_router.auth.gate import may_use_route
from synthlang_router.errors import PermissionDenied
from synthlang_router.models import Caller, Role

Access = Literal["public", "loopback", "key", "read-only", "operator", "admin"]
"""`public`: anybody. `loopback`: anybody on this machine, else an operator. `key`: any valid key. Else the least role."""

MAY: Final[Mapping[str, frozenset[Role]]] = {
    "key": frozenset(("user", "read-only", "operator", "admin")),
    "read-only": frozenset(("read-only", "operator", "admin")),
    "operator": frozenset(("operator", "admin")),
    "loopback": frozenset(("operator", "admin")),
    "admin": frozenset(("admin",)),
}
_MARK: Final = "x-access"
_CALLER: Final = "synthlang.caller"
_LOOPBACK: Final = ("127.0.0.1", "::1")


def declared(access: Access) -> dict[str, object]:
    """What a route carries as `openapi_extra`, so that its description says who may use it."""
    return {_MARK: access}


def access_of(route: object) -> Access | None:
    """What a route declares; None for one that forgot."""
    extra = getattr(route, "openapi_extra", None)
    return None if extra is None else extra.get(_MARK)


def caller_of(request: Request) -> Caller:
    """Who asks, on a route that is not for anybody."""
    caller: Caller = request.scope[_CALLER]
    return caller


class Guard:
    """A dependency of the whole app: no route is reached without passing it."""

    def __init__(self, verify_api_key: Callable[[Headers], Caller]) -> None:
        self._verify_api_key = verify_api_key

    async def __call__(self, request: Request) -> None:
        access = access_of(request.scope.get("route"))
        if access == "public" or (access == "loopback" and _is_near(request)):
            return
        caller = self._verify_api_key(request.scope["headers"])
        if access is None or caller.role not in MAY[access]:
            raise PermissionDenied(f"This is not for keys with role {caller.role}.")
        may_use_route(caller, request.scope["path"])
        request.scope[_CALLER] = caller


def _is_near(request: Request) -> bool:
    client = request.scope.get("client")
    return client is not None and client[0] in _LOOPBACK
