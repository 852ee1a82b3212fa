#!/usr/bin/python3
"""10,000 signed webhooks in every shape that GitHub sends and in many that nobody should (`--short`: 500), then a flood of
clients that are slow, unsigned or both: each webhook has an answer that says what is wrong, what was accepted is kept once, no
process ends, memory stays bounded, and the probes answer all the while. The same seed makes the same webhooks."""
import hashlib
import hmac
import http.client
import json
import random
import re
import socket
import sys
import threading
import time
import uuid

from system import System, check

SHORT = "--short" in sys.argv
COUNT = 500 if SHORT else 10_000
SEED = int(sys.argv[sys.argv.index("--seed") + 1]) if "--seed" in sys.argv else random.randrange(1 << 32)
SECRET = "only-github-and-moose-know-this"
CONFIG = """
lanes: {default: {}}
sentinel: {secret: "%s", unmatched_seconds: 3600}
""" % SECRET
RANDOM = random.Random(SEED)


def run():
    """A run of a pull request, as GitHub describes it."""
    r = RANDOM
    return {
        "action": r.choice(["completed"] * 6 + ["requested", "in_progress"]),
        "workflow_run": {
            "id": r.choice([r.randrange(1, 1 << 31), 9007199254740993, 1 << 62]), "name": r.choice(["Build", "", None]),
            "head_sha": "%040x" % r.getrandbits(160), "run_attempt": r.choice([1, 2, None]),
            "path": ".github/workflows/build.yml", "head_branch": r.choice(["patch", None]),
            "conclusion": r.choice(["success", "failure", "neutral", "cancelled", "skipped", "timed_out",
                                    "action_required", "stale", "startup_failure", None]),
            "html_url": "https://github.com/octo/hello-world/actions/runs/1",
            "pull_requests": r.choice([[], None, [{"number": 12, "base": {"repo": {"id": 5}}}], [{"number": 7}]]),
        },
        "workflow": r.choice([{"id": 3, "name": "Build", "path": ".github/workflows/build.yml"}, None]),
        "repository": {"id": r.choice([5, 9007199254740993]), "full_name": "octo/hello-world"},
    }


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], path + (key,))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, path + (index,))


def mutated(document):
    """The document with one place changed or taken out."""
    r = RANDOM
    path = r.choice([path for path in places(document) if path])
    owner = document
    for step in path[:-1]:
        owner = owner[step]
    if r.random() < 0.3 and isinstance(owner, dict):
        del owner[path[-1]]
    else:
        owner[path[-1]] = r.choice([None, True, 0, -1, 1.5, 10**30, "", "x" * 3000, "a\u0000b", [], {}, [[]], "🫎"])
    return document


def body():
    """The bytes of a webhook."""
    r = RANDOM
    document = run()
    for _ in range(r.choice([0, 0, 1, 1, 2])):
        document = mutated(document)
    raw = json.dumps(document, ensure_ascii=r.random() < 0.5).encode("utf-8", "surrogatepass")
    form = r.randrange(14)
    if form == 0:
        return b"\xef\xbb\xbf" + raw
    if form == 1:
        return raw[: r.randrange(len(raw))]
    if form == 2:
        return raw.replace(b'"action"', b'"action": "completed", "\\u0061ction"', 1)
    if form == 3:
        return bytes(r.randrange(256) for _ in range(r.randrange(300)))
    if form == 4:
        return b"[" * r.randrange(1, 20_000)
    if form == 5:
        return raw.replace(b'"repository"', b'"x\\ud800": "\\udfff", "repository"', 1)
    return raw


class Client:
    def __init__(self, port):
        self.port, self.connection = port, None

    def post(self, body, event="workflow_run", signature=None, kind="application/json", chunked=False):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {
            "X-Hub-Signature-256": signature or "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
            "X-GitHub-Delivery": str(uuid.uuid4()), "Content-Type": kind}
        if event:
            headers["X-GitHub-Event"] = event
        if chunked:
            parts = [body[at:at + 1000] for at in range(0, len(body), 1000)]
            self.connection.request("POST", "/api/sentinel", iter(parts), headers, encode_chunked=True)
        else:
            self.connection.request("POST", "/api/sentinel", body, headers)
        answer = self.connection.getresponse()
        said = answer.read().decode()
        if answer.will_close:
            self.connection.close()
            self.connection = None
        return answer.status, said


def resident(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) // 1024


def slow(port, stop, what):
    """Opens one connection after the other, and sends on each what holds it longest."""
    head = b"POST /api/sentinel HTTP/1.1\r\nHost: a\r\n"
    signed = head + b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\nX-GitHub-Event: workflow_run\r\n"
    while not stop.is_set():
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                if what == "head":
                    connection.sendall(head)
                    stop.wait(3)
                elif what == "body":
                    connection.sendall(signed + b"Content-Length: 5000000\r\n\r\n" + b"x" * 4_000_000)
                    stop.wait(3)
                elif what == "large":
                    connection.sendall(signed + b"Content-Length: 5000000\r\n\r\n" + b"x" * 5_000_000)
                    connection.recv(4096)
                else:
                    connection.sendall(signed + b"Transfer-Encoding: chunked\r\n\r\n" + b"10\r\n0123456789abcdef\r\n" * 1000)
                    stop.wait(1)
        except OSError:
            pass


def probe(port):
    """Seconds for an answer of /healthz."""
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    return time.monotonic() - started


print(f"seed {SEED}", flush=True)
with System(CONFIG) as system:
    system.start("mission-control", "mission-control", "--listen", "0")
    deadline = time.time() + 60
    while not (ready := re.search(r"mission control ready.*?http://127\.0\.0\.1:(\d+)", system.log("mission-control"))):
        if time.time() > deadline:
            sys.exit(system.log("mission-control"))
        time.sleep(0.1)
    port, pid = int(ready[1]), system.processes["mission-control"].pid
    client, answers, accepted, speechless = Client(port), {}, 0, []
    for number in range(COUNT):
        content = body()
        way = RANDOM.randrange(20)
        if way == 0:
            status, said = client.post(content, signature="sha256=" + "0" * 64)
            wanted = (401,)
        elif way == 1:
            status, said = client.post(content, event=RANDOM.choice(["ping", "push", "check_run", "workflow_job", "star"]))
            wanted = (202,)
        elif way == 2:
            status, said = client.post(
                b"payload=%7B%7D", event=RANDOM.choice(["ping", "workflow_run"]), kind="application/x-www-form-urlencoded")
            wanted = (400,)
        elif way == 3:
            status, said = client.post(content, event=None)
            wanted = (400,)
        else:
            status, said = client.post(content, chunked=way == 4)
            wanted = (202, 400)
        answers[status] = answers.get(status, 0) + 1
        accepted += said == '{"status":"accepted"}\n'
        if status not in wanted or status >= 400 and len(json.loads(said)["detail"]) < 10:
            speechless.append((status, said, content[:200]))
    print(f"  answers: {dict(sorted(answers.items()))}", flush=True)
    check("webhooks with an answer that isn't theirs", speechless[:5], [])
    check("some were accepted", accepted > COUNT // 100, True)
    check("accepted is kept, each once", system.sql("SELECT count(*) FROM moose.sentinel_deliveries"), str(accepted))
    before = resident(pid)

    stop, worst, most = threading.Event(), 0.0, before
    flood = [threading.Thread(target=slow, args=(port, stop, what), daemon=True)
             for what in ("head", "body", "large", "pieces") for _ in range(50)]
    for thread in flood:
        thread.start()
    ends = time.monotonic() + (10 if SHORT else 30)
    while time.monotonic() < ends:
        worst, most = max(worst, probe(port)), max(most, resident(pid))
        time.sleep(0.05)
    stop.set()
    for thread in flood:
        thread.join(30)
    print(f"  resident: {before} MB before, {most} MB at most; the slowest probe took {worst:.2f} s", flush=True)
    check("resident memory stays bounded in the flood", most < before + 150, True)
    check("the probes answer all the while", worst < 5, True)
    check("still running", system.processes["mission-control"].poll(), None)
    document = run()
    document["action"], document["workflow_run"]["conclusion"] = "completed", "success"
    document["workflow_run"]["pull_requests"] = [{"number": 12}]
    check("and webhooks are taken", Client(port).post(json.dumps(document).encode()), (202, '{"status":"accepted"}\n'))
    metrics = http.client.HTTPConnection("127.0.0.1", port)
    metrics.request("GET", "/metrics")
    told = metrics.getresponse().read().decode()
    check("the metrics tell of the flood", all(word in told for word in (
        'moose_sentinel_webhooks_total{answer="unsigned"}', "moose_http_connections_cut_total")), True)
print("fuzz of webhooks: ok")
