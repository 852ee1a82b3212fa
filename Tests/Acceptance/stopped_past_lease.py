#!/usr/bin/python3
"""A worker is stopped (SIGSTOP) past its leases and continued: another has completed its orders meanwhile, each exactly
once. Its late result is refused, a job it still runs is stopped, what its attempts really cost is posted once, and it
goes on working."""
import os
import signal
import sys
import time

from system import System, check, time_ordered_id

CONFIG = r"""
lanes: {default: {}}
lease: {heartbeat_seconds: 2, expiry_seconds: 6}
retry: {base_seconds: 0.5, cap_seconds: 2}
handlers:
  job:
    command:
      argv: [sh, -c, 'trap ''echo "{\"cost_usd\": \"0.5\"}" > "$MOOSE_RESULT_FILE"; exit'' TERM;
                      read order; echo "$MOOSE_WORK_ORDER_ID $MOOSE_ATTEMPT" >> "$JOURNAL";
                      case "$MOOSE_ATTEMPT$order" in
                        (1*\"long\"*) sleep 3600 & wait ;;
                        (1*\"short\"*) sleep 4; echo "{\"cost_usd\": \"0.25\", \"result\": \"late\"}" > "$MOOSE_RESULT_FILE" ;;
                        (*) echo "{\"cost_usd\": \"0.1\", \"result\": \"first\"}" > "$MOOSE_RESULT_FILE" ;; esac']
      environment: [PATH, JOURNAL]
    timeout_seconds: 600
    default_estimate_usd: "1"
"""

with System(CONFIG) as system:
    journal = os.path.join(system.folder, "journal")
    system.environment["JOURNAL"] = journal
    system.start("stopped", "worker", "--lane", "default:4")
    channel = system.channel()
    orders = {title: time_ordered_id() for title in ("short", "long")}
    for title, order in orders.items():
        system.publish(channel, {"kind": "job", "title": title}, message_id=order)
    deadline = time.time() + 60
    while not os.path.exists(journal) or len(open(journal).readlines()) < 2:
        if time.time() > deadline:
            sys.exit("the jobs did not start:\n" + system.log("stopped"))
        time.sleep(0.05)
    system.processes["stopped"].send_signal(signal.SIGSTOP)
    print("stopped the worker while both jobs run; their programs go on", flush=True)
    system.start("other", "worker", "--lane", "default:4")
    system.wait_for("completed by another", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", "2", 120)
    check("the other one's costs posted, those of the stopped one presumed", system.sql(
        "SELECT string_agg(state || ' ' || coalesce(actual_u::text, '?'), ', ' ORDER BY token, owner) FROM moose.budget_holds"),
        "presumed_spent ?, presumed_spent ?, settled 100000, settled 100000")

    system.processes["stopped"].send_signal(signal.SIGCONT)
    print("continued", flush=True)
    system.wait_for("its real costs are known", "SELECT count(*) FROM moose.budget_holds WHERE late", "2", 60)
    time.sleep(3)
    for title, first in (("short", 250000), ("long", 500000)):
        check(f"{title}: cost of the late attempt and of the accepted one", system.sql(
            "SELECT string_agg(actual_u::text, ' ' ORDER BY token) FROM moose.budget_holds "
            f"WHERE owner = '{orders[title]}'"), f"{first} 100000")
        check(f"{title}: posted in all", system.sql(
            f"SELECT sum(amount_u) FROM moose.cost_tracking WHERE owner = '{orders[title]}'"), str(first + 100000))
        check(f"{title}: its result", system.sql(
            f"SELECT convert_from(result, 'UTF8') FROM moose.work_orders WHERE id = '{orders[title]}'"), '"first"')
        check(f"{title}: outcomes", system.sql(
            "SELECT string_agg(outcome, ' ' ORDER BY fencing_token) FROM moose.outcome_vectors "
            f"WHERE work_order_id = '{orders[title]}'"), "worker_lost completed")
    check("starts", len(open(journal).readlines()), 4)
    check("told of late ends", "came too late" in system.log("stopped"), True)

    system.stop("other")
    system.publish(channel, {"kind": "job", "title": "next"}, message_id=time_ordered_id())
    system.wait_for("it goes on working", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", "3", 60)
    check("held", system.sql("SELECT sum(held_u) FROM moose.budget_buckets"), "0")
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
print("stopped past lease: ok")
