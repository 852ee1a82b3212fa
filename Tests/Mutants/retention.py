#!/usr/bin/env python3
"""Breaks the SQL of retention, unique keys, lines at gates, caps and lanes without a worker, one way at a time, and runs the
tests that should notice.

    Tests/Mutants/retention.py [NAME ...]     after `swift build --build-tests`; some ten minutes

A mutant that survives, or whose place in the SQL is gone, fails the run.
"""

import sys

sys.dont_write_bytecode = True
from mutants import main, mutated  # noqa: E402

PRUNE = r"^StoreTests\.RetentionTests"
KEYS = r"^StoreTests\.UniqueKeyAgainTests"
LINES = r"^StoreTests\.GateLeavingTests"
MONEY = r"^StoreTests\.(WaitingForMoneyTests|KindAttemptsTests)"
LANES = r"^StoreTests\.(UntendedLaneTests|LaneLoadTests)"

# name: (tests, function, old text, new text)
MUTANTS = {
    "live orders are pruned": (
        PRUNE, "prunable", "w.state IN ('completed', 'failed', 'cancelled') AND (w.unique_until",
        "(w.unique_until"),
    "young orders are pruned": (
        PRUNE, "prune_orders", "coalesce(w.finished_at, w.created_at) < p_before", "true"),
    "an order that others wait for is pruned": (
        PRUNE, "prunable", "WHERE d.depends_on = ANY (ARRAY[w.id])", "WHERE false AND d.depends_on = w.id"),
    "an order with an open escalation is pruned": (
        PRUNE, "prunable", "e.state <> 'resolved'", "false"),
    "an order with an undecided letter is pruned": (PRUNE, "prunable", "l.state = 'dead'", "false"),
    "an order with an open hold is pruned": (PRUNE, "prunable", "h.state IN ('held', 'dispatched')", "false"),
    "an order that keeps its key is pruned": (
        PRUNE, "prunable", "(w.unique_until IS NULL OR w.unique_until <= now())", "true"),
    "a pruned order leaves its attempts": (
        PRUNE, "prune_orders", "DELETE FROM moose.outcome_vectors v", "DELETE FROM moose.outcome_vectors v WHERE false; UPDATE moose.outcome_vectors v SET error = error"),
    "a pruned id is forgotten": (
        PRUNE, "prune_orders", "FROM moose.work_orders w WHERE w.id = ANY (v_ids)\n    ON CONFLICT",
        "FROM moose.work_orders w WHERE false\n    ON CONFLICT"),
    "what ended waits for what was pruned": (
        PRUNE, "prune_orders", "DELETE FROM moose.work_order_dependencies d WHERE d.depends_on = ANY (v_ids);", ""),
    "a step has no limit": (
        PRUNE, "prune_orders", "FROM moose.prunable(v_ids) LIMIT p_limit", "FROM moose.prunable(v_ids)"),
    "a dry run deletes": (PRUNE, "prune_orders", "IF p_dry THEN", "IF false THEN"),
    "ids are kept for ever": (PRUNE, "prune_ids", "p.ended_at < p_before", "false"),
    "an id that the books name is forgotten": (
        PRUNE, "prune_ids", "WHERE h.owner = ANY (ARRAY[p.id])", "WHERE false"),
    "an id that the ledger names is forgotten": (
        PRUNE, "prune_ids", "WHERE c.owner = ANY (ARRAY[p.id])", "WHERE false"),
    "letters nobody decided about are pruned": (
        PRUNE, "prune_letters", "l.state IN ('redriven', 'purged')", "true"),
    "open escalations are pruned": (
        PRUNE, "prune_escalations", "e.state = 'resolved' AND", ""),
    "the audit log is kept for ever": (PRUNE, "prune_audit", "WHERE x.at < p_before", "WHERE false"),
    "two have the daily run": (
        PRUNE, "take_retention", "(r.leased_until IS NULL OR r.leased_until < now())", "true"),
    "a claim does not look for pruned ids": (
        PRUNE, "claim_write", "p.id DESC LIMIT 1) >= ANY (p_ids)", "p.id DESC LIMIT 1) IS NULL AND false"),
    "another body under a pruned id is a duplicate": (
        PRUNE, "claim_look_among_pruned", "THEN 'duplicate' ELSE 'id_reused' END",
        "THEN 'duplicate' ELSE 'duplicate' END"),
    "a doorbell of a pruned order is a dead letter": (
        PRUNE, "claim_look_among_pruned", "OR p_kinds[o.item] IS NULL\n", "\n"),
    "a pruned dependency is waited for": (
        PRUNE, "claim_dependencies", "WHERE f.state = 'completed');", "WHERE false);"),
    "a cancel makes a tombstone of a pruned id": (
        PRUNE, "cancel_work_orders", "moose.find_pruned(v_ids) f WHERE f.id = i", "moose.find_pruned(v_ids) f WHERE false"),
    "enqueue takes a pruned id for new": (
        PRUNE, "put_order", "FROM moose.pruned_orders f WHERE f.id = p_id", "FROM moose.pruned_orders f WHERE false"),
    "a retry runs beside the holder of its key": (
        KEYS, "hold_unique_keys_again", "IF v_ids IS NULL THEN RETURN; END IF;", "RETURN;"),
    "a hand in psql runs it beside the holder of its key": (
        KEYS, "take_unique_key_again", "IF FOUND THEN", "IF false THEN"),
    "a key is not taken again": (
        KEYS, "hold_unique_keys_again", "WHERE u.key = ANY (ARRAY[i.key]) AND u.work_order_id <> i.id\n      AND NOT",
        "WHERE false AND u.key = i.key AND u.work_order_id <> i.id AND NOT"),
    "the period of a key is lost": (
        KEYS, "hold_unique_keys", "SET unique_until = now() +", "SET unique_until = NULL::timestamptz +"),
    "the younger of two goes": (
        KEYS, "hold_unique_keys_again", "ORDER BY w.unique_key, w.created_at, w.id", "ORDER BY w.unique_key, w.created_at DESC, w.id DESC"),
    "who leaves a line stays in it": (
        LINES, "leave_line", "DELETE FROM moose.gate_waits y WHERE y.work_order_id = p_id RETURNING y.gate INTO v_gate;",
        "SELECT y.gate INTO v_gate FROM moose.gate_waits y WHERE y.work_order_id = p_id;"),
    "who leaves a line wakes nobody": (LINES, "count_gates", "WHERE m.change < 0 OR m.is_left", "WHERE m.change < 0"),
    "only what ends leaves a line": (
        LINES, "check_transition", "NEW.state NOT IN ('scheduled', 'pending', 'retrying') THEN",
        "NEW.state IN ('failed', 'cancelled') THEN"),
    "what waits for money keeps its place": (
        LINES, "refuse_budget", "w.state = 'awaiting_budget' AND w.gates IS NOT NULL", "false"),
    "a moved order waits in its old line": (
        LINES, "change_line", "PERFORM moose.leave_line(NEW.id, NULL);", ""),
    "a moved order is not rung": (
        LANES, "change_line", "IF NEW.state <> 'awaiting_budget' THEN", "IF false THEN"),
    "a lowered cap is not seen": (MONEY, "wake_for_money", "IF v_dear IS NOT NULL THEN", "IF false THEN"),
    "a lowered cap fails all": (MONEY, "wake_for_money", "w.estimate_u > c.cap", "true"),
    "a lost worker does not count for its kind": (
        MONEY, "rescue_leases", "moose.attempts_of(l.worker, w.id, w.fencing_token, w.kind),", ""),
    "the cheap kind counts as the dear one": (
        MONEY, "attempts_of", "coalesce(\n               (SELECT h.handler FROM moose.budget_holds h\n                WHERE h.owner = p_order AND h.token = p_token AND h.number = 0), p_kind)", "p_kind"),
    "a paused lane has room": (LANES, "lane_room", "WHEN s.paused_at IS NOT NULL THEN 0", "WHEN false THEN 0"),
    "a limit leaves room for all": (
        LANES, "lane_room", "s.concurrency - coalesce(g.running, 0)", "NULL::integer"),
    "a rate leaves room for all": (LANES, "lane_room", "least(s.rate, coalesce(g.tokens, s.rate)", "greatest(s.rate, coalesce(g.tokens, s.rate)"),
    "what is for later counts as due": (LANES, "lane_load", "w.due <= now() AND", ""),
    "a lane without a worker is told of each time": (
        LANES, "note_untended_lanes", "u.told_at IS NULL AND", ""),
    "a restart is news": (LANES, "note_untended_lanes", "AND u.since <= now() - p_patience", ""),
    "a draining worker tends its lanes": (LANES, "tended_lanes", "AND NOT w.draining", ""),
    "a lane that is tended again stays listed": (
        LANES, "note_untended_lanes", "DELETE FROM moose.untended_lanes u WHERE u.name = ANY (v_lanes) IS NOT TRUE;", ""),
    "lanes of earlier configurations are forgotten": (
        LANES, "lanes_to_look_at", "SELECT k.name FROM moose.known_lanes k", "SELECT unnest(p_configured)"),
    "lanes of stored orders are not looked at": (
        LANES, "lanes_of_orders", "WHERE p.lane IS NOT NULL\n    )", "WHERE false\n    )"),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], [
        (name, mutated(*mutant), [tests]) for name, (tests, *mutant) in MUTANTS.items()
    ]))
