#!/usr/bin/python3
"""Twenty schedules that tick every minute, three workers and two client managers, one of them killed every two seconds:
each tick becomes one work order that runs to its end once, and work from SQL is published within a moment."""
import os
import random
import statistics
import time

from system import System, check

MINUTES = int(os.environ.get("MINUTES", "3"))
SCHEDULES = 20
CONFIG = r"""
lanes: {default: {}}
lease: {heartbeat_seconds: 1, expiry_seconds: 4}
retry: {base_seconds: 0.2, cap_seconds: 1}
defaults: {max_attempts: 20}
handlers:
  tick:
    command: {argv: ["true"]}
    free: true
"""

with System(CONFIG) as system:
    roles = {f"worker-{n}": ("worker", "--lane", "default:16") for n in range(3)}
    roles.update({f"manager-{n}": ("client-manager",) for n in range(2)})
    for name, arguments in roles.items():
        system.start(name, *arguments)
    for number in range(SCHEDULES):
        system.moose("schedules", "add", f"minute-{number}", "--cron", "* * * * *", "--kind", "tick",
                     "--time-zone", random.choice(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
    started = time.time()
    kills = 0
    while time.time() < started + MINUTES * 60:
        name = random.choice(list(roles))
        system.kill(name)
        kills += 1
        system.start(name, *roles[name])
        time.sleep(2)
    system.sql("SELECT moose.act_as('story', 'enough'); UPDATE moose.schedules SET paused_at = now(), paused_by = 'story'")
    print(f"schedules: {SCHEDULES} for {MINUTES} minutes, {kills} processes killed")
    ticks = system.sql("""
        SELECT sum(extract(epoch FROM next_run_at - date_trunc('minute', created_at)) / 60 - 1)::bigint - sum(missed)
        FROM moose.schedules""")
    system.wait_for("all ticks run", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", ticks, 120)
    check("orders, one a tick", system.sql("SELECT count(*) FROM moose.work_orders"), ticks)
    check("ticks with two orders", system.sql("""
        SELECT count(*) FROM (SELECT convert_from(body, 'UTF8')::json ->> 'schedule', convert_from(body, 'UTF8')::json ->> 'scheduled_for'
        FROM moose.work_orders GROUP BY 1, 2 HAVING count(*) > 1) x"""), "0")
    check("accepted results", system.sql("SELECT count(*) FROM moose.outcome_vectors WHERE success"), ticks)
    check("ticks made up for", system.sql("SELECT sum(missed) FROM moose.schedules"), "0")
    check("dead letters", system.sql("SELECT count(*) FROM moose.dead_letters"), "0")

    for name in list(roles):
        system.stop(name)
    system.start("manager-0", "client-manager")
    # Which channel comes last is open; the first order, which isn't measured, finds the relay asleep and listening.
    system.wait_for("it listens", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'", "1", 30)
    process = system.processes["manager-0"].pid
    channel = system.channel()
    delays = []
    for _ in range(101):
        # Idle in between: the relay sleeps.
        time.sleep(0.05)
        began = time.monotonic()
        system.sql("SELECT moose.enqueue('tick')")
        while channel.basic_get("moose.work.default", auto_ack=True)[0] is None:
            time.sleep(0.0005)
        delays.append((time.monotonic() - began) * 1000)
    delays = sorted(delays[1:])
    print(f"  enqueue by psql to message in the queue: median {statistics.median(delays):.0f} ms, "
          f"95 % {delays[94]:.0f} ms (psql itself included)")

    def processor_seconds():
        with open(f"/proc/{process}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = processor_seconds()
    time.sleep(20)
    print(f"  an idle client manager: {(processor_seconds() - before) / 20 * 100:.2f} % of a core")
