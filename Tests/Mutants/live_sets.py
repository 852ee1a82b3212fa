#!/usr/bin/env python3
"""Breaks the narrow tables of what waits, runs and went wrong, one way at a time, and runs the tests that should notice.

    Tests/Mutants/live_sets.py [NAME ...]     after `swift build --build-tests`; some two minutes

A mutant that survives, or whose place in the SQL is gone, fails the run.
"""

import sys

sys.dont_write_bytecode = True
from mutants import main, mutated  # noqa: E402

STORIES = r"^StoreTests\.(LiveSetTests|LeaseTests|ClaimTests|CancelTests)"

# name: (function, old text, new text)
MUTANTS = {
    "a lease outlives an attempt that failed": (
        "keep_live_sets", "DELETE FROM moose.leases l WHERE l.id = OLD.id;", "PERFORM 1;"),
    "a lease outlives an attempt that completed": (
        "finish_batch", "DELETE FROM moose.leases l WHERE l.id = ANY (v_accepted);", ""),
    "what goes on still waits": (
        "keep_live_sets", "DELETE FROM moose.waiting w WHERE w.id = OLD.id;", "PERFORM 1;"),
    "what was retried is still wrong": (
        "keep_live_sets", "DELETE FROM moose.wrong w WHERE w.id = OLD.id;", "PERFORM 1;"),
    "what went wrong is found nowhere": (
        "keep_live_sets", "IF v_to = ANY (c_wrong) THEN", "IF false THEN"),
    "what waits is found nowhere": (
        "keep_live_sets", "IF v_to = ANY (c_waiting) THEN", "IF false THEN"),
    "an order that is moved waits in its old lane": (
        "keep_live_sets", "lane = excluded.lane, ", ""),
    "an order runs without a lease": (
        "keep_live_sets", "IF v_to = 'in_progress' AND NOT EXISTS", "IF false AND NOT EXISTS"),
    "a claim writes no leases": (
        "claim_reserve", "o WHERE v_status[o.ordinality] <> 'refused'", "o WHERE false"),
    "a claim takes another's leases for its own": ("claim_judge", "l.id = ANY (ARRAY[w.id]) AND l.claim = p_claim", "l.id = w.id"),
    "a lease without an order stays for ever": (
        "rescue_leases", "l.id = ANY (ARRAY[i.id]) AND l.token = i.token AND l.expires_at < now()", "false"),
    "a heartbeat renews another's lease": (
        "renew_leases", "ON o.id = ANY (ARRAY[i.id]) AND i.token = o.token", "ON o.id = ANY (ARRAY[i.id])"),
    "nobody tells the worker of a cancel": (
        "cancel_work_orders", "UPDATE moose.leases l SET to_stop = true", "UPDATE moose.leases l SET to_stop = false"),
    "a new lease knows nothing of a cancel": (
        "claim_reserve", "UPDATE moose.leases l SET to_stop = true", "UPDATE moose.leases l SET to_stop = false"),
    "a try that overtakes itself takes its leases for another's": (
        "claim_judge",
        "PERFORM 1 FROM moose.work_orders o WHERE o.id = ANY (p_ids) ORDER BY o.id FOR NO KEY UPDATE;", ""),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], [(name, mutated(*mutant), [STORIES]) for name, mutant in MUTANTS.items()]))
