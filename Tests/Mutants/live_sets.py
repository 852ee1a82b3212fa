#!/usr/bin/env python3
"""Breaks the narrow tables of what waits, runs and went wrong, one way at a time, and runs the tests that should notice.

    Tests/Mutants/live_sets.py [NAME ...]     after `swift build --build-tests`; some two minutes

A mutant that survives, or whose place in the SQL is gone, fails the run.
"""

import sys

sys.dont_write_bytecode = True
from mutants import main, mutated  # noqa: E402

STORIES = r"^StoreTests\.(LiveSetTests|LeaseTests|ClaimTests|CancelTests)"
ORDERS, CLAIM, FINISH, LEASES, CONTROL = (
    "0001_work_orders.sql", "0008_claim_batch.sql", "0010_finish_batch.sql", "0011_leases_and_relay.sql",
    "0017_control.sql")

# name: (file, function, old text, new text)
MUTANTS = {
    "a lease outlives an attempt that failed": (
        ORDERS, "keep_live_sets", "DELETE FROM moose.leases l WHERE l.id = OLD.id;", "PERFORM 1;"),
    "a lease outlives an attempt that completed": (
        FINISH, "finish_batch", "DELETE FROM moose.leases l WHERE l.id = ANY (v_accepted);", ""),
    "what goes on still waits": (
        ORDERS, "keep_live_sets", "DELETE FROM moose.waiting w WHERE w.id = OLD.id;", "PERFORM 1;"),
    "what was retried is still wrong": (
        ORDERS, "keep_live_sets", "DELETE FROM moose.wrong w WHERE w.id = OLD.id;", "PERFORM 1;"),
    "what went wrong is found nowhere": (
        ORDERS, "keep_live_sets", "IF v_to = ANY (c_wrong) THEN", "IF false THEN"),
    "what waits is found nowhere": (
        ORDERS, "keep_live_sets", "IF v_to = ANY (c_waiting) THEN", "IF false THEN"),
    "an order that is moved waits in its old lane": (
        ORDERS, "keep_live_sets", "lane = excluded.lane, ", ""),
    "an order runs without a lease": (
        ORDERS, "keep_live_sets", "IF v_to = 'in_progress' AND NOT EXISTS", "IF false AND NOT EXISTS"),
    "a claim writes no leases": (
        CLAIM, "claim_batch", "AS r (item, token, status) WHERE r.status <> 'refused'", "AS r (item, token, status) WHERE false"),
    "a claim takes another's leases for its own": (CLAIM, "claim_batch", "l.id = w.id AND l.claim = p_claim", "l.id = w.id"),
    "a lease without an order stays for ever": (
        LEASES, "rescue_leases", "l.id = i.id AND l.token = i.token AND l.expires_at < now()", "false"),
    "a heartbeat renews another's lease": (
        LEASES, "renew_leases", "ON i.id = o.id AND i.token = o.token", "ON i.id = o.id"),
    "nobody tells the worker of a cancel": (
        CONTROL, "cancel_work_orders", "UPDATE moose.leases l SET to_stop = true", "UPDATE moose.leases l SET to_stop = false"),
    "a new lease knows nothing of a cancel": (
        CLAIM, "claim_batch", "UPDATE moose.leases l SET to_stop = true", "UPDATE moose.leases l SET to_stop = false"),
    "a try that overtakes itself takes its leases for another's": (
        CLAIM, "claim_batch",
        "PERFORM 1 FROM moose.work_orders o WHERE o.id = ANY (p_ids) ORDER BY o.id FOR NO KEY UPDATE;", ""),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], [(name, mutated(*mutant), [STORIES]) for name, mutant in MUTANTS.items()]))
