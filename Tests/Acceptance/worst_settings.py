#!/usr/bin/python3
"""Every setting that Moose pins, turned to its worst by ALTER ROLE and ALTER DATABASE, is of no consequence: the short form
of the chaos passes. What can't be pinned is named by the doctor and by the start of each role."""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Chaos"))
import worst
from system import MOOSE, System, check, time_ordered_id

CHAOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Chaos/chaos.py")
CONFIG = """
handlers:
  paid: {command: {argv: ["true"]}, default_estimate_usd: "0.50"}
"""
LIMITED = "limited"
ROLES = {
    "worker": ("worker", "--lane", "default:2"),
    "client-manager": ("client-manager",),
    "mission-control": ("mission-control", "--listen", "0"),
}


def run(system, *arguments, seconds=60, **changed):
    """Exit status (None: it went on running) and all it said."""
    process = subprocess.Popen([MOOSE, *arguments, "--config", system.config], env={**system.environment, **changed},
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        text = process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        return None, process.communicate(timeout=60)[0]
    return process.returncode, text


def named(system, what, words, refused, **changed):
    """Doctor and each start name it; the starts end with status 4 where work would not be safe."""
    code, text = run(system, "doctor", **changed)
    check(f"{what}: the doctor's status and words", (code, [word for word in words if word not in text]), (1, []))
    for name, arguments in ROLES.items():
        code, text = run(system, *arguments, seconds=60 if refused else 4, **changed)
        missing = [word for word in words if word not in text]
        if missing or code != (4 if refused else None):
            sys.exit(f"{what}: {name} ended with {code} and did not say {missing}:\n{text}")
    print(f"  {what}: named by each start{', which is refused' if refused else ''}", flush=True)


def as_limited(system):
    return {"MOOSE_DATABASE_URL": re.sub(r"//[^@]*@", f"//{LIMITED}:pw@", system.environment["MOOSE_DATABASE_URL"])}


def of_the_server(system, name, bad, refused):
    system.sql(f"ALTER SYSTEM SET {name} = {bad}")
    system.sql("SELECT pg_reload_conf()")
    named(system, f"{name} = {bad}", [f"{name} is {bad}"], refused)
    system.sql(f"ALTER SYSTEM RESET {name}")
    system.sql("SELECT pg_reload_conf()")


def what_cant_be_pinned(system):
    for name, bad, refused in (("fsync", "off", True), ("full_page_writes", "off", True), ("autovacuum", "off", False)):
        of_the_server(system, name, bad, refused)
    system.sql(f"CREATE ROLE {LIMITED} LOGIN PASSWORD 'pw'; GRANT moose TO {LIMITED}")
    limited = as_limited(system)
    for name, bad, words, refused in (
            ("session_replication_role", "replica", ["session_replication_role is replica"], True),
            ("zero_damaged_pages", "on", ["zero_damaged_pages is on"], True),
            ("ignore_checksum_failure", "on", ["ignore_checksum_failure is on"], True),
            ("track_counts", "off", ["track_counts is off"], False),
            ("temp_file_limit", "1MB", ["temp_file_limit is 1MB"], False)):
        system.sql(f"ALTER ROLE {LIMITED} SET {name} = '{bad}'")
        named(system, f"{name} = {bad} of the role", words, refused, **limited)
        system.sql(f"ALTER ROLE {LIMITED} RESET {name}")
    system.sql(f"ALTER ROLE {LIMITED} CONNECTION LIMIT 3")
    named(system, "three sessions for the role", ["3 sessions are allowed"], True, **limited)
    system.sql(f"ALTER ROLE {LIMITED} CONNECTION LIMIT -1")


def another_encoding(system):
    system.sql("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    latin = {"MOOSE_DATABASE_URL": re.sub(r"/[^/]*$", "/latin", system.environment["MOOSE_DATABASE_URL"])}
    named(system, "a database in LATIN1", ["encoding is LATIN1", "CREATE DATABASE moose ENCODING 'UTF8'"], True, **latin)
    code, text = run(system, "migrate", **latin)
    check("migrate's status there", (code, "encoding is LATIN1" in text), (4, True))


def an_unsafe_server_on_purpose(system):
    system.sql("ALTER SYSTEM SET fsync = off")
    system.sql("SELECT pg_reload_conf()")
    with open(system.config, "a") as file:
        file.write("database_accept_unsafe: true\n")
    code, text = run(system, *ROLES["worker"], seconds=4)
    check("with database_accept_unsafe a worker starts, and says it", (code, "fsync is off" in text), (None, True))
    system.start("client-manager", "client-manager")
    system.wait_for("and a person is told",
                    "SELECT count(*) FROM moose.escalations WHERE message LIKE '%fsync is off%'", "1", 30)


def acknowledged_work_survives_a_crash(system):
    """Where the server's own default is synchronous_commit = off and its writer sleeps."""
    system.sql("ALTER SYSTEM SET synchronous_commit = off")
    system.sql("ALTER SYSTEM SET wal_writer_delay = '10s'")
    system.sql("SELECT pg_reload_conf()")
    system.start("worker", "worker", "--lane", "default:64")
    channel = system.channel()
    for _ in range(60):
        system.publish(channel, {"kind": "paid", "title": "t"}, time_ordered_id())
    system.wait_for("60 orders are paid for", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", "60", 60)
    posted = system.sql("SELECT sum(amount_u) FROM moose.cost_tracking")
    system.stop_server("database", signal.SIGQUIT)
    system.start_servers()
    seen = system.sql("SELECT count(*) FROM moose.work_orders WHERE state = 'completed'")
    check("orders and money after the crash", (seen, system.sql("SELECT sum(amount_u) FROM moose.cost_tracking")),
          ("60", posted))
    system.stop("worker")
    system.sql("ALTER SYSTEM RESET synchronous_commit")
    system.sql("ALTER SYSTEM RESET wal_writer_delay")
    system.sql("SELECT pg_reload_conf()")


with System(CONFIG) as system:
    for story in (acknowledged_work_survives_a_crash, another_encoding, what_cant_be_pinned, an_unsafe_server_on_purpose):
        print(story.__name__.replace("_", " "), flush=True)
        story(system)
print(f"chaos under the worst of {len(worst.settings())} settings", flush=True)
done = subprocess.run([sys.executable, CHAOS, "--short", "--worst-settings"], env={**os.environ, "MOOSE": MOOSE})
check("the chaos's exit status", done.returncode, 0)
print("worst settings: ok")
