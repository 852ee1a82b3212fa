#!/usr/bin/env python3
"""Breaks the SQL of cancel, retry, drain, resize and lanes, one way at a time, and runs the tests that should notice.

    Tests/Mutants/control.py [NAME ...]     after `swift build --build-tests`; some twenty minutes

A mutant that survives, or whose place in the SQL is gone, fails the run.
"""

import sys

sys.dont_write_bytecode = True
from mutants import main, mutated  # noqa: E402

# The quick ones first; what only a running worker shows is shown to one.
QUICK = r"^StoreTests\.(CancelTests|CancelRaceTests|WorkerCommandTests|LaneTests|GateLeavingTests)"
WORKERS = r"^WorkerTests\.(PoolControlTests|PoolLaneTests)"

# name: (function, old text, new text)
MUTANTS = {
    "a running order is cancelled under its worker": (
        "cancel_work_orders", "'blocked', 'needs_review')", "'blocked', 'needs_review', 'in_progress')"),
    "the second to cancel takes the first one's place": (
        "cancel_work_orders", "w.state = 'in_progress' AND w.cancel_requested_at IS NULL",
        "w.state = 'in_progress'"),
    "a cancel looks without a lock": (
        "cancel_work_orders", "ORDER BY o.id FOR NO KEY UPDATE", "ORDER BY o.id"),
    "a worker is not told of a cancel": (
        "cancel_work_orders", "IF cardinality(v_running) > 0 THEN", "IF false THEN"),
    "a cancel tells no dependants": (
        "follow_dependencies", "IF NEW.state IN ('failed', 'cancelled') THEN", "IF NEW.state = 'failed' THEN"),
    "a cancel answers no publisher": ("cancel_work_orders", "PERFORM moose.reply(v_waiting);", ""),
    "a cancel before the message is forgotten": (
        "cancel_work_orders", "WHERE NOT EXISTS (SELECT 1", "WHERE false AND NOT EXISTS (SELECT 1"),
    "a message cancelled before it came is one that took another's id": (
        "claim_judge", "WHEN w.digest = '' THEN 'duplicate'", ""),
    "workers read each other's cancels": (
        "cancel_requests", "l.worker = p_worker AND", ""),
    "a cancelled attempt is tried again": (
        "finish_batch", "WHEN w.cancel_requested_at IS NOT NULL THEN 'cancelled'\n", ""),
    "a cancel beats a result": (
        "finish_batch", "SET state = CASE WHEN i.outcome = 'completed' THEN 'completed'",
        "SET state = CASE WHEN i.outcome = 'completed' AND w.cancel_requested_at IS NULL THEN 'completed'"),
    "a cancelled order has the class of a failure": (
        "finish_batch", "i.outcome <> 'completed' AND w.cancel_requested_at IS NULL",
        "i.outcome <> 'completed'"),
    "a cancelled order never ended": (
        "finish_batch", "IN ('completed', 'failed') OR w.cancel_requested_at IS NOT NULL",
        "IN ('completed', 'failed')"),
    "the row of a cancelled attempt says it was tried again": (
        "finish_batch", "CASE e.state WHEN 'cancelled' THEN 'cancelled' ELSE i.outcome END", "i.outcome"),
    "the rescue tries a cancelled order again": (
        "end_cancelled", "w.cancel_requested_at IS NOT NULL", "false"),
    "the rescue ends a cancelled order whose worker lives": (
        "end_cancelled", "AND l.expires_at < now()", ""),
    "the rescue ends a cancelled order of another claim": (
        "end_cancelled", "AND w.fencing_token = i.token", ""),
    "the rescue of a cancelled order leaves no row of the attempt": (
        "end_cancelled", "FROM ended e ON CONFLICT", "FROM ended e WHERE false ON CONFLICT"),
    "the rescue of a cancelled order answers no publisher": (
        "end_cancelled", "PERFORM moose.reply(v_ids);", ""),
    "the rescue of a cancelled order keeps its money held": (
        "end_cancelled",
        "PERFORM moose.close_holds(v_ids, v_tokens, NULL, NULL, array_fill(true, ARRAY[cardinality(v_ids)]));", ""),
    "what was completed is run again": (
        "retry_work_orders", "FILTER (WHERE w.state IN ('failed', 'needs_review'))",
        "FILTER (WHERE w.state IN ('failed', 'completed'))"),
    "a retry goes on with the old attempts": (
        "retry_work_orders", "attempt = 0,", "attempt = w.attempt,"),
    "a retry remembers lost workers": (
        "retry_work_orders", "worker_losses = 0,", "worker_losses = w.worker_losses,"),
    "a retry waits for nothing": (
        "retry_work_orders", "CASE WHEN w.id = ANY (v_blocked) THEN 'blocked' ELSE 'pending' END",
        "'pending'"),
    "two who try an order again at once both do": (
        "retry_work_orders", "ORDER BY w.id FOR NO KEY UPDATE", "ORDER BY w.id"),
    "a worker is told to drain again and again": (
        "drain_workers", "ON CONFLICT DO NOTHING",
        "ON CONFLICT (worker, command, lane) DO UPDATE SET at = now()"),
    "a worker that stopped is told to drain": (
        "drain_workers", "AND w.stopped_at IS NULL", ""),
    "a worker doesn't hear that it is to drain": (
        "drain_workers", "IF cardinality(v_told) > 0 THEN", "IF false THEN"),
    "a lane that a worker doesn't work is resized": (
        "resize_workers", "AND p_lane = ANY (w.lanes)", ""),
    "the first resize stays": (
        "resize_workers", "SET slots = excluded.slots,", "SET slots = worker_commands.slots,"),
    "a worker doesn't hear of its new size": (
        "resize_workers", "IF cardinality(v_told) > 0 THEN", "IF false THEN"),
    "what is being cancelled is chosen again": (
        "cancellable", "w.cancel_requested_at IS NULL\n      AND", ""),
    "a cancel by filter takes every lane": (
        "cancellable", "(p_lane IS NULL OR x.lane = p_lane)", "true", "(p_lane IS NULL OR w.lane = p_lane)",
        "true"),
    "a second pause takes the first one's place": (
        "pause_lane", "AND l.paused_at IS NULL", ""),
    "a resume rings nobody": ("resume_lane", "PERFORM moose.wake_gates(ARRAY['lane ' || p_lane] || ARRAY(", "PERFORM cardinality(ARRAY['lane ' || p_lane] || ARRAY("),
    "a resume rings the youngest first": (
        "wake_gates", "ORDER BY x.since, x.work_order_id LIMIT", "ORDER BY x.since DESC, x.work_order_id LIMIT"),
    "a paused lane is rung": ("wake_gates", "AND NOT EXISTS (SELECT 1 FROM moose.lanes p WHERE p.name = w.lane AND p.paused_at IS NOT NULL)", ""),
    "a resume leaves kinds and keys alone": ("resume_lane", "y.gate <> 'lane ' || p_lane LIMIT 1000", "false LIMIT 1000"),
    "what has moved keeps its old place": (
        "place_work_orders", "lane = coalesce(p_lane, w.lane)", "lane = w.lane"),
    "what runs is given another place": (
        "place_work_orders", "'blocked', 'awaiting_budget')", "'blocked', 'awaiting_budget', 'in_progress')"),
    "a lifted limit wakes nobody": ("set_lane_limits", "PERFORM moose.wake_gates(ARRAY['lane ' || p_lane]);", ""),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], [(name, mutated(*mutant), [QUICK, WORKERS]) for name, mutant in MUTANTS.items()]))
