#!/usr/bin/python3
"""SIGTERM to a worker with 50 running jobs: it takes nothing more, the short jobs end, the long ones are interrupted
without burning an attempt and go on elsewhere, and it exits within its grace. A second SIGTERM stops at once; the rescue
of the leases finishes the rest. An operator drains the last worker from the command line. Nothing runs twice but what
was cut off."""
import json
import os
import signal
import sys
import time

from system import System, check, time_ordered_id

GRACE = 8
CONFIG = r"""
lanes: {default: {}}
lease: {heartbeat_seconds: 2, expiry_seconds: 8}
retry: {base_seconds: 0.5, cap_seconds: 2}
handlers:
  job:
    command:
      argv: [sh, -c, 'echo "start $MOOSE_WORK_ORDER_ID $MOOSE_ATTEMPT" >> "$JOURNAL"; read order;
                      case "$order" in (*\"endless\"*) [ -e "$JOURNAL.open" ] || sleep 3600 & wait $! ;; (*) sleep 3 ;; esac;
                      echo "end $MOOSE_WORK_ORDER_ID $MOOSE_ATTEMPT" >> "$JOURNAL";
                      echo "{\"cost_usd\": \"0.01\"}" > "$MOOSE_RESULT_FILE"']
      environment: [PATH, JOURNAL]
    timeout_seconds: 600
    default_estimate_usd: "0.02"
"""


def journal(word):
    try:
        with open(path) as file:
            return [line.split() for line in file if line.startswith(word + " ")]
    except FileNotFoundError:
        return []


def wait_for_starts(count):
    deadline = time.time() + 120
    while len(journal("start")) < count:
        if time.time() > deadline:
            sys.exit(f"only {len(journal('start'))} of {count} jobs started")
        time.sleep(0.05)


def stopped(name, signals, limit):
    """Sends SIGTERM so often; how long the process then took, and its exit status."""
    process = system.processes.pop(name)
    began = time.monotonic()
    for number in range(signals):
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        while number == 0 and "draining" not in system.log(name) and time.monotonic() < deadline:
            time.sleep(0.01)
        # What comes sooner is an echo of the first, as timeout(1) makes one.
        time.sleep(0.3 if number + 1 < signals else 0)
    second = time.monotonic()
    status = process.wait(limit)
    return time.monotonic() - (second if signals > 1 else began), status


with System(CONFIG) as system:
    path = os.path.join(system.folder, "journal")
    system.environment["JOURNAL"] = path
    worker = ("worker", "--lane", "default:50", "--drain-timeout", str(GRACE))
    channel = system.channel()

    def publish(titles):
        for title in titles:
            system.publish(channel, {"kind": "job", "title": title}, message_id=time_ordered_id())

    system.start("first", *worker)
    publish(["short"] * 25 + ["endless"] * 25 + ["short"] * 30)
    wait_for_starts(50)
    check("running when SIGTERM comes", len(journal("start")) - len(journal("end")) >= 25, True)
    seconds, status = stopped("first", 1, 120)
    print(f"  drained in {seconds:.1f} s, with a grace of {GRACE} s and up to 5 s for programs that are told to end")
    check("exit status", status, 0)
    check("exit within the grace", seconds < GRACE + 5, True)
    check("still in progress", system.sql("SELECT count(*) FROM moose.work_orders WHERE state = 'in_progress'"), "0")
    check("interrupted, handed back", system.sql(
        "SELECT count(*) FROM moose.work_orders w JOIN moose.outcome_vectors v ON v.work_order_id = w.id "
        "WHERE w.state = 'pending' AND v.outcome = 'interrupted'"), "25")
    check("attempts burned by it", system.sql(
        "SELECT coalesce(sum(attempt), 0) FROM moose.work_orders WHERE state = 'pending'"), "0")
    check("ended while it drained", len(journal("end")) >= 25, True)

    print("a second worker takes over; SIGTERM twice", flush=True)
    starts = len(journal("start"))
    ended = len(journal("end"))
    system.start("second", *worker)
    wait_for_starts(starts + 50)
    seconds, status = stopped("second", 2, 60)
    print(f"  stopped {seconds:.2f} s after the second signal")
    check("exit status", status, 1)
    check("at once", seconds < 2, True)

    open(path + ".open", "w").close()
    system.start("third", *worker)
    system.wait_for("all complete", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", "80", 120)
    check("in any other state", system.sql("SELECT count(*) FROM moose.work_orders WHERE state <> 'completed'"), "0")
    check("results accepted per order, at least and at most", system.sql(
        "SELECT min(n) || ' ' || max(n) FROM (SELECT count(*) FILTER (WHERE success) AS n "
        "FROM moose.outcome_vectors GROUP BY work_order_id) x"), "1 1")
    ends = [line[1] for line in journal("end")]
    print(f"  ran to their end: {len(ends)}, of {len(set(ends))} orders; the rest was cut off by the second signal")
    check("attempts of which nobody heard again", system.sql(
        "SELECT count(*) > 0 FROM moose.outcome_vectors WHERE outcome = 'worker_lost'"), "t")

    print("an operator drains the last one", flush=True)
    third = system.sql("SELECT id FROM moose.workers WHERE stopped_at IS NULL AND last_seen > now() - interval '9 seconds'")
    os.remove(path + ".open")
    publish(["endless"])
    system.wait_for("runs", "SELECT count(*) FROM moose.work_orders WHERE state = 'in_progress'", "1", 60)
    system.moose("workers", "drain", third, "--reason", "kernel update")
    states = {entry["id"]: entry["state"] for entry in json.loads(system.moose("workers", "list", "--json"))}
    check("shown as", states.get(third), "draining")
    check("exit status", system.processes.pop("third").wait(120), 0)
    check("handed back", system.sql("SELECT state || ' ' || attempt FROM moose.work_orders WHERE state <> 'completed'"),
          "pending 0")
    check("held", system.sql("SELECT sum(held_u) FROM moose.budget_buckets"), "0")
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
print("drain under load: ok")
