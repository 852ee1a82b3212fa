#!/usr/bin/python3
"""One midnight from end to end, with PostgreSQL under libfaketime: its clock decides, the workers' own say something
else. The day is spent, so orders wait; a job that runs across midnight is paid from the old day; the waiting orders are
woken by themselves, the oldest first, as many as the new day has money for. Once in UTC, once in Berlin on the eve of
the day that has 23 hours."""
import datetime
import glob
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid

from system import MOOSE, System, check

LIBRARY = (glob.glob("/usr/lib/*/faketime/libfaketime.so.1") + [None])[0]
UTC = datetime.timezone.utc
CONFIG = r"""
lanes: {default: {}}
handlers:
  work:
    command: {argv: [sh, -c, 'echo ''{"cost_usd": "2"}'' > "$MOOSE_RESULT_FILE"']}
    default_estimate_usd: "2"
  spend:
    command: {argv: [sh, -c, 'echo ''{"cost_usd": "9"}'' > "$MOOSE_RESULT_FILE"']}
    default_estimate_usd: "9"
  long:
    command:
      argv: [sh, -c, 'while [ ! -e RELEASE ]; do sleep 0.2; done; echo ''{"cost_usd": "0.7"}'' > "$MOOSE_RESULT_FILE"']
    timeout_seconds: 600
    default_estimate_usd: "1"
"""


def server_pid(system):
    return json.loads(subprocess.run([MOOSE, "stack", "status", "--json", "--folder", system.stack_folder],
                                     capture_output=True, text=True).stdout)["database"]["pid"]


def set_clock(system, moment):
    """Starts the stack's own PostgreSQL again, the same command on the same data, with another clock."""
    pid = server_pid(system)
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        command = file.read().rstrip(b"\0").split(b"\0")
    with open(f"/proc/{pid}/environ", "rb") as file:
        environment = dict(entry.split(b"=", 1) for entry in file.read().split(b"\0") if b"=" in entry)
    folder = os.readlink(f"/proc/{pid}/cwd")
    owner = os.stat(f"/proc/{pid}")
    os.kill(pid, 2)
    while os.path.exists(f"/proc/{pid}") and open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z":
        time.sleep(0.1)
    offset = round(moment.timestamp() - time.time())
    environment.update({
        b"LD_PRELOAD": LIBRARY.encode(), b"FAKETIME": b"%+d" % offset,
        # Only the wall clock: durations and files are real.
        b"FAKETIME_DONT_FAKE_MONOTONIC": b"1", b"NO_FAKE_STAT": b"1"})
    account = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    log = open(os.path.join(system.folder, "database.log"), "ab")
    process = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                               start_new_session=True, **account)
    system.wait_for("the database with its new clock", "SELECT 1", "1", 30)
    return process


def midnight(zone, moment, hours):
    """moment: the midnight, in UTC. hours: how long the new day is in the zone."""
    release = tempfile.mktemp(prefix="moose-midnight.")
    with System(CONFIG.replace("RELEASE", release)) as system:
        try:
            server = set_clock(system, moment - datetime.timedelta(seconds=40))
            print(f"  {zone}: the database says it is", system.sql("SELECT now()"), flush=True)
            system.sql("UPDATE moose.budget_policies SET soft_u = NULL, hard_u = NULL, kill_u = 10e6, "
                       f"time_zone = '{zone}' WHERE period = 'day'")
            system.start("worker", "worker", "--lane", "default:8")
            channel = system.channel()

            def states(condition):
                return ("SELECT string_agg(state, ' ' ORDER BY created_at) FROM moose.work_orders "
                        f"WHERE {condition}")

            system.publish(channel, {"kind": "spend", "title": "spends the day"}, message_id=str(uuid.uuid4()))
            system.wait_for("the spender", states("kind = 'spend'"), "completed", 20)
            system.publish(channel, {"kind": "long", "title": "across midnight"}, message_id=str(uuid.uuid4()))
            system.wait_for("the long job", states("kind = 'long'"), "in_progress", 10)
            # Ids say nothing about age here: who is oldest is told by the database's clock alone.
            for number in range(6):
                system.publish(channel, {"kind": "work", "title": f"waiter {number}"}, message_id=str(uuid.uuid4()))
                system.wait_for("a waiter", f"SELECT count(*) FROM moose.work_orders WHERE state = 'awaiting_budget'",
                                str(number + 1), 10)
            check("before midnight, and all wait for money", system.sql(
                f"SELECT now() < '{moment}' AND bool_and(error = 'budget refused: spent') FROM moose.work_orders "
                "WHERE kind = 'work'"), "t")

            # Five times $2 is the new day; the sixth has to wait for another one.
            system.wait_for("woken by midnight alone", states("kind = 'work'"),
                            "completed completed completed completed completed awaiting_budget", 120)
            check("none was started before midnight", system.sql(
                f"SELECT min(started_at) >= '{moment}' FROM moose.work_orders WHERE kind = 'work'"), "t")
            check("the oldest first", system.sql(
                "SELECT bool_and(ok) FROM (SELECT started_at >= lag(started_at, 1, started_at) OVER (ORDER BY created_at)"
                " AS ok FROM moose.work_orders WHERE kind = 'work' AND state = 'completed') x"), "t")
            check("seconds after midnight until the first ran, under 30", system.sql(
                f"SELECT min(started_at) - '{moment}' < interval '30 seconds' FROM moose.work_orders WHERE kind = 'work'"),
                "t")
            check("the long job still runs, held by the old day", system.sql(
                "SELECT w.state || ' ' || b.held_u FROM moose.work_orders w, moose.budget_buckets b "
                f"JOIN moose.budget_policies p ON p.id = b.policy_id WHERE w.kind = 'long' AND p.period = 'day' "
                f"AND b.window_end = '{moment}'"), "in_progress 1000000")

            open(release, "w").close()
            system.wait_for("the long job ends", states("kind = 'long'"), "completed", 30)
            check("its cost is posted in the old day; held and posted of both days", system.sql(
                "SELECT string_agg(b.held_u || ' ' || b.posted_u, ', ' ORDER BY b.window_start) FROM moose.budget_buckets b "
                "JOIN moose.budget_policies p ON p.id = b.policy_id WHERE p.period = 'day'"), "0 9700000, 0 10000000")
            check("it began before midnight and ended after", system.sql(
                f"SELECT started_at < '{moment}' AND finished_at > '{moment}' FROM moose.work_orders WHERE kind = 'long'"),
                "t")
            check("the new day begins at midnight and has so many hours", system.sql(
                f"SELECT (window_start = '{moment}') || ' ' || extract(epoch FROM window_end - window_start)::integer / 3600 "
                "FROM moose.budget_status() WHERE period = 'day'"), f"true {hours}")
            check("the sixth waits on", system.sql(states("title = 'waiter 5'")), "awaiting_budget")
            check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
            check("reconcile differences of the current windows",
                  system.sql("SELECT count(*) FROM moose.reconcile(true)"), "0")
        finally:
            # The long job ends, whatever happened, and with it the worker.
            open(release, "w").close()
            if "worker" in system.processes:
                system.stop("worker")
            os.unlink(release)
    server.wait(60)


if LIBRARY is None:
    sys.exit("midnight needs libfaketime to give PostgreSQL another clock. deploy/stack/install-packages.sh installs it")
midnight("UTC", datetime.datetime(2027, 3, 1, 0, 0, tzinfo=UTC), 24)
midnight("Europe/Berlin", datetime.datetime(2027, 3, 27, 23, 0, tzinfo=UTC), 23)
print("midnight: ok")
