#!/usr/bin/env python3
"""Breaks the ledger's SQL, one way at a time, and runs the tests that should notice. Prints what caught each mutant.

    Tests/Mutants/ledger.py [NAME ...]     after `swift build --build-tests`; some ten minutes

The serial tests go first; only what they miss is shown to many connections at once.

A mutant that survives, or whose place in the SQL is gone, fails the run.
"""

import sys

sys.dont_write_bytecode = True
from mutants import main, mutated  # noqa: E402

# name: (function, old text, new text)
MUTANTS = {
    "one more than the cap when all fits": (
        "reserve_batch",
        "v_grant[k] <= v_cap[k] - v_used[k]", "v_grant[k] < v_cap[k] - v_used[k] + 2"),
    "exact fit refused near the cap": (
        "reserve_batch",
        "IF v_estimate > v_cap[k] - v_used[k] OR", "IF v_estimate >= v_cap[k] - v_used[k] OR"),
    "no bucket for months": (
        "buckets_of_paths",
        "ON p.scope = s.scope AND p.name = s.name", "ON p.scope = s.scope AND p.name = s.name AND (p.period <> 'month' OR p.scope = 'org')"),
    "granted again on replay": (
        "ledger_batch",
        "FILTER (WHERE h.owner IS NULL AND i.nth = 1)", "FILTER (WHERE i.nth = 1)"),
    "a settlement keeps its hold": (
        "close_holds",
        "CASE WHEN c.late THEN 0 ELSE -c.estimate_u END AS held",
        "CASE WHEN c.late OR c.state = 'settled' THEN 0 ELSE -c.estimate_u END AS held"),
    "a dispatched hold expires for free": (
        "close_holds",
        "WHEN h.state = 'dispatched' AND i.started THEN", "WHEN h.state = 'dispatched' AND i.started AND NOT p_expire THEN"),
    "exempt agents are not apart": (
        "buckets_of_paths",
        "p.period = 'day' AND p.scope IN ('org', 'project') AND x.agent IS NOT NULL", "false"),
    "exempt agents are apart in months too": (
        "buckets_of_paths",
        "p.period = 'day' AND p.scope IN", "p.scope IN"),
    "nobody waits for a bucket": (
        "ledger_batch",
        "ORDER BY b.id FOR NO KEY UPDATE;", "ORDER BY b.id;", "reserve_batch",
        "FOR NO KEY UPDATE OF b", ""),
    "a late cost on top of what was presumed": (
        "close_holds", "THEN h.estimate_u ELSE 0 END AS posted_before", "THEN 0 ELSE 0 END AS posted_before"),
    "freezes are ignored when all fits": (
        "reserve_batch", "v_fits AND NOT v_frozen[k] AND", "v_fits AND"),
    "raises never end": (
        "budget_limits", "p.raised_until > now() AND", "p.raised_until IS NOT NULL AND"),
    "a presumed hold can not be settled": (
        "close_holds",
        "h.state = 'presumed_spent' AND (i.actual IS NOT NULL OR NOT i.started)", "h.state = 'presumed_spent' AND NOT i.started"),
    "held_retry said for spent": (
        "reserve_batch",
        "WHEN v_estimate > v_cap[k] - v_posted[k] THEN 2", "WHEN v_estimate > v_cap[k] - v_posted[k] + 1 THEN 2"),
    "the cheap handler is never tried": (
        "reserve_batch", "OR v_rank = 0 AND v_tier < 2", "OR v_rank = 0"),
    "midnight comes twice": (
        "budget_window", "window_start := window_start - interval '1 hour'", "NULL"),
    "days of 24 hours": (
        "budget_window",
        "window_end := v_end AT TIME ZONE p_zone", "window_end := window_start + (v_end - v_start)"),
    "a hold that appears meanwhile is said to be done": (
        "ledger_batch", "AND i.before IS NOT NULL", ""),
    "new windows opened in the statement that locks": (
        "ledger_batch", "v_held_buckets || v_path_buckets", "v_held_buckets"),
    "a hold named twice takes the usual way": (
        "ledger_batch", "v_known = v_moves AND NOT", "NOT"),
    "all are taken to have the path of the first": (
        "reserve_batch", "(p_projects, p_agents, p_handlers, p_models) IS NOT DISTINCT FROM", "true OR ("
        "p_projects, p_agents, p_handlers, p_models) IS NOT DISTINCT FROM"),
    "of those with one path only the first counts": (
        "reserve_batch", "v_sum[1] := v_sum[1] + coalesce(v_estimate, 0)", "v_sum[1] := coalesce(p_estimates[1], 0)"),
    "a window that is not open yet counts nothing": (
        "buckets_of_paths", "EXIT WHEN array_position(bucket_ids, NULL) IS NULL;", "EXIT;"),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], [
        (name, "\n".join(mutated(*mutant[at : at + 3]) for at in range(0, len(mutant), 3)),
         [rf"^LedgerTests\..*({tests})" for tests in ("Serial|After|overtakes|window", "Concurrent")])
        for name, mutant in MUTANTS.items()
    ]))
