#!/usr/bin/python3
"""Everything `moose doctor` promises to find, broken for real: it says what is wrong, what mends it, and never a
password. Where it prints a command, that command is run as printed, and the doctor is content."""
import re
import signal
import subprocess
import sys

from system import MOOSE, System, check, on_broker

CONFIG = r"""
handlers:
  work: {command: {argv: ["true"]}, free: true}
  broken: {command: {argv: [sh, -c, "exit 65"]}, free: true}
"""
SECRET = "never-printed"


def doctor(system, **changed):
    done = subprocess.run([MOOSE, "doctor", "--config", system.config], env={**system.environment, **changed},
                          capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def finds(system, what, *words, **changed):
    """The doctor fails and says all these words; returns the last of its lines that holds the first of them."""
    code, text = doctor(system, **changed)
    missing = [word for word in words if word not in text]
    if missing or code != 1:
        sys.exit(f"{what}: exit code {code}, wanted 1; not said: {missing}\n{text}")
    passwords = [re.search(r":([^:@/]+)@", url).group(1) for url in urls(system)] + [SECRET]
    check(f"{what}: found; passwords printed", [word for word in passwords if word in text], [])
    return [line for line in text.splitlines() if line.startswith("FAIL") and words[0] in line][-1]


def is_content(system, what, **changed):
    code, text = doctor(system, **changed)
    if code != 0 or "FAIL" in text:
        sys.exit(f"{what}: the doctor is not content, exit code {code}\n{text}")
    print(f"  {what}: all ok", flush=True)


def urls(system):
    return system.environment["MOOSE_AMQP_URL"], system.environment["MOOSE_DATABASE_URL"]


def as_user(url, login):
    return re.sub(r"//[^@]*@", f"//{login}@", url)


def the_worker(system):
    finds(system, "no worker", "lane default: no worker was seen in the last minute", "run `moose worker --lane default:8`")
    system.start("worker", "worker", "--lane", "default:2")
    system.wait_for("the worker", "SELECT count(*) FROM moose.workers", "1", 30)
    is_content(system, "with a worker")


def the_logins(system):
    amqp, database = urls(system)
    finds(system, "the broker's password is wrong", "broker: the broker refused the login of 'moose'",
          "Check user and password", MOOSE_AMQP_URL=as_user(amqp, f"moose:{SECRET}"))
    finds(system, "the database's password is wrong", "database: the database refused the log-in",
          "password authentication failed", "Check the role and password",
          MOOSE_DATABASE_URL=as_user(database, f"moose:{SECRET}"))


def the_virtual_host(system):
    amqp = urls(system)[0]
    line = finds(system, "the virtual host is missing", "broker: the broker has no virtual host 'nowhere'",
                 "rabbitmqctl add_vhost 'nowhere'", MOOSE_AMQP_URL=amqp.rsplit("/", 1)[0] + "/nowhere")
    print("   ", line)


def the_brokers_permissions(system):
    limited = as_user(urls(system)[0], f"limited:{SECRET}")
    on_broker(system, f"rabbitmqctl add_user limited {SECRET}")
    line = finds(system, "no permission at all", "permission: the broker's user lacks access to the virtual host",
                 "refused for user 'limited'", "Run `rabbitmqctl set_permissions", MOOSE_AMQP_URL=limited)
    print("   ", line)
    on_broker(system, "rabbitmqctl set_permissions -p moose limited '' '.*' '.*'")
    is_content(system, "without the permission to configure, as the topology stands", MOOSE_AMQP_URL=limited)
    system.channel().queue_delete("moose.escalations")
    finds(system, "without it and with a queue missing", "permission: the broker's user lacks the permission 'configure'",
          "in vhost 'moose' refused for user 'limited'", MOOSE_AMQP_URL=limited)
    system.moose("topology", "apply")
    for number, lacking in ((1, "write"), (2, "read")):
        patterns = " ".join("''" if place == number else "'.*'" for place in range(3))
        on_broker(system, f"rabbitmqctl set_permissions -p moose limited {patterns}")
        line = finds(system, f"no permission to {lacking}", f"permission: the broker's user lacks the permission '{lacking}'",
                     "in vhost 'moose' refused for user 'limited'", MOOSE_AMQP_URL=limited)
    print("   ", line)
    on_broker(system, line.split("`")[1])
    is_content(system, "after the command it prints", MOOSE_AMQP_URL=limited)


def the_databases_rights(system):
    limited = as_user(urls(system)[1], f"limited:{SECRET}")
    system.sql(f"CREATE ROLE limited LOGIN PASSWORD '{SECRET}'")
    line = finds(system, "no right to the schema", "permission: the database's role limited lacks USAGE on schema moose",
                 "Let moose, who owns the schema, run: GRANT USAGE ON SCHEMA moose TO limited;", MOOSE_DATABASE_URL=limited)
    print("   ", line)
    system.sql("GRANT USAGE ON SCHEMA moose TO limited; GRANT SELECT ON ALL TABLES IN SCHEMA moose TO limited")
    line = finds(system, "a role that may only read", "permission: the database's role limited lacks",
                 "INSERT, UPDATE on", MOOSE_DATABASE_URL=limited)
    print("   ", line)
    system.sql(line.split("run: ")[1])
    is_content(system, "after the statements it prints", MOOSE_DATABASE_URL=limited)
    system.sql("REVOKE CONNECT ON DATABASE moose FROM PUBLIC")
    finds(system, "no right to connect", "database: the database refused the log-in",
          'permission denied for database "moose"', "Grant CONNECT", MOOSE_DATABASE_URL=limited)
    system.sql("GRANT CONNECT ON DATABASE moose TO PUBLIC")


def the_schema(system):
    system.sql("CREATE DATABASE empty")
    finds(system, "a database without the schema", "schema: version 0, this moose wants ", "run `moose migrate`",
          MOOSE_DATABASE_URL=urls(system)[1].rsplit("/", 1)[0] + "/empty")


def the_topology(system):
    queue = "moose.escalations"
    channel = system.channel()
    channel.queue_delete(queue)
    finds(system, "a missing queue", f"queue {queue}: missing", "run `moose topology apply`")
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 5})
    line = finds(system, "a queue with other properties", f"topology: '{queue}' exists with other properties",
                 "inequivalent arg", "Once it is empty, run `rabbitmqctl delete_queue")
    print("   ", line)
    on_broker(system, line.split("`")[1])
    is_content(system, "after the command it prints")


def what_was_granted_is_enough(system):
    amqp, database = urls(system)
    system.stop("worker")
    usual = dict(system.environment)
    system.environment.update(MOOSE_AMQP_URL=as_user(amqp, f"limited:{SECRET}"),
                              MOOSE_DATABASE_URL=as_user(database, f"limited:{SECRET}"))
    system.start("worker", "worker", "--lane", "default:2")
    system.start("client-manager", "client-manager")
    for kind in ("work", "broken"):
        system.moose("publish", "--kind", kind, "--title", kind)
    system.environment.update(usual)
    system.wait_for("one completes, one fails", "SELECT string_agg(state, ' ' ORDER BY state) FROM moose.work_orders",
                    "completed failed", 30)
    system.wait_for("a person is told", "SELECT count(*) FROM moose.escalations", "1", 30)
    print("  a limited user runs, fails and escalates", flush=True)


def the_servers(system):
    amqp, database = urls(system)
    address = re.search(r"@([^/]+)/", amqp).group(1)
    for name in ("worker", "client-manager"):
        system.stop(name)
    system.stop_server("broker", signal.SIGTERM)
    finds(system, "the broker is down", f"broker: no connection to the broker at {address}", "Check that RabbitMQ runs")
    system.stop_server("database", signal.SIGINT)
    port = re.search(r":(\d+)/", database).group(1)
    finds(system, "the database is down", "database: the database is unreachable", f"port {port} failed",
          "Check that it runs")


with System(CONFIG) as system:
    for story in (the_worker, the_logins, the_virtual_host, the_brokers_permissions, the_databases_rights, the_schema,
                  the_topology, what_was_granted_is_enough, the_servers):
        print(story.__name__.replace("_", " "), flush=True)
        story(system)
print("doctor finds: ok")
