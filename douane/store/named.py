"""Every object that some row names, whichever table it is in: to be compared with what is stored."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from douane.store.schema import metadata


def objects(connection: Connection) -> Iterator[tuple[str, str]]:
    """(table and column, name of the object). A column that holds such names is called `object` or `…_object`."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.name == "object" or column.name.endswith("_object"):
                for name in connection.execute(select(column).where(column.is_not(None))).scalars():
                    yield f"{table.name}.{column.name}", str(name)
