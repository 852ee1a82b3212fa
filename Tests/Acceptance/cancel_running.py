#!/usr/bin/python3
"""Somebody cancels a running command: its whole process group is gone within a second, grandchildren that ignore
SIGTERM too; its real cost is posted, its hold gone, its state cancelled. Then the same where its worker is dead, and
where its message has not come yet."""
import json
import os
import subprocess
import sys
import time

from system import System, check, time_ordered_id

CONFIG = r"""
lanes: {default: {}}
lease: {heartbeat_seconds: 3, expiry_seconds: 12}
handlers:
  stubborn:
    command:
      argv: [sh, -c, 'trap ''echo "{\"cost_usd\": \"0.25\"}" > "$MOOSE_RESULT_FILE"; exit'' TERM;
                      sh -c "trap \"\" TERM; while :; do sleep 1; done" & sh -c "trap \"\" TERM; while :; do sleep 1; done" &
                      echo $$ > "$GROUPS_FOLDER/$MOOSE_WORK_ORDER_ID"; wait; wait']
      environment: [PATH, GROUPS_FOLDER]
    timeout_seconds: 600
    default_estimate_usd: "1"
"""


def members(group):
    """The living processes of a group."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/stat") as file:
                state, _, process_group = file.read().rsplit(") ", 1)[1].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state != "Z":
            found.append(int(process))
    return found


def gone_after(group, since, limit):
    while members(group):
        if time.monotonic() - since > limit:
            sys.exit(f"the process group still runs after {limit} s: {members(group)}")
        time.sleep(0.005)
    return time.monotonic() - since


with System(CONFIG) as system:
    groups = os.path.join(system.folder, "groups")
    os.mkdir(groups)
    system.environment["GROUPS_FOLDER"] = groups
    system.start("worker", "worker", "--lane", "default:4")
    channel = system.channel()

    def run_one():
        order = time_ordered_id()
        system.publish(channel, {"kind": "stubborn", "title": "loops"}, message_id=order)
        path = os.path.join(groups, order)
        deadline = time.time() + 60
        while not (os.path.exists(path) and os.path.getsize(path)):
            if time.time() > deadline:
                sys.exit("the command did not start:\n" + system.log("worker"))
            time.sleep(0.05)
        with open(path) as file:
            group = int(file.read())
        deadline = time.time() + 60
        while len(members(group)) < 3:
            if time.time() > deadline:
                sys.exit("its children did not start")
            time.sleep(0.05)
        return order, group

    order, group = run_one()
    other, other_group = run_one()
    check("processes of the group", len(members(group)) >= 3, True)
    answer = json.loads(system.moose("work-orders", "cancel", order, "--reason", "wrong prompt", "--json"))
    told = time.monotonic()
    check("answered", [answer[0]["before"], answer[0]["after"]], ["in_progress", "cancel_requested"])
    print(f"  the group was gone {gone_after(group, told, 1.0):.2f} s after the command had answered")
    system.wait_for("its state", f"SELECT state FROM moose.work_orders WHERE id = '{order}'", "cancelled", 30)
    check("real cost posted", system.sql(
        f"SELECT string_agg(entry || ' ' || amount_u, ',') FROM moose.cost_tracking WHERE owner = '{order}'"),
        "settled 250000")
    check("its hold", system.sql(f"SELECT state FROM moose.budget_holds WHERE owner = '{order}'"), "settled")
    check("audited", system.sql(
        f"SELECT action || ': ' || reason FROM moose.audit_log WHERE subject = 'work order {order}'"),
        "work order cancel: wrong prompt")
    check("the job beside it runs on", len(members(other_group)) >= 3, True)

    print("the worker is killed while it runs; its guard ends the command", flush=True)
    killed = time.monotonic()
    system.kill("worker")
    print(f"  the group was gone after {gone_after(other_group, killed, 10):.2f} s")
    system.moose("work-orders", "cancel", other, "--reason", "nobody waits for it")
    system.start("worker-2", "worker", "--lane", "default:4")
    system.wait_for("cancelled by the rescue", f"SELECT state FROM moose.work_orders WHERE id = '{other}'", "cancelled", 90)
    check("attempts of it", system.sql(
        f"SELECT string_agg(outcome, ',') FROM moose.outcome_vectors WHERE work_order_id = '{other}'"), "cancelled")
    check("folders of commands", len([
        name for name in os.listdir(os.environ.get("TMPDIR", "/tmp")) if name.startswith("moose-worker-")]) <= 1, True)

    late = time_ordered_id()
    system.moose("work-orders", "cancel", late, "--reason", "published by mistake")
    system.publish(channel, {"kind": "stubborn", "title": "late"}, message_id=late)
    last, last_group = run_one()
    check("cancelled before it came", system.sql(f"SELECT state || ' ' || attempt FROM moose.work_orders WHERE id = '{late}'"),
          "cancelled 0")
    check("dead letters", system.sql("SELECT count(*) FROM moose.dead_letters"), "0")

    print("--lane default, first counted, then cancelled", flush=True)
    counted = json.loads(system.moose("work-orders", "cancel", "--lane", "default", "--reason", "all of it", "--json"))
    check("counted only", counted, {"cancel_requested": 0, "cancelled": 0, "matching": 1})
    system.moose("work-orders", "cancel", "--lane", "default", "--reason", "all of it", "--yes")
    gone_after(last_group, time.monotonic(), 10)
    system.wait_for("cancelled", "SELECT count(*) FROM moose.work_orders WHERE state <> 'cancelled'", "0", 30)
    check("held", system.sql("SELECT sum(held_u) FROM moose.budget_buckets"), "0")
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
print("cancel running: ok")
