"""`WalFile`: one SQLite file in WAL, opened when it is first needed and again when it was lost.

What sqlite3 says of the store (locked, full, read-only, corrupt) becomes BackendError; what it says of a value
stays as it is. One connection writes and one reads, each behind a lock, so any thread may call.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from synthlang_router.errors import BackendError

BUSY_SECONDS: Final = 0.5
"""How long another process's lock is waited for. Short: callers have a way to wait that blocks nobody."""
_PASSING: Final = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))
_GIVEN_BACK: Final = 2000
_WAL_BYTES: Final = 64_000_000
Step = str | Callable[[sqlite3.Connection], None]
Migrations = Sequence[Sequence[Step]]
"""Statements and functions that bring the schema one version further; a released version is never changed."""


class WalFile:
    """`migrations` run at the first use, forward, in the one transaction that also counts the version.

    Each `concern` numbers its own schema, so that several may share a file.

    `durable` makes a commit survive power loss. `secure` overwrites what is deleted.
    """

    def __init__(
        self, path: Path, concern: str, migrations: Migrations, *, durable: bool = False, secure: bool = False
    ) -> None:
        self.path = path
        self._concern = concern
        self._migrations = migrations
        self._durable = durable
        self._secure = secure
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._write_lock = threading.RLock()
        self._read_lock = threading.Lock()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; rolled back when the block raises."""
        with self._write_lock, _translated(self._concern):
            connection = self._open_writer()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                self._give_up(connection, error)
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees the last commit and cannot write."""
        with self._read_lock, _translated(self._concern):
            yield self._open_reader()

    def open(self) -> None:
        """Make sure of it now: raises BackendError where the file cannot be used, or is of a newer version."""
        with self._write_lock, _translated(self._concern):
            self._open_writer()

    def close(self) -> None:
        with self._read_lock, self._write_lock:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None

    def checkpoint(self) -> None:
        """Carry the write-ahead log into the file and empty it."""
        with self._write_lock, _translated(self._concern):
            self._open_writer().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def give_back_pages(self) -> None:
        """Shorten the file by some of the pages that deletions freed."""
        with self._write_lock, _translated(self._concern):
            self._open_writer().execute(f"PRAGMA incremental_vacuum({_GIVEN_BACK})").fetchall()

    def _open_reader(self) -> sqlite3.Connection:
        if self._reader is None or self._inode != _inode(self.path):
            with self._write_lock:
                self._open_writer()
            if self._reader is not None:
                self._reader.close()
            self._reader = self._connect()
            self._reader.execute("PRAGMA query_only = ON")
        return self._reader

    def _open_writer(self) -> sqlite3.Connection:
        if self._writer is not None:
            if self._inode == _inode(self.path):
                return self._writer
            self._writer.close()  # the file was moved or deleted under us: what is written there nobody would see
            self._writer = None
        connection = self._connect()
        try:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
            connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}").fetchone()
            connection.execute(f"PRAGMA secure_delete = {'ON' if self._secure else 'OFF'}").fetchone()
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        self._writer, self._inode = connection, _inode(self.path)
        return connection

    def _connect(self) -> sqlite3.Connection:
        with suppress(OSError):  # sqlite3 says it better, in a moment
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600, exist_ok=True)
        return sqlite3.connect(
            self.path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # one lock a connection does what the check would
        )

    def _migrate(self, connection: sqlite3.Connection) -> None:
        if self._version(connection) == len(self._migrations):
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = self._version(connection)  # again: another process may have been first
            if version > len(self._migrations):
                raise BackendError(f"{self.path.name} was made by a newer version of the gateway.")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {self._concern}_schema (version INTEGER NOT NULL) STRICT"
            )
            for number, statements in enumerate(self._migrations[version:], version + 1):
                for step in statements:
                    connection.execute(step) if isinstance(step, str) else step(connection)
                connection.execute(f"INSERT INTO {self._concern}_schema VALUES ({number})")  # noqa: S608 - from code
            connection.execute("COMMIT")
        except BaseException as error:
            self._give_up(connection, error)
            raise

    def _version(self, connection: sqlite3.Connection) -> int:
        table = f"{self._concern}_schema"
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone() is None:
            return 0
        found = connection.execute(f"SELECT max(version) FROM {table}").fetchone()[0]  # noqa: S608 - from code
        return int(found)

    def _give_up(self, connection: sqlite3.Connection, error: BaseException) -> None:
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        broken = isinstance(error, sqlite3.DatabaseError) and error.sqlite_errorcode not in _PASSING
        if broken and connection is self._writer:
            connection.close()  # the next one starts afresh, on a file that may have been put right
            self._writer = None


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """The store's faults as BackendError. Faults of a value (IntegrityError and the like) are subclasses: not these."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError):
            raise BackendError(f"The {name} database is not to be had at the moment.") from error
        raise
