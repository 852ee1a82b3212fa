#!/usr/bin/python3
"""A command makes a pull request, and GitHub's signed webhooks complete or fail its order: results that come before the
order knows its pull request's number, failed builds and tests, forged and repeated deliveries, a database away."""
import hashlib
import hmac
import json
import os
import re
import signal
import sys
import time
import urllib.error
import urllib.request
import uuid

from system import System, check, time_ordered_id

SECRET = "only-github-and-moose-know-this"
WORKFLOWS = ("Build", "Test", "Integration Tests", "Lint")
CONFIG = r"""
lanes: {default: {}}
sentinel: {secret: "${GITHUB_WEBHOOK_SECRET}", deadline_seconds: 600, unmatched_seconds: 12}
handlers:
  propose:
    command:
      argv: [sh, -c, 'sleep "$1"; printf "{\"cost_usd\": \"0.02\", \"result\": \"done\", \"pull_request\": {\"number\": %%d,
                      \"repository\": \"octo/hello-world\"}}" "$2" > "$MOOSE_RESULT_FILE"', sh, "%d", "%d"]
    default_estimate_usd: "0.05"
    timeout_seconds: 60
"""


def kinds():
    """A kind for each pull request, as the command's words stand in the configuration."""
    head, body = CONFIG.split("  propose:", 1)
    return head + "".join(
        f"  propose{number}:" + body % (seconds, number) for number, seconds in ((11, 0), (12, 6), (13, 0), (14, 0), (15, 0)))


class GitHub:
    """Sends webhooks as GitHub does."""

    def __init__(self, url):
        self.url = url
        self.runs = 0

    def run(self, number, workflow, conclusion="success", sha="a" * 40, run=None, attempt=1):
        self.runs += 1
        return json.dumps({
            "action": "completed",
            "workflow_run": {
                "id": run or self.runs, "name": workflow, "head_sha": sha, "run_attempt": attempt, "status": "completed",
                "conclusion": conclusion, "html_url": "https://github.com/octo/hello-world/actions/runs/1",
                "pull_requests": [{"number": number, "base": {"repo": {"id": 5}}}]},
            "repository": {"id": 5, "full_name": "octo/hello-world"}}).encode()

    def send(self, body, secret=SECRET, delivery=None, event="workflow_run"):
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        request = urllib.request.Request(self.url, data=body, method="POST", headers={
            "Content-Type": "application/json", "X-GitHub-Event": event,
            "X-GitHub-Delivery": delivery or str(uuid.uuid4()), "X-Hub-Signature-256": signature})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


os.environ["GITHUB_WEBHOOK_SECRET"] = SECRET
with System(kinds()) as system:
    system.start("worker", "worker", "--lane", "default:8")
    system.start("client-manager", "client-manager")
    system.start("mission-control", "mission-control", "--listen", "0")
    deadline = time.time() + 30
    while not (ready := re.search(r"mission control ready.*?(http://127\.0\.0\.1:\d+)", system.log("mission-control"))):
        if time.time() > deadline:
            sys.exit("mission control did not start:\n" + system.log("mission-control"))
        time.sleep(0.1)
    github = GitHub(ready.group(1) + "/api/sentinel")
    channel = system.channel()

    def propose(number):
        order = time_ordered_id()
        system.publish(channel, {"kind": f"propose{number}", "title": f"pull request {number}"}, message_id=order)
        return order

    def story(order, column):
        return f"SELECT {column} FROM moose.work_orders WHERE id = '{order}'"

    print("CI is done before the order knows its pull request's number", flush=True)
    early = propose(12)
    system.wait_for("it runs", story(early, "state"), "in_progress", 30)
    check("answers", [github.send(github.run(12, name)) for name in WORKFLOWS], [202] * 4)
    system.wait_for("the results are looked at again",
                    "SELECT min(tries) >= 1 FROM moose.workflow_runs WHERE pull_request = 12", "t", 5)
    check("it runs on", system.sql(story(early, "state")), "in_progress")
    system.wait_for("completed", story(early, "state"), "completed", 60)

    print("forged and repeated webhooks", flush=True)
    order = propose(11)
    system.wait_for("it waits for CI", story(order, "state"), "needs_review", 30)
    before = system.sql("SELECT count(*) FROM moose.workflow_runs")
    check("forged", [github.send(github.run(11, name), secret="guessed") for name in WORKFLOWS], [401] * 4)
    check("results kept of them", int(system.sql("SELECT count(*) FROM moose.workflow_runs")) - int(before), 0)
    once = str(uuid.uuid4())
    body = github.run(11, "Build")
    check("twice", [github.send(body, delivery=once), github.send(body, delivery=once)], [202, 200])
    for name in WORKFLOWS[1:]:
        github.send(github.run(11, name))
    system.wait_for("completed", story(order, "state"), "completed", 30)

    print("a failed build, and failed tests that pass when they run again", flush=True)
    broken, flaky = propose(13), propose(14)
    for order in (broken, flaky):
        system.wait_for("it waits for CI", story(order, "state"), "needs_review", 30)
    for name in WORKFLOWS:
        github.send(github.run(13, name, "failure" if name == "Build" else "success"))
        github.send(github.run(14, name, "failure" if name == "Test" else "success", run=900 if name == "Test" else None))
    system.wait_for("failed", story(broken, "state || ' ' || failure_class"), "failed compile_error", 30)
    system.wait_for(
        "escalations of both",
        "SELECT string_agg(e.trigger_type || ' ' || e.count, ',' ORDER BY e.failure_class) FROM moose.escalations e "
        "WHERE component = 'sentinel'", "sentinel_hard_failure 1,sentinel_hard_failure 1", 30)
    check("the flaky one waits for a person", system.sql(story(flaky, "state")), "needs_review")
    github.send(github.run(14, "Test", run=900, attempt=2))
    system.wait_for("completed", story(flaky, "state || ' ' || (metadata -> 'ci' ->> 'flaky')"), "completed Test", 30)

    print("the database is away: a webhook is answered 503, and delivered again later", flush=True)
    last = propose(15)
    system.wait_for("it waits for CI", story(last, "state"), "needs_review", 30)
    bodies = [(github.run(15, name), str(uuid.uuid4())) for name in WORKFLOWS]
    system.stop_server("database", signal.SIGQUIT)
    check("away", [github.send(body, delivery=delivery) for body, delivery in bodies], [503] * 4)
    system.start_servers()
    deadline = time.time() + 60
    for body, delivery in bodies:
        while (status := github.send(body, delivery=delivery)) == 503 and time.time() < deadline:
            time.sleep(0.5)
        check("again", status, 202)
    system.wait_for("completed", story(last, "state"), "completed", 60)

    print("a pull request of somebody else", flush=True)
    github.send(github.run(99, "Build", "failure"))
    system.wait_for("told once", "SELECT count FROM moose.escalations WHERE operation = 'match'", "1", 60)

    check("orders by state", system.sql(
        "SELECT string_agg(state || ' ' || n, ',' ORDER BY state) FROM (SELECT state, count(*) AS n FROM moose.work_orders "
        "GROUP BY 1) s"), "completed 4,failed 1")
    check("attempts that were a success", system.sql("SELECT count(*) FROM moose.outcome_vectors WHERE success"), "4")
    check("posted", system.sql("SELECT sum(amount_u) FROM moose.cost_tracking"), str(5 * 20_000))
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
print("CI results: ok")
