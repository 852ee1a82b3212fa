#!/usr/bin/env python3
"""Breaks the SQL by which CI's results end orders, one way at a time, and shows which test notices.

    Tests/Mutants/sentinel.py [NAME ...]     after `swift build --build-tests`

A mutant that survives, or whose place in the SQL is gone, fails the run.
"""

import sys

sys.dont_write_bytecode = True
from mutants import main, mutated  # noqa: E402

FIRST = r"^WorkerTests\.FailureMode06"
STORIES = r"^SentinelTests\.(VerdictTests|UnmatchedResultTests|WebhookTests)"

# name: (tests, function, old text, new text)
MUTANTS = {
    "a result without an order is dropped": (
        FIRST, "receive_workflow_run", "AS i (n)\n",
        "AS i (n)\n    WHERE EXISTS (SELECT 1 FROM moose.work_orders w WHERE w.github_pr_number = i.n)\n"),
    "a result is looked at once": (
        FIRST, "defer_ci_results", "WHEN d.orders > 0 AND d.live = 0 THEN 'unmatched'", "WHEN true THEN 'judged'"),
    "an order that arrives hurries nothing": (
        STORIES, "await_ci", "AND (r.state <> 'judged' OR r.head_sha = w.github_head_sha)", "AND false"),
    "a second order of one commit is judged by nothing": (
        STORIES, "await_ci", " OR r.head_sha = w.github_head_sha", ""),
    "an end that is refused takes its order along": (
        STORIES, "await_ci", "w.id = ANY (p_accepted) AND w.fencing_token = i.token AND ", ""),
    "a verdict on the attempt before is taken": (
        STORIES, "apply_ci_verdicts", "AND i.token = w.fencing_token", ""),
    "an older commit speaks after a newer one": (
        STORIES, "ci_results", "AND j.run_id > r.run_id", "AND false"),
    "the second verdict on a commit is told to nobody": (
        STORIES, "apply_ci_verdicts", "'ci', i.verdict, i.sha, i.facts::jsonb ->> 'runs'", "'ci', i.sha"),
    "the deadline is off once there was a verdict": (
        STORIES, "ci_results", "coalesce((c.wo).ci_since < now() - p_deadline, true)",
        "(c.wo).ci_since < now() - p_deadline"),
    "nobody is told of results without an order": (
        FIRST, "defer_ci_results", "WHERE t.state = 'unmatched'", "WHERE false"),
    "a delivery counts as often as it comes": (
        STORIES, "receive_workflow_run", "IF NOT FOUND THEN RETURN false; END IF;", ""),
    "results come ever as often": (STORIES, "defer_ci_results", "2 ^ least(r.tries, 9)", "1"),
    "a pull request completes its order without CI": (
        STORIES, "finish_batch", "WHEN i.outcome = 'review' THEN 'needs_review'", "WHEN i.outcome = 'review' THEN 'completed'"),
    "a verdict on results that changed is taken": (
        STORIES, "apply_ci_verdicts", "i.seen = (", "0 <= ("),
    "a verdict moves an order that has ended": (
        STORIES, "defer_ci_results", "'completed', 'failed', 'cancelled'", "'completed', 'failed'"),
    "a failure is told to nobody": (
        STORIES, "apply_ci_verdicts", "AND i.verdict <> 'passed';", "AND false;"),
    "dependants of a completed order wait for ever": (
        STORIES, "apply_ci_verdicts", "PERFORM moose.release_dependents(v_ids)", "PERFORM 1"),
    "who asked is not answered": (STORIES, "apply_ci_verdicts", "PERFORM moose.reply(v_ids)", "PERFORM 1"),
    "a repository's number is any repository's": (
        STORIES, "is_run_of", "AND (w.github_repository IS NULL OR w.github_repository = r.repository)", ""),
    "an older commit speaks for a newer one": (
        STORIES, "ci_results", "w.github_head_sha IS NULL OR", "true OR"),
    "all commits are one": (
        STORIES, "ci_results", "AND r.head_sha = c.head_sha\n    ORDER BY", "\n    ORDER BY"),
    "what was judged is judged again": (
        STORIES, "ci_results", "AND moose.is_run_of(r, w) AND r.state = 'waiting'\n", "AND moose.is_run_of(r, w)\n"),
    "a deadline never comes": (
        STORIES, "ci_results", "w.ci_since < now() - p_deadline AND w.state", "false AND w.state"),
    "a deadline does not wait for the first result": (
        STORIES, "ci_results", "SELECT min(f.received_at) < now() - p_deadline", "SELECT true"),
    "an attempt that CI failed counts as a success": (
        STORIES, "apply_ci_verdicts", "success = i.verdict = 'passed'", "success = true"),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], [
        (name, mutated(*mutant), [tests]) for name, (tests, *mutant) in MUTANTS.items()
    ]))
