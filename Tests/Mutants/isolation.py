#!/usr/bin/env python3
"""Breaks the SQL of isolation and of the ids of events, one way at a time, and runs the tests that should notice.

    Tests/Mutants/isolation.py [NAME ...]     after `swift build --build-tests`

A mutant that survives, or whose place in the SQL is gone, fails the run.
"""

import sys

sys.dont_write_bytecode = True
from mutants import main, mutated  # noqa: E402

LAST = r"^StoreTests\.LastResortTests"
IDS = r"^StoreTests\.EventIDTests"
INDEXES = r"^StoreTests\.IndexedTextTests"
EVENTS = r"^ClientManagerTests\.IsolationTests"
SUSPICION = r"^ClientManagerTests\.SuspicionTests"


def unbound(table, constraint):
    """A table without one of its bounds."""
    return f"ALTER TABLE moose.{table} DROP CONSTRAINT {constraint}"


FUNCTIONS = {
    "bytes are kept again and again": (LAST, "keep_bytes", "IF v_known IS NOT NULL THEN", "IF false THEN"),
    "a lane is kept as it came": (
        LAST, "keep_bytes",
        "CASE WHEN encode(substr(p_lane, 1, 64), 'escape') ~ '^[a-z0-9][a-z0-9_-]{0,62}$'\n                        THEN encode(p_lane, 'escape') END",
        "convert_from(p_lane, 'UTF8')"),
    "bytes without a word": (LAST, "keep_bytes", "PERFORM moose.report(", "PERFORM concat("),
    "another claim's attempt ends": (LAST, "end_refused", "AND w.fencing_token = p_token END", "END"),
    "a refused end keeps its money": (LAST, "end_refused", "PERFORM moose.close_holds(", "PERFORM concat("),
    "one consequence stops all": (LAST, "end_refused", "v_left := v_left || format('its attempt (SQLSTATE %s)', SQLSTATE);", "RAISE;"),
    "what waits can't be failed": (LAST, "end_refused", "'scheduled', 'pending', 'retrying', 'awaiting_budget'", "'scheduled'"),
    "every message is the same": (LAST, "begin_message", "sha256(p_body || p_id)", "sha256(p_body)"),
    "an answer is not noted": (SUSPICION, "answer_message", "b.digest = sha256(p_body || p_id) OR", ""),
    "anybody can tell an event's id": (
        IDS, "event_id",
        "encode(substr(sha256(i.secret || sha256(i.secret || convert_to(\n               p_subject || ':' || p_token || ':' || p_cause, 'UTF8'))), 1, 16), 'hex')::uuid",
        "md5(p_subject || ':' || p_token || ':' || p_cause)::uuid"),
    "an event's id is new each time": (
        IDS, "event_id", "FROM moose.installation i", "FROM (SELECT convert_to(random()::text, 'UTF8') AS secret) i"),
    "never fits is told of once for all": (
        IDS, "refuse_budget", "gen_random_uuid(), 'worker', 'reserve', 'warning'",
        "moose.event_id(r.id::text, 0, 'never_fits'), 'worker', 'reserve', 'critical'"),
    "a changed soft limit is no news": (IDS, "report_marks", "|| ' at ' || v.at_u", ""),
    "any changed limit is news": (IDS, "report_marks", "|| ' at ' || v.at_u", "|| random()"),
    "a second freeze is no news": (IDS, "audit_budget", "TG_TABLE_NAME = 'budget_freezes' AND", "false AND"),
    "a dependency fails once for all": (
        IDS, "tell_of_broken", "|| v_root.broken || ' ' || v_root.ended", "|| v_root.broken",
        "v_root.fencing_token", "0"),
    "a fingerprint is as long as it is": (
        EVENTS, "record_error_events", "'v2:' || encode(sha256(convert_to(f.text, 'UTF8')), 'hex')", "f.text"),
}

BOUNDS = {
    "a fingerprint without a bound": unbound("escalations", "escalations_fingerprint_check"),
    "a unique key without a bound": unbound("unique_keys", "unique_keys_key_check"),
    "a kind without a bound": unbound("work_orders", "work_orders_check"),
    "a new index on a text": "CREATE INDEX x ON moose.work_orders (project)",
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], [
        (name, mutated(*mutant), [tests]) for name, (tests, *mutant) in FUNCTIONS.items()
    ] + [(name, sql, [INDEXES]) for name, sql in BOUNDS.items()]))
