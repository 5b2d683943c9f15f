"""What every section of the settings has in common: frozen, no unknown keys, an empty section means its defaults.

Scalars arrive from the file as text and the field's type says what they mean: `mode: off` is the word `off`,
`enabled: off` is false, `port: 8080` is a number, an API key of digits keeps its leading zeros.
"""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Final, Union

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_NAME: Final = 200

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=r"^[^\x00-\x20\x7f-\xa0]+$")]
"""A name that may stand in a header, a log line and a URL query: no white space, no control characters."""
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$")]
ProviderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
TagName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Lifetime = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
"""Seconds, up to some thirty years."""
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Bytes = Annotated[int, Field(ge=1, le=1 << 50)]
Rate = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class Section(BaseModel):
    """Base of all settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False)

    @model_validator(mode="before")
    @classmethod
    def _drop_what_is_not_written(cls, given: Any) -> Any:
        """`cache:` with nothing behind it is the default, unless null has a meaning there (no limit)."""
        if given is None:
            return {}
        if not isinstance(given, dict):
            return given
        return {key: value for key, value in given.items() if value is not None or _keeps_null(cls, key)}


def _keeps_null(model: type[BaseModel], key: str) -> bool:
    field = model.model_fields.get(key)
    return field is None or type(None) in alternatives(field.annotation)


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; anything else is its own only member."""
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)
