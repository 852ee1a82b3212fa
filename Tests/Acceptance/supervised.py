#!/usr/bin/python3
"""A parent and its worker processes: what is killed comes back, a parent that is killed takes its processes with it by a
drain that loses nothing, a second SIGTERM ends all at once, what can't start ends with its status, and a worker over its
memory limit lets its jobs end first."""
import atexit
import os
import signal
import subprocess
import sys
import time

from system import MOOSE, System, check, time_ordered_id

CONFIG = r"""
lanes: {default: {}}
lease: {heartbeat_seconds: 1, expiry_seconds: 5}
worker: {drain_timeout_seconds: 20}
handlers:
  job: {command: {argv: [sleep, "4"]}, free: true}
"""


seen = set()


def children(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    seen.update(map(int, listed.split()))
    return sorted(map(int, listed.split()))


def end_orphans():
    """What a broken parent left behind goes with the story."""
    for pid in seen:
        try:
            with open(f"/proc/{pid}/cmdline") as file:
                if system.config in file.read():
                    os.kill(pid, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass  # It is gone, as it should be.


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(what, condition, seconds=60):
    deadline = time.time() + seconds
    while not condition():
        if time.time() > deadline:
            sys.exit(f"{what}: not within {seconds} s\n{system.log('worker')[-4000:]}")
        time.sleep(0.05)


def start_group():
    system.start("worker", "worker", "--lane", "default:4", "--processes", "3")
    parent = system.processes["worker"]
    system.wait_for("three are registered",
                    f"SELECT count(*) FROM moose.workers WHERE supervisor_pid = {parent.pid}", "3", 60)
    return parent


def run_jobs(count):
    for number in range(count):
        system.publish(channel, {"kind": "job", "title": f"number {number}"}, message_id=time_ordered_id())
    wait_until("they run", lambda: system.sql(
        "SELECT count(*) FROM moose.work_orders WHERE state = 'in_progress'") == str(count))


system = System(CONFIG)
atexit.register(end_orphans)
with system:
    channel = system.channel()
    parent = start_group()
    check("the registry's parents", system.sql(
        "SELECT count(DISTINCT supervisor) || ' ' || min(supervisor_pid) || ' ' || string_agg(process_number::text, ',' "
        "ORDER BY process_number) FROM moose.workers"), f"1 {parent.pid} 1,2,3")

    print("one process killed", flush=True)
    before = children(parent.pid)
    os.kill(before[0], signal.SIGKILL)
    wait_until("another takes its place", lambda: len(children(parent.pid)) == 3 and before[0] not in children(parent.pid))
    system.wait_for("the killed one is lost", "SELECT count(*) FROM moose.workers WHERE lost_at IS NOT NULL", "1", 90)

    print("a process killed while its job runs, under leases of five minutes", flush=True)
    system.stop("worker")
    with open(system.config, "w") as file:
        file.write(CONFIG.replace("expiry_seconds: 5", "expiry_seconds: 300"))
    parent = start_group()
    run_jobs(1)
    killed = time.time()
    os.kill(int(system.sql("SELECT k.pid FROM moose.leases l JOIN moose.workers k ON k.id = l.worker")), signal.SIGKILL)
    system.wait_for("it has run again", "SELECT worker_losses FROM moose.work_orders WHERE state = 'completed' AND "
                    "attempt = 2", "1", 30)
    print(f"  {time.time() - killed - 4:.1f} s were lost with the process")
    system.sql("TRUNCATE moose.work_orders CASCADE")
    system.stop("worker")
    with open(system.config, "w") as file:
        file.write(CONFIG)
    parent = start_group()

    print("the parent killed while twelve jobs run", flush=True)
    run_jobs(12)
    before = children(parent.pid)
    system.kill("worker")
    wait_until("its processes have drained", lambda: not any(map(is_running, before)))
    check("completed at their first attempt", system.sql(
        "SELECT count(*) FROM moose.work_orders WHERE state = 'completed' AND attempt = 1"), "12")
    check("processes that did not take their leave", system.sql(
        "SELECT count(*) FROM moose.workers WHERE stopped_at IS NULL AND lost_at IS NULL"), "0")

    print("SIGTERM twice while twelve jobs run", flush=True)
    parent = start_group()
    run_jobs(12)
    before = children(parent.pid)
    system.processes.pop("worker")
    drains = system.log("worker").count("once more to stop at once")
    parent.send_signal(signal.SIGTERM)
    wait_until("it drains", lambda: system.log("worker").count("once more to stop at once") > drains)
    # What comes sooner is an echo of the first, as timeout(1) makes one.
    time.sleep(0.5)
    parent.send_signal(signal.SIGTERM)
    check("its status", parent.wait(10), 1)
    wait_until("its processes are gone", lambda: not any(map(is_running, before)), 5)

    print("the next group finishes their work, and drains at one SIGTERM", flush=True)
    parent = start_group()
    system.wait_for("all complete", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", "24", 120)
    system.processes.pop("worker")
    parent.send_signal(signal.SIGTERM)
    check("its status", parent.wait(60), 0)

    print("SIGTERM to the parent and to each process, as systemd sends it", flush=True)
    parent = start_group()
    run_jobs(12)
    system.processes.pop("worker")
    for process in [parent.pid] + children(parent.pid):
        os.kill(process, signal.SIGTERM)
    check("its status", parent.wait(60), 0)
    check("completed at their first attempt", system.sql(
        "SELECT count(*) FROM moose.work_orders WHERE state = 'completed' AND attempt = 1"), "24")

    print("no database", flush=True)
    environment = dict(system.environment, MOOSE_DATABASE_URL="postgresql://moose@127.0.0.1:9/moose")
    done = subprocess.run([MOOSE, "worker", "--processes", "2", "--config", system.config], env=environment,
                          capture_output=True, text=True, timeout=120)
    check("status of a group that can't start", done.returncode, 3)
    check("it says so", "no process can be started; giving up with status 3" in done.stderr, True)
    check("its processes are named", '{"process":2,' in done.stderr, True)

    print("a worker on its own over its memory limit", flush=True)
    system.start("small", "worker", "--lane", "default:4", "--max-rss", "16MB")
    small = system.processes.pop("small")
    check("its status", small.wait(60), 5)
    check("work orders that are not completed", system.sql(
        "SELECT count(*) FROM moose.work_orders WHERE state <> 'completed'"), "0")
print("supervised: ok")
