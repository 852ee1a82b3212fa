#!/usr/bin/python3
"""A job longer than the broker's acknowledgement time-out runs once, to the end, and so do the jobs behind it."""
import os

from system import System, check, time_ordered_id

SECONDS = int(os.environ.get("SECONDS_LONG", "150"))
CONFIG = f"""
handlers:
  long: {{command: {{argv: [sleep, "{SECONDS}"]}}, timeout_seconds: 600, free: true}}
  short: {{command: {{argv: ["true"]}}, free: true}}
"""
with System(CONFIG, "--consumer-timeout-seconds", "10", "--channel-tick-seconds", "5") as system:
    system.start("worker", "worker", "--lane", "default:1")
    channel = system.channel()
    system.publish(channel, {"kind": "long", "title": "long"}, message_id=time_ordered_id())
    for number in range(20):
        system.publish(channel, {"kind": "short", "title": f"short {number}"}, message_id=time_ordered_id())
    system.wait_for("all complete", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", "21", SECONDS + 90)
    check("attempts", system.sql("SELECT count(*) || ' ' || max(attempt) FROM moose.outcome_vectors"), "21 1")
    check("channels closed by the broker", system.log("worker").lower().count("timeout"), 0)
print("long job: ok")
