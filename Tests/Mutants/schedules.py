#!/usr/bin/env python3
"""Breaks the SQL of schedules, of the outbox and of moose.enqueue, one way at a time, and shows which test notices.

    Tests/Mutants/schedules.py [NAME ...]     after `swift build --build-tests`

A mutant that survives, or whose place in the SQL is gone, fails the run.
"""

import sys

sys.dont_write_bytecode = True
from mutants import main, mutated  # noqa: E402

SCHEDULER = r"^WorkerTests\.SchedulerTests"
RELAY = r"^WorkerTests\.RelayTests"
ENQUEUE = r"^StoreTests\.EnqueueTests"

# name: (tests, function, old text, new text)
MUTANTS = {
    "a tick is fired whoever moved it": (SCHEDULER, "fire_schedules", "AND i.seen = s.next_run_at", ""),
    "a changed expression still fires": (SCHEDULER, "fire_schedules", "AND i.cron = s.cron", ""),
    "a paused schedule fires": (SCHEDULER, "fire_schedules", "WHERE s.paused_at IS NULL AND", "WHERE"),
    "the schedule moves on alone": (SCHEDULER, "fire_schedules", "PERFORM moose.put_scheduled", "PERFORM moose.tick_id(v_row.name, v_row.tick) FROM (SELECT 1) x WHERE false; PERFORM 1 WHERE false AND NULL = moose.put_scheduled"),
    "missed ticks are not told": (SCHEDULER, "fire_schedules", "IF v_row.missed > 0 THEN", "IF false THEN"),
    "one broken order stops all": (SCHEDULER, "fire_schedules", "WHEN data_exception OR SQLSTATE 'MS006'", "WHEN division_by_zero"),
    "a new id for each try": (SCHEDULER, "tick_id", "'schedule ' || p_name", "'schedule ' || p_name || random()"),
    "changes of a zone are seen a day late": (SCHEDULER, "zone_offsets", "starts_at := v_high", "starts_at := v_at + 86400"),
    "enqueue wakes nobody": (RELAY, "put_order", "PERFORM pg_notify('moose_outbox', '');", "NULL;"),
    "what is refused is tried for ever": (RELAY, "refuse_outbox", "i.final OR o.refusals >= 10", "i.final OR o.refusals >= 10000"),
    "what can't pass is tried again": (RELAY, "refuse_outbox", "i.final OR", "false OR"),
    "a busy destination is leased again": (RELAY, "lease_messages", "p_skip = '{}' OR", "true OR"),
    "large messages are leased all at once": (
        r"^StoreTests\.DeadLetterTests", "lease_messages", "AND mine.before < 16000000", ""),
    "what was rung again is forgotten": (r"^StoreTests\.LeaseTests", "settle_outbox", "AND x.lease = i.lease\n          FOR UPDATE", "FOR UPDATE"),
    "one id, two contents": (ENQUEUE, "put_order", "IF v_same IS FALSE", "IF false"),
    "what runs is written again": (ENQUEUE, "put_order", "IF NOT FOUND THEN", "IF true THEN"),
    "any depth": (ENQUEUE, "check_order", "length(p_order::text) > 1000", "false"),
    "any size": (ENQUEUE, "put_order", "> 1048576", "> 104857600"),
    "an order may wait for itself": (ENQUEUE, "check_order", "OR lower(e.value #>> '{}') = p_id::text", ""),
    "nobody is named": (ENQUEUE, "enqueue", "coalesce(app_id, session_user)", "app_id"),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], [
        (name, mutated(*mutant), [tests]) for name, (tests, *mutant) in MUTANTS.items()
    ]))
