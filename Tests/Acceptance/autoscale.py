#!/usr/bin/python3
"""A burst of 5,000 jobs of 100 ms meets `moose worker --autoscale 1:4`: the group grows to four processes and shrinks to
one again, no running job is interrupted though the drain time-out is a second, and the log explains each step."""
import json
import os
import re
import signal
import sys
import time
import urllib.error
import urllib.request

from system import System, check, time_ordered_id

COUNT = int(os.environ.get("COUNT", "5000"))
CONFIG = r"""
lanes: {default: {}}
worker:
  drain_timeout_seconds: 1
  autoscale: {shrink_after_seconds: 4}
handlers:
  short: {command: {argv: [sleep, "0.1"]}, free: true}
  long: {command: {argv: [sleep, "15"]}, free: true}
"""


def address(system):
    found = re.search(r'"probes of all processes","url":"([^"]+)"', system.log("worker"))
    return found and found.group(1)


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def steps(system):
    """The autoscaler's lines: verb, from, to, why."""
    lines = (json.loads(line) for line in system.log("worker").splitlines() if line.startswith('{"ts"'))
    matches = (re.match(r"(grow|shrink) (\d+) → (\d+): (.+)", line["message"]) for line in lines)
    return [(m[1], int(m[2]), int(m[3]), m[4]) for m in matches if m]


def wait_until(what, condition, seconds=180):
    deadline = time.time() + seconds
    while not condition():
        if time.time() > deadline:
            sys.exit(f"{what}: not within {seconds} s\n{system.log('worker')[-4000:]}")
        time.sleep(0.1)


with System(CONFIG) as system:
    system.start("worker", "worker", "--lane", "default:25", "--autoscale", "1:4")
    system.wait_for("a worker is ready", "SELECT count(*) FROM moose.workers", "1", 60)
    wait_until("the probes listen", lambda: address(system))
    url = address(system)
    channel = system.channel()
    for number in range(COUNT):
        system.publish(channel, {"kind": "short", "title": f"number {number}"}, message_id=time_ordered_id())
    print(f"published {COUNT}", flush=True)

    wait_until("four processes are wanted", lambda: any(step[2] == 4 for step in steps(system)))
    status, kind, body = get(url + "/api/scaling/default")
    figures = json.loads(body)
    print(f"  figures in the burst: {body.strip()}", flush=True)
    check("the figures' parts add up", figures["load"], figures["queued"] + figures["running"])
    check("processes for the load", figures["wanted_processes"], -(-figures["load"] // 25))
    status, kind, body = get(url + "/api/scaling/nowhere")
    check("an unknown lane", (status, kind), (404, "application/problem+json"))

    wait_until("four processes have metrics of their own", lambda: set(
        re.findall(r'moose_slots\{process="(\d)"', get(url + "/metrics")[2])) == {"1", "2", "3", "4"})
    system.wait_for("the burst is over", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", str(COUNT), 400)
    # Jobs longer than the calm time and the drain time-out together, some in every process.
    for number in range(12):
        system.publish(channel, {"kind": "long", "title": f"long {number}"}, message_id=time_ordered_id())
    total = COUNT + 12
    system.wait_for("all complete", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", str(total), 400)
    wait_until("one process is left", lambda: steps(system)[-1][2] == 1)
    system.wait_for("the others are gone", "SELECT count(*) FROM moose.workers WHERE stopped_at IS NULL", "1", 60)

    for verb, before, after, why in steps(system):
        print(f"  {verb} {before} → {after}: {why}", flush=True)
    taken = steps(system)
    check("steps join up", [step[1] for step in taken[1:]], [step[2] for step in taken[:-1]])
    check("most processes", max(step[2] for step in taken), 4)
    check("shrinks go one at a time", all(a - b == 1 for verb, a, b, _ in taken if verb == "shrink"), True)
    check("steps with figures", all(re.search(r"\d+ queued, oldest .+ s, slots \d+/\d+ busy", step[3]) for step in taken), True)
    retired = [int(n) for n in re.findall(r"a process is drained, its (\d+) jobs run to their end", system.log("worker"))]
    check("processes drained", len(retired), len([step for step in taken if step[0] == "shrink"]))
    check("some of them while they ran jobs", max(retired) > 0, True)
    check("completed at their first attempt", system.sql(
        "SELECT count(*) FROM moose.work_orders WHERE state = 'completed' AND attempt = 1"), str(total))
    check("attempts there were", system.sql("SELECT count(*) FROM moose.outcome_vectors"), str(total))
    check("attempts that did not succeed", system.sql("SELECT count(*) FROM moose.outcome_vectors WHERE NOT success"), "0")
    check("processes that were restarted or lost", system.sql(
        "SELECT count(*) FROM moose.workers WHERE lost_at IS NOT NULL"), "0")

    worker = system.processes.pop("worker")
    worker.send_signal(signal.SIGTERM)
    check("the parent's status after SIGTERM", worker.wait(60), 0)
    check("workers that did not take their leave", system.sql("SELECT count(*) FROM moose.workers WHERE stopped_at IS NULL"), "0")
print("autoscale: ok")
