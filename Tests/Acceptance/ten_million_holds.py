#!/usr/bin/python3
"""Age costs nothing: ten million finished holds with their ledger entries, 100,000 of them in the current window, and
the ledger is as fast as an empty one; its state is told at once, its books are checked, and retention takes the old away
while holds go on.

COUNT=1000000 for a smaller one. Needs about 0.8 kB of disk a hold (8 GB in full) in TMPDIR, and gives all of it back."""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2

from system import System, check, time_ordered_id

COUNT = int(os.environ.get("COUNT", "10000000"))
CHUNK = 100_000
RUNS = 5
# A run: so many batches of so many holds.
BATCHES, BATCH = 200, 512
CONFIG = "handlers: {work: {command: {argv: ['true']}, default_estimate_usd: '0'}}\n"

# The path of every hold: three scopes, two periods each.
PREPARE = f"""
UPDATE moose.budget_policies SET soft_u = NULL, hard_u = NULL, kill_u = 1e15;
INSERT INTO moose.budget_policies (scope, name, period, kill_u) VALUES
    ('project', 'shop', 'day', 1e15), ('project', 'shop', 'total', 1e15),
    ('agent', 'ada', 'day', 1e15), ('agent', 'ada', 'month', 1e15);

CREATE SCHEMA bench;
CREATE FUNCTION bench.id_at(p_at timestamptz, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0')
            || '8' || substr(md5(n::text), 1, 15))::uuid
$$;
-- Finished holds of one instant's windows, a tenth of them presumed spent, each with its entry.
CREATE FUNCTION bench.finish(p_at timestamptz, p_count integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_ids bigint[]; v_caps bigint[];
BEGIN
    INSERT INTO moose.budget_buckets (policy_id, window_start, window_end)
        SELECT p.id, w.window_start, w.window_end FROM moose.budget_policies p,
            moose.budget_window(p.period, p.time_zone, p_at) w
        ON CONFLICT DO NOTHING;
    SELECT array_agg(b.id ORDER BY b.id), array_agg(p.kill_u ORDER BY b.id) INTO v_ids, v_caps
    FROM moose.budget_policies p, moose.budget_window(p.period, p.time_zone, p_at) w, moose.budget_buckets b
    WHERE b.policy_id = p.id AND b.window_start = w.window_start AND NOT b.exempt;
    INSERT INTO moose.budget_holds (owner, token, state, estimate_u, actual_u, bucket_ids, caps_u, handler, created_at,
                                    closed_at)
        SELECT bench.id_at(p_at + n * interval '1 ms', n), 0,
               CASE WHEN n % 10 = 0 THEN 'presumed_spent' ELSE 'settled' END, 1000, CASE WHEN n % 10 > 0 THEN 800 END,
               v_ids, v_caps, 'work', p_at + n * interval '1 ms', p_at + n * interval '1 ms'
        FROM generate_series(1, p_count) AS n;
    INSERT INTO moose.cost_tracking (owner, token, number, entry, amount_u, bucket_ids, created_at)
        SELECT bench.id_at(p_at + n * interval '1 ms', n), 0, 0, CASE WHEN n % 10 = 0 THEN 'presumed' ELSE 'settled' END,
               CASE WHEN n % 10 = 0 THEN 1000 ELSE 800 END, v_ids, p_at + n * interval '1 ms'
        FROM generate_series(1, p_count) AS n;
    UPDATE moose.budget_buckets SET posted_u = posted_u + p_count / 10 * 1000 + (p_count - p_count / 10) * 800
    WHERE id = ANY (v_ids);
END $$;

-- The arrays of the measured batches are made beforehand, so that only the ledger is measured.
CREATE TABLE bench.batches (n integer PRIMARY KEY, owners uuid[], zeros bigint[], ones bigint[], projects text[],
                            agents text[], handlers text[], models text[], started boolean[]);
CREATE FUNCTION bench.prepare_batches() RETURNS void LANGUAGE sql AS $$
    TRUNCATE bench.batches;
    INSERT INTO bench.batches
        SELECT n, ARRAY(SELECT bench.id_at(now() + n * interval '1 ms', i) FROM generate_series(1, {BATCH}) AS i),
               array_fill(0::bigint, ARRAY[{BATCH}]), array_fill(1::bigint, ARRAY[{BATCH}]),
               array_fill('shop'::text, ARRAY[{BATCH}]), array_fill('ada'::text, ARRAY[{BATCH}]),
               array_fill('work'::text, ARRAY[{BATCH}]), array_fill(NULL::text, ARRAY[{BATCH}]),
               array_fill(true, ARRAY[{BATCH}])
        FROM generate_series(1, {BATCHES}) AS n
$$;
"""
RESERVE = """SELECT (moose.reserve_batch(b.owners, b.zeros, b.ones, b.projects, b.agents, b.handlers, b.models)).status[1]
FROM bench.batches b WHERE b.n = :n;
"""
CLOSE = """SELECT (SELECT count(*) FROM moose.close_holds(b.owners, b.zeros, NULL, b.ones, b.started))
FROM bench.batches b WHERE b.n = :n;
"""
# What one measured run left, taken back out of the books.
TAKE_BACK = """
SET moose.pruning = 'on';
CREATE TEMPORARY TABLE since AS SELECT owners[1] AS id FROM bench.batches WHERE n = 1;
WITH gone AS (DELETE FROM moose.budget_holds h WHERE h.owner >= (SELECT id FROM since) RETURNING state, estimate_u, bucket_ids),
sums AS (SELECT x.id, sum(g.estimate_u) AS held FROM gone g, unnest(g.bucket_ids) AS x (id) WHERE g.state = 'dispatched' GROUP BY 1)
UPDATE moose.budget_buckets b SET held_u = b.held_u - s.held FROM sums s WHERE b.id = s.id;
WITH gone AS (DELETE FROM moose.cost_tracking c WHERE c.owner >= (SELECT id FROM since) RETURNING amount_u, bucket_ids),
sums AS (SELECT x.id, sum(g.amount_u) AS posted FROM gone g, unnest(g.bucket_ids) AS x (id) GROUP BY 1)
UPDATE moose.budget_buckets b SET posted_u = b.posted_u - s.posted FROM sums s WHERE b.id = s.id;
"""
PRUNE = """
DO $$
DECLARE
    v_block bigint := 0; v_part bigint; v_deleted bigint := 0;
BEGIN
    WHILE v_block IS NOT NULL LOOP
        SELECT deleted, next_block INTO v_part, v_block FROM moose.prune_{0}(now() - interval '40 days', v_block, 512);
        v_deleted := v_deleted + v_part;
        COMMIT;
    END LOOP;
    RAISE INFO '%', v_deleted;
END $$"""


class Bench:
    def __init__(self, system, database):
        self.system, self.database = system, database
        self.environment = {**system.environment, "PGDATABASE": database}

    def psql(self, *arguments, stdin=None):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *arguments], env=self.environment, input=stdin,
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr)
        return (done.stdout or done.stderr).strip()

    def pgbench(self, script, *arguments):
        path = os.path.join(self.system.folder, "script.sql")
        with open(path, "w") as file:
            file.write("\\set n :n + 1\n" + script)
        done = subprocess.run(["pgbench", "-n", "-M", "prepared", "-c", "1", "-D", "n=0", "-f", path, *arguments],
                              env=self.environment, capture_output=True, text=True, cwd=self.system.folder)
        if done.returncode != 0 or "number of failed transactions: 0" not in done.stdout:
            sys.exit(done.stdout + done.stderr)
        return float(done.stdout.split("tps = ")[1].split()[0])

    def speed(self, script, posted):
        """Holds a second of one run, whose rows are counted and then taken out again."""
        self.psql("-c", "SELECT bench.prepare_batches()", "-c", "CHECKPOINT")
        day = ("SELECT held_u || ' ' || posted_u FROM moose.budget_status() WHERE scope = 'org' AND period = 'day'")
        before = [int(x) for x in self.psql("-c", day).split()]
        speed = self.pgbench(script, "-t", str(BATCHES)) * BATCH
        after = [int(x) for x in self.psql("-c", day).split()]
        moved = [after[0] - before[0], after[1] - before[1]]
        wanted = [0, BATCHES * BATCH] if posted else [BATCHES * BATCH, 0]
        if moved != wanted:
            sys.exit(f"{self.database}: held and posted moved by {moved}, wanted {wanted}")
        self.psql(stdin=TAKE_BACK + "VACUUM moose.budget_holds, moose.cost_tracking, moose.budget_buckets;")
        return speed

    def milliseconds(self, query):
        """Of one run over an open connection, the first not counted."""
        out = self.psql(stdin=f"{query};\n\\timing on\n{query};\n{query};\n{query};\n")
        times = [float(line.split()[1]) for line in out.splitlines() if line.startswith("Time: ")]
        return statistics.median(times)


def fill(bench):
    began = time.time()
    days = COUNT // CHUNK - 1
    for day in range(days, 0, -1):
        bench.psql("-c", f"SELECT bench.finish(date_trunc('day', now() - interval '{44 + day} days'), {CHUNK})")
        free = shutil.disk_usage(bench.system.folder).free
        if free < 5 << 30:
            sys.exit("less than 5 GB of disk are left. Make room, or give a smaller COUNT")
    bench.psql("-c", f"SELECT bench.finish(now() - interval '{CHUNK} ms', {CHUNK})")
    bench.psql("-c", "VACUUM (ANALYZE) moose.budget_holds, moose.cost_tracking", "-c", "CHECKPOINT")
    print(f"  {COUNT:,} holds made in {time.time() - began:.0f} s:", bench.psql("-c", """
        SELECT string_agg(relname || ' ' || pg_size_pretty(pg_total_relation_size(c.oid)), ', ') FROM pg_class c
        WHERE oid IN ('moose.budget_holds'::regclass, 'moose.cost_tracking'::regclass)"""), flush=True)


def compare(empty, full):
    for name, script, posted in (("hold", RESERVE, False), ("hold and settle", RESERVE + CLOSE, True)):
        speeds = {empty: [], full: []}
        for bench in (empty, full):
            bench.speed(script, posted)
        for run in range(RUNS):
            for bench in (empty, full) if run % 2 == 0 else (full, empty):
                speeds[bench].append(bench.speed(script, posted))
        medians = {bench: statistics.median(values) for bench, values in speeds.items()}
        for bench, values in speeds.items():
            print(f"  {name}, {BATCH} a batch, {bench.database}: {medians[bench]:,.0f}/s "
                  f"(median of {', '.join(f'{value:,.0f}' for value in values)})", flush=True)
        ratio = medians[full] / medians[empty]
        # On a machine with other work the runs differ more than the ledgers do.
        check(f"{name}: full is {ratio:.2f} of empty: within 10 %, or the runs of both overlap",
              ratio >= 0.9 or max(speeds[full]) >= min(speeds[empty]), True)


class Steady(threading.Thread):
    """Eight holds and their settlement, fifty times a second, as long as the `with` lasts."""

    def __init__(self, bench):
        super().__init__()
        self.bench = bench
        self.over = threading.Event()
        self.milliseconds = []
        self.failure = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def run(self):
        try:
            connection = psycopg2.connect(
                **{name: self.bench.environment["PG" + name.upper()] for name in ("host", "port", "user", "password")},
                dbname=self.bench.database)
            connection.autocommit = True
            with connection.cursor() as cursor:
                self.hold_and_settle(cursor)
            connection.close()
        except Exception as error:  # told by the main thread, which can end the story
            self.failure = error

    def hold_and_settle(self, cursor):
        due = time.monotonic()
        while not self.over.wait(max(0, due - time.monotonic())):
            owners = [time_ordered_id() for _ in range(8)]
            eight = {"owners": owners, "zeros": [0] * 8, "ones": [1] * 8, "shop": ["shop"] * 8, "ada": ["ada"] * 8,
                     "work": ["work"] * 8, "none": [None] * 8, "yes": [True] * 8}
            cursor.execute("""SELECT (moose.reserve_batch(%(owners)s::uuid[], %(zeros)s::bigint[], %(ones)s::bigint[],
                %(shop)s::text[], %(ada)s::text[], %(work)s::text[], %(none)s::text[])).status""", eight)
            if cursor.fetchone()[0] != ["normal"] * 8:
                raise RuntimeError("holds were refused")
            cursor.execute("""SELECT count(*) FROM moose.close_holds(%(owners)s::uuid[], %(zeros)s::bigint[], NULL,
                %(ones)s::bigint[], %(yes)s)""", eight)
            # From the moment it was due: one that waits also delays those behind it.
            self.milliseconds.append((time.monotonic() - due) * 1000)
            due += 0.02

    def told(self):
        if self.failure is not None:
            sys.exit(f"the holds failed meanwhile: {self.failure}")
        return (f"{len(self.milliseconds)} times eight holds and their settlement: median "
                f"{statistics.median(self.milliseconds):.1f} ms, longest {max(self.milliseconds):.0f} ms")


def prune(full):
    total = ("SELECT b.posted_u FROM moose.budget_buckets b JOIN moose.budget_policies p ON p.id = b.policy_id "
             "WHERE p.period = 'total'")
    with Steady(full) as alone:
        time.sleep(10)
    print(f"  before retention, {alone.told()}", flush=True)
    before = int(full.psql("-c", total))
    with Steady(full) as meanwhile:
        for table in ("holds", "ledger"):
            began = time.time()
            pruned = full.psql("-c", PRUNE.format(table)).split()[-1]
            # Of the ledger also sums that were carried over and met again.
            check(f"pruned from the {table} in {time.time() - began:.0f} s: {pruned}, at least {COUNT - CHUNK}",
                  int(pruned) >= COUNT - CHUNK, True)
    print(f"  meanwhile, {meanwhile.told()}", flush=True)
    check("old holds left", full.psql(
        "-c", "SELECT count(*) FROM moose.budget_holds WHERE closed_at < now() - interval '40 days'"), "0")
    check("old entries left that are no sum", full.psql(
        "-c", "SELECT count(*) FROM moose.cost_tracking WHERE created_at < now() - interval '40 days' "
        "AND entry <> 'carried'"), "0")
    check("entries of the current window left", full.psql(
        "-c", "SELECT count(*) FROM moose.cost_tracking WHERE created_at >= now() - interval '40 days' "
        "AND amount_u > 1"), str(CHUNK))
    check("no hold waited a second", max(meanwhile.milliseconds) < 1000, True)
    check("the budget without an end keeps its sum", int(full.psql("-c", total)) - before,
          len(meanwhile.milliseconds) * 8)


if shutil.disk_usage(tempfile.gettempdir()).free < COUNT * 800 + (5 << 30):
    sys.exit(f"{tempfile.gettempdir()} has too little room for {COUNT:,} holds. Set TMPDIR, or a smaller COUNT")
with System(CONFIG) as system:
    Bench(system, "moose").psql(stdin=PREPARE)
    system.sql("CREATE DATABASE full_ledger TEMPLATE moose")
    system.sql("CREATE DATABASE empty_ledger TEMPLATE moose")
    empty, full = Bench(system, "empty_ledger"), Bench(system, "full_ledger")
    fill(full)
    show = full.milliseconds("SELECT * FROM moose.budget_status()")
    check(f"budget show takes {show:.1f} ms: under 50", show < 50, True)
    check("entries in the current window", full.psql(
        "-c", "SELECT count(*) FROM moose.cost_tracking WHERE created_at >= date_trunc('month', now())"), str(CHUNK))
    reconcile = full.milliseconds("SELECT * FROM moose.reconcile(true)")
    check(f"reconcile of the current windows takes {reconcile:.0f} ms: under 2000", reconcile < 2000, True)
    compare(empty, full)
    prune(full)
    began = time.time()
    check("reconcile differences, of everything", full.psql("-c", "SELECT count(*) FROM moose.reconcile()"), "0")
    print(f"  which took {time.time() - began:.1f} s", flush=True)
    check("of the current windows", full.psql("-c", "SELECT count(*) FROM moose.reconcile(true)"), "0")
print("ten million holds: ok")
