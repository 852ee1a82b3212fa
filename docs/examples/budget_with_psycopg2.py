#!/usr/bin/env python3
"""Reserves money from Moose's budget before spending it, with psycopg2 (Debian: python3-psycopg2).

    budget_with_psycopg2.py ESTIMATE_USD SERVICE [KEY]     reserves, pretends to work, settles at 60 % of the estimate

Take the class `Budget` with you. The database comes from PGHOST, PGDATABASE, PGUSER, PGPASSWORD; the role is made by
deploy/postgres/budget-client.sql.

Exit status: 0 the work ran, 75 the budget has no room, 2 wrong input, 3 the database can't be asked.
"""

import contextlib
import decimal
import json
import sys
import time
import uuid

import psycopg2


class NoBudget(Exception):
    """There is no room. Nothing was reserved, so nothing may be spent."""


class Reservation:
    def __init__(self, identity, total_before):
        self.id = identity
        self.total_before = total_before
        self.cost = None

    def spent(self, usd):
        """Says what the work has cost so far. Call it again whenever it costs more."""
        self.cost = decimal.Decimal(usd)


class Budget:
    """One connection. Threads take one each."""

    def __init__(self, dsn=""):
        self.dsn = dsn
        self.connection = None

    @contextlib.contextmanager
    def reserved(self, estimate_usd, service, **metadata):
        """Holds an estimate while the body runs; settles what it says it cost.

        metadata: project, agent, model, lives_seconds. Raises NoBudget instead of running the body.
        """
        # One key for all tries: if an answer is lost with the connection, asking again finds the same reservation.
        metadata.setdefault("idempotency_key", str(uuid.uuid4()))
        granted, total, identity = self.call(
            "SELECT * FROM check_and_reserve_budget(%s, %s, %s::jsonb)",
            (decimal.Decimal(estimate_usd), service, json.dumps(metadata)))
        if not granted:
            raise NoBudget(f"no room for ${estimate_usd}; the day stands at ${total}")
        reservation = Reservation(identity, total)
        try:
            yield reservation
        finally:
            # Also after an error: what was spent is spent. Without a cost, the estimate is presumed when the
            # reservation's time is over. If you know that nothing began, call cancel_budget instead.
            if reservation.cost is not None:
                self.call("SELECT * FROM settle_budget(%s, %s)", (identity, reservation.cost))

    def call(self, statement, values, tries=5):
        """Runs one statement as a transaction of its own. All three functions may be repeated safely."""
        for attempt in range(1, tries + 1):
            try:
                if self.connection is None or self.connection.closed:
                    self.connection = psycopg2.connect(self.dsn)
                    # Without this, psycopg2 leaves a transaction open after every statement: it would keep the
                    # budget locked for everybody, until the server cuts the connection after 5 s and undoes it.
                    self.connection.autocommit = True
                with self.connection.cursor() as cursor:
                    cursor.execute(statement, values)
                    return cursor.fetchone()
            except psycopg2.OperationalError:
                # Lost connections, time-outs, deadlocks. Errors of the input are of another class.
                if attempt == tries:
                    raise
                if self.connection is not None:
                    self.connection.close()
                time.sleep(0.1 * 2**attempt)


def main():
    if len(sys.argv) not in (3, 4):
        print(__doc__, file=sys.stderr)
        return 2
    estimate, service = sys.argv[1:3]
    key = {"idempotency_key": sys.argv[3]} if len(sys.argv) == 4 else {}
    try:
        with Budget().reserved(estimate, service, **key) as reservation:
            print(f"reserved {reservation.id}; before, the day stood at ${reservation.total_before}")
            reservation.spent(decimal.Decimal(estimate) * decimal.Decimal("0.6"))
        print(f"settled at ${reservation.cost.normalize():f}")
    except NoBudget as error:
        print(f"{error}. Try again later", file=sys.stderr)
        return 75
    except (decimal.InvalidOperation, psycopg2.DataError) as error:
        print(f"wrong input: {error}", file=sys.stderr)
        return 2
    except psycopg2.Error as error:
        print(f"the budget can't be asked, so nothing may be spent: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
