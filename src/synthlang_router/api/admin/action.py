"""`Action`: one thing that can be done over `/admin/v1`, as a value: path, who may, what it takes and gives.

A resource is a class with an `actions()`; main collects them. The surface checks the role, reads query and body,
notes what was done, and renders the reply: a handler decides nothing about HTTP but its status.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec

from synthlang_router.api.access import Access
from synthlang_router.errors import InvalidRequest, PreconditionFailed
from synthlang_router.models import Caller

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Q = TypeVar("Q")
B = TypeVar("B")
T = TypeVar("T")


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No query, or no body."""


class Paging(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`after` is `next` of the page before."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    after: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class Listed(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page. `next` is None on the last one."""

    object: Literal["list"] = "list"
    data: tuple[T, ...]
    has_more: bool
    next: str | None


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """What is asked. `where` are the parts of the path, `once` makes two equal creations one (see `seed`)."""

    caller: Caller
    where: Mapping[str, str]
    query: Q
    body: B
    if_match: str | None = None
    once: bytes | None = None

    @property
    def tenant(self) -> str | None:
        """Whose objects there are for this caller: an admin's None is everybody's, others see their own tenant's.

        What is not theirs must read as if it were not there (404).
        """
        return None if self.caller.role == "admin" else self.caller.tenant_id

    def expect(self, etag: str) -> None:
        """Raises PreconditionFailed where `If-Match` was sent and names another version (RFC 9110 section 13.1.1)."""
        if self.if_match is None or self.if_match.strip() == "*":
            return
        if f'"{etag}"' not in [tag.strip() for tag in self.if_match.split(",")]:
            raise PreconditionFailed(
                "The object was changed in the meantime; read it again.", param="If-Match"
            )


@dataclass(frozen=True, slots=True)
class Reply:
    """`value` is encoded as JSON; `stream` goes out as it comes, as `media`. `about` is what was acted on."""

    value: object = None
    status: int = 200
    etag: str | None = None
    about: str = ""
    stream: AsyncIterator[bytes] | None = None
    media: str = "application/json"


@dataclass(frozen=True, slots=True)
class Action(Generic[Q, B]):
    """`name` is what the audit log calls it; `noted` tells whether it is noted there (None: if it changes something).

    `gives` is the type of the reply's value, for the description.
    """

    method: Method
    path: str
    access: Access
    name: str
    summary: str
    handle: Callable[[Call[Q, B]], Awaitable[Reply]]
    query: type[Q] = Nothing  # type: ignore[assignment] # the default of a type variable
    body: type[B] = Nothing  # type: ignore[assignment]
    gives: Any = Nothing
    status: int = 200
    noted: bool | None = None

    @property
    def is_noted(self) -> bool:
        return self.method != "GET" if self.noted is None else self.noted


Actions = Sequence[Action[Any, Any]]


def page_of(items: Sequence[T], name: Callable[[T], str], paging: Paging) -> Listed[T]:
    """One page of what is in memory, in its order; `name` is what `after` says."""
    start = 0
    if paging.after is not None:
        start = next((place for place, item in enumerate(items, 1) if name(item) == paging.after), -1)
        if start < 0:
            raise InvalidRequest("There is nothing of this name to go on after.", param="after")
    shown = tuple(items[start : start + paging.limit])
    more = start + paging.limit < len(items)
    return Listed(data=shown, has_more=more, next=name(shown[-1]) if more else None)
