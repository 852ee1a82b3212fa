#!/usr/bin/env python3
"""Breaks the SQL of wake-ups, leases, rescues and fencing, one way at a time, and runs the tests that should notice.

    Tests/Mutants/waiting.py [NAME ...]     after `swift build --build-tests`; some ten minutes

A mutant that survives, or whose place in the SQL is gone, fails the run.
"""

import sys

sys.dont_write_bytecode = True
from mutants import main, mutated  # noqa: E402

# The quick ones first; only what they miss is shown to random histories.
QUICK = r"^StoreTests\.(LeaseTests|WakeUpTests|ClaimTests|WaitingForMoneyTests)"
HISTORIES = r"^StoreTests\..?Histories of waiting"
CLAIM, REFUSALS, FINISH, LEASES, RELAY = (
    "0008_claim_batch.sql", "0009_refusals.sql", "0010_finish_batch.sql", "0011_leases_and_relay.sql",
    "0018_schedules.sql")

# name: (file, function, old text, new text)
MUTANTS = {
    "dependants become pending without a doorbell": (
        FINISH, "release_dependents", "moose.ring(ARRAY[r.id], ARRAY[r.lane], ARRAY[r.run_at])", "NULL"),
    "an end releases nobody": (
        FINISH, "finish_batch", "PERFORM moose.release_dependents(v_accepted)", "PERFORM 1"),
    "the last of two dependencies does not see the first": (
        FINISH, "release_dependents", "ORDER BY b.id FOR NO KEY UPDATE", "ORDER BY b.id"),
    "a dependency may end unseen while its dependant is claimed": (
        CLAIM, "claim_batch", "ORDER BY w.id FOR SHARE", "ORDER BY w.id"),
    "a dependency may arrive and end unseen": (
        CLAIM, "claim_batch", "PERFORM pg_advisory_xact_lock(hashtext('moose.dependencies'))", "PERFORM 1"),
    "a retry has no doorbell": (
        FINISH, "finish_batch", "w.state IN ('retrying', 'scheduled', 'pending')", "w.state IN ('scheduled', 'pending')"),
    "a drained order has no doorbell": (
        FINISH, "finish_batch", "w.state IN ('retrying', 'scheduled', 'pending')", "w.state IN ('retrying', 'scheduled')"),
    "a scheduled order has no doorbell": (
        CLAIM, "claim_batch", "n.state IN ('scheduled', 'pending')", "n.state = 'pending'"),
    "a doorbell that came too early is not rung again": (
        CLAIM, "claim_batch", "WHERE x.verdict IN ('later', 'unknown_kind');\n        END IF;",
        "WHERE x.verdict = 'unknown_kind';\n        END IF;"),
    "an unknown kind is not rung again": (
        CLAIM, "claim_batch", "WHERE x.verdict IN ('later', 'unknown_kind');\n        END IF;",
        "WHERE x.verdict = 'later';\n        END IF;"),
    "a raise wakes without a doorbell": (
        REFUSALS, "wake_for_money",
        "moose.ring(ARRAY[w.id], ARRAY[w.lane], ARRAY[w.run_at + w.nth * interval '1 microsecond'])", "NULL"),
    "dear orders hide cheap ones": (
        REFUSALS, "wake_for_money", "AND o.waits_for_u <= coalesce(b.reach, o.waits_for_u)", ""),
    "nobody is woken for money": (REFUSALS, "wake_for_money", "WHERE coalesce(b.least, 1) > 0", "WHERE coalesce(b.least, 1) > 1e12"),
    "a rescued order has no doorbell": (LEASES, "rescue_leases", "w.state = 'retrying';", "false;"),
    "a doorbell rung while it is published is deleted": (
        RELAY, "delete_outbox", "AND x.lease = i.lease", ""),
    "what was not published waits out its lease": (RELAY, "release_outbox", "AND x.lease = i.lease", "AND false"),
    "the sweeper rings for nobody": (LEASES, "sweep", "IF v_ids IS NOT NULL THEN", "IF false THEN"),
    "the sweeper looks only at the first thousand that wait": (
        LEASES, "sweep",
        """o.state = 'blocked' AND NOT EXISTS (
                  SELECT 1 FROM moose.work_order_dependencies d LEFT JOIN moose.work_orders w ON w.id = d.depends_on
                  WHERE d.work_order_id = o.id AND w.state IS DISTINCT FROM 'completed')""", "o.state = 'blocked'"),
    "a lease that is alive is rescued": (
        LEASES, "rescue_leases", "w.state = 'in_progress' AND w.lease_expires_at < now()", "w.state = 'in_progress'"),
    "a renewal is not told from the lease before": (
        LEASES, "expired_leases", "(extract(epoch FROM w.lease_expires_at) * 1000000)::bigint", "0::bigint"),
    "an expired lease can't be renewed": (
        LEASES, "renew_leases", "WHERE o.state = 'in_progress' ORDER BY",
        "WHERE o.state = 'in_progress' AND o.lease_expires_at > now() ORDER BY"),
    "no order is poison": (LEASES, "rescue_leases", "w.worker_losses + 1 >= 3", "w.worker_losses + 1 >= 30"),
    "losses are not counted": (LEASES, "rescue_leases", "worker_losses = w.worker_losses + 1", "worker_losses = w.worker_losses"),
    "a rescue keeps the old token's end valid": (
        FINISH, "finish_batch", "AND w.fencing_token = i.token AND w.state", "AND w.state"),
    "a live worker's kind is forgotten within an outage": (
        "0001_work_orders.sql", "kind_is_known", "interval '5 minutes'", "interval '60 seconds'"),
    "parked work of a new kind is found by nobody": (
        LEASES, "parked_unknown", "w.run_at <= now()", "false"),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], [(name, mutated(*mutant), [QUICK, HISTORIES]) for name, mutant in MUTANTS.items()]))
