#!/usr/bin/python3
"""Publishes work orders with pika (Debian: python3-pika).

    publish_with_pika.py < work-orders.ndjson     one work order a line
    publish_with_pika.py --sample [LANE]          one sample work order, LANE is `default` if left out

The broker's address comes from MOOSE_AMQP_URL. An order is printed once the broker has confirmed it. Running this again
with the same lines is safe where a line holds its `id`: Moose knows an id and a body it has seen.

Exit status: 0 all confirmed, 1 an order was refused, 2 wrong input, 3 the broker can't be reached.
"""

import json
import os
import re
import secrets
import sys
import time
import uuid

import pika
import pika.exceptions

EXCHANGE = "moose.work"
DEFAULT_URL = "amqp://guest:guest@127.0.0.1:5672/%2F"
LANE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

SAMPLE = {
    "kind": "create_project",
    "title": "Set up the project sample",
    "payload": {"summary": "A project made by the sample work order."},
    "project": "sample",
    "estimated_cost_usd": "0.01",
}


class WrongInput(Exception):
    pass


def time_ordered_uuid():
    """A version 7 UUID: ids made later sort later, which keeps the database's indexes dense."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def read_orders(arguments):
    """Yields (lane, id, body). The body's bytes are published as they were read: Moose compares them on a resend."""
    if arguments[:1] == ["--sample"] and len(arguments) <= 2:
        lane = arguments[1] if len(arguments) == 2 else "default"
        yield lane, time_ordered_uuid(), json.dumps(SAMPLE).encode()
        return
    if arguments:
        raise WrongInput("unknown arguments. Give NDJSON on standard input, or --sample [LANE]")
    for number, line in enumerate(sys.stdin.buffer, 1):
        body = line.strip()
        if not body:
            continue
        try:
            order = json.loads(body)
            identity = str(uuid.UUID(order["id"])) if order.get("id") is not None else time_ordered_uuid()
        except (ValueError, AttributeError, TypeError) as error:
            raise WrongInput(f"line {number} is no work order: {error}. Correct the line") from error
        yield order.get("lane") or "default", identity, body


def publish(channel, lane, identity, body, known_lanes):
    if not isinstance(lane, str) or not LANE.fullmatch(lane):
        raise WrongInput(f"{lane!r} is no lane's name. It must match {LANE.pattern}")
    if lane not in known_lanes:
        # Work for an unknown lane isn't returned, it goes to the dead letters. So ask first, once a lane.
        channel.queue_declare(f"moose.work.{lane}", passive=True)
        known_lanes.add(lane)
    properties = pika.BasicProperties(
        message_id=identity,
        type="moose.work-order.v1",
        content_type="application/json",
        delivery_mode=2,
        timestamp=int(time.time()),
        app_id="publish_with_pika",
    )
    # With confirms on, this returns when the broker has stored the message, and raises when it refused it.
    channel.basic_publish(EXCHANGE, routing_key=lane, body=body, properties=properties)
    print(identity)


def main():
    try:
        parameters = pika.URLParameters(os.environ.get("MOOSE_AMQP_URL", DEFAULT_URL))
        connection = pika.BlockingConnection(parameters)
    except (pika.exceptions.AMQPError, OSError, ValueError) as error:
        # Never the URL: it holds a password.
        print(f"can't reach RabbitMQ: {error!r}. Check MOOSE_AMQP_URL and that the broker runs", file=sys.stderr)
        return 3
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        known_lanes = set()
        for lane, identity, body in read_orders(sys.argv[1:]):
            publish(channel, lane, identity, body, known_lanes)
    except WrongInput as error:
        print(error, file=sys.stderr)
        return 2
    except (pika.exceptions.NackError, pika.exceptions.UnroutableError) as error:
        print(f"the broker refused the order: {error!r}. Publish it again later, with the same id", file=sys.stderr)
        return 1
    except pika.exceptions.ChannelClosedByBroker as error:
        print(f"{error.reply_text}. Does the lane exist? `moose topology apply` makes it", file=sys.stderr)
        return 1
    except pika.exceptions.AMQPError as error:
        print(f"lost the broker: {error!r}. What was printed is safe; publish the rest again", file=sys.stderr)
        return 3
    finally:
        if connection.is_open:
            connection.close()
    return 0


sys.exit(main())
