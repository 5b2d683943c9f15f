"""What the first start makes in `data_dir`: secrets, each in a file of its own, mode 0600, never overwritten."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from synthlang_router.errors import ConfigurationError
from synthlang_router.vault import MasterKey

PEPPER_BYTES: Final = 32
MASTER_FILE: Final = "master.key"
PEPPER_FILE: Final = "pepper.key"
ADMIN_FILE: Final = "admin.key"
USER_FILE: Final = "user.key"


def make_data_dir(folder: Path) -> None:
    """The folder, closed to others. Raises ConfigurationError where it cannot be."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"data_dir {folder} cannot be made ({error.strerror}).") from None
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise ConfigurationError(f"data_dir {folder} cannot be written.")


def write_secret(path: Path, content: bytes) -> bool:
    """Make the file with this content; False, and nothing done, where it is there already."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return True


def pepper(folder: Path) -> bytes:
    """What API keys are digested with; made on the first start."""
    path = folder / PEPPER_FILE
    write_secret(path, os.urandom(PEPPER_BYTES))
    content = path.read_bytes()
    if len(content) != PEPPER_BYTES:
        raise ConfigurationError(f"{path} is damaged: it must hold {PEPPER_BYTES} bytes.")
    return content


def master_keys(
    folder: Path, configured: str | None, former: Sequence[str]
) -> tuple[MasterKey, list[MasterKey]]:
    """What seals content, and what did before: the configured key, else the one in `data_dir`, made on the first start.

    The one in `data_dir` is a former key once another is configured.
    """
    path = folder / MASTER_FILE
    known = [MasterKey.parse(text) for text in former]
    if not configured:
        return (MasterKey.load(path) if path.exists() else MasterKey.create(path)), known
    return MasterKey.parse(configured), [*known, *([MasterKey.load(path)] if path.exists() else [])]
