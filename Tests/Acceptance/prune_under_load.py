#!/usr/bin/python3
"""Retention hurts nobody: a million finished orders are pruned while `moose bench work` claims and settles as fast as it
can. Rounds with a prune beside them are as fast as those without, to a tenth; no claim takes a second; the books stay
exact; every pruned id is recognised; and what was freed is used again before the tables grow.

COUNT=100000 ROUNDS=24 ORDERS=40000 for a smaller one."""
import glob
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2

from system import MOOSE, check

COUNT = int(os.environ.get("COUNT", "1000000"))
# Rounds of the bench, and orders in each.
ROUNDS = int(os.environ.get("ROUNDS", "60"))
ORDERS = int(os.environ.get("ORDERS", "100000"))
# Without a prune: until the rows are there, then every other one of those that are compared.
COMPARED = 10
CHUNK = 50_000

FILL = """
INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest, estimate_u, attempt, fencing_token,
                               created_at, finished_at)
SELECT ('0190' || lpad(to_hex(n), 8, '0') || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
       CASE WHEN n %% 50 = 0 THEN 'cancelled' ELSE 'completed' END, 'noop', 'default', 'order ' || n, t.at,
       convert_to(json_build_object('kind', 'noop', 'payload', repeat('x', 200))::text, 'UTF8'), decode(md5(n::text), 'hex'),
       0, 1, 1, t.at, t.at
FROM generate_series(%s, %s) AS n, (SELECT now() - interval '60 days' AS at) t;
INSERT INTO moose.outcome_vectors (work_order_id, fencing_token, attempt, outcome, success, handler, started_at, finished_at)
SELECT ('0190' || lpad(to_hex(n), 8, '0') || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
       1, 1, 'completed', true, 'noop', t.at, t.at
FROM generate_series(%s, %s) AS n, (SELECT now() - interval '60 days' AS at) t
"""


class Bench:
    """`moose bench work` with its rounds, its database and the longest claim anybody saw there."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = os.environ | {"TMPDIR": folder}
        self.process = subprocess.Popen(
            [MOOSE, "bench", "work", "--count", str(ORDERS), "--rounds", str(ROUNDS), "--json"],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.done = 0
        self.longest = 0.0
        self.changed = threading.Condition()
        threading.Thread(target=self.follow, daemon=True).start()
        self.connect()

    def follow(self):
        for line in self.process.stderr:
            if found := re.match(r"Round (\d+) of", line):
                with self.changed:
                    self.done = int(found.group(1))
                    self.changed.notify_all()
        with self.changed:
            self.done = ROUNDS + 1
            self.changed.notify_all()

    def connect(self):
        """To the bench's private database, once its schema is there."""
        deadline = time.time() + 120
        while time.time() < deadline and self.process.poll() is None:
            for stack in glob.glob(self.folder + "/moose-bench-*"):
                lines = subprocess.run([MOOSE, "stack", "env", "--folder", stack], capture_output=True, text=True)
                values = dict(re.findall(r"export (\w+)='?([^'\n]*)'?", lines.stdout))
                if "MOOSE_DATABASE_URL" not in values:
                    continue
                self.environment |= values
                try:
                    if self.sql("SELECT to_regclass('moose.retention') IS NOT NULL")[0][0]:
                        threading.Thread(target=self.watch, daemon=True).start()
                        return
                except psycopg2.Error:
                    # The server is on its way.
                    pass
            time.sleep(0.2)
        sys.exit("the bench did not start its servers")

    def sql(self, query, values=None):
        database = psycopg2.connect(self.environment["MOOSE_DATABASE_URL"])
        database.autocommit = True
        try:
            with database.cursor() as cursor:
                cursor.execute(query, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            database.close()

    def watch(self):
        """Looks often how long a claim has been running."""
        database = psycopg2.connect(self.environment["MOOSE_DATABASE_URL"])
        database.autocommit = True
        cursor = database.cursor()
        try:
            while self.process.poll() is None:
                cursor.execute(
                    """SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0)::float8
                       FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%claim_batch%'
                         AND pid <> pg_backend_pid()""")
                self.longest = max(self.longest, cursor.fetchone()[0])
                time.sleep(0.05)
        except psycopg2.Error:
            # The bench has taken its servers away.
            pass

    def wait(self, rounds):
        with self.changed:
            self.changed.wait_for(lambda: self.done >= rounds, 900)
        if self.done < rounds or self.done > ROUNDS:
            sys.exit(f"the bench ended after {self.done} rounds: {self.process.poll()}")

    def space(self):
        """Bytes of the two big tables, and how many of them are free for new rows once vacuumed: beyond what each page
        keeps for changes of its own rows."""
        self.sql("VACUUM moose.work_orders")
        self.sql("VACUUM moose.outcome_vectors")
        return [int(bytes) for bytes in self.sql(
            """SELECT sum(table_len),
                      sum(greatest(0, approx_free_space - table_len * (1 - coalesce((
                          SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
                          WHERE option_name = 'fillfactor'), 100) / 100)))
               FROM pg_class c, pgstattuple_approx(c.oid)
               WHERE c.oid IN ('moose.work_orders'::regclass, 'moose.outcome_vectors'::regclass)""")[0]]

    def left(self):
        return self.sql(
            "SELECT count(*) FROM moose.work_orders WHERE id < '01910000-0000-0000-0000-000000000000'")[0][0]

    def prune(self):
        return subprocess.Popen([MOOSE, "prune", "--json"], env=self.environment, stdout=subprocess.PIPE, text=True,
                                cwd=self.folder)


def fill(bench):
    bench.sql("ALTER TABLE moose.work_orders DISABLE TRIGGER work_orders_insert")
    for start in range(1, COUNT + 1, CHUNK):
        last = min(COUNT, start + CHUNK - 1)
        bench.sql(FILL, (start, last, start, last))
    bench.sql("ALTER TABLE moose.work_orders ENABLE TRIGGER work_orders_insert")
    bench.sql("VACUUM ANALYZE moose.work_orders")
    bench.sql("VACUUM ANALYZE moose.outcome_vectors")


def main():
    folder = tempfile.mkdtemp(prefix="moose-prune.")
    os.chmod(folder, 0o755)
    bench = None
    try:
        bench = Bench(folder)
        bench.wait(1)
        fill(bench)
        check("finished orders", bench.left(), COUNT)
        bench.sql("CREATE EXTENSION IF NOT EXISTS pgstattuple")
        first = bench.done + 1
        bench.wait(first)
        bench.longest = 0.0
        # One with, one without, so that what else the machine does meets both alike.
        with_prune, without = [], []
        for number in range(first + 1, first + 1 + COMPARED):
            if number % 2:
                pruning = bench.prune()
                bench.wait(number)
                pruning.terminate()
                pruning.wait()
                with_prune.append(number)
            else:
                bench.wait(number)
                without.append(number)
        longest = bench.longest
        print(f"  pruned so far: {COUNT - bench.left():,}", flush=True)
        # The rest.
        last = bench.prune()
        while last.poll() is None and bench.done < ROUNDS - 3:
            time.sleep(0.5)
        check("prune ended before the bench", last.poll(), 0)
        check("finished orders that are left", bench.left(), 0)
        check("ids that are recognised", bench.sql("SELECT count(*) FROM moose.pruned_orders")[0][0], COUNT)
        (size, free), seen = bench.space(), bench.done
        bench.wait(seen + 2)
        larger, still_free = bench.space()
        longest = max(longest, bench.longest)
        output, _ = bench.process.communicate(timeout=3600)
        report = json.loads(output)
        rates = report["figure"]["rounds_per_second"]
        fast = statistics.median(rates[n - 1] for n in without)
        slow = statistics.median(rates[n - 1] for n in with_prune)
        print(f"  orders a second: {fast:,.0f} without, {slow:,.0f} with a prune", flush=True)
        check("at least nine tenths as fast", slow >= 0.9 * fast, True)
        print(f"  longest claim: {longest * 1000:.0f} ms", flush=True)
        check("no claim took a second", longest < 1, True)
        print(f"  after the prune the tables have {size / 1e6:,.0f} MB, {free / 1e6:,.0f} MB of them free; two rounds later "
              f"{larger / 1e6:,.0f} MB, {still_free / 1e6:,.0f} MB free", flush=True)
        # Orders of the bench stay, so the tables may grow: but only when there is no room left in them.
        check("what was freed is used before they grow", larger - size < ORDERS * 100 or still_free < larger / 10, True)
        check("the books", report["passes"], True)
    finally:
        if bench and bench.process.poll() is None:
            bench.process.terminate()
            bench.process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    print("prune under load: all good")


if __name__ == "__main__":
    main()
