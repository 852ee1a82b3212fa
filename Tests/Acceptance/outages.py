#!/usr/bin/python3
"""PostgreSQL away for a minute, then RabbitMQ, then both, under load: nobody crashes or spins, work goes on within ten
seconds of the return, no job that lives is rescued, and every error event arrives once. OUTAGE sets the seconds."""
import os
import re
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pika

from system import System, check, time_ordered_id

OUTAGE = int(os.environ.get("OUTAGE", "60"))
# Leases that run out long before the servers are back.
CONFIG = r"""
lanes: {default: {}}
lease: {heartbeat_seconds: 3, expiry_seconds: 12}
handlers:
  quick: {command: {argv: ["true"]}, default_estimate_usd: "0.001"}
  broken: {command: {argv: ["false"]}, default_estimate_usd: "0.001", max_attempts: 1}
  long: {command: {argv: [sleep, "%d"]}, timeout_seconds: 600, default_estimate_usd: "0.001"}
""" % (OUTAGE + 25)
WORKERS = ("worker-0", "worker-1")
ROLES = WORKERS + ("client-manager",)


class Publisher(threading.Thread):
    """A stranger who publishes without a pause, and after a lost connection sends again what was not confirmed."""

    def __init__(self, system):
        super().__init__(daemon=True)
        self.system = system
        self.count = {"quick": 0, "broken": 0, "long": 0}
        self.wanted_long = 0
        self.is_stopping = threading.Event()

    def next_kind(self):
        if self.count["long"] < self.wanted_long:
            return "long"
        return "broken" if self.count["quick"] >= 15 * (self.count["broken"] + 1) else "quick"

    def run(self):
        pending = None
        while not self.is_stopping.is_set():
            try:
                channel = self.system.channel()
                while not self.is_stopping.is_set():
                    pending = pending or (self.next_kind(), time_ordered_id())
                    self.system.publish(channel, {"kind": pending[0], "title": "t"}, message_id=pending[1])
                    self.count[pending[0]] += 1
                    pending = None
                    time.sleep(0.04)
            except (pika.exceptions.AMQPError, OSError):
                time.sleep(0.5)


def cpu_seconds(system, name):
    """What the process itself used, without the programs it started."""
    with open(f"/proc/{system.processes[name].pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def readiness(system, name):
    port = re.findall(r"http://127\.0\.0\.1:(\d+)", system.log(name))[-1]
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code


def count(system, what):
    return int(system.sql(f"SELECT count(*) FROM moose.{what}"))


def kept(port):
    """Nobody else takes the port of a server that is away: it would come back on another one."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", port))
    return holder


def outage(system, publisher, what, servers):
    publisher.wanted_long += 4
    system.wait_for("long jobs run", "SELECT count(*) FROM moose.work_orders WHERE kind = 'long' "
                    "AND state = 'in_progress'", "4", 60)
    ports = {"broker": urllib.parse.urlsplit(system.environment["MOOSE_AMQP_URL"]).port,
             "database": int(system.environment["PGPORT"])}
    holders = []
    for server in servers:
        system.stop_server(server, signal.SIGINT if server == "database" else signal.SIGTERM)
        holders.append(kept(ports[server]))
    down = time.time()
    # The first moments are the last work in hand; what follows is an outage and nothing else.
    time.sleep(5)
    before = {name: cpu_seconds(system, name) for name in ROLES}
    time.sleep(OUTAGE - 10)
    used = {name: cpu_seconds(system, name) - before[name] for name in ROLES}
    ready = [readiness(system, name) for name in WORKERS]
    time.sleep(max(0.0, down + OUTAGE - time.time()))
    for holder in holders:
        holder.close()
    system.start_servers()
    returned = time.time()
    system.wait_for("work goes on", "SELECT count(*) > 0 FROM moose.work_orders WHERE kind = 'quick' "
                    f"AND finished_at > to_timestamp({down + OUTAGE / 2})", "t", 60)
    first = float(system.sql("SELECT extract(epoch FROM min(finished_at)) FROM moose.work_orders WHERE kind = 'quick' "
                             f"AND finished_at > to_timestamp({down + OUTAGE / 2})"))
    print(f"{what} away for {returned - down:.0f} s", flush=True)
    print("  CPU seconds in %d s: %s" % (
        OUTAGE - 10, ", ".join(f"{name} {seconds:.2f}" for name, seconds in used.items())), flush=True)
    check("none used more than a twentieth of a core", max(used.values()) < 0.05 * (OUTAGE - 10), True)
    check("workers said that they were not ready", ready, [503, 503])
    print(f"  first completion {first - returned:+.1f} s from the return", flush=True)
    check("within 10 s of the return", first - returned < 10, True)
    check("processes that ended", [name for name in ROLES if system.processes[name].poll() is not None], [])
    system.wait_for("the long jobs end", "SELECT count(*) FROM moose.work_orders WHERE kind = 'long' "
                    "AND state = 'completed'", str(publisher.wanted_long), 120)
    check("jobs rescued", count(system, "outcome_vectors WHERE outcome = 'worker_lost'"), 0)
    check("workers are ready again", [readiness(system, name) for name in WORKERS], [200, 200])


with System(CONFIG) as system:
    for name in WORKERS:
        system.start(name, "worker", "--lane", "default:8")
    system.start("client-manager", "client-manager")
    system.wait_for("both workers", "SELECT count(*) FROM moose.workers", "2", 60)
    publisher = Publisher(system)
    publisher.start()
    outage(system, publisher, "PostgreSQL", ["database"])
    outage(system, publisher, "RabbitMQ", ["broker"])
    outage(system, publisher, "both", ["database", "broker"])
    publisher.is_stopping.set()
    publisher.join()
    done = publisher.count["quick"] + publisher.count["long"]
    system.wait_for("all published complete",
                    "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", str(done), 300)
    system.wait_for("all broken ones failed", "SELECT count(*) FROM moose.work_orders WHERE state = 'failed'",
                    str(publisher.count["broken"]), 60)
    print(f"in all {done} orders completed and {publisher.count['broken']} failed", flush=True)
    check("orders in any other state", count(system, "work_orders WHERE state NOT IN ('completed', 'failed')"), 0)
    check("orders with more than one attempt", count(system, "work_orders WHERE attempt <> 1"), 0)
    check("results accepted per order, at most", system.sql(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM moose.outcome_vectors GROUP BY work_order_id) x"), "1")
    broken = publisher.count["broken"]
    system.wait_for("every error event arrived",
                    "SELECT count(*) FROM moose.escalation_events WHERE work_order_id IS NOT NULL", str(broken), 60)
    check("orders they tell of", system.sql("SELECT count(DISTINCT work_order_id) FROM moose.escalation_events"),
          str(broken))
    print("  reports of the outages themselves:", system.sql(
        "SELECT count(*) FROM moose.escalation_events WHERE work_order_id IS NULL"), flush=True)
    check("events that no escalation counts, or counts twice", system.sql(
        "SELECT (SELECT sum(count) FROM moose.escalations) - (SELECT count(*) FROM moose.escalation_events)"), "0")
    check("letters of failed orders, and of messages", system.sql(
        "SELECT count(*) FILTER (WHERE is_order) || ' ' || count(*) FILTER (WHERE NOT is_order) FROM moose.dead_letters"),
        f"{broken} 0")
    check("reconcile differences", count(system, "reconcile()"), 0)
    for name in ROLES:
        if "Fatal error" in system.log(name):
            sys.exit(f"{name} crashed")
print("outages: ok")
