"""Bring a catalogue to the newest tables.

Opening one that is already there costs one SELECT: alembic is not imported.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import Connection

HEAD = "0004"
SCRIPTS = Path(__file__).parent / "migrations"


class TooNew(RuntimeError):
    """The catalogue was written by a later version, whose tables this one cannot know."""


def upgrade(engine: Engine) -> None:
    """Apply the migrations that are missing, all of them or none; two processes may do so at once."""
    with engine.connect() as connection, connection.begin():
        if _revision(connection) == HEAD:
            return
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        found = _revision(connection)  # again: the other process may have been first
        if found == HEAD:
            return
        if found > HEAD:
            raise TooNew(
                f"a later Twofold made the collection (tables {found}, this version knows {HEAD}): update Twofold"
            )
        _run(connection)


def _revision(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


def _run(connection: Connection) -> None:
    from alembic import command

    command.upgrade(config(connection), "head")


def config(connection: Connection) -> Any:
    """Alembic's settings, made here: there is no ini file to lose."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings
