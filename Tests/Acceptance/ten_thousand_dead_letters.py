#!/usr/bin/python3
"""10,000 orders to a lane that doesn't exist: each becomes a dead letter; lists and filters answer at once; all are
redriven to a lane that does, by a redriver that is killed in the middle and another that goes on; each runs once."""
import os
import signal
import subprocess
import sys
import time

from system import MOOSE, System, check, time_ordered_id

COUNT = int(os.environ.get("COUNT", "10000"))
CONFIG = r"""
lanes: {default: {}}
handlers:
  work: {command: {argv: ["true"]}, default_estimate_usd: "0.001"}
"""
# Pauses above a second are waits for the lease of the one that was killed, not work.
SPEED = """SELECT round(count(*) / nullif(sum(gap) FILTER (WHERE gap < 1), 0)) FROM (
    SELECT extract(epoch FROM at - lag(at) OVER (ORDER BY at)) AS gap FROM moose.dead_letter_history
    WHERE action = 'redriven' AND who = '%s') x"""


def timed(system, *arguments):
    started = time.monotonic()
    lines = system.moose("dead-letters", "list", *arguments).count("\n") - 1
    return f"{(time.monotonic() - started) * 1000:.0f} ms", lines


with System(CONFIG) as system:
    system.sql("UPDATE moose.budget_policies SET soft_u = 1e11, hard_u = NULL, kill_u = 1e12")
    system.start("client-manager", "client-manager")
    channel = system.channel()
    for number in range(COUNT):
        system.publish(channel, {"kind": "work", "title": f"number {number}", "payload": {"text": "x" * 500}},
                       message_id=time_ordered_id(), lane="nowhere")
    system.wait_for("all are dead letters", "SELECT count(*) FROM moose.dead_letters WHERE state = 'dead'",
                    str(COUNT), 120)
    system.sql("ANALYZE moose.dead_letters")
    print("  the command itself, start and connection included:")
    for arguments in ([], ["--reason", "unroutable", "--lane", "nowhere"], ["--text", f"number {COUNT - 1}"],
                      ["--text", "nothing of the kind"], ["--since", "1h", "--kind", "work", "--limit", "100"]):
        print("   list", " ".join(arguments), *timed(system, *arguments), "rows", flush=True)
    query = ("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT id FROM moose.dead_letters WHERE state = 'dead' AND "
             "(position(lower('number 77') IN lower(explanation)) > 0 OR position('number 77'::bytea IN body) > 0) "
             "ORDER BY created_at DESC, id DESC LIMIT 10000")
    seconds = float(system.sql(query).split('"Execution Time": ')[1].split("\n")[0]) / 1000
    print(f"   the slowest filter in the database: {seconds * 1000:.0f} ms")
    check("a text in all bodies is found under 200 ms", seconds < 0.2, True)

    redrive = [MOOSE, "dead-letters", "redrive", "--reason", "unroutable", "--to-lane", "default", "--config",
               system.config]
    first = subprocess.Popen(redrive, env={**system.environment, "MOOSE_WHO": "first"}, stderr=subprocess.DEVNULL)
    deadline = time.time() + 60
    while int(system.sql("SELECT count(*) FROM moose.dead_letters WHERE state = 'redriven'")) < COUNT * 0.3:
        if time.time() > deadline or first.poll() is not None:
            sys.exit("the first redriver ended, or did nothing")
    first.send_signal(signal.SIGKILL)
    first.wait()
    done = int(system.sql("SELECT count(*) FROM moose.dead_letters WHERE state = 'redriven'"))
    print(f"  killed at {done} redriven; its lease held",
          system.sql("SELECT count(*) FROM moose.dead_letters WHERE state = 'dead' AND leased_until > now()"), flush=True)
    check("killed in the middle", 0 < done < COUNT, True)
    second = subprocess.run(redrive, env={**system.environment, "MOOSE_WHO": "second"}, capture_output=True, text=True)
    print("  the second:", second.stdout.strip(), second.stderr.strip().splitlines()[-1:])
    check("the second's exit status", second.returncode, 0)
    speeds = [int(system.sql(SPEED % who)) for who in ("first", "second")]
    print(f"  redriven a second: {speeds[0]} and {speeds[1]}", flush=True)
    check("2,000 a second or better", min(speeds) >= 2000, True)
    check("dead letters redriven", system.sql("SELECT count(*) FROM moose.dead_letters WHERE state = 'redriven'"),
          str(COUNT))
    queued = channel.queue_declare("moose.work.default", passive=True).method.message_count
    print(f"  in the queue: {queued}, of them {queued - COUNT} published twice around the kill")
    check("none lost", queued >= COUNT, True)

    system.start("worker", "worker", "--lane", "default:16")
    system.wait_for("all complete", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", str(COUNT), 900)
    check("accepted results per order, at most and at least", system.sql(
        "SELECT max(n) || ' ' || min(n) FROM (SELECT count(*) FILTER (WHERE success) AS n "
        "FROM moose.outcome_vectors GROUP BY work_order_id) x"), "1 1")
    check("attempts beyond the first", system.sql("SELECT count(*) - %d FROM moose.outcome_vectors" % COUNT), "0")
    check("dead letters that are still dead", system.sql(
        "SELECT count(*) FROM moose.dead_letters WHERE state = 'dead'"), "0")
    check("who redrove them", system.sql(
        "SELECT count(*) FROM moose.dead_letter_history WHERE who IN ('first', 'second')"), str(COUNT))
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
print("ten thousand dead letters: ok")
