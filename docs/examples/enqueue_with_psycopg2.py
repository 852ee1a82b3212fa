#!/usr/bin/env python3
"""Work orders in the caller's own transaction, with psycopg2 (Debian: python3-psycopg2).

    enqueue_with_psycopg2.py KIND [PAYLOAD] [--lane LANE] [--project PROJECT] [--run-at TIME]

Where the database is, and who asks, comes from PGHOST, PGPORT, PGDATABASE, PGUSER and PGPASSWORD.
Exits with 2 when the order is refused, 3 when there is no database.
"""
import argparse
import json
import sys

import psycopg2
import psycopg2.extensions
import psycopg2.extras

# Ids are UUIDs, and texts where that is easier.
CASTS = {"id": "uuid", "depends_on": "uuid[]", "estimated_cost_usd": "numeric", "complexity": "numeric",
         "run_at": "timestamptz", "metadata": "jsonb", "fields": "jsonb"}


def enqueue(connection, kind, payload=None, **arguments):
    """Writes a work order and returns its id. It is published when the transaction commits.

    The arguments are those of enqueue_work_order, such as title=, lane=, project=, run_at=, depends_on=, id=."""
    values = {"kind": kind, **arguments}
    if payload is not None:
        values["payload"] = psycopg2.extras.Json(payload)
    for name in ("metadata", "fields"):
        if name in values:
            values[name] = psycopg2.extras.Json(values[name])
    names = ", ".join(f"{name} => %({name})s::{CASTS[name]}" if name in CASTS else f"{name} => %({name})s"
                      for name in values)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT enqueue_work_order({names})::text", values)
        return cursor.fetchone()[0]


def main():
    parser = argparse.ArgumentParser(description="Enqueues a work order from SQL.")
    parser.add_argument("kind")
    parser.add_argument("payload", nargs="?", type=json.loads)
    parser.add_argument("--lane", default="default")
    parser.add_argument("--project")
    parser.add_argument("--run-at")
    given = parser.parse_args()
    try:
        connection = psycopg2.connect("", connect_timeout=5)
    except psycopg2.OperationalError as error:
        sys.stderr.write(f"no database: {error}")
        return 3
    optional = {"project": given.project, "run_at": given.run_at}
    try:
        with connection:
            print(enqueue(connection, given.kind, given.payload, lane=given.lane,
                          **{name: value for name, value in optional.items() if value is not None}))
    except psycopg2.Error as error:
        hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
        sys.stderr.write(f"refused: {error.diag.message_primary or error}.{hint}\n")
        return 2
    finally:
        connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
