#!/bin/sh
# Runs a command only if Moose's budget has room for it, with psql (Debian: postgresql-client).
#
#   budget_with_psql.sh ESTIMATE_USD SERVICE KEY COMMAND [ARGUMENT ...]
#
# ESTIMATE_USD is held while COMMAND runs. KEY names this piece of work: asking again with it reserves nothing twice.
# COMMAND writes what it really cost, in USD, to the file named by BUDGET_COST_FILE. If it doesn't, the estimate is
# presumed spent an hour later. BUDGET_METADATA may hold more metadata, as JSON: {"project": "shop", "agent": "ada"}.
# The database comes from PGHOST, PGDATABASE, PGUSER, PGPASSWORD; the role is made by deploy/postgres/budget-client.sql.
#
# Exit status: that of COMMAND; 75 the budget has no room, nothing was run; 3 the database can't be asked, nothing was
# run.
set -u

if [ $# -lt 4 ]; then
    echo "usage: $0 ESTIMATE_USD SERVICE KEY COMMAND [ARGUMENT ...]" >&2
    exit 2
fi
estimate=$1 service=$2 key=$3
shift 3
metadata=${BUDGET_METADATA-}

# Each call is a transaction of its own, and none is open while COMMAND runs.
ask() { psql -XAtq -v ON_ERROR_STOP=1 "$@"; }

reservation=$(ask -v estimate="$estimate" -v service="$service" -v key="$key" -v metadata="${metadata:-{\}}" <<'SQL'
SELECT reservation_id FROM check_and_reserve_budget(
    :'estimate'::numeric, :'service', :'metadata'::jsonb || jsonb_build_object('idempotency_key', :'key'));
SQL
) || exit 3
if [ -z "$reservation" ]; then
    echo "the budget has no room for \$$estimate. Try again when money was given back, or tomorrow" >&2
    exit 75
fi

BUDGET_COST_FILE=$(mktemp) || exit 3
export BUDGET_COST_FILE
"$@"
status=$?
cost=$(cat "$BUDGET_COST_FILE")
rm -f "$BUDGET_COST_FILE"

if [ -n "$cost" ]; then
    ask -v id="$reservation" -v cost="$cost" <<'SQL'
SELECT 'budget: ' || state FROM settle_budget(:'id', :'cost'::numeric);
SQL
elif [ "$status" -eq 126 ] || [ "$status" -eq 127 ]; then
    # It never started, so it spent nothing.
    ask -v id="$reservation" <<'SQL'
SELECT 'budget: ' || state FROM cancel_budget(:'id');
SQL
else
    echo "budget: no cost was reported; $reservation stays on hold until it is presumed spent" >&2
fi
exit "$status"
