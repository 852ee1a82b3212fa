#!/usr/bin/python3
"""The tables of docs/rights.md, taken at their word: users with exactly these rights let every role do its work, and with
any one right less the doctor names it."""
import os
import re
import subprocess
import sys

from system import MOOSE, System, check, on_broker

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/rights.md")
PASSWORD = "rights-only"
CONFIG = r"""
handlers:
  work: {command: {argv: ["true"]}, free: true}
  broken: {command: {argv: [sh, -c, "exit 65"]}, free: true}
"""


def page():
    """The patterns of each user, and the statements of the block."""
    with open(PAGE) as file:
        text = file.read()
    rows = re.findall(r"^\| `([a-z-]+)` \| `(.+?)` \| `(.+?)` \| `(.+?)` \|$", text, re.M)
    patterns = {name: [cell.replace(r"\|", "|") for cell in cells] for name, *cells in rows}
    block = re.search(r"```sql\n(.*?)```", text, re.S).group(1)
    return patterns, [line for line in block.splitlines() if line]


def allow(system, name, patterns):
    on_broker(system, "rabbitmqctl set_permissions -p moose {} {}".format(name, " ".join(f"'{p}'" for p in patterns)))


def as_user(system, name, database=None):
    amqp = re.sub(r"//[^@]*@", f"//{name}:{PASSWORD}@", system.admin["MOOSE_AMQP_URL"])
    url = re.sub(r"//[^@]*@", f"//{database}:{PASSWORD}@", system.admin["MOOSE_DATABASE_URL"]) if database else \
        "postgresql://nobody@127.0.0.1:1/nowhere"
    return {**system.admin, "MOOSE_AMQP_URL": amqp, "MOOSE_DATABASE_URL": url}


def moose(system, environment, *arguments):
    done = subprocess.run([MOOSE, *arguments, "--config", system.config], env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def must(system, environment, *arguments):
    status, text = moose(system, environment, *arguments)
    if status != 0:
        sys.exit(f"moose {' '.join(arguments)} exited with {status}:\n{text}")
    return text


def names(system, environment, role, what, *words):
    status, text = moose(system, environment, "doctor", "--role", role)
    missing = [word for word in words if word not in text]
    if status != 1 or missing or PASSWORD in text:
        sys.exit(f"{role} without {what}: exit code {status}, not said: {missing}\n{text}")
    print(f"  {role} without {what}: named", flush=True)


def roles_work(system, patterns):
    # A topology of its own making: everybody else only finds it.
    system.channel().queue_delete("moose.work.default")
    must(system, as_user(system, "topology", "limited"), "topology", "apply")
    for name in ("worker", "client-manager", "mission-control"):
        system.environment = as_user(system, name, "limited")
        arguments = {"worker": ["--lane", "default:2"], "mission-control": ["--listen", "0"]}.get(name, [])
        system.start(name, name, *arguments)
    publisher = as_user(system, "publisher")
    for kind in ("work", "broken"):
        must(system, publisher, "publish", "--kind", kind, "--title", kind)
    must(system, publisher, "publish-error", "--severity", "critical", "--component", "rights", "--operation", "o",
         "--message", "m")
    system.environment = system.admin
    system.wait_for("one completes, one fails", "SELECT string_agg(state, ' ' ORDER BY state) FROM moose.work_orders",
                    "completed failed", 30)
    system.wait_for("a person is told of both", "SELECT count(*) FROM moose.escalations", "2", 30)
    must(system, as_user(system, "redriver", "limited"), "dead-letters", "redrive", "--all")
    system.wait_for("it fails again", "SELECT count(*) > 1 FROM moose.outcome_vectors o JOIN moose.work_orders w "
                    "ON w.id = o.work_order_id WHERE w.kind = 'broken'", "t", 30)
    for name in ("worker", "client-manager", "mission-control"):
        check(f"{name} is alive", system.processes[name].poll(), None)
        check(f"{name} was refused nothing", [line for line in system.log(name).splitlines()
                                              if "ACCESS_REFUSED" in line and "only looked for" not in line], [])
        must(system, as_user(system, name, "limited"), "doctor", "--role", name)


def every_right_is_needed(system, patterns):
    for role, (configure, write, read) in patterns.items():
        if role == "topology":
            continue
        environment = as_user(system, role, "limited")
        for permission, pattern in (("write", write), ("read", read)):
            things = re.findall(r"(?:moose|amq)\\\.[a-z]+(?:\\\.)?", pattern)
            for thing in things:
                less = pattern.replace("^", f"^(?!{thing})", 1)
                allow(system, role, [configure, less, read] if permission == "write" else [configure, write, less])
                # RabbitMQ remembers for a connection, and each doctor has its own.
                names(system, environment, role, f"{permission} of {thing}",
                      f"lacks the permission '{permission}', needed as {role}: ACCESS_REFUSED", thing.replace("\\", ""))
        allow(system, role, [configure, write, read])


def without_configure_a_missing_queue_is_named(system):
    system.stop("worker")
    system.channel().queue_delete("moose.work.default")
    status, text = moose(system, as_user(system, "worker", "limited"), "worker", "--lane", "default:2")
    check("a worker whose queue is missing exits with", status, 4)
    for words in ("'moose.work.default' is missing", "access to queue 'moose.work.default'", "rabbitmqctl set_permissions"):
        if words not in text:
            sys.exit(f"not said: {words}\n{text}")
    must(system, as_user(system, "topology", "limited"), "topology", "apply")


def every_right_on_the_database_is_needed(system):
    environment = as_user(system, "worker", "limited")
    for right, words in (("USAGE ON SCHEMA moose", "USAGE on schema moose"),
                         ("UPDATE ON moose.work_orders", "UPDATE on work_orders"),
                         ("INSERT ON moose.outcome_vectors", "INSERT on outcome_vectors"),
                         ("DELETE ON moose.outbox", "DELETE on outbox"),
                         ("EXECUTE ON FUNCTION moose.reconcile", "EXECUTE on all functions")):
        # A function's default is PUBLIC's, which would hide what the role itself lacks.
        others = ", PUBLIC" if "FUNCTION" in right else ""
        system.sql(f"REVOKE {right} FROM limited{others}")
        names(system, environment, "worker", right, words)
        system.sql(f"GRANT {right} TO limited{others}")


with System(CONFIG) as system:
    system.admin = system.environment
    patterns, statements = page()
    check("users in the table", sorted(patterns), sorted(
        ["client-manager", "mission-control", "publisher", "redriver", "topology", "worker"]))
    system.sql(f"CREATE ROLE limited LOGIN PASSWORD '{PASSWORD}'; "
               + "".join(statement.replace(':"role"', "limited") for statement in statements))
    for name, row in patterns.items():
        on_broker(system, f"rabbitmqctl add_user {name} {PASSWORD}")
        allow(system, name, row)
    roles_work(system, patterns)
    every_right_is_needed(system, patterns)
    every_right_on_the_database_is_needed(system)
    without_configure_a_missing_queue_is_named(system)
print("rights: ok")
