"""The store of accepted edits: what the user accepted, where it stood, and which model offered it.

One SQLite file, `<home>/references.sqlite3`, private to the user. The language server adds to it,
`trainer.iterate` learns from it, and the user sees and deletes what is in it:

    python -m trainer.references list
    python -m trainer.references export edits.jsonl
    python -m trainer.references delete 3 7        (or: delete --all --yes)
    python -m trainer.references path

Every failure (a newer schema, a corrupt file, a full disk) is raised as `StoreError`. Several
processes may use one file at once. Standard library only, because the server imports it.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from engine import model_store
from trainer import files

SCHEMA = 1
BUSY_SECONDS = 10.0

# About what fits the embedded model's window around the cursor. More would never be read, and no
# more of the user's source should be copied than learning needs.
MAX_PREFIX = 4000
MAX_SUFFIX = 2000


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One accepted completion.

    `kind` is "fill" for ghost text and "module" for a module generated from a comment. `offered` is
    what the model proposed, `accepted` what the user kept of it: the text to learn. `prefix`,
    `suffix`, `context` and `instruction` are those of the `engine.api.Prompt` it answered.
    `created` is UTC, ISO 8601. `id` is None until the store gives one.
    """

    id: int | None = None
    created: str = field(default_factory=_now)
    kind: Literal["fill", "module"]
    uri: str
    prefix: str
    suffix: str = ""
    context: str = ""
    instruction: str = ""
    offered: str
    accepted: str
    model: str = ""


COLUMNS = tuple(column.name for column in fields(Reference))

CREATE = """
CREATE TABLE reference (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('fill', 'module')),
    uri TEXT NOT NULL,
    prefix TEXT NOT NULL,
    suffix TEXT NOT NULL,
    context TEXT NOT NULL,
    instruction TEXT NOT NULL,
    offered TEXT NOT NULL,
    accepted TEXT NOT NULL,
    model TEXT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE
)
"""


class StoreError(Exception):
    """The store could not be read or written; the message says why and what to do."""


class Store:
    """An open store; get one from `open_store` and use it in a `with` block, in one thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def add(self, reference: Reference) -> int:
        """Store `reference` and return its id.

        The same text accepted at the same place is kept once (undo and accept again is not a second
        opinion): the id of the one already there is returned.
        """
        stored = _storable(reference)
        fingerprint = _fingerprint(stored)
        values = (*astuple(stored), fingerprint)
        sql = f"INSERT INTO reference VALUES ({', '.join('?' * len(values))})"
        with _clear_errors(self.path):
            self._connection.execute(f"{sql} ON CONFLICT (fingerprint) DO NOTHING", values)
            row = self._connection.execute(
                "SELECT id FROM reference WHERE fingerprint = ?", (fingerprint,)
            ).fetchone()
        return row[0]

    def all(self) -> list[Reference]:
        """Every reference, oldest first."""
        with _clear_errors(self.path):
            rows = self._connection.execute(
                f"SELECT {', '.join(COLUMNS)} FROM reference ORDER BY id"
            ).fetchall()
        return [Reference(**dict(zip(COLUMNS, row, strict=True))) for row in rows]

    def count(self) -> int:
        with _clear_errors(self.path):
            return self._connection.execute("SELECT count(*) FROM reference").fetchone()[0]

    def delete(self, ids: Iterable[int]) -> int:
        """Delete these references, passing over ids that are not there. Returns how many went."""
        return self._delete("WHERE id IN (SELECT value FROM json_each(?))", [json.dumps([*ids])])

    def clear(self) -> int:
        """Delete every reference. Returns how many there were."""
        return self._delete("", [])

    def _delete(self, where: str, values: list[str]) -> int:
        with _clear_errors(self.path):
            deleted = self._connection.execute(f"DELETE FROM reference {where}", values).rowcount
            # Deleted source must not live on in the write-ahead log.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return deleted

    def export(self, path: Path) -> int:
        """Write every reference to `path` as JSON lines, whole or not at all. Returns how many."""
        references = self.all()
        with _clear_errors(path):
            files.write_lines(path, map(asdict, references))
        return len(references)


def default_path() -> Path:
    return model_store.home() / "references.sqlite3"


def open_store(path: Path | None = None) -> Store:
    """Open the store at `path` (default: `default_path()`), creating it if it is not there."""
    path = path or default_path()
    with _clear_errors(path):
        if not path.exists():
            _create(path)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            _check_schema(connection, path)
            connection.execute("PRAGMA secure_delete = ON")  # overwrite deleted source with zeros
        except BaseException:
            connection.close()
            raise
    return Store(path, connection)


def _create(path: Path) -> None:
    """Make a new store appear whole, readable by its owner only.

    It is built under a temporary name and linked into place, because two processes that switch one
    file to WAL at the same moment can get "database is locked" at once, whatever the timeout.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".references-")
    os.close(handle)
    temporary = Path(name)
    try:
        with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # readers do not block the writer
            connection.execute(CREATE)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
        with contextlib.suppress(FileExistsError):  # another process was faster
            os.link(temporary, path)
    finally:
        temporary.unlink()


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA:
        raise StoreError(
            f"{path} was written by a newer Verifrag (schema {version}, this one knows {SCHEMA}): "
            "update Verifrag, or move the file away to start a new store"
        )
    if version < SCHEMA:
        raise StoreError(f"{path} is not a store of references: move it away to start anew")


@contextlib.contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite or the file system raises into a `StoreError` that names the file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(f"cannot use {path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path} is damaged or not a store of references ({error}): move it away to start anew"
        ) from error
    except OSError as error:
        raise StoreError(f"cannot use {path}: {error.strerror}") from error


def _storable(reference: Reference) -> Reference:
    """Cut to what is kept, and to text that UTF-8 can carry."""
    cut = replace(
        reference,
        prefix=reference.prefix[-MAX_PREFIX:],
        suffix=reference.suffix[:MAX_SUFFIX],
    )
    texts = {name: value for name, value in asdict(cut).items() if isinstance(value, str)}
    return replace(cut, **{name: files.storable(text) for name, text in texts.items()})


def _fingerprint(reference: Reference) -> str:
    """Equal for the same text accepted at the same place, whenever and from whichever model."""
    same = (
        reference.kind,
        reference.uri,
        reference.prefix,
        reference.suffix,
        reference.instruction,
        reference.accepted,
    )
    return hashlib.sha256(json.dumps(same).encode()).hexdigest()


# --- command line -------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.command == "path":
            print(options.references)
            return 0
        with open_store(options.references) as store:
            return _run(store, options)
    except StoreError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.references",
        description="See, export and delete the accepted completions that Verifrag learns from.",
    )
    parser.add_argument(
        "--references",
        type=Path,
        default=default_path(),
        metavar="PATH",
        help="the store (default: %(default)s)",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="one line for each reference")
    export = commands.add_parser("export", help="write all references to a file, as JSON lines")
    export.add_argument("file", type=Path)
    delete = commands.add_parser("delete", help="delete references by id, or all of them")
    delete.add_argument("ids", type=int, nargs="*", metavar="ID")
    delete.add_argument("--all", action="store_true", help="delete every reference; needs --yes")
    delete.add_argument("--yes", action="store_true", help="confirm --all")
    commands.add_parser("path", help="say where the store is")
    return parser


def _run(store: Store, options: argparse.Namespace) -> int:
    if options.command == "list":
        for reference in store.all():
            print(_line(reference))
        print(f"{store.count()} reference(s) in {store.path}")
    elif options.command == "export":
        print(f"wrote {store.export(options.file)} reference(s) to {options.file}")
    else:
        return _run_delete(store, options)
    return 0


def _line(reference: Reference) -> str:
    file = reference.uri.rpartition("/")[2]
    text = " ".join(reference.accepted.split())
    short = text if len(text) <= 60 else text[:59] + "…"
    return f"{reference.id:>5}  {reference.created}  {reference.kind:<6}  {file}  {short}"


def _run_delete(store: Store, options: argparse.Namespace) -> int:
    if options.all == bool(options.ids):
        print("say which: either ids (see `list`) or --all", file=sys.stderr)
        return 2
    if options.all and not options.yes:
        print(f"this deletes all {store.count()} references: add --yes to do it", file=sys.stderr)
        return 2
    unknown = set(options.ids) - {reference.id for reference in store.all()}
    deleted = store.clear() if options.all else store.delete(options.ids)
    print(f"deleted {deleted} reference(s), {store.count()} left")
    if unknown:
        names = ", ".join(map(str, sorted(unknown)))
        print(f"there is no reference {names} (see `list`)", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
