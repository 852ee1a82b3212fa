#!/usr/bin/env python3
"""Servers go away, alone and together; reporters are killed; a disk is full. Every report and every spooled order
arrives exactly once."""
import glob
import json
import os
import signal
import subprocess
import time
import uuid

from system import MOOSE, System, check

CONFIG = """
lanes: {default: {weight: 1}}
lease: {heartbeat_seconds: 1, expiry_seconds: 3}
handlers:
  noop: {command: {argv: ["true"]}, free: true}
"""


def run(system, *arguments, input=None, shell=None):
    """One command of moose; its ids, its exit status and its words."""
    command = [MOOSE, *arguments, "--config", system.config]
    if shell:
        command = ["bash", "-c", shell + ' exec "$0" "$@"', *command]
    done = subprocess.run(command, env=system.environment, input=input, capture_output=True, text=True)
    return done.stdout.split(), done.returncode, done.stderr


def spool_files(system, pattern="*.ndjson"):
    return sorted(glob.glob(os.path.join(system.stack_folder, "spool", "*", pattern)))


def orders(count):
    return "".join(json.dumps({"kind": "noop", "title": f"order {n}"}) + "\n" for n in range(count))


def report(system, operation, count):
    ids = []
    for number in range(count):
        seen, status, words = run(system, "publish-error", "--component", "proposer", "--operation", operation,
                                  "--message", "it broke")
        check(f"publish-error {number} ends well", status, 0)
        ids += seen
    return ids


def main():
    with System(CONFIG) as system:
        run(system, "publish", "--file", "-", input=orders(10))
        print("Both servers gone: reports and orders go to the disk")
        system.moose("stack", "stop", "--folder", system.stack_folder)
        events = report(system, "away", 3)
        ids, status, words = run(system, "publish", "--spool", "--file", "-", input=orders(500))
        check("500 orders are spooled", (len(ids), status, "safe in" in words), (500, 0, True))
        print("  " + words.strip())
        single, status, _ = run(system, "publish", "--kind", "noop", "--title", "t")
        check("without --spool it is an error", status, 3)
        _, status, words = run(system, "publish", "--spool", "--wait", "--kind", "noop", "--title", "t")
        check("--wait can't be kept", status, 3)
        check("files", len(spool_files(system)), 5)

        print("A full disk: an error, and nothing of it stays")
        before = {name: os.path.getsize(name) for name in spool_files(system)}
        _, status, words = run(system, "publish", "--spool", "--file", "-", input=orders(500),
                               shell="trap '' XFSZ; ulimit -f 4;")
        check("the order is not accepted", (status != 0, "can't be written" in words), (True, True))
        half = [name for name in spool_files(system) if name not in before]
        check("what was half written is taken back", [os.path.getsize(name) for name in half], [0])

        print("A torn last line")
        with open(spool_files(system, "orders-*")[0], "a") as file:
            file.write('{"body":"{')
        print(system.moose("spool", "list"))

        print("The servers come back; a worker and a Client Manager of this host find the files")
        system.start_servers()
        system.start("worker", "worker", "--lane", "default:50")
        system.start("manager", "client-manager")
        system.wait_for("every order ran", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", "511",
                        120)
        wanted = ",".join(sorted(events))
        system.wait_for("every event is counted",
                        "SELECT string_agg(event_id::text, ',' ORDER BY event_id::text) FROM moose.escalation_events v "
                        "JOIN moose.escalations e ON e.id = v.escalation_id WHERE e.operation = 'away'", wanted, 60)
        check("in one escalation", system.sql("SELECT count FROM moose.escalations WHERE operation = 'away'"), "3")
        check("each attempt ran once", system.sql("SELECT count(*) FROM moose.outcome_vectors"), "511")
        check("the files are gone", spool_files(system), [])
        check("the torn line is kept", len(spool_files(system, "*.unreadable")), 1)
        system.wait_for("and told of", "SELECT sum(count) FROM moose.escalations WHERE operation = 'spool'", "1", 30)

        print("Both stop under a worker, which is killed: what it had to say outlives it")
        known = set(system.sql("SELECT event_id FROM moose.escalation_events").split())
        system.stop("manager")
        system.moose("stack", "stop", "--folder", system.stack_folder)
        deadline = time.time() + 120
        while not spool_files(system, "events-*"):
            if time.time() > deadline:
                raise SystemExit("the worker spooled nothing:\n" + system.log("worker"))
            time.sleep(0.2)
        system.kill("worker")
        said = []
        for name in spool_files(system, "events-*"):
            with open(name) as file:
                said += [json.loads(line) for line in file if line.endswith("\n")]
        for record in said:
            body = json.loads(record["body"])
            print(f"  spooled: {body['operation']}: {body['message'][:100]}")
            check("the id is that of the event", record["id"], body["id"].lower())
        system.start_servers()
        system.start("manager", "client-manager")
        for record in said:
            system.wait_for("a report of the dead worker is counted",
                            f"SELECT count(*) FROM moose.escalation_events WHERE event_id = '{record['id']}'", "1", 60)
        check("none was counted before", any(record["id"] in known for record in said), False)
        check("no count without its event", system.sql(
            "SELECT count(*) FROM moose.escalations e WHERE count <> "
            "(SELECT count(*) FROM moose.escalation_events v WHERE v.escalation_id = e.id)"), "0")

        print("One outage, one event a cause and process")
        system.start("worker", "worker", "--lane", "default:50")
        system.wait_for("the worker is there", "SELECT count(*) FROM moose.workers WHERE last_seen > now() - "
                        "interval '3 seconds'", "1", 60)
        mark = system.sql("SELECT now()")
        system.stop_server("database", signal.SIGKILL)
        time.sleep(20)
        system.start_servers()
        system.wait_for("it is told of", "SELECT count(*) > 0 FROM moose.escalation_events WHERE details->>'away' = "
                        f"'database' AND occurred_at > '{mark}'", "t", 60)
        time.sleep(5)
        print("  " + system.sql("SELECT string_agg(e.component || ' ' || e.operation || ': ' || v.message, E'\\n  ') "
                                "FROM moose.escalation_events v JOIN moose.escalations e ON e.id = v.escalation_id "
                                f"WHERE v.occurred_at > '{mark}'"))
        check("events of the outage that a process sent", system.sql(
            "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM moose.escalation_events v JOIN moose.escalations e "
            "ON e.id = v.escalation_id WHERE details->>'away' = 'database' AND component = 'worker' "
            f"AND occurred_at > '{mark}') x"), "1")


if __name__ == "__main__":
    main()
