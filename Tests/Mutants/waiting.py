#!/usr/bin/env python3
"""Breaks the SQL of wake-ups, leases, rescues and fencing, one way at a time, and runs the tests that should notice.

    Tests/Mutants/waiting.py [NAME ...]     after `swift build --build-tests`; some ten minutes

A mutant that survives, or whose place in the SQL is gone, fails the run.
"""

import sys

sys.dont_write_bytecode = True
from mutants import main, mutated  # noqa: E402

# The quick ones first; only what they miss is shown to random histories.
QUICK = r"^StoreTests\.(LineTests|GateTests|LaneTests|LeaseTests|WakeUpTests|ClaimTests|WaitingForMoneyTests|DependencyTests|DependencyPiecesTests|OutboxTests|GrownTablesTests)"
HISTORIES = r"^StoreTests\..?Histories of waiting"

# name: (function, old text, new text)
MUTANTS = {
    "what becomes due stands in no line": (
        "keep_live_sets", "CASE WHEN v_to IN ('scheduled', 'pending', 'retrying') THEN NEW.run_at END", "NULL"),
    "a retry stands in no line": (
        "keep_live_sets", "CASE WHEN v_to IN ('scheduled', 'pending', 'retrying') THEN", "CASE WHEN v_to IN ('scheduled', 'pending') THEN"),
    "what is blocked may be taken": (
        "keep_live_sets", "CASE WHEN v_to IN ('scheduled', 'pending', 'retrying') THEN NEW.run_at END", "NEW.run_at"),
    "what was taken stays in the line": (
        "claim_reserve", "WHERE o.finding <> 'in_progress' AND v_status[o.ordinality] <> 'refused'));", "WHERE false));"),
    "what is registered stands in no line": ("claim_write", "FROM unnest(waits) o WHERE o.finding = 'pending';", "FROM unnest(waits) o WHERE false;"),
    "a lower priority goes first": ("keep_live_sets", "9 - NEW.priority", "NEW.priority"),
    "a priority given later changes nothing": (
        "keep_live_sets", "rank = excluded.rank, ", ""),
    "projects take no turns": ("keep_live_sets", "coalesce(NEW.project, '')", "''"),
    "what was moved meanwhile is taken": ("next_in_line", "AND w.lane = p_lane AND", "AND"),
    "what is not due is taken": ("next_in_line", "AND x.due <= now() AND", "AND"),
    "two take the same": ("next_in_line", "FOR NO KEY UPDATE OF w SKIP LOCKED", ""),
    "a take waits for whoever holds an order": ("next_in_line", "FOR NO KEY UPDATE OF w SKIP LOCKED", "FOR NO KEY UPDATE OF w"),
    "who has more gets nothing of what others leave": (
        "next_in_line", "v_projects := coalesce(g.projects, '{}') ||", "v_projects :="),
    "only the highest priority is taken": ("next_in_line", "EXIT WHEN v_rank IS NULL;", "EXIT WHEN v_rank IS NULL OR v_ids <> '{}';"),
    "a paused lane is taken from": ("lane_room", "WHEN s.paused_at IS NOT NULL THEN 0", "WHEN false THEN 0"),
    "a limit is no bound for a take": ("take_batch", "least(i.count, moose.lane_room(i.lane))::integer", "i.count"),
    "a take that is asked again takes more": ("take_batch", "WHERE l.claim = p_claim", "WHERE false"),
    "what waits at a gate is taken again and again": (
        "pass_gates", "PERFORM moose.put_in_line(h_id, array_fill(NULL::timestamptz, ARRAY[cardinality(h_id)]));", ""),
    "who is called at a gate stands in no line": (
        "wake_gates", "moose.put_in_line(array_agg(woken.work_order_id), array_agg(woken.since))", "NULL"),
    "a worker without the kind takes it again at once": (
        "claim_turn_away", "array_agg(now() + moose.claim_pause(p_terms))", "array_agg(now())"),
    "what was put off since is taken again and again": (
        "claim_turn_away", "o.finding = 'later' AND o.run_at > now()", "false"),
    "what failed together is tried together": ("set_apart", "now() + interval '60 seconds'", "now()"),
    "an end releases nobody": (
        "finish_batch", "PERFORM moose.release_dependents(v_accepted)", "PERFORM 1"),
    "an end with many dependants forgets them": (
        "release_dependents", "IF cardinality(v_mine) IS DISTINCT FROM cardinality(v_waits) THEN", "IF false THEN"),
    "an end forgets whom somebody holds": (
        "release_dependents", "IF cardinality(v_mine) IS DISTINCT FROM cardinality(v_waits) THEN",
        "IF v_mine IS NULL THEN"),
    "a piece forgets whom somebody holds": (
        "settle_ends", "cardinality(v_mine) < cardinality(v_waits)", "false"),
    "an order that somebody holds is not looked at again": (
        "move_waits", "clock_timestamp() + interval '100 milliseconds'", "NULL"),
    "all dependants are released in one commit": (
        "settle_ends", "ORDER BY y.work_order_id LIMIT v_left", "ORDER BY y.work_order_id"),
    "a dependency may end unseen while its dependant is looked at": (
        "look_at_waits", "ORDER BY w.id FOR SHARE SKIP LOCKED", "ORDER BY w.id"),
    "a dependency may arrive and end unseen": (
        "look_at_waits", "WHERE i.at = c_start OR s.state = 'completed'", "WHERE i.at = c_start"),
    "only a hundred dependencies are looked at": (
        "move_waits", "ORDER BY x.depends_on OFFSET 99 LIMIT 1", "ORDER BY x.depends_on OFFSET 2000 LIMIT 1"),
    "a retried order waits for nobody": (
        "follow_dependencies", "IF NEW.state = 'blocked' THEN", "IF NEW.state = 'blocked' AND TG_OP = 'INSERT' THEN"),
    "a cycle waits for ever": ("refuse_cycles", "IF v_at = v_start.id THEN", "IF false THEN"),
    "a cycle is looked for from the first of its orders": (
        "refuse_cycles", "v_next.number > v_start.number", "v_next.number < v_start.number"),
    "a cycle that is refused again is no news": (
        "refuse_cycles", "(extract(epoch FROM now()) * 1000000)::bigint", "w.fencing_token"),
    "an unknown dependency is told of by nobody": (
        "look_at_waits", "THEN y.since + p_patience END", "THEN NULL END"),
    "who comes after the failure is not told of": (
        "look_at_waits", "WHERE i.searched IS NOT NULL) x", "WHERE false) x"),
    "a chain is told of to its first order only": (
        "tell_of_broken", "AND v_row.state IN ('failed', 'cancelled', 'blocked')", "AND v_row.state = 'failed'"),
    "everybody is told of": ("tell_of_broken", "c_most CONSTANT integer := 100", "c_most CONSTANT integer := 100000"),
    "dear orders hide cheap ones": (
        "wake_for_money", "AND o.waits_for_u <= coalesce(b.reach, o.waits_for_u)", ""),
    "nobody is woken for money": ("wake_for_money", "WHERE coalesce(b.least, 1) > 0", "WHERE coalesce(b.least, 1) > 1e12"),
    "what another relay has leased is deleted": (
        "settle_outbox", "AND x.lease = i.lease\n          FOR UPDATE", "FOR UPDATE"),
    "what was not published waits out its lease": ("settle_outbox", "AS m (id, yes) WHERE NOT m.yes", "AS m (id, yes) WHERE false"),
    "what somebody held is never settled": (
        "settle_outbox", "IF cardinality(v_mine) = cardinality(p_ids) THEN", "IF true THEN"),
    "a batch reads the whole outbox after a vacuum of an empty one": (
        "settle_outbox", "x.id = ANY (ARRAY[i.id])", "x.id = i.id"),
    "an end reads all orders after a vacuum of an empty table": (
        "finish_batch", "w.id = ANY (ARRAY[i.id])", "w.id = i.id"),
    "nobody reviews waits": ("review_waits", "AND w.state = 'completed'", "AND false"),
    "a lease that is alive is rescued": (
        "rescue_leases", "w.state = 'in_progress' AND l.expires_at < now() AND", "w.state = 'in_progress' AND"),
    "a renewal is not told from the lease before": (
        "expired_leases", "(extract(epoch FROM l.expires_at) * 1000000)::bigint", "0::bigint"),
    "an expired lease can't be renewed": (
        "renew_leases", "ORDER BY i.id FOR NO KEY UPDATE", "WHERE o.expires_at > now() ORDER BY i.id FOR NO KEY UPDATE"),
    "no order is poison": ("rescue_leases", "w.worker_losses + 1 >= 3", "w.worker_losses + 1 >= 30"),
    "losses are not counted": ("rescue_leases", "worker_losses = w.worker_losses + 1", "worker_losses = w.worker_losses"),
    "a rescue keeps the old token's end valid": (
        "finish_batch", "AND w.fencing_token = i.token AND w.state", "AND w.state"),
    "a live worker's kind is forgotten within an outage": (
        "kind_is_known", "interval '5 minutes'", "interval '60 seconds'"),
    "work of a kind that others lack is found by nobody": (
        "parked_unknown", "w.run_at <= now()", "false"),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], [(name, mutated(*mutant), [QUICK, HISTORIES]) for name, mutant in MUTANTS.items()]))
