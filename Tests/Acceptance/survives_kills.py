#!/usr/bin/python3
"""Work orders published by pika while four workers run; two workers killed, the broker and the database restarted:
every id completes with exactly one accepted result, and every cent is accounted for."""
import os
import signal
import sys
import threading
import time

import pika

from system import System, check, time_ordered_id

COUNT = int(os.environ.get("COUNT", "20000"))
CONFIG = r"""
lanes: {default: {}}
lease: {heartbeat_seconds: 3, expiry_seconds: 12}
retry: {base_seconds: 0.5, cap_seconds: 2}
defaults: {max_attempts: 20}
handlers:
  count:
    command:
      argv: [sh, -c, 'echo ''{"cost_usd": "0.0008"}'' > "$MOOSE_RESULT_FILE"']
    timeout_seconds: 60
    default_estimate_usd: "0.001"
"""


def publish_all(system, ids):
    """A publisher as a stranger writes it: after a lost connection it sends again what was not confirmed."""
    position = 0
    while position < len(ids):
        try:
            channel = system.channel()
            while position < len(ids):
                body = {"kind": "count", "title": f"number {position}"}
                system.publish(channel, body, message_id=ids[position])
                position += 1
        except (pika.exceptions.AMQPError, OSError):
            time.sleep(0.5)


with System(CONFIG) as system:
    system.sql("UPDATE moose.budget_policies SET soft_u = 1e11, hard_u = NULL, kill_u = 1e12")
    worker = ("worker", "--lane", "default:16")
    for number in range(4):
        system.start(f"worker-{number}", *worker)
    system.start("client-manager", "client-manager")
    ids = [time_ordered_id() for _ in range(COUNT)]
    publisher = threading.Thread(target=publish_all, args=(system, ids), daemon=True)
    publisher.start()

    def completed():
        try:
            return int(system.sql("SELECT count(*) FROM moose.work_orders WHERE state = 'completed'"))
        except RuntimeError:
            return -1

    def wait_until(share):
        deadline = time.time() + 600
        while completed() < COUNT * share:
            if time.time() > deadline:
                sys.exit(f"stuck at {completed()} of {COUNT}")
            time.sleep(0.2)

    wait_until(0.1)
    for name in ("worker-0", "worker-1"):
        system.kill(name)
    print(f"killed two workers at {completed()} completed", flush=True)
    time.sleep(2)
    for name in ("worker-0", "worker-1"):
        system.start(name, *worker)
    wait_until(0.3)
    system.kill_server("broker", signal.SIGTERM)
    print(f"restarting the broker at {completed()} completed", flush=True)
    time.sleep(3)
    system.start_servers()
    wait_until(0.5)
    system.kill_server("database", signal.SIGINT)
    print(f"restarting the database at {completed()} completed", flush=True)
    time.sleep(3)
    system.start_servers()
    publisher.join()
    system.wait_for("all complete", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", str(COUNT), 600)
    check("published ids that completed", system.sql(
        "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'"), str(COUNT))
    check("orders in any other state", system.sql("SELECT count(*) FROM moose.work_orders WHERE state <> 'completed'"), "0")
    check("accepted results per order, at most and at least", system.sql(
        "SELECT max(n) || ' ' || min(n) FROM (SELECT count(*) FILTER (WHERE success) AS n "
        "FROM moose.outcome_vectors GROUP BY work_order_id) x"), "1 1")
    print("  attempts cut off and run again:", system.sql(
        "SELECT count(*) FROM moose.outcome_vectors WHERE NOT success"), flush=True)
    settled, presumed, posted = system.sql(
        "SELECT coalesce(sum(amount_u) FILTER (WHERE entry = 'settled'), 0) || ' ' || "
        "coalesce(sum(amount_u) FILTER (WHERE entry <> 'settled'), 0) || ' ' || "
        "(SELECT max(posted_u) FROM moose.budget_buckets) FROM moose.cost_tracking").split()
    print(f"  settled {settled} + presumed {presumed} micro-USD; posted {posted}")
    check("posted = settled + presumed", int(posted), int(settled) + int(presumed))
    check("settled at least 800 for each order", int(settled) >= 800 * COUNT * 0.99, True)
    check("held", system.sql("SELECT sum(held_u) FROM moose.budget_buckets"), "0")
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
print("survives kills: ok")
