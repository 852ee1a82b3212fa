#!/usr/bin/python3
"""200 processes each ask for $1 of a fresh $100 at the same instant, 50 rounds: 100 get it, never 99, never 101. First
through check_and_reserve_budget, as the role that other services have; then as work orders, through four workers."""
import os
import subprocess
import sys
import time

from system import System, check, time_ordered_id

PROCESSES = int(os.environ.get("PROCESSES", "200"))
ROUNDS = int(os.environ.get("ROUNDS", "50"))
WORKER_ROUNDS = int(os.environ.get("WORKER_ROUNDS", "50"))
CAP = PROCESSES // 2
ROLE_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/postgres/budget-client.sql")
CONFIG = r"""
lanes: {default: {}}
handlers:
  work:
    command: {argv: [sh, -c, 'sleep 1; echo ''{"cost_usd": "1"}'' > "$MOOSE_RESULT_FILE"']}
    default_estimate_usd: "1"
"""


def fresh_budget(system, project):
    """Nobody has counted against it yet, so the first of the callers also have to make its bucket, all at once."""
    system.sql(f"INSERT INTO moose.budget_policies (scope, name, period, kill_u) "
               f"VALUES ('project', '{project}', 'day', {CAP} * 1000000)")


def check_books(system, project):
    books = system.sql(
        "SELECT b.held_u + b.posted_u || ' ' || (SELECT count(*) FROM moose.reconcile()) FROM moose.budget_buckets b "
        f"JOIN moose.budget_policies p ON p.id = b.policy_id AND p.name = '{project}'")
    if books != f"{CAP}000000 0":
        sys.exit(f"{project}: held and posted, differences: {books}; wanted {CAP}000000 0")


class Caller:
    """One process with one connection, as another service has it."""

    def __init__(self, environment):
        self.process = subprocess.Popen(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1"], env=environment, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, sql):
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()

    def receive(self):
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


def storm_from_sql(system):
    subprocess.run(["psql", "-Xq", "-v", f"connections={PROCESSES}", "-f", ROLE_SCRIPT], check=True,
                   stdout=subprocess.DEVNULL, env={**system.environment, "MOOSE_BUDGET_CLIENT_PASSWORD": "storm"})
    role = {**system.environment, "PGUSER": "moose_budget_client", "PGPASSWORD": "storm"}
    callers = []
    granted = []
    spreads = []
    try:
        for _ in range(PROCESSES):
            callers.append(Caller(role))
        for caller in callers:
            caller.send("SET statement_timeout = '60s'; SET lock_timeout = '60s'; SELECT 'ready';")
        for caller in callers:
            if caller.receive() != "ready":
                sys.exit("a caller can't connect")
        for round in range(ROUNDS):
            project = f"storm-{round}"
            fresh_budget(system, project)
            instant = system.sql("SELECT now() + interval '400 milliseconds'")
            for caller in callers:
                caller.send(
                    f"SELECT pg_sleep_until('{instant}') IS NULL; "
                    "SELECT can_proceed || ' ' || (reservation_id IS NOT NULL) || ' ' || "
                    "extract(epoch FROM statement_timestamp()) FROM check_and_reserve_budget("
                    f"1, 'storm', '{{\"project\": \"{project}\"}}');")
            answers = []
            for caller in callers:
                caller.receive()
                answers.append(caller.receive().split())
            granted.append(sum(answer[:2] == ["true", "true"] for answer in answers))
            refused = sum(answer[:2] == ["false", "false"] for answer in answers)
            began = [float(answer[2]) for answer in answers]
            spreads.append(max(began) - min(began))
            if (granted[-1], refused) != (CAP, PROCESSES - CAP):
                sys.exit(f"round {round}: {granted[-1]} granted, {refused} refused; wanted {CAP} and {PROCESSES - CAP}")
            check_books(system, project)
    finally:
        for caller in callers:
            caller.close()
    print(f"  from SQL: {PROCESSES} processes, {ROUNDS} rounds: granted at least {min(granted)}, at most {max(granted)}; "
          f"their calls began within {min(spreads) * 1000:.0f} to {max(spreads) * 1000:.0f} ms", flush=True)


def storm_through_workers(system):
    for number in range(4):
        system.start(f"worker-{number}", "worker", "--lane", f"default:{-(-PROCESSES // 4)}")
    system.wait_for("the workers", "SELECT count(*) FROM moose.workers", "4", 60)
    channel = system.channel()
    overlap = []
    for round in range(WORKER_ROUNDS):
        project = f"workers-{round}"
        fresh_budget(system, project)
        for number in range(PROCESSES):
            system.publish(channel, {"kind": "work", "title": f"{number}", "project": project},
                           message_id=time_ordered_id())
        # While the first run, money is only on hold; the end is reached when all of it is spent.
        deadline = time.time() + 120
        most = 0
        while time.time() < deadline:
            states = dict(line.split("|") for line in system.sql(
                f"SELECT state, count(*) FROM moose.work_orders WHERE project = '{project}' GROUP BY 1").splitlines())
            most = max(most, int(states.get("in_progress", 0)))
            if int(states.get("in_progress", 0)) + int(states.get("completed", 0)) > CAP:
                sys.exit(f"round {round}: {states} passes the cap of {CAP}")
            if states == {"completed": str(CAP), "awaiting_budget": str(PROCESSES - CAP)}:
                break
            time.sleep(0.1)
        else:
            sys.exit(f"round {round}: {states}; wanted {CAP} completed and {PROCESSES - CAP} awaiting_budget")
        overlap.append(most)
        check_books(system, project)
    print(f"  through 4 workers: {PROCESSES} orders, {WORKER_ROUNDS} rounds: {CAP} ran and {PROCESSES - CAP} wait, each "
          f"time; {min(overlap)} to {max(overlap)} were seen running at once", flush=True)
    check("holds of one attempt granted twice", system.sql(
        "SELECT count(*) FROM (SELECT 1 FROM moose.budget_holds GROUP BY owner, token HAVING count(*) > 1) x"), "0")


with System(CONFIG) as system:
    system.sql("UPDATE moose.budget_policies SET soft_u = NULL, hard_u = NULL, kill_u = 1e12")
    storm_from_sql(system)
    storm_through_workers(system)
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
    check("reconcile differences of the current windows", system.sql("SELECT count(*) FROM moose.reconcile(true)"), "0")
print("budget storm: ok")
