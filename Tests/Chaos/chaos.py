#!/usr/bin/python3
"""Chaos: work orders by the thousand, faults by the hundred, and a look from the outside at what came of it.

    Tests/Chaos/chaos.py --seconds 600 --orders 100000 --faults 200 [--seed N] [--keep]
    Tests/Chaos/chaos.py --short

Starts a private RabbitMQ and PostgreSQL, workers, client managers and publishers, all on loopback and below one
temporary folder. Exits with 1 when a guarantee was broken; the folder is then kept. See README.md."""
import argparse
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Acceptance"))
from system import System

from checker import CAPS, Checker
from faults import Faults
from fleet import Fleet
from net import Net
from plan import PROGRAM, TIGHT_FITS, TIGHT_PROJECT, Plan, handlers_yaml
from publishers import Publishers
from servers import CHECKER, Servers
import worst

# A rescue takes a lease and two looks; see LEASE_LOST in faults.py.
CONFIG = """
lanes: {{default: {{}}, slow: {{}}}}
lease: {{heartbeat_seconds: 2, expiry_seconds: 8}}
retry: {{base_seconds: 0.2, cap_seconds: 3}}
worker: {{drain_timeout_seconds: 5}}
handlers:
{handlers}
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--poisons", type=int, default=3, help="orders that kill their worker")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--short", action="store_true", help="what `make test` runs")
    parser.add_argument("--settle", type=int, default=240,
                        help="seconds the system has, after the last fault is mended, to come to rest")
    parser.add_argument("--break", dest="breaks", nargs=3, action="append", default=[],
                        metavar=("FUNCTION", "TEXT", "INSTEAD"),
                        help="change a function of the schema before anything starts, to see that it is found out")
    parser.add_argument("--worst-settings", action="store_true",
                        help="turn every setting that Moose pins to its worst, by role and by database")
    parser.add_argument("--keep", action="store_true", help="leave the folder with its logs also after success")
    given = parser.parse_args()
    if given.short:
        given.seconds, given.orders, given.faults, given.workers, given.poisons = 40, 3000, 16, 3, 1
    if given.seed is None:
        given.seed = random.SystemRandom().randrange(1 << 31)
    return given


class Watch(threading.Thread):
    """Looks every second whether a cap is passed, and says how far it all is."""

    def __init__(self, servers, plan, faults):
        super().__init__(daemon=True)
        self.servers, self.plan, self.faults = servers, plan, faults
        self.over, self.looks, self.done = [], 0, threading.Event()
        self.started = time.time()

    def run(self):
        said = 0
        while not self.done.wait(1):
            try:
                self.over += self.servers.rows(CAPS)
                self.looks += 1
                if time.time() - said > 15:
                    said = time.time()
                    states = self.servers.sql("SELECT string_agg(state || ' ' || n, ', ' ORDER BY state) FROM "
                                              "(SELECT state, count(*) AS n FROM moose.work_orders GROUP BY 1) s")
                    print(f"  {time.time() - self.started:4.0f} s: {self.plan.made} made, "
                          f"{self.faults.total if self.faults else 0} faults; {states}", flush=True)
            except RuntimeError:
                continue    # the database is away: that is a fault of ours


def settle(servers, plan, seconds):
    """Waits until nothing moves any more. Returns what still does after so many seconds; None: all at rest."""
    deadline = time.time() + seconds
    raised = False
    while True:
        time.sleep(1)
        try:
            open_orders = servers.sql(
                "SELECT count(*) FROM moose.work_orders WHERE state NOT IN ('completed', 'failed') "
                f"AND NOT (state = 'awaiting_budget' AND project = '{TIGHT_PROJECT}') AND NOT (state = 'blocked' AND "
                "EXISTS (SELECT 1 FROM moose.work_order_dependencies d JOIN moose.work_orders p ON p.id = d.depends_on "
                "WHERE d.work_order_id = work_orders.id AND p.state = 'failed'))")
            waiting = servers.sql("SELECT count(*) FROM moose.work_orders WHERE state = 'awaiting_budget'")
            outbox = servers.sql("SELECT count(*) FROM moose.outbox WHERE due_at < now() + interval '1 hour'")
            known = servers.sql("SELECT count(*) FROM moose.work_orders")
            queues = queued(servers)
        except (RuntimeError, OSError) as error:
            left = str(error)
        else:
            left = f"{open_orders} open orders, {waiting} waiting for money, {outbox} in the outbox, {queues} queued, " \
                   f"{known} of {len(plan.orders)} known"
            if not raised and (open_orders, outbox, queues) == ("0", "0", 0):
                # Only now is the money raised that a part of the orders waited for.
                print(f"  at rest with {waiting} orders waiting for money; raising it", flush=True)
                servers.sql("UPDATE moose.budget_policies SET kill_u = 1e12 WHERE scope = 'project'")
                raised = True
            elif raised and (open_orders, waiting, outbox, queues) == ("0", "0", "0", 0):
                return None
        if time.time() > deadline:
            return left


def queued(servers):
    import pika
    try:
        connection = pika.BlockingConnection(pika.URLParameters(servers.own["MOOSE_AMQP_URL"]))
        channel = connection.channel()
        names = ["moose.work.default", "moose.work.slow", "moose.escalations", "moose.dead"]
        count = sum(channel.queue_declare(name, passive=True).method.message_count for name in names)
        connection.close()
        return count
    except pika.exceptions.AMQPError as error:
        raise OSError(f"broker: {error!r}")


class Scratch:
    """Small file systems in memory for the workers' scratch folders, where that is allowed (root)."""

    def __init__(self):
        self.mounts = []

    def make(self, path):
        os.mkdir(path)
        if os.geteuid() != 0 or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=4m,mode=0755", "moose-chaos", path], capture_output=True).returncode:
            return None
        self.mounts.append(path)
        return path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for path in self.mounts:
            subprocess.run(["umount", "-l", path], check=False)


def work(given):
    rng = random.Random(given.seed)
    system = System("")
    runs = os.path.join(system.folder, "runs")
    program = os.path.join(system.folder, "program.sh")
    with open(program, "w") as file:
        file.write(PROGRAM)
    os.chmod(program, 0o755)
    os.environ.update(CHAOS_RUNS=runs, CHAOS_WORKER="none")
    try:
        with Net() as net:
            service = net.service(runs)
            with open(system.config, "w") as file:
                file.write(CONFIG.format(handlers=handlers_yaml(service.url, program)))
            with system, Scratch() as scratch:
                return storm(given, rng, system, net, scratch, runs, service)
    finally:
        shutil.rmtree(system.folder, ignore_errors=True)


def storm(given, rng, system, net, scratch, runs, service):
    servers = Servers(system)
    for function, text, instead in given.breaks:
        servers.break_function(function, text, instead)
    if given.worst_settings:
        servers.sql(worst.statements(servers.user, servers.own["PGDATABASE"], CHECKER))
    plan = Plan(given.orders, given.poisons, rng)
    plan.ran = service.ran
    tight = round(given.orders * 0.7 / 100 * 800 * TIGHT_FITS)
    servers.sql(f"INSERT INTO moose.budget_policies (scope, name, period, kill_u) "
                f"VALUES ('project', '{TIGHT_PROJECT}', 'total', {tight}); "
                "UPDATE moose.budget_policies SET soft_u = 149e6, hard_u = NULL, kill_u = 150e6 WHERE scope = 'org'")
    with Fleet(system, net, system.folder, system.environment, given.seed) as fleet:
        servers.fleet = fleet
        for number in range(given.workers):
            worker = fleet.add(f"worker-{number}", "worker", "--lane", "default:24", "--lane", "slow:8")
            worker.scratch = scratch.make(os.path.join(system.folder, f"scratch-{number}"))
        for number in range(2):
            fleet.add(f"client-manager-{number}", "client-manager")
        fleet.start()
        publishers = Publishers(fleet, plan, given.seconds)
        faults = Faults(fleet, servers, given.faults, given.seconds, given.seed) if given.faults else None
        watch = Watch(servers, plan, faults)
        watch.start()
        deadline = time.time() + given.seconds * 2 + 60
        while not publishers.are_done or faults and faults.total < given.faults:
            if time.time() > deadline:
                print(f"the load did not come to its end: {plan.made} of {plan.count} made, "
                      f"{faults.total if faults else 0} faults")
                break
            time.sleep(0.2)
        loaded = time.time()
        if faults:
            faults.stop()
        publishers.stopping = True
        for process in fleet.processes:
            process.amqp.set("pass")
            process.database.set("pass")
        left = settle(servers, plan, given.settle)
        settled = time.time() - loaded
        watch.done.set()
        watch.join()
        codes = fleet.stop(30)
        checker = Checker(servers, fleet, plan, runs, given.seed)
        checker.line("faults", faults.total if faults else 0, faults.errors if faults else (), "the harness's own")
        checker.line(f"at rest {settled:.0f} s after the last fault", left or "yes", [left] if left else [])
        checker.line(f"looks at the caps, {watch.looks}: passed", len(watch.over), [" ".join(row) for row in watch.over])
        stuck = [f"{name}: {code}" for name, code in codes.items() if code != 0]
        checker.line("ended at SIGTERM with status 0", len(codes) - len(stuck), stuck)
        good = checker.check()
        if faults:
            print("faults: " + ", ".join(f"{name} {count}" for name, count in sorted(faults.counts.items())))
        print(f"sent again by publishers: {publishers.resent}; starts that failed under a fault: "
              f"{fleet.start_failures}; workers killed by poison: {fleet.poison_deaths}")
        checker.print()
        if given.keep or not good:
            keep(system.folder, servers, given.seed)
        return good


def keep(folder, servers, seed):
    """The logs and what the tables say, for a look afterwards: the servers are gone by then."""
    kept = f"{folder}-seed-{seed}"
    os.mkdir(kept)
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            shutil.copy(path, kept)
    for table in ("work_orders", "outcome_vectors", "dead_letters", "escalations", "escalation_events", "workers",
                  "budget_holds", "cost_tracking", "outbox"):
        with open(os.path.join(kept, table + ".csv"), "w") as file:
            file.write(servers.sql(f"COPY (SELECT * FROM moose.{table}) TO STDOUT CSV HEADER"))
    print(f"kept: {kept}")


def main():
    given = arguments()
    print(f"chaos: seed {given.seed}, {given.orders} work orders, at least {given.faults} faults, "
          f"{given.seconds} s, {given.workers} workers", flush=True)
    # Connections that are reset on purpose are no news.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.time()
    good = work(given)
    print(f"chaos: {'ok' if good else 'FAILED'}, seed {given.seed}, {time.time() - started:.0f} s")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
