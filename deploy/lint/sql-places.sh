#!/bin/bash
# Refuses SQL in Swift outside the libraries that own it: what a command, a page or a role asks of the database is a
# function of one of them.
#
#   deploy/lint/sql-places.sh [FOLDER ...]    default: Sources
#   deploy/lint/sql-places.sh --self-test     the checker's own samples
#
# SQL is a line, or a string in a line, that begins with a statement's first word. It reads words: it finds the query
# that was written in passing, not one that is glued together.
set -euo pipefail
allowed='^Sources/(Shared/(Store|Operations|Reporting|Postgres|Stack)|Bench|Moose/Bench)/'
words='SELECT|INSERT INTO|UPDATE|DELETE FROM|MERGE INTO|WITH( RECURSIVE)?|TRUNCATE|COPY|LOCK TABLE|CREATE|ALTER|DROP'
words+='|NOTIFY|LISTEN|CALL|SET LOCAL|VACUUM|ANALYZE'
statement="(^[[:space:]]*|\")($words)[[:space:]]+[a-z0-9_(*'\\\\]"

found() { grep -nE "$statement" "$@"; }

self_test() {
    local status=0 sample
    for sample in \
        '    try await client.run("SELECT 1")' \
        '            SELECT state, count(*) FROM moose.work_orders' \
        '    "SELECT count(*) FROM moose.cancellable(\(state))"' \
        '                INSERT INTO moose.audit_log (who)' \
        '        _ = try await t.run("UPDATE moose.lanes SET weight = \(weight)")' \
        '    let gone = try await run("DELETE FROM moose.schedules WHERE name = \(name)")' \
        '            WITH RECURSIVE published AS (' \
        '    try await client.run("\(x)"); try await client.run("NOTIFY moose_outbox")'; do
        found <<<"$sample" >/dev/null || { echo "sql-places: not found: $sample" >&2; status=1; }
    done
    for sample in \
        '    /// SELECT state FROM moose.work_orders is what a worker asks.' \
        '                + "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA moose TO \(role); "' \
        '            With names, only their budgets.' \
        '    throw CommandFailure("nothing was done", next: "Select one with --id")' \
        '    case update, delete, select' \
        '    .init("CREATED"), .init("UPDATED")'; do
        ! found <<<"$sample" >/dev/null || { echo "sql-places: taken for SQL: $sample" >&2; status=1; }
    done
    for sample in Sources/Shared/Store/Claims/Store+Claim.swift Sources/Moose/Bench/Ledger/PgBench.swift; do
        [[ $sample =~ $allowed ]] || { echo "sql-places: not allowed: $sample" >&2; status=1; }
    done
    for sample in Sources/Moose/Status/StatusCommand.swift Sources/Shared/Settings/Store/Field.swift; do
        ! [[ $sample =~ $allowed ]] || { echo "sql-places: allowed: $sample" >&2; status=1; }
    done
    return "$status"
}

if [ "${1:-}" = --self-test ]; then
    self_test
    exit
fi
status=0
while IFS= read -r -d '' file; do
    [[ $file =~ $allowed ]] && continue
    while IFS=: read -r line _; do
        echo "$file:$line: error: SQL outside the libraries that own it. Make it a function of Operations or Store" >&2
        status=1
    done < <(found "$file" || true)
done < <(find "${@:-Sources}" -name '*.swift' -print0)
exit "$status"
