#!/usr/bin/python3
"""Failures of many kinds among orders that complete, and both servers gone for a while: the escalations are the true causes,
none of them merged with another and none double, each with its count.

    ORDERS=3000 Tests/Acceptance/causes.py"""
import http.server
import json
import os
import random
import signal
import threading
import time

from system import System, check

ORDERS = int(os.environ.get("ORDERS", "3000"))
STATUSES = [400, 401, 403, 404, 422, 429, 500, 503]


class Service(http.server.BaseHTTPRequestHandler):
    """Answers with the status in its path, and another text each time."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"error": f"request {random.randrange(10**9)} failed"}).encode()
        self.send_response(int(self.path.strip("/")))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


SERVICE = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
COMMANDS = {
    # kind: (argv, its class, words of its escalation)
    "exit-1": (["sh", "-c", "echo \"no luck $$\" >&2; exit 1"], "unknown", "exit code 1"),
    "exit-64": (["sh", "-c", "exit 64"], "invalid_input", "exit code 64"),
    "exit-75": (["sh", "-c", "exit 75"], "infrastructure", "exit code 75"),
    "exit-78": (["sh", "-c", "exit 78"], "infrastructure", "exit code 78"),
    "exit-126": (["sh", "-c", "exit 126"], "infrastructure", "exit code 126"),
    "exit-127": (["sh", "-c", "no-such-program-at-all"], "infrastructure", "exit code 127"),
    "sigsegv": (["sh", "-c", "kill -SEGV $$"], "infrastructure", "signal 11"),
    "sigkill": (["sh", "-c", "kill -KILL $$"], "infrastructure", "signal 9"),
    "missing": (["/no/such/program"], "infrastructure", "/no/such/program is missing"),
    "not-executable": (["FOLDER/plain"], "infrastructure", "is not executable"),
    "bad-result": (["sh", "-c", "echo '{' > $MOOSE_RESULT_FILE"], "malformed_output", "result file"),
    "tests-failed": (
        ["sh", "-c", "echo '{\"error\":\"3 of 9 tests failed\",\"failure_class\":\"test_fail\"}' > $MOOSE_RESULT_FILE; exit 1"],
        "test_fail", "tests failed"),
}


def config(folder):
    port = SERVICE.server_address[1]
    lines = ["lanes: {default: {}}", "defaults: {max_attempts: 1}", "handlers:", '  ok: {command: {argv: ["true"]}, free: true}']
    for kind, (argv, _, _) in COMMANDS.items():
        lines.append(f"  {kind}: {{command: {{argv: {json.dumps([word.replace('FOLDER', folder) for word in argv])}}}, free: true}}")
    for status in STATUSES:
        lines.append(f'  http-{status}: {{http: {{url: "http://127.0.0.1:{port}/{status}"}}, free: true}}')
    lines.append('  paid: {command: {argv: ["true"]}, default_estimate_usd: "10"}')
    return "\n".join(lines) + "\n"


def escalations(system):
    rows = system.sql("SELECT json_build_array(coalesce(handler, ''), failure_class, severity, count, message)"
                      " FROM moose.escalations WHERE state <> 'resolved' ORDER BY 1::text")
    return [json.loads(row) for row in rows.splitlines()]


def mixed(system):
    """Kinds in random order, among orders that complete."""
    kinds = list(COMMANDS) + [f"http-{status}" for status in STATUSES]
    counts = {kind: 2 + number for number, kind in enumerate(kinds)}
    orders = [kind for kind, count in counts.items() for _ in range(count)]
    orders += ["ok"] * (ORDERS - len(orders))
    random.shuffle(orders)
    path = os.path.join(system.folder, "orders.jsonl")
    with open(path, "w") as file:
        file.writelines(json.dumps({"kind": kind, "title": kind}) + "\n" for kind in orders)
    system.moose("publish", "--file", path)
    waits = counts["http-401"]
    system.wait_for("all are claimed", "SELECT count(*) FROM moose.work_orders", str(len(orders)), 120)
    system.wait_for("all end but those that wait for credentials", "SELECT count(*) FROM moose.work_orders WHERE state NOT IN"
                    " ('completed', 'failed')", str(waits), 120)
    check("completed", system.sql("SELECT count(*) FROM moose.work_orders WHERE state = 'completed'"), str(orders.count("ok")))
    system.wait_for("a person is told of all", "SELECT count(*) FROM moose.outbox", "0", 30)
    time.sleep(2)

    found = escalations(system)
    check("escalations, one a cause", sorted(row[0] for row in found), sorted(kinds))
    for kind in kinds:
        mine = [row for row in found if row[0] == kind]
        check(f"{kind}: one escalation", len(mine), 1)
        _, failure_class, severity, count, message = mine[0]
        if kind in COMMANDS:
            wanted, words = COMMANDS[kind][1:]
        else:
            words = f"answered {kind[5:]}"
            wanted = "invalid_input" if kind[5:] in ("400", "404", "422") else "infrastructure"
        check(f"{kind}: class, severity and words", (failure_class, severity, words in message), (wanted, "warning", True))
        if kind == "http-401":
            # They are tried again, and a process tells of equal reports once.
            check(f"{kind}: nobody failed", system.sql(f"SELECT count(*) FROM moose.work_orders WHERE kind = '{kind}'"
                                                       " AND state = 'failed'"), "0")
        else:
            check(f"{kind}: its count", count, counts[kind])
    system.moose("work-orders", "cancel", "--kind", "http-401", "--yes", "--reason", "the credentials are not coming")
    system.wait_for("who waited is cancelled", "SELECT count(*) FROM moose.work_orders WHERE state NOT IN"
                    " ('completed', 'failed', 'cancelled')", "0", 30)
    system.sql("UPDATE moose.escalations SET state = 'resolved'")


def full_budget(system):
    """Held first, then spent: one cause, which gets worse."""
    system.sql("UPDATE moose.budget_policies SET soft_u = NULL, hard_u = NULL, kill_u = 25000000 WHERE period = 'day'")
    path = os.path.join(system.folder, "paid.jsonl")
    with open(path, "w") as file:
        file.writelines(json.dumps({"kind": "paid", "title": "paid"}) + "\n" for _ in range(20))
    system.moose("publish", "--file", path)
    system.wait_for("two fit", "SELECT count(*) FROM moose.work_orders WHERE kind = 'paid' AND state = 'completed'", "2", 30)
    system.wait_for("the others wait", "SELECT count(*) FROM moose.work_orders WHERE kind = 'paid' AND state = 'awaiting_budget'",
                    "18", 30)
    system.wait_for("told", "SELECT count(*) FROM moose.outbox", "0", 30)
    time.sleep(2)
    found = [row for row in escalations(system) if row[1] == "budget_exceeded"]
    check("a full budget is one escalation", len(found), 1)
    check("which says what is true in the end", (found[0][2], "is spent" in found[0][4]), ("critical", True))
    system.sql("UPDATE moose.escalations SET state = 'resolved'")


def outages(system):
    """The broker dies and comes back, then the database."""
    for name in ("broker", "database"):
        system.stop_server(name, signal.SIGKILL if name == "broker" else signal.SIGQUIT)
        time.sleep(8)
        system.start_servers()
        system.wait_for(f"work goes on after the {name}", "SELECT count(*) FROM moose.workers WHERE stopped_at IS NULL AND"
                        " last_seen > now() - interval '15 seconds'", "1", 90)
        time.sleep(15)
    system.moose("publish", "--kind", "ok", "--title", "after", "--wait")
    system.wait_for("both are told of", "SELECT count(DISTINCT details ->> 'away') FROM moose.escalation_events", "2", 60)
    time.sleep(5)
    found = [row for row in escalations(system) if "budget" not in row[1]]
    for row in found:
        print("   ", row, flush=True)
    check("two outages are two escalations", len(found), 2)


threading.Thread(target=SERVICE.serve_forever, daemon=True).start()
with System("lanes: {default: {}}\n") as system:
    with open(os.path.join(system.folder, "plain"), "w") as file:
        file.write("#!/bin/sh\n")
    with open(system.config, "w") as file:
        file.write(config(system.folder))
    system.start("client-manager", "client-manager")
    system.start("worker", "worker", "--lane", "default:8")
    mixed(system)
    full_budget(system)
    outages(system)
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
print("causes: ok")
