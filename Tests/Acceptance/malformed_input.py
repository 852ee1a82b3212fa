#!/usr/bin/python3
"""200 malformed messages among 2,000 good ones: the good complete, the bad are dead letters with a reason, nothing stops."""
import itertools

from system import System, check, time_ordered_id

CONFIG = r"""
defaults: {unknown_kind_grace_seconds: 2}
handlers:
  work: {command: {argv: ["true"]}, default_estimate_usd: "0.001"}
  unpriced: {command: {argv: ["true"]}, default_estimate_usd: "0.001"}
"""
# The same message published again under its id would be the same letter.
other = itertools.count()
good = lambda number: {"kind": "work", "title": f"good {number}"}

with System(CONFIG) as system:
    system.start("worker", "worker", "--lane", "default:16")
    system.start("client-manager", "client-manager")
    channel = system.channel()
    first = time_ordered_id()
    system.publish(channel, good(0), message_id=first)
    system.wait_for("the first completes", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", "1", 60)
    bad = [
        lambda: system.publish(channel, b'{"kind": "work", "title"', message_id=time_ordered_id()),
        lambda: system.publish(channel, {"kind": "work", "title": 7}, message_id=time_ordered_id()),
        lambda: system.publish(channel, {"title": "no kind"}, message_id=time_ordered_id()),
        lambda: system.publish(channel, {"kind": "nobody-knows", "title": "x", "estimated_cost_usd": 1},
                               message_id=time_ordered_id()),
        lambda: system.publish(channel, good(0)),
        lambda: system.publish(channel, {"kind": "work", "title": "x", "estimated_cost_usd": "-1"},
                               message_id=time_ordered_id()),
        lambda: system.publish(channel, {"kind": "work", "title": f"another body {next(other)}"}, message_id=first),
        lambda: system.publish(channel, b'{"kind": "work", "title": "\xff\xfe"}', message_id=time_ordered_id()),
        lambda: system.publish(channel, b'{"kind": "work", "title": "' + b"x" * (2 << 20) + b'"}',
                               message_id=time_ordered_id()),
        lambda: system.publish(channel, b"", message_id=time_ordered_id()),
    ]
    for number in range(1, 2000):
        system.publish(channel, good(number), message_id=time_ordered_id())
        if number % 10 == 0 and number <= 2000:
            bad[(number // 10) % len(bad)]()
    bad[0]()
    system.wait_for("the good complete", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", "2000", 180)
    system.wait_for("the bad are dead letters", "SELECT count(*) FROM moose.dead_letters", "200", 120)
    print(system.sql("SELECT reason || ' ' || count(*) FROM moose.dead_letters GROUP BY reason ORDER BY 1"))
    check("dead letters without a reason in words", system.sql(
        "SELECT count(*) FROM moose.dead_letters WHERE explanation = ''"), "0")
    system.wait_for("each is counted in an escalation",
                    "SELECT sum(count) FROM moose.escalations WHERE trigger_type = 'poison_message'", "200", 60)
    print(system.sql("SELECT count || ' x ' || message FROM moose.escalations ORDER BY count DESC"))
    check("processes still running", system.processes["worker"].poll() is None, True)
    check("reconnects", system.log("worker").count("reconnect"), 0)
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
print("malformed input: ok")
