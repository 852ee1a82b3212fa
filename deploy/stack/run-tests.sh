#!/bin/bash
# Runs every Swift test against private servers of its own, and takes them away again, also after a failure.
# Arguments go to `swift test`, for instance: --filter StoreTests
set -euo pipefail
cd "$(dirname "$0")/../.."
moose=$PWD/.build/debug/moose
folder=$(mktemp -d "${TMPDIR:-/tmp}/moose-tests.XXXXXX")
chmod 755 "$folder"

clean_up() {
    local status=$?
    for stack in shared restartable; do
        [ ! -e "$folder/$stack" ] || "$moose" stack stop --remove --folder "$folder/$stack" >/dev/null || status=1
    done
    rm -rf "$folder"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$moose" stack start --folder "$folder/shared" --channel-tick-seconds 1 >/dev/null
"$moose" stack start --folder "$folder/restartable" >/dev/null

eval "$("$moose" stack env --folder "$folder/restartable")"
export MOOSE_TEST_RESTARTABLE_DATABASE_URL=$MOOSE_DATABASE_URL
export MOOSE_TEST_RESTART_COMMAND="'$moose' stack stop --folder '$folder/restartable' && '$moose' stack start --folder '$folder/restartable'"
eval "$("$moose" stack env --folder "$folder/shared")"
export MOOSE_TEST_STACK_FOLDER=$folder/shared
export MOOSE_TEST_DATABASE_URL=$MOOSE_DATABASE_URL MOOSE_TEST_AMQP_URL=$MOOSE_AMQP_URL
unset MOOSE_DATABASE_URL MOOSE_AMQP_URL MOOSE_SPOOL_FOLDER PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE
# Hundreds of tests at once would make each other wait for longer than any time-out of theirs.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH:-8}

if [ $# -gt 0 ]; then
    swift test --skip-build --disable-xctest "$@"
else
    # One target after the other: side by side they would only wait for the same two servers and cores.
    for tests in Tests/*Tests; do
        echo "== $(basename "$tests")"
        swift test --skip-build --disable-xctest --filter "^$(basename "$tests")\\."
    done
    echo "== Chaos, the short form"
    MOOSE=$moose /usr/bin/python3 Tests/Chaos/chaos.py --short
    echo "== Hostile messages, the short form"
    MOOSE=$moose /usr/bin/python3 Tests/Acceptance/fuzz_messages.py --short
    for story in fuzz_results fuzz_webhooks; do
        echo "== $story, the short form"
        MOOSE=$moose /usr/bin/python3 "Tests/Acceptance/$story.py" --short
    done
fi
