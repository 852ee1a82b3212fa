#!/bin/sh
# Publishes work orders with amqp-publish (Debian: amqp-tools).
#
#   publish_with_amqp_tools.sh LANE < work-orders.ndjson    one work order a line, all to LANE
#   publish_with_amqp_tools.sh --sample                     one sample work order to the lane `default`
#
# amqp-publish can't set message_id, so every order carries its `id` in the body. It doesn't wait for the broker's
# confirm either: status 0 says that the bytes were sent, not that they are stored. Sending the same lines again is safe.
# The broker's address comes from MOOSE_AMQP_URL. Note that other users of this machine can see it in the process list.
set -eu

url=${MOOSE_AMQP_URL:-amqp://guest:guest@127.0.0.1:5672/%2F}

publish() {
    amqp-publish --url="$url" --exchange=moose.work --routing-key="$1" --persistent --content-type=application/json
}

case ${1-} in
--sample)
    id=$(cat /proc/sys/kernel/random/uuid)
    body='{"id": "'$id'", "kind": "create_project", "title": "Set up the project sample", "project": "sample",'
    body=$body' "payload": {"summary": "A project made by the sample work order."}, "estimated_cost_usd": "0.01"}'
    printf '%s' "$body" | publish default
    echo "$id"
    ;;
'' | -*)
    echo "usage: $0 LANE < work-orders.ndjson, or $0 --sample" >&2
    exit 2
    ;;
*)
    # Not --line-buffered: that keeps the line break in the body, and Moose compares the bytes of a resend.
    while IFS= read -r line || [ -n "$line" ]; do
        [ -z "$line" ] || printf '%s' "$line" | publish "$1"
    done
    ;;
esac
