#!/usr/bin/python3
"""A new kind of work is published while three old workers run, then one new worker comes, then the others are renewed
one by one under load: nothing is dead-lettered, nothing waits for long, nothing runs twice."""
import os
import time

from system import System, check, time_ordered_id

COUNT = int(os.environ.get("COUNT", "300"))
OLD = r"""
lanes: {default: {}}
handlers:
  known: {command: {argv: ["true"]}, default_estimate_usd: "0.001"}
"""
NEW = OLD + r"""
  fresh: {command: {argv: ["true"]}, default_estimate_usd: "0.001"}
"""


def publish(system, channel, count, pause=0.0):
    for number in range(count):
        for kind in ("known", "fresh"):
            system.publish(channel, {"kind": kind, "title": f"number {number}"}, message_id=time_ordered_id())
        time.sleep(pause)


def wait_for_all(system, count):
    system.wait_for("all complete", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'",
                    str(2 * count), 180)


with System(OLD) as system:
    old, new = system.config, os.path.join(system.folder, "new.yaml")
    with open(new, "w") as file:
        file.write(NEW)
    worker = ("worker", "--lane", "default:8")
    for number in range(3):
        system.start(f"worker-{number}", *worker)
    channel = system.channel()
    publish(system, channel, COUNT)
    system.wait_for("the old workers leave what they don't know", "SELECT count(*) FROM moose.work_orders "
                    "WHERE kind = 'fresh' AND state = 'pending' AND attempt = 0", str(COUNT), 60)
    system.config = new
    system.start("worker-new", *worker)
    wait_for_all(system, COUNT)
    waited = float(system.sql(
        "SELECT max(extract(epoch FROM w.started_at - n.started_at)) FROM moose.work_orders w, moose.workers n "
        "WHERE w.kind = 'fresh' AND 'fresh' = ANY (n.kinds)"))
    print(f"all {COUNT} orders they left had started {waited:.1f} s after the first new worker", flush=True)
    check("less than the 30 s after which an old worker would look again", waited < 30, True)

    publish(system, channel, COUNT, pause=0.02)
    wait_for_all(system, 2 * COUNT)
    waited = "SELECT max(extract(epoch FROM started_at - created_at)) FROM moose.work_orders WHERE kind = 'fresh' " \
        "AND created_at > (SELECT max(started_at) FROM moose.workers)"
    longest = float(system.sql(waited))
    print(f"beside three old workers no fresh order waited longer than {longest:.1f} s", flush=True)
    check("less than the 30 s after which an old worker would look again", longest < 30, True)

    for number in range(3):
        publish(system, channel, COUNT // 3, pause=0.02)
        system.stop(f"worker-{number}")
        system.start(f"worker-{number}", *worker)
    wait_for_all(system, 2 * COUNT + COUNT // 3 * 3)
    check("dead letters", system.sql("SELECT count(*) FROM moose.dead_letters"), "0")
    check("orders that failed, or ran twice", system.sql(
        "SELECT count(*) FROM moose.work_orders WHERE state <> 'completed' OR attempt <> 1"), "0")
    check("results accepted per order, at most", system.sql(
        "SELECT max(n) FROM (SELECT count(*) FILTER (WHERE success) AS n FROM moose.outcome_vectors "
        "GROUP BY work_order_id) x"), "1")
print("rolling deploy: ok")
