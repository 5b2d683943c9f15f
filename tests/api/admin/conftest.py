"""The whole house again, for what is asked of it over `/admin/v1`."""

from tests.way.conftest import open_house

__all__ = ["open_house"]
