#!/usr/bin/python3
"""The backlog: whatever is published and can't start yet is registered, seen and changed, and exactly what is left of it runs.
First a lane is paused, orders of several projects are published to it, and within five seconds all are registered; one
project is cancelled, one moved to another lane, one put first, a few put off; the lane is resumed, and the urgent go first.
Then a lane that no worker works: a client manager registers what comes. Then both, while whoever registers is killed again
and again: every order is registered, once.

    MOOSE_ORDERS=2000 Tests/Acceptance/backlog.py      a fiftieth of it
    MOOSE_RATE=2000 Tests/Acceptance/backlog.py        published at 2,000 a second, not as fast as the broker takes it"""
import asyncio
import collections
import json
import os
import random
import subprocess
import sys
import threading
import time

from system import MOOSE, System, time_ordered_id

ORDERS = int(os.environ.get("MOOSE_ORDERS", "100000"))
RATE = int(os.environ.get("MOOSE_RATE", "0"))
WITHIN = 5
SLOTS = 32
PUT_OFF = 10
# Many more than there are slots, so that it is to be seen who goes first.
URGENT = max(ORDERS // 100, 4 * SLOTS)
CONFIG = r"""
lanes: {default: {}, bulk: {}, lonely: {}}
handlers:
  call: {http: {url: "http://127.0.0.1:PORT/"}, free: true}
"""
# How often the service was called for which order.
CALLS = collections.Counter()


class Service(asyncio.Protocol):
    """Answers every request with an empty object; requests are small, and come one after the other."""
    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"

    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""

    @staticmethod
    def field(head, name):
        start = head.find(b"\r\n" + name + b":")
        return head[start + len(name) + 3:].split(b"\r\n", 1)[0].strip().decode() if start >= 0 else ""

    def data_received(self, data):
        self.rest += data
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            head = self.rest[:end].lower()
            size = end + 4 + int(self.field(head, b"content-length") or 0)
            if len(self.rest) < size:
                return
            self.rest = self.rest[size:]
            CALLS[self.field(head, b"idempotency-key")] += 1
            self.transport.write(self.ANSWER)


def serve():
    """In a thread of its own. Returns the port."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(Service, "127.0.0.1", 0, backlog=512))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return server.sockets[0].getsockname()[1]


def expect(what, seen, wanted):
    if seen != wanted:
        sys.exit(f"{what}: expected {wanted}, found {seen}")
    print(f"  {what}: {seen}", flush=True)


def expect_ids(what, seen, wanted):
    """Of so many only the number is told, and some of those that are wrong."""
    seen, wanted = set(seen), set(wanted)
    if seen != wanted:
        sys.exit(f"{what}: expected {len(wanted)} orders, found {len(seen)}; {len(wanted - seen)} of them are missing, such as "
                 f"{sorted(wanted - seen)[:3]}, and {len(seen - wanted)} are others, such as {sorted(seen - wanted)[:3]}")
    print(f"  {what}: {len(seen)}", flush=True)


def wait_until(what, look, wanted, seconds, most=None):
    """It may take so many seconds. Where it is waited for longer, until `most`, it is told when it came."""
    began = time.monotonic()
    while (seen := look()) != wanted:
        if time.monotonic() - began > max(seconds, most or 0):
            sys.exit(f"{what}: expected {wanted} within {seconds} s, found {seen} after {time.monotonic() - began:.0f} s")
        # Where it takes long, looking takes little of it.
        time.sleep(0.1 if seconds <= 10 else 0.5)
    took = time.monotonic() - began
    if took > seconds:
        sys.exit(f"{what}: expected {wanted} within {seconds} s, found it after {took:.1f} s")
    print(f"  {what}: {seen}, after {took:.1f} s", flush=True)


def number(system, query):
    return int(system.sql(query))


def in_queue(system, name):
    """Messages that wait, and consumers."""
    channel = system.channel()
    answer = channel.queue_declare(name, passive=True).method
    channel.connection.close()
    return answer.message_count, answer.consumer_count


def made(sizes):
    """Orders of these projects, well mixed, and the ids of each project; '' is none."""
    projects = [project for project, count in sizes.items() for _ in range(count)]
    random.shuffle(projects)
    ids = {project: [] for project in sizes}
    orders = []
    for project in projects:
        identifier = time_ordered_id()
        ids[project].append(identifier)
        orders.append({"id": identifier, "kind": "call", "title": "backlog", **({"project": project} if project else {})})
    return orders, ids


def publish(system, orders, lane):
    """Returns when the broker has confirmed the last one."""
    began = time.monotonic()
    size = RATE or len(orders)
    for start in range(0, len(orders), size):
        time.sleep(max(0, began + start / size - time.monotonic()))
        lines = "".join(json.dumps(order) + "\n" for order in orders[start:start + size])
        done = subprocess.run([MOOSE, "publish", "--file", "-", "--lane", lane, "--config", system.config],
                              env=system.environment, input=lines, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"moose publish: expected the exit code 0, found {done.returncode}:\n{done.stderr[-1000:]}")
    print(f"  published {len(orders)} in {time.monotonic() - began:.1f} s", flush=True)


def registered(system, lane, count):
    """What was just published stands in the database, and nowhere else."""
    wait_until("registered", lambda: number(system, "SELECT count(*) FROM moose.waiting"), count, WITHIN, most=300)
    expect("orders in the database", number(system, "SELECT count(*) FROM moose.work_orders"), count)
    wait_until(f"messages in the queue of {lane}", lambda: in_queue(system, f"moose.work.{lane}")[0], 0, 5)


def listed(system, lane):
    """The ids of a lane, page by page."""
    ids, place = [], ()
    while True:
        page = json.loads(system.moose("work-orders", "list", "--lane", lane, "--limit", "10000", *place, "--json"))
        ids += [order["id"] for order in page]
        if len(page) < 10000:
            return ids
        place = ("--after", page[-1]["id"])


def standing(system):
    """How many of each project stand in which lane and state."""
    rows = system.sql("SELECT coalesce(project, 'none'), lane, state, count(*) FROM moose.work_orders "
                      "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")
    return {tuple(row.split("|")[:3]): int(row.split("|")[3]) for row in rows.splitlines()}


def change(system, command, *arguments):
    """Has orders that match changed, which are counted before. Returns the answer."""
    words = ("work-orders", command, *arguments, "--json")
    counted = json.loads(system.moose(*words))
    began = time.monotonic()
    answer = json.loads(system.moose(*words, "--yes"))
    print(f"  {command}: {time.monotonic() - began:.1f} s", flush=True)
    expect("counted before, and changed nothing", counted, {key: 0 for key in answer} | {"matching": answer["matching"]})
    return answer


def cancel(system, project, count):
    expect(f"cancelled of {project}", change(system, "cancel", "--project", project, "--reason", "nobody wants it"),
           {"matching": count, "cancelled": count, "cancel_requested": 0})


def place(system, command, count, *arguments):
    expect(f"{command} {' '.join(arguments)}", change(system, command, *arguments), {"matching": count, "changed": count})


def completed(system, lane, count, seconds=600):
    wait_until(f"completed in {lane}", lambda: number(
        system, f"SELECT count(*) FROM moose.work_orders WHERE state = 'completed' AND lane = '{lane}'"), count, seconds)


def ran_once(system, ids):
    """Exactly these ran, each once; and the books agree."""
    expect_ids("orders the service was called for", CALLS, ids)
    expect("calls", sum(CALLS.values()), len(ids))
    expect("attempts", number(system, "SELECT count(*) FROM moose.outcome_vectors"), len(ids))
    expect("orders with an accepted result", number(
        system, "SELECT count(DISTINCT work_order_id) FROM moose.outcome_vectors WHERE success"), len(ids))
    expect("orders that run", number(system, "SELECT count(*) FROM moose.leases"), 0)
    expect("dead letters", number(system, "SELECT count(*) FROM moose.dead_letters"), 0)
    expect("messages without a lane", in_queue(system, "moose.dead")[0], 0)
    expect("orders missing from a live set", number(system, "SELECT count(*) FROM moose.live_set_differences()"), 0)
    expect("reconcile differences", json.loads(system.moose("budget", "reconcile", "--json")), [])


def start_workers(system, **workers):
    for name, arguments in workers.items():
        system.start(name, "worker", *arguments)
    wait_until("workers", lambda: number(
        system, "SELECT count(*) FROM moose.workers WHERE stopped_at IS NULL AND last_seen > now() - interval '60 seconds'"),
        len(workers) + sum(name not in workers and name.startswith("worker") for name in system.processes), 60)


def paused_lane(system):
    orders, ids = made({
        "doomed": ORDERS * 3 // 10, "mover": ORDERS // 10, "urgent": URGENT, "shop": ORDERS // 5, "": ORDERS // 10,
        "others": ORDERS - ORDERS * 3 // 10 - 2 * (ORDERS // 10) - ORDERS // 5 - URGENT})
    later = ids["others"][:PUT_OFF]
    counts = {project or "none": len(those) for project, those in ids.items()}
    half = ("--lane", f"default:{SLOTS // 2}")
    start_workers(system, worker_1=half, worker_2=half)
    system.moose("lanes", "pause", "default", "--reason", "the provider is down")
    publish(system, orders, "default")
    registered(system, "default", ORDERS)
    expect_ids("listed in the lane", listed(system, "default"), [order["id"] for order in orders])
    expect("status", json.loads(system.moose("status", "--json"))["work_orders"]["pending"], ORDERS)
    expect("waiting in the lane", json.loads(system.moose("lanes", "show", "default", "--json"))["waiting"],
           {"pending": min(ORDERS, 100_000)})

    cancel(system, "doomed", counts["doomed"])
    place(system, "move", counts["mover"], "--to", "bulk", "--project", "mover")
    place(system, "reprioritise", URGENT, "--priority", "9", "--project", "urgent")
    changes = json.loads(system.moose("work-orders", "reschedule", *later, "--run-at", "2999-01-01T00:00:00Z", "--json"))
    expect("put off", dict(collections.Counter((row["before"], row["after"]) for row in changes)),
           {("pending", "scheduled"): PUT_OFF})
    waits = {(project, "default", "pending"): count for project, count in counts.items()}
    del waits["doomed", "default", "pending"], waits["mover", "default", "pending"]
    waits["others", "default", "pending"] -= PUT_OFF
    kept = {("doomed", "default", "cancelled"): counts["doomed"], ("others", "default", "scheduled"): PUT_OFF,
            ("mover", "bulk", "pending"): counts["mover"]}
    expect("where all stand", standing(system), waits | kept)
    expect_ids("listed in the other lane", listed(system, "bulk"), ids["mover"])
    rows = system.sql("SELECT action, count(*) FROM moose.audit_log WHERE subject LIKE 'work order %' GROUP BY 1 ORDER BY 1")
    expect("audited", dict(row.split("|") for row in rows.splitlines()), {
        "work order cancel": str(counts["doomed"]), "work order move": str(counts["mover"]),
        "work order reprioritise": str(URGENT), "work order reschedule": str(PUT_OFF)})
    expect("calls while it was paused", sum(CALLS.values()), 0)

    print("the lane is resumed", flush=True)
    system.moose("lanes", "resume", "default")
    completed(system, "default", sum(waits.values()))
    ran = {(project, lane, "completed"): count for (project, lane, _), count in waits.items()}
    expect("where all stand", standing(system), ran | kept)
    early = number(system, "SELECT count(*) FROM moose.work_orders WHERE project IS DISTINCT FROM 'urgent' AND started_at < "
                           "(SELECT max(started_at) FROM moose.work_orders WHERE project = 'urgent')")
    if early > 2 * SLOTS:
        sys.exit(f"others that started before the last urgent one: expected at most {2 * SLOTS}, found {early}")
    print(f"  others that started before the last of {URGENT} urgent ones: {early}, at most {2 * SLOTS}", flush=True)
    runs = set(ids["urgent"] + ids["shop"] + ids[""] + ids["others"]) - set(later)
    expect_ids("orders the service was called for", CALLS, runs)

    print("a worker of the other lane comes, and those that were put off may run", flush=True)
    start_workers(system, worker_bulk=("--lane", f"bulk:{SLOTS}"))
    completed(system, "bulk", counts["mover"])
    place(system, "reschedule", PUT_OFF, "--run-at", "now", "--state", "scheduled")
    completed(system, "default", len(runs) + PUT_OFF, 60)
    ran_once(system, runs | set(later) | set(ids["mover"]))


def lane_without_worker(system):
    orders, ids = made({"doomed": ORDERS * 7 // 10, "others": ORDERS - ORDERS * 7 // 10})
    system.start("client-manager", "client-manager")
    publish(system, orders, "lonely")
    registered(system, "lonely", ORDERS)
    expect_ids("listed in the lane", listed(system, "lonely"), [order["id"] for order in orders])
    status = json.loads(system.moose("status", "--json"))
    expect("status", status["work_orders"]["pending"], ORDERS)
    expect("lanes without a worker", [(lane["name"], lane["stored"]) for lane in status["lanes_without_worker"]],
           [("lonely", min(ORDERS, 100_000))])
    cancel(system, "doomed", len(ids["doomed"]))
    expect("where all stand", standing(system), {
        ("doomed", "lonely", "cancelled"): len(ids["doomed"]), ("others", "lonely", "pending"): len(ids["others"])})

    print("a worker of the lane comes", flush=True)
    start_workers(system, worker_lonely=("--lane", f"lonely:{SLOTS}"))
    wait_until("the client manager lets go of its queue", lambda: "the lane has a worker again" in system.log("client-manager"),
               True, 30)
    late, late_ids = made({"others": 100})
    publish(system, late, "lonely")
    runs = ids["others"] + late_ids["others"]
    completed(system, "lonely", len(runs))
    expect("consumers of its queue", in_queue(system, "moose.work.lonely")[1], 1)
    expect("where all stand", standing(system), {
        ("doomed", "lonely", "cancelled"): len(ids["doomed"]), ("others", "lonely", "completed"): len(runs)})
    ran_once(system, runs)


class Publisher(threading.Thread):
    """Publishes one after the other, each confirmed before the next; in ten bursts, where it would be over sooner."""

    def __init__(self, system, orders, lane, seconds):
        super().__init__(daemon=True)
        self.system, self.orders, self.lane, self.seconds = system, orders, lane, seconds
        self.confirmed = 0

    def run(self):
        channel = self.system.channel()
        began = time.monotonic()
        for order in self.orders:
            if self.confirmed % (len(self.orders) // 10) == 0:
                time.sleep(max(0, began + self.seconds * self.confirmed / len(self.orders) - time.monotonic()))
            body = {key: value for key, value in order.items() if key != "id"}
            self.system.publish(channel, body, message_id=order["id"], lane=self.lane)
            self.confirmed += 1
        channel.connection.close()


def killed_again_and_again(system, programs, publishers):
    """Until all is published. Afterwards they run."""
    ends, kills = dict.fromkeys(programs, 0), 0
    for publisher in publishers:
        publisher.start()
    while any(publisher.is_alive() for publisher in publishers):
        for name, arguments in programs.items():
            if time.monotonic() < ends[name]:
                continue
            if name in system.processes:
                if system.processes[name].poll() is not None:
                    sys.exit(f"{name}: expected to run until it is killed, found it ended:\n{system.log(name)[-2000:]}")
                system.kill(name)
                kills += 1
            system.start(name, *arguments)
            ends[name] = time.monotonic() + random.uniform(0.3, 1.5)
        time.sleep(0.02)
    count = number(system, "SELECT count(*) FROM moose.work_orders")
    print(f"  killed {kills} times; {count} are registered by then", flush=True)


def killed_meanwhile(system):
    sizes = {"doomed": ORDERS // 2 // 3, "others": ORDERS // 2 - ORDERS // 2 // 3}
    made_for = {lane: made(sizes) for lane in ("default", "lonely")}
    system.moose("lanes", "pause", "default", "--reason", "the provider is down")
    worker = ("worker", "--lane", f"default:{SLOTS}")
    # Two a lane: a single one waits for the broker most of the time.
    publishers = [Publisher(system, orders[half::2], lane, 30) for lane, (orders, _) in made_for.items() for half in (0, 1)]
    began = time.monotonic()
    killed_again_and_again(system, {"worker_1": worker, "client-manager": ("client-manager",)}, publishers)
    count = sum(len(orders) for orders, _ in made_for.values())
    expect("confirmed", sum(publisher.confirmed for publisher in publishers), count)
    print(f"  published in {time.monotonic() - began:.1f} s", flush=True)
    wait_until("registered", lambda: number(system, "SELECT count(*) FROM moose.waiting"), count, 300)
    for lane, (orders, _) in made_for.items():
        expect_ids(f"listed in {lane}", listed(system, lane), [order["id"] for order in orders])
        wait_until(f"messages in the queue of {lane}", lambda: in_queue(system, f"moose.work.{lane}")[0], 0, 5)
    expect("orders in the database", number(system, "SELECT count(*) FROM moose.work_orders"), count)
    expect("dead letters", number(system, "SELECT count(*) FROM moose.dead_letters"), 0)
    cancel(system, "doomed", 2 * sizes["doomed"])

    print("the lane is resumed, and a worker of the other comes", flush=True)
    system.moose("lanes", "resume", "default")
    system.start("worker_lonely", "worker", "--lane", f"lonely:{SLOTS}")
    for lane in made_for:
        completed(system, lane, sizes["others"])
    expect("where all stand", standing(system), {
        (project, lane, state): sizes[project] for lane in made_for
        for project, state in (("doomed", "cancelled"), ("others", "completed"))})
    ran_once(system, [identifier for _, ids in made_for.values() for identifier in ids["others"]])


if ORDERS < 1000:
    sys.exit("MOOSE_ORDERS: expected 1000 at least, found " + str(ORDERS))
port = serve()
for story in (paused_lane, lane_without_worker, killed_meanwhile):
    print(story.__name__.replace("_", " "), flush=True)
    CALLS.clear()
    began = time.monotonic()
    # Servers of its own for each: so it is counted from nothing.
    with System(CONFIG.replace("PORT", str(port))) as system:
        story(system)
    print(f"  {story.__name__.replace('_', ' ')}: {time.monotonic() - began:.0f} s", flush=True)
print("backlog: ok")
