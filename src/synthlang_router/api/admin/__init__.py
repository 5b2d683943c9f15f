"""`/admin/v1`: what operators do over HTTP. A resource a file; each gives its actions, and main puts them together."""

from synthlang_router.api.admin.action import Action, Actions, Call, Listed, Nothing, Paging, Reply, page_of
from synthlang_router.api.admin.noting import Noting
from synthlang_router.api.admin.surface import PREFIX, admin_router

__all__ = [
    "PREFIX",
    "Action",
    "Actions",
    "Call",
    "Listed",
    "Nothing",
    "Noting",
    "Paging",
    "Reply",
    "admin_router",
    "page_of",
]
