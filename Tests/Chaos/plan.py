"""What is published, and what must come of it. Costs are micro-dollars."""
import json
import threading
import time
import uuid
from typing import NamedTuple


class Kind(NamedTuple):
    ends: str           # the state it must reach
    estimate: int       # what an attempt holds; 0: free
    costs: frozenset    # what one run may report; nothing reported is presumed at the estimate
    lane: str
    share: float        # of all orders
    transport: str      # http, command
    max_attempts: int = 50


KINDS = {
    "call": Kind("completed", 1000, frozenset({800}), "default", 64, "http"),
    "free": Kind("completed", 0, frozenset(), "default", 8, "http"),
    "slow": Kind("completed", 1000, frozenset({800}), "slow", 1.5, "http"),
    "flaky": Kind("completed", 1000, frozenset({200, 800}), "default", 5, "http"),
    "failing": Kind("failed", 1000, frozenset({300}), "default", 2, "http"),
    "program": Kind("completed", 1000, frozenset({700}), "default", 14, "command"),
    "slow_program": Kind("completed", 1000, frozenset({700}), "slow", 0.7, "command"),
    "flaky_program": Kind("completed", 1000, frozenset({200, 700}), "default", 2, "command"),
    "failing_program": Kind("failed", 1000, frozenset({300}), "default", 2, "command", 2),
    "garbage": Kind("failed", 1000, frozenset(), "default", 0.8, "command", 2),
    # Kills the worker that runs it. How many there are is said by the caller: each costs three workers.
    "poison": Kind("failed", 0, frozenset(), "slow", 0, "command"),
}
# More than the daily cap, and a project whose money is for a part of its orders only.
NEVER_FITS_USD = "200"
TIGHT_PROJECT = "tight"
TIGHT_FITS = 0.6
# In the place of orders: messages that can't become one, and orders with a special lot.
SPECIAL = {"never_fits": 0.3, "tight": 0.7, "child": 1.0, "malformed": 0.6, "unroutable": 0.4, "id_reused": 0.2}

MALFORMED = [
    lambda nonce: (True, f'{{"kind": "call", "title": "{nonce}'.encode()),
    lambda nonce: (True, json.dumps({"kind": "call", "title": 7, "payload": nonce}).encode()),
    lambda nonce: (True, json.dumps({"title": nonce}).encode()),
    lambda nonce: (False, json.dumps({"kind": "call", "title": nonce}).encode()),
    lambda nonce: (True, json.dumps({"kind": "call", "title": nonce, "estimated_cost_usd": "-1"}).encode()),
    lambda nonce: (True, f'{{"kind": "call", "title": "{nonce} '.encode() + b'\xff\xfe"}'),
    lambda nonce: (True, b"[" * 10_000 + nonce.encode()),
]


def time_ordered_id():
    value = (int(time.time() * 1000) << 80) | (0x7 << 76) | (uuid.uuid4().int & ((1 << 76) - 1))
    return str(uuid.UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62)))


class Message(NamedTuple):
    key: str            # the order's id, or the nonce of what can't become an order
    id: str             # message_id; None: none
    lane: str
    body: bytes


class Plan:
    """Every id and every bad message, from the moment before it is first sent. Safe for threads."""

    def __init__(self, count, poisons, rng):
        self.lock = threading.Lock()
        self.count = count
        self.rng = rng
        self.orders = {}        # id -> (kind, special)
        self.bad = {}           # nonce -> reason it must be buried for (malformed stands for several)
        self.sends = {}         # key -> how often it was sent, where more than once
        self.confirmed = set()
        self.made = 0
        self.recent = []        # ids of orders of the kind `call` that are confirmed
        self.ran = []           # ids of such orders that ran: the service adds them
        self.poison_at = set(rng.sample(range(count // 4, count * 3 // 4), poisons)) if poisons else set()
        names = list(KINDS) + list(SPECIAL)
        weights = [KINDS[name].share if name in KINDS else SPECIAL[name] for name in names]
        self.choices = (names, weights)

    def next(self):
        """The next message; None when all were made."""
        with self.lock:
            if self.made >= self.count:
                return None
            number, self.made = self.made, self.made + 1
            name = "poison" if number in self.poison_at else self.rng.choices(*self.choices)[0]
            if name == "child" and not self.recent or name == "id_reused" and not self.ran:
                name = "call"
            return self._make(name, number)

    def _make(self, name, number):
        nonce = f"nonce-{number}-{self.rng.getrandbits(32):08x}"
        if name == "malformed":
            has_id, body = self.rng.choice(MALFORMED)(nonce)
            self.bad[nonce] = "malformed"
            return Message(nonce, time_ordered_id() if has_id else None, "default", body)
        if name == "unroutable":
            self.bad[nonce] = "unroutable"
            body = {"kind": "call", "title": nonce, "payload": None}
            return Message(nonce, time_ordered_id(), "nowhere", json.dumps(body).encode())
        if name == "id_reused":
            self.bad[nonce] = "id_reused"
            body = {"kind": "call", "title": nonce}
            # One that is known to be an order: of two bodies in the queue the first to be claimed would be it.
            return Message(nonce, self.rng.choice(self.ran), "default", json.dumps(body).encode())
        kind = name if name in KINDS else "call"
        body = {"kind": kind, "title": f"number {number}", "payload": {"nonce": nonce}}
        if name == "never_fits":
            body["estimated_cost_usd"] = NEVER_FITS_USD
        if name == "tight":
            body["project"] = TIGHT_PROJECT
        if name == "child":
            body["depends_on"] = self.rng.sample(self.recent, min(len(self.recent), self.rng.randint(1, 2)))
        id = time_ordered_id()
        self.orders[id] = (kind, name if name in SPECIAL else None)
        return Message(id, id, KINDS[kind].lane, json.dumps(body).encode())

    def sent(self, message):
        with self.lock:
            self.sends[message.key] = self.sends.get(message.key, 0) + 1

    def was_confirmed(self, message):
        with self.lock:
            self.confirmed.add(message.key)
            if self.orders.get(message.key) == ("call", None):
                self.recent.append(message.key)
                if len(self.recent) > 300:
                    del self.recent[:150]

    def expected_state(self, id):
        kind, special = self.orders[id]
        return "failed" if special == "never_fits" else KINDS[kind].ends


def handlers_yaml(service, program):
    lines = []
    for name, kind in KINDS.items():
        if kind.transport == "http":
            lines.append(f"  {name}:\n    http: {{url: '{service}/{name}', headers: {{Chaos-Worker: '${{CHAOS_WORKER}}'}}}}")
        else:
            lines.append(f"  {name}:\n    command:\n      argv: ['{program}', {name}]\n"
                         "      environment: [PATH, CHAOS_WORKER, CHAOS_RUNS]")
        lines.append("    free: true" if kind.estimate == 0 else f"    default_estimate_usd: '{kind.estimate / 1e6:.6f}'")
        lines.append(f"    timeout_seconds: 60\n    max_attempts: {kind.max_attempts}")
    return "\n".join(lines)


PROGRAM = r"""#!/bin/sh
# What the command handlers run. It says first, in a file nobody else writes, that it ran.
printf '%s %s %s %s\n' "$MOOSE_WORK_ORDER_ID" "$MOOSE_ATTEMPT" "$CHAOS_WORKER" "$1" >> "$CHAOS_RUNS" || exit 75
tell() { printf '%s\n' "$1" > "$MOOSE_RESULT_FILE" || exit 75; }
case "$1" in
    program) tell '{"cost_usd": "0.0007", "result": {"ok": true}}' ;;
    slow_program) sleep 2; tell '{"cost_usd": "0.0007"}' ;;
    flaky_program)
        if [ "$MOOSE_ATTEMPT" -le 1 ]; then tell '{"cost_usd": "0.0002"}'; exit 75; fi
        tell '{"cost_usd": "0.0007"}' ;;
    failing_program) tell '{"cost_usd": "0.0003", "error": "it never works"}'; exit 1 ;;
    garbage) tell '{"cost_usd": "0.00' ;;
    poison) kill -9 $PPID; sleep 1 ;;
esac
"""
