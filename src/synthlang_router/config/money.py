"""The settings of money: budgets and who they are for, prices of an operator's own, and who is told."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, SecretStr

from synthlang_router.config.section import Count, Identifier, Section
from synthlang_router.config.urls import checked_url

ProjectName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}/[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$")
]
"""`tenant/project`: two tenants may call their projects the same."""
TagPair = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}=[^\x00-\x20\x7f-\xa0]{1,128}$")]
"""`name=value`."""
PricedModel = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}/[^\x00-\x20\x7f-\xa0]{1,200}$")]
"""`provider/model`."""
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Dollars = Annotated[float, Field(ge=0, lt=1e9, allow_inf_nan=False)]
MIN_SECRET: Final = 16
"""Characters of a secret that signs."""
ENCODED: Final = "whsec_"
"""Before a secret that is base64, as the Standard Webhooks specification writes them."""


class BudgetSettings(Section):
    """Money that may be spent in a window."""

    usd: float = Field(gt=0, le=1e9, allow_inf_nan=False, description="US dollars.")
    per: Literal["day", "week", "month", "total"] = Field(
        default="month", description="The window, in UTC; a week begins on Monday, `total` has no end."
    )
    rolling: bool = Field(
        default=False,
        description="Whether the window is the last 24 hours, 7 or 30 days, not the calendar's; it moves by an hour, "
        "six hours or a day.",
    )
    on_spent: Literal["refuse", "warn"] = Field(
        default="refuse",
        description="What happens when the money is gone: 429 `insufficient_quota`, or alerts only.",
    )
    estimate: Literal["upper", "mean"] = Field(
        default="upper",
        description="What a call sets aside until its cost is known: the most it can cost, or the average of such "
        "calls, which may overspend by what is under way.",
    )
    careful: float = Field(
        default=0.1,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="With `estimate: mean`: the share of the budget that is left when the most counts again.",
    )
    alerts: tuple[Share, ...] = Field(
        default=(0.8, 1.0),
        max_length=20,
        description="Shares of the budget at which an alert is given, each once a window.",
    )


def _strong(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text.isascii() or not text.isprintable() or len(text) < MIN_SECRET:
        raise ValueError(f"must be printable ASCII of {MIN_SECRET} characters or more")
    if text.startswith(ENCODED):
        try:
            base64.b64decode(text.removeprefix(ENCODED), validate=True)
        except binascii.Error:
            raise ValueError(f"what follows {ENCODED} must be base64") from None
    return secret


class WebhookSettings(Section):
    """Where alerts are sent: a POST of JSON, signed as the Standard Webhooks specification has it."""

    url: Annotated[str, AfterValidator(checked_url)] = Field(description="Where the POST goes.")
    secret: Annotated[SecretStr, AfterValidator(_strong)] = Field(
        description="Signs every message (HMAC-SHA256); with `whsec_` before it, it is base64."
    )
    max_queue: Count = Field(
        default=1_000, description="Alerts that wait at most; the oldest is dropped and counted."
    )


class BudgetsSettings(Section):
    """Budgets beside those that keys bring themselves."""

    key: BudgetSettings | None = Field(default=None, description="Of every key without its own.")
    tenants: Mapping[Identifier, BudgetSettings] = Field(
        default={}, max_length=10_000, description="Of all keys of a tenant together."
    )
    projects: Mapping[ProjectName, BudgetSettings] = Field(
        default={}, max_length=10_000, description="Of all keys of a project together, by `tenant/project`."
    )
    tags: Mapping[TagPair, BudgetSettings] = Field(
        default={}, max_length=1_000, description="Of all requests with a tag, by `name=value`."
    )
    unpriced: Literal["serve", "refuse"] = Field(
        default="serve",
        description="What happens under a budget to a model that nobody knows the price of: it costs nothing, or 429.",
    )
    webhook: WebhookSettings | None = Field(
        default=None, description="Where alerts are sent, beside the log."
    )


class PriceSettings(Section):
    """US dollars for a million tokens. A kind left out has no rate of its own."""

    input: Dollars = Field(default=0.0, description="Of the prompt.")
    output: Dollars = Field(default=0.0, description="Of the completion.")
    cached: Dollars | None = Field(default=None, description="Of a prompt's part that was read from a cache.")
    cache_write: Dollars | None = Field(
        default=None, description="Of a prompt's part that was written to a cache."
    )
    reasoning: Dollars | None = Field(default=None, description="Of a completion's part that is not shown.")
    audio_input: Dollars | None = Field(default=None, description="Of audio in the prompt.")
    audio_output: Dollars | None = Field(default=None, description="Of audio in the completion.")
    request: Dollars | None = Field(default=None, description="US dollars for each request.")
    max_output: Count | None = Field(default=None, description="Tokens that the model writes at most.")
