#!/usr/bin/python3
"""A cluster of three RabbitMQ nodes and a PostgreSQL primary with a synchronous standby, no balancer in front: under load
the node that leads the lane's queue is killed, then the primary, and the standby is promoted. Every order completes once,
the books are exact, and no Moose process was started again. With --broker only RabbitMQ has more than one host; with
--database only PostgreSQL has. ORDERS sets how many orders at least."""
import json
import os
import shutil
import subprocess
import sys
import threading
import time

import pika

from cluster import Brokers, Databases
from system import MOOSE, System, check, time_ordered_id

ORDERS = int(os.environ.get("ORDERS", "6000"))
CONFIG = r"""
lanes: {default: {}}
handlers:
  quick: {command: {argv: ["true"]}, default_estimate_usd: "0.001"}
"""
ROLES = ("worker-0", "worker-1", "worker-2", "client-manager")


class Failover(System):
    def __init__(self, brokers, standby):
        super().__init__(CONFIG)
        self.brokers = Brokers(os.path.join(self.folder, "broker"), brokers)
        self.databases = Databases(os.path.join(self.folder, "database"), standby)

    def __enter__(self):
        try:
            self.brokers.start()
            self.databases.start()
            kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
            self.environment = {**kept, "MOOSE_AMQP_URL": self.brokers.url, "MOOSE_DATABASE_URL": self.databases.url,
                                "XDG_STATE_HOME": self.folder}
            self.moose("migrate")
            self.moose("topology", "apply")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in list(self.processes):
            self.stop(name)
        self.brokers.stop()
        self.databases.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, query):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", query],
                              env={**os.environ, **self.databases.client}, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def channel(self):
        """Through any node that answers."""
        parameters = [pika.URLParameters(self.brokers.url.split("@")[0] + f"@127.0.0.1:{port}/moose?heartbeat=10"
                                         "&blocked_connection_timeout=10&socket_timeout=5") for port in self.brokers.ports]
        channel = pika.BlockingConnection(parameters).channel()
        channel.confirm_delivery()
        return channel


class Publisher(threading.Thread):
    """A stranger who publishes without a pause, and after a lost connection sends again what was not confirmed."""

    def __init__(self, system):
        super().__init__(daemon=True)
        self.system = system
        self.confirmed = 0
        self.is_stopping = threading.Event()

    def run(self):
        pending = None
        while not self.is_stopping.is_set() or pending:
            try:
                channel = self.system.channel()
                while not self.is_stopping.is_set() or pending:
                    pending = pending or time_ordered_id()
                    self.system.publish(channel, {"kind": "quick", "title": "t"}, message_id=pending)
                    pending = None
                    self.confirmed += 1
                    # As fast as three workers finish: there is always a backlog, and never a mountain.
                    time.sleep(0.005)
            except (pika.exceptions.AMQPError, OSError):
                time.sleep(0.3)


def completed(system):
    try:
        return int(system.sql("SELECT count(*) FROM moose.work_orders WHERE state = 'completed'"))
    except RuntimeError:
        return -1


def wait_for_more(system, count, seconds, what):
    """Until so many more orders have completed: work goes on."""
    began = time.time()
    wanted = None
    while time.time() < began + seconds:
        now = completed(system)
        if now >= 0:
            wanted = wanted or now + count
            if now >= wanted:
                print(f"  {what}: {count} more orders after {time.time() - began:.1f} s", flush=True)
                return
        time.sleep(0.3)
    for name in ROLES:
        print(f"--- {name}\n{system.log(name)[-2000:]}")
    sys.exit(f"{what}: no {count} more orders within {seconds} s")


def doctor_lines(system):
    done = subprocess.run([MOOSE, "doctor", "--json", "--config", system.config], env=system.environment, capture_output=True,
                          text=True)
    return {finding["check"]: finding for finding in json.loads(done.stdout)}


def kill_the_leader(system):
    victim = system.brokers.leader("moose.work.default")
    print(f"killing {system.brokers.names[victim]}, which leads the lane's queue", flush=True)
    system.brokers.kill(system.brokers.names[victim])
    wait_for_more(system, 500, 120, "without that node")
    lines = doctor_lines(system)
    hosts = {port: lines.get(f"broker 127.0.0.1:{port}", {}) for port in system.brokers.ports}
    check("hosts that the doctor finds well", [hosts[port].get("ok") for port in system.brokers.ports],
          [index != victim for index in range(len(system.brokers.ports))])
    check("the broker as a whole is", lines["broker"]["ok"], True)
    system.brokers.start_node(victim)
    system.brokers.wait(victim)
    wait_for_more(system, 200, 60, "with that node back")


def drain_a_node(system):
    """Maintenance: its listeners are suspended, its clients sent away, its leaders moved."""
    index = system.brokers.leader("moose.work.default")
    print(f"putting {system.brokers.names[index]} into maintenance", flush=True)
    system.brokers.run([f"{system.brokers.scripts}/rabbitmq-upgrade", "-q", "drain"], system.brokers.environment(index))
    wait_for_more(system, 300, 60, "in maintenance")
    system.brokers.run([f"{system.brokers.scripts}/rabbitmq-upgrade", "-q", "revive"], system.brokers.environment(index))


def kill_the_primary(system):
    print("killing the primary, promoting the standby", flush=True)
    system.databases.kill("primary")
    # Long enough for every process to find the standby, which takes no writes yet.
    time.sleep(5)
    system.databases.promote()
    wait_for_more(system, 500, 120, "on the promoted standby")


def main():
    stories = [kill_the_leader, drain_a_node] if "--database" not in sys.argv else []
    stories += [kill_the_primary] if "--broker" not in sys.argv else []
    with Failover(3 if kill_the_leader in stories else 1, kill_the_primary in stories) as system:
        for name in ROLES[:-1]:
            system.start(name, "worker", "--lane", "default:8")
        system.start("client-manager", "client-manager")
        system.wait_for("the workers", "SELECT count(*) FROM moose.workers", "3", 60)
        pids = {name: system.processes[name].pid for name in ROLES}
        publisher = Publisher(system)
        publisher.start()
        wait_for_more(system, 300, 60, "before anything happens")
        for story in stories:
            story(system)
        while publisher.confirmed < ORDERS:
            time.sleep(0.5)
        publisher.is_stopping.set()
        publisher.join(60)
        count = publisher.confirmed
        system.wait_for("all published complete", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'",
                        str(count), 300)
        print(f"in all {count} orders completed", flush=True)
        check("orders in any other state",
              system.sql("SELECT count(*) FROM moose.work_orders WHERE state <> 'completed'"), "0")
        check("results accepted per order, at most", system.sql(
            "SELECT max(n) FROM (SELECT count(*) FILTER (WHERE outcome = 'completed') AS n FROM moose.outcome_vectors "
            "GROUP BY work_order_id) x"), "1")
        check("differences in the books", system.moose("budget", "reconcile", "--json").strip(), "[]")
        check("processes that ended", [name for name in ROLES if system.processes[name].poll() is not None], [])
        check("processes that were started again", [name for name in ROLES if system.processes[name].pid != pids[name]], [])
        told = system.sql("SELECT count || ' ' || component || ' ' || operation || ': ' || left(message, 200) FROM moose.escalations")
        print("  told of meanwhile:", *told.splitlines(), sep="\n    ", flush=True)
    print("failover: ok")


main()
