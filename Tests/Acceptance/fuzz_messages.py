#!/usr/bin/python3
"""Hostile messages beside good orders: properties, headers, bodies, keys and sizes as whoever may publish can make them.

    fuzz_messages.py [--messages N] [--good N] [--seed N] [--short]

They go to a lane, to lanes that don't exist, to moose.dead and to moose.events. All good orders complete, each bad message is
one dead letter or one event, no process ends, each role stays ready, and memory stays bounded.
"""
import argparse
import collections
import concurrent.futures
import itertools
import json
import random
import socket
import struct
import sys
import threading
import time
import urllib.request
import uuid

from raw_amqp import RawPublisher, Refused, nested, properties, short_text
from system import System, check

# Every id of a fuzzed event begins so.
EVENT = "f0221e55"
LIMIT_KB = 600_000
TEXTS = [b"\0", b"a\0b", b"\xff\xfe", b"\xc3(", "ä".encode("latin-1"), b"\xed\xa0\x80", b"'; DROP SCHEMA moose; --", b"\\x00",
         b"!escaped:", b"%s%n{}", "\u202e\U0001f4a9".encode(), b"\r\nX: y", b""]


class Fuzz:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.number = 0

    def text(self, most=255):
        kind = self.random.random()
        if kind < 0.5:
            return self.random.choice(TEXTS)[:most]
        if kind < 0.9:
            return self.random.randbytes(self.random.randrange(0, min(most, 40)))
        return self.random.randbytes(self.random.randrange(most // 2, most + 1))

    def field(self, depth=0):
        kind = self.random.choice("tbBsuIilfdDTSxVSSFA" if depth < 6 else "tbBsuIilfdDTSxV")
        finite = self.random.uniform(-1e30, 1e30)
        content = {
            "t": lambda: self.random.randbytes(1), "b": lambda: self.random.randbytes(1),
            "B": lambda: self.random.randbytes(1), "s": lambda: self.random.randbytes(2),
            "u": lambda: self.random.randbytes(2), "I": lambda: self.random.randbytes(4),
            "i": lambda: self.random.randbytes(4), "l": lambda: self.random.randbytes(8),
            "f": lambda: struct.pack(">f", finite), "d": lambda: struct.pack(">d", finite),
            "D": lambda: self.random.randbytes(5), "T": lambda: self.random.randbytes(8),
            "V": lambda: b"",
        }.get(kind)
        if content:
            return kind.encode() + content()
        if kind in "Sx":
            inside = self.text(2000)
        elif kind == "F":
            inside = b"".join(short_text(self.text()) + self.field(depth + 1) for _ in range(self.random.randrange(4)))
        else:
            inside = b"".join(self.field(depth + 1) for _ in range(self.random.randrange(4)))
        return kind.encode() + struct.pack(">I", len(inside)) + inside

    def headers(self):
        # The number makes each message another: an equal one would rightly be the same letter.
        self.number += 1
        entries = short_text(b"n") + b"l" + struct.pack(">q", self.number)
        kind = self.random.random()
        if kind < 0.05:
            levels = self.random.choice([17, 100, 600, 2500, 6000, 20000])
            kinds = self.random.choice(["F", "A", "FA", "AAF"])
            entries += short_text(self.text(20)) + nested(levels, kinds)
        elif kind < 0.06:
            entries += b"".join(short_text(b"%d" % n) + b"V" for n in range(15000))
        elif kind < 0.07:
            entries += short_text(b"long") + b"S" + struct.pack(">I", 120_000) + self.random.randbytes(120_000)
        elif kind < 0.12:
            death = short_text(b"reason") + b"S" + struct.pack(">I", 3) + b"a\0\xff" + short_text(b"queue") + self.field()
            death = b"F" + struct.pack(">I", len(death)) + death
            entries += short_text(b"x-death") + b"A" + struct.pack(">I", len(death)) + death
        else:
            names = [b"traceparent", b"moose-redrive", b"x-first-death-reason", b""]
            for _ in range(self.random.randrange(5)):
                name = self.random.choice(names) if self.random.random() < 0.3 else self.text()
                # These route, and the broker judges their types itself.
                if name not in (b"CC", b"BCC"):
                    entries += short_text(name) + self.field()
        return entries

    def properties(self, message_id=None):
        values = {"headers": self.headers(), "delivery_mode": 2}
        for name in ("content_type", "content_encoding", "correlation_id", "type", "app_id", "cluster_id", "message_id"):
            if self.random.random() < 0.5:
                values[name] = self.text()
        if self.random.random() < 0.3:
            values["reply_to"] = self.text()
        if self.random.random() < 0.2:
            values["priority"] = self.random.randrange(256)
        if self.random.random() < 0.2:
            values["timestamp"] = self.random.randrange(1 << 64)
        if self.random.random() < 0.1:
            values["expiration"] = b"%d" % self.random.randrange(3_600_000, 4_000_000_000)
        if message_id:
            values["message_id"] = message_id.encode()
        return properties(**values)

    def body(self):
        """Never a work order."""
        kind = self.random.random()
        if kind < 0.3:
            return self.random.randbytes(self.random.randrange(200))
        if kind < 0.35:
            return self.random.choice([b"[", b'{"kind":']) * self.random.choice([100, 10_000, 100_000])
        if kind < 0.36:
            return self.random.randbytes(self.random.choice([70_000, 1 << 20, (1 << 20) + 1, 3 << 20]))
        if kind < 0.361:
            return self.random.randbytes(20 << 20)
        order = {"kind": "work", "title": "t"}
        order.update(self.random.choice([
            {"kind": "a\0b"}, {"kind": ""}, {"kind": "k" * 6000}, {"title": ""}, {"title": "t" * 6000}, {"title": None},
            {"lane": "\0"}, {"lane": "l" * 6000}, {"id": "\0"}, {"project": "p" * 3000}, {"agent": 1e308},
            {"estimated_cost_usd": "-1"}, {"estimated_cost_usd": 1e300}, {"run_at": "\ud800"}, {"depends_on": ["\0"]},
            {"depends_on": [str(uuid.UUID(int=n)) for n in range(1001)]}, {"max_attempts": 1 << 80},
            {"concurrency_key": "\0"}, {"unique_key": "u" * 6000}, {"timeout_seconds": 30.5}, {"metadata": []},
            {"acceptance_criteria": [{}]}, {"complexity": -0.1},
        ]))
        return json.dumps(order).encode()

    def event(self):
        """Anything on the events' exchange; where it names itself, it is by an id of ours."""
        kind = self.random.random()
        if kind < 0.3:
            return self.body()
        word = lambda: self.random.choice(["svc", "op", "a\0b", "\ud800", "", "e" * 6000, "".join(
            self.random.choice("abcdefghij ") for _ in range(6000)), None, 5, [], {"x": "\0"}])
        event = {"component": word(), "operation": word(), "severity": self.random.choice(["warning", "critical", "\0", 1]),
                 "message": word(), "failure_class": word(), "occurred_at": word(), "work_order_id": word(),
                 "details": {str(word()): word(), "handler": word(), "reason": word()}}
        for name in self.random.sample(sorted(event), self.random.randrange(3)):
            del event[name]
        return json.dumps(event).encode()


def tell(system):
    """What a person wants to see of a failed run."""
    print(system.sql("SELECT state || ' ' || count(*) FROM moose.work_orders GROUP BY state"))
    print(system.sql("SELECT reason || ' ' || count(*) || ' ' || min(explanation) FROM moose.dead_letters GROUP BY reason"))
    for name in system.processes:
        print(f"{name}: ...{system.log(name)[-2000:]}", flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def resident_kb(process):
    with open(f"/proc/{process.pid}/status") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1])


class Readiness:
    """Asks each role once a second; notes every answer but 200."""

    def __init__(self, ports):
        self.ports, self.wrong, self.asked, self.over = ports, [], 0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(1):
            for name, port in self.ports.items():
                self.asked += 1
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=20).read()
                except OSError as error:
                    body = error.read().decode(errors="replace") if hasattr(error, "read") else ""
                    self.wrong.append(f"{name}: {error} {body[:300]}")

    def end(self):
        self.over.set()
        self.thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--good", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--short", action="store_true", help="2,000 messages beside 500 good orders")
    arguments = parser.parse_args()
    if arguments.short:
        arguments.messages, arguments.good = 2_000, 500
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    fuzz = Fuzz(seed)
    ports = {"worker": free_port(), "client-manager": free_port()}
    config = 'handlers: {work: {command: {argv: ["true"]}, free: true}}\nlanes: {default: {weight: 1}}\n'
    config += f"worker: {{listen: {ports['worker']}}}\n"
    with System(config) as system:
        try:
            story(system, arguments, fuzz, ports)
        except SystemExit:
            tell(system)
            raise
    print("fuzz messages: ok")


def story(system, arguments, fuzz, ports):
    system.start("worker", "worker", "--lane", "default:8")
    system.start("client-manager", "client-manager", "--listen", str(ports["client-manager"]))
    publisher = RawPublisher(system.environment["MOOSE_AMQP_URL"])
    publisher.publish(*good(fuzz))
    system.wait_for("the first completes", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", "1", 60)
    deadline = time.time() + 60
    while time.time() < deadline:
        try:
            for port in ports.values():
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).read()
            break
        except OSError:
            time.sleep(0.3)
    readiness = Readiness(ports)
    try:
        sent = run(arguments, fuzz, publisher.url.geturl())
        seconds = 120 + arguments.messages / 50
        system.wait_for("all good orders complete",
                        "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", str(sent["good"]), seconds)
        system.wait_for("each bad message is one dead letter", "SELECT count(*) FROM moose.dead_letters",
                        str(sent["letters"]), seconds)
        system.wait_for("each event is counted once",
                        f"SELECT count(*) FROM moose.escalation_events WHERE event_id::text LIKE '{EVENT}%'",
                        str(sent["events"]), seconds)
        # What comes after is taken at once.
        publisher.publish(*good(fuzz))
        system.wait_for("a last one completes", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'",
                        str(sent["good"] + 1), 30)
    finally:
        readiness.end()
    print(system.sql("SELECT reason || ' ' || count(*) FROM moose.dead_letters GROUP BY reason ORDER BY 1"))
    check("messages left in the queues", sum(queue_lengths(system)), 0)
    for name, process in system.processes.items():
        check(f"{name} runs still", process.poll() is None, True)
        peak = resident_kb(process)
        check(f"{name} held at most {LIMIT_KB} kB (peak {peak})", peak <= LIMIT_KB, True)
    check(f"answers of /readyz other than 200, of {readiness.asked}", readiness.wrong[:3], [])
    check("letters without the properties that came", system.sql(
        "SELECT count(*) FROM moose.dead_letters WHERE properties IS NULL AND NOT is_order"), "0")
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")


def messages(arguments, fuzz):
    """What is sent, one after the other: what it must become, and the message."""
    pace = max(1, arguments.messages // max(1, arguments.good))
    left = arguments.good
    for number in range(arguments.messages):
        if number % pace == 0 and left > 0:
            left -= 1
            yield ("good", *good(fuzz))
        place = fuzz.random.random()
        if place < 0.4:
            yield "letters", "moose.work", b"default", fuzz.properties(), fuzz.body()
        elif place < 0.55:
            # Never a lane's name: there is a byte in it that none has.
            yield "letters", "moose.work", b"!" + fuzz.text(254), fuzz.properties(), fuzz.body()
        elif place < 0.7:
            yield "letters", "moose.dead", fuzz.text(), fuzz.properties(), fuzz.body()
        else:
            identity = EVENT + str(uuid.UUID(int=fuzz.random.getrandbits(128)))[8:]
            yield "events", "moose.events", b"error." + fuzz.text(200), fuzz.properties(identity), fuzz.event()


def good(fuzz):
    return ("moose.work", b"default", fuzz.properties(str(uuid.UUID(int=fuzz.random.getrandbits(128)))),
            json.dumps({"kind": "work", "title": "good"}).encode())


def run(arguments, fuzz, url):
    """Each connection waits for its confirms; many of them, or a disk that syncs slowly would set the pace."""
    sent = collections.Counter(good=1)
    mine = threading.local()

    def send(message):
        if not hasattr(mine, "publisher"):
            mine.publisher = RawPublisher(url)
        try:
            mine.publisher.publish(*message[1:])
            return message[0], None
        except Refused as refusal:
            return "refused", f"{refusal} (seen {message[1:4]!r})"

    started = time.time()
    stream = messages(arguments, fuzz)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        while batch := list(itertools.islice(stream, 200)):
            for kind, refusal in pool.map(send, batch):
                sent[kind] += 1
                if refusal and sent[kind] == 1:
                    print(f"  the broker itself refused one: {refusal[:300]}", flush=True)
    print(f"  sent in {time.time() - started:.0f} s: {dict(sent)}", flush=True)
    check("refused by the broker itself: less than one of fifty", sent["refused"] * 50 <= arguments.messages, True)
    return sent


def queue_lengths(system):
    channel = system.channel()
    return [channel.queue_declare(name, passive=True).method.message_count
            for name in ("moose.work.default", "moose.dead", "moose.escalations")]


if __name__ == "__main__":
    sys.exit(main())
