#!/usr/bin/python3
"""10,000 answers in hostile forms, half of them result files of commands and half of them answers to HTTP calls: none ends
the worker, none is paid for twice, and the books hold exactly what each says of its cost, or its estimate where nobody
can read it. `--short` has 300. The same seed makes the same answers."""
import asyncio
import collections
import decimal
import gzip
import json
import os
import random
import re
import resource
import sys
import threading
import zlib

from system import System, check, time_ordered_id

SHORT = "--short" in sys.argv
COUNT = 300 if SHORT else 10_000
SEED = int(sys.argv[sys.argv.index("--seed") + 1]) if "--seed" in sys.argv else random.randrange(1 << 32)
ESTIMATE = 10_000
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
decimal.getcontext().prec = 400
decimal.getcontext().Emax, decimal.getcontext().Emin = 999_999_999, -999_999_999

CONFIG = r"""
lanes: {default: {}}
retry: {base_seconds: 1, cap_seconds: 1}
handlers:
  file:
    command:
      argv: [sh, -c, 'echo run >> "$ANSWERS/runs/$MOOSE_WORK_ORDER_ID"; cat "$ANSWERS/$MOOSE_WORK_ORDER_ID" > "$MOOSE_RESULT_FILE"']
      environment: [PATH, ANSWERS]
    default_estimate_usd: "0.01"
    max_attempts: 3
  call:
    http: {url: "http://127.0.0.1:%d/", cost_header: X-Cost-Usd}
    default_estimate_usd: "0.01"
    max_attempts: 3
"""


def micro(text):
    """What a cost says, as this test reads it: micro-dollars, or None."""
    text = text.strip(" \t\r\n\v\f\u00a0\ufeff")
    if not NUMBER.match(text):
        return None
    exponent = re.search(r"[eE]([+-]?\d+)\Z", text)
    if exponent and abs(int(exponent[1])) > 300:
        digits = re.search(r"[1-9]", text[: exponent.start()])
        if not digits or text.startswith("-"):
            return 0 if not digits else None
        return 1 if int(exponent[1]) < 0 else None
    value = decimal.Decimal(text) * 1_000_000
    amount = int(value.to_integral_value(decimal.ROUND_CEILING))
    return amount if value >= 0 and amount <= 10**15 else None


class Answers:
    """Makes one answer after the other, each with what it must come to."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def cost_text(self):
        r = self.random
        digits = str(r.choice([0, 1, 5, r.randrange(10**6), r.randrange(10**12)]))
        return r.choice([
            lambda: "0." + digits, lambda: "." + digits, lambda: digits + ".", lambda: "+0.00" + digits,
            lambda: digits + "e-" + str(r.randrange(3, 400)), lambda: "1.5E-0" + str(r.randrange(9)), lambda: "1e-05",
            lambda: " 0.02\t", lambda: "\ufeff0.02", lambda: "0.0" * 3, lambda: "", lambda: "0.01, 5", lambda: "NaN",
            lambda: "-0.0" + digits, lambda: "1e999999999", lambda: "$0.01", lambda: "0x10", lambda: "0,01",
            lambda: "inf", lambda: "1_000", lambda: "\u0661", lambda: "0." + "0" * 80 + digits, lambda: "00.010",
        ])()

    def cost_json(self):
        """A JSON value for a cost, and what it says."""
        r = self.random
        kind = r.randrange(8)
        if kind < 4:
            text = self.cost_text()
            return json.dumps(text, ensure_ascii=r.random() < 0.5), micro(text)
        if kind < 6:
            text = r.choice(["0.01", "1e-05", "0", "5e-7", "0.123456789012345678901234567890", "1e400", "-1", "-0.0", "12E-3"])
            return text, micro(text)
        return r.choice([("null", "absent"), ("true", None), ("[]", None), ("{}", None), ('"\\ud800"', None)])

    def value(self, depth=0):
        r = self.random
        if depth > 3 or r.random() < 0.5:
            return r.choice([None, True, 0, -1.5, 10**20, "text", "ü\u0000\n", "🫎", "", "\ufeff"])
        return ([self.value(depth + 1) for _ in range(r.randrange(4))] if r.random() < 0.5
                else {f"k{i}": self.value(depth + 1) for i in range(r.randrange(4))})

    def document(self):
        """A JSON object as text, and the cost it says: micro-dollars, None for unreadable, "absent"."""
        r = self.random
        members, cost = [], "absent"
        if r.random() < 0.8:
            text, cost = self.cost_json()
            members.append(('"cost_usd"', text))
            if r.random() < 0.1:
                members.append((r.choice(['"cost_usd"', '"c\\u006fst_usd"']), '"0.5"'))
                cost = None
        if r.random() < 0.7:
            members.append(('"result"', json.dumps(self.value())))
        for name in ("tokens_in", "tokens_out"):
            if r.random() < 0.3:
                members.append((f'"{name}"', r.choice(["5", '"12"', "1.5", "-1", '"many"', "1e3", "null", "{}"])))
        for name in ("error", "failure_class", "retry", "retry_after_seconds", "other"):
            if r.random() < 0.1:
                members.append((f'"{name}"', r.choice(["7", '"x"', "null", "[1]", "true", '{"a":1,"a":2}'])))
        r.shuffle(members)
        blank = r.choice(["", " ", "\n\t"])
        return "{" + ("," + blank).join(f"{key}{blank}:{value}" for key, value in members) + "}", cost

    def file(self):
        """Bytes of a result file, its cost, and whether it can be read at all."""
        r = self.random
        text, cost = self.document()
        form = r.randrange(20)
        raw = text.encode("utf-8", "surrogatepass")
        if form == 0:
            return b"\xef\xbb\xbf" + raw, cost, True
        if form == 1:
            return text.encode("utf-16"), cost, True
        if form == 2:
            return b"", "absent", True
        if form == 3:
            return b" \n", "absent", True
        if form == 4:
            return raw[: r.randrange(1, len(raw))] if len(raw) > 1 else b"{", "absent", False
        if form == 5:
            return bytes(r.randrange(256) for _ in range(r.randrange(1, 200))) + b"\xff", "absent", False
        if form == 6:
            return r.choice([b"[]", b"1", b'"x"', b"null", b"{,}", b"{'a':1}", b"[" * 5000, b'{"a":' * 600]), "absent", False
        if form == 7:
            return b'{"result":"' + b"x" * (1 << 20) + b'"}', "absent", False
        if form == 8:
            return raw[:-1] + b',"result":1,"result":2}' if len(raw) > 2 else b'{"result":1,"result":2}', cost, False
        return raw, cost, True

    def answer(self):
        """A whole answer to an HTTP call, its cost, and whether its result can be kept."""
        r = self.random
        text, cost = self.document()
        body, headers, kept = text.encode("utf-8", "surrogatepass"), [], True
        form = r.randrange(16)
        kind = r.choice([None, "application/json", "application/json; charset=latin1", "text/plain", "image/png"])
        if form == 0:
            headers, body = [("Content-Encoding", "gzip")], gzip.compress(body)
        elif form == 1:
            headers, body = [("Content-Encoding", "deflate")], zlib.compress(body)
        elif form == 2:
            headers, cost = [("Content-Encoding", r.choice(["br", "zstd", "gzip, br"]))], "absent"
        elif form == 3:
            headers, body, cost = [("Content-Encoding", "gzip")], r.choice([b"{}", b"\x1f\x8b", gzip.compress(body)[:-9]]), "absent"
        elif form == 4:
            headers, body, cost, kept = [("Content-Encoding", "gzip")], gzip.compress(b"\0" * (8 << 20)), "absent", False
        elif form == 5:
            body, kind = text.encode("utf-16"), "application/json; charset=utf-16"
        elif form == 6:
            body, kind, cost = bytes(r.randrange(256) for _ in range(50)) + b"\xff\xfe\x80", None, "absent"
        elif form == 7:
            body, cost = b"", "absent"
        elif form == 8:
            body, cost, kept = b"x" * ((1 << 20) + 1), "absent", False
        elif form == 9:
            body, kind, cost = "größer".encode("latin-1"), "text/plain; charset=ISO-8859-1", "absent"
        elif form == 10:
            body = b"\xef\xbb\xbf" + body
        if kind and not any(name == "Content-Type" for name, _ in headers):
            headers.append(("Content-Type", kind))
        if r.random() < 0.3:
            said = re.sub(r"[^\x21-\x7e \t]", "", self.cost_text())
            headers.append(("X-Cost-Usd", said))
            cost = micro(said)
            if r.random() < 0.2:
                headers.append(("X-Cost-Usd", "5"))
                cost = None
        status = r.choice(["200 OK", "200 OK", "201 Created", "299 Fine"])
        if r.random() < 0.5:
            framing = f"Content-Length: {len(body)}\r\n".encode()
            sent = body
        else:
            framing = b"Transfer-Encoding: chunked\r\n"
            sent = b"".join(b"%x\r\n" % len(part) + part + b"\r\n" for part in
                            (body[at:at + 4096] for at in range(0, len(body), 4096))) + b"0\r\n\r\n"
        head = f"HTTP/1.1 {status}\r\n".encode() + b"".join(f"{n}: {v}\r\n".encode() for n, v in headers)
        return head + framing + b"\r\n" + sent, cost, kept


class Service:
    """Says to each order what was prepared for it, and counts how often it was asked."""

    def __init__(self, answers):
        self.answers, self.runs = answers, collections.Counter()
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        def serve():
            asyncio.set_event_loop(self.loop)
            self.server = self.loop.run_until_complete(asyncio.start_server(self.talk, "127.0.0.1", 0, backlog=512))
            started.set()
            self.loop.run_forever()

        threading.Thread(target=serve, daemon=True).start()
        started.wait()
        self.port = self.server.sockets[0].getsockname()[1]

    async def talk(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                await reader.readexactly(int(re.search(r"content-length: (\d+)", head)[1]))
                order = re.search(r"idempotency-key: (\S+)", head)[1]
                self.runs[order] += 1
                writer.write(self.answers[order])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def resident(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) // 1024


print(f"seed {SEED}", flush=True)
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
made, wanted, replies, files = Answers(SEED), {}, {}, {}
for number in range(COUNT):
    order = time_ordered_id()
    if number % 2:
        replies[order], cost, kept = made.answer()
    else:
        files[order], cost, kept = made.file()
    posted = cost if isinstance(cost, int) else ESTIMATE
    wanted[order] = ("completed" if kept else "failed", posted)
service = Service(replies)

with System(CONFIG % service.port) as system:
    folder = os.path.join(system.folder, "answers")
    os.makedirs(os.path.join(folder, "runs"))
    for order, content in files.items():
        with open(os.path.join(folder, order), "wb") as file:
            file.write(content)
    system.environment["ANSWERS"] = folder
    # Some say that they cost a fortune.
    system.sql("UPDATE moose.budget_policies SET soft_u = NULL, hard_u = NULL, kill_u = NULL")
    system.start("worker", "worker", "--lane", "default:32")
    system.start("client-manager", "client-manager")
    channel = system.channel()
    system.publish(channel, {"kind": "file", "title": "warm up", "estimated_cost_usd": "0"}, message_id=time_ordered_id())
    system.wait_for("the first ends", "SELECT count(*) FROM moose.work_orders WHERE state IN ('completed', 'failed')", "1", 60)
    before = resident(system.processes["worker"].pid)
    for order in wanted:
        system.publish(channel, {"kind": "file" if order in files else "call", "title": "t"}, message_id=order)
    system.wait_for("all end", "SELECT count(*) FROM moose.work_orders WHERE state IN ('completed', 'failed')",
                    str(COUNT + 1), 120 if SHORT else 1800)
    after = resident(system.processes["worker"].pid)
    seen = {}
    for line in system.sql(
            "SELECT w.id, w.state, coalesce(h.actual_u, h.estimate_u) FROM moose.work_orders w "
            "JOIN moose.budget_holds h ON h.owner = w.id WHERE w.title = 't'").splitlines():
        order, state, amount = line.split("|")
        seen.setdefault(order, []).append((state, int(amount)))
    wrong = [order for order in wanted if seen.get(order) != [wanted[order]]]
    for order in wrong[:5]:
        content = files.get(order) or replies.get(order)
        print(f"  {order}: wanted {wanted[order]}, came {seen.get(order)}: {content[:300]!r}")
    check("orders that came to something else", len(wrong), 0)
    runs = collections.Counter(service.runs)
    for order in files:
        with open(os.path.join(folder, "runs", order)) as file:
            runs[order] = len(file.readlines())
    check("answers that were paid for twice", [order for order in wanted if runs[order] != 1], [])
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
    check("money still held", system.sql("SELECT coalesce(sum(held_u), 0) FROM moose.budget_buckets"), "0")
    check("posted", system.sql("SELECT sum(amount_u) FROM moose.cost_tracking"), str(sum(cost for _, cost in wanted.values())))
    check("processes still running", [system.processes[name].poll() for name in ("worker", "client-manager")], [None, None])
    check("a person is told", int(system.sql(
        "SELECT count(*) FROM moose.escalations WHERE operation = 'settle'")) > 0, True)
    print(f"  resident: {before} MB before, {after} MB after", flush=True)
    check("resident memory stays below 300 MB", after < 300, True)
print("fuzz of results: ok")
