"""The schema's history, applied by Alembic from `migrate`."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from config.database import Database

_ADVISORY_KEY = 0x43756C70  # any constant of ours: two starting processes must not both run DDL


def migrate(database: Database) -> None:
    """Bring the schema to the newest version; safe to call from many processes at once."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with database.begin() as connection:
        if not database.is_sqlite:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_KEY})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
