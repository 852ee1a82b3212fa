#!/usr/bin/python3
"""A connection pooler between Moose and PostgreSQL. In transaction or statement mode every role, migrate and doctor say so
at the start and change nothing in the sessions of others; in session mode all works. Needs pgbouncer."""
import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from system import MOOSE, System, check, time_ordered_id

CONFIG = """
handlers:
  ok: {command: {argv: ["true"]}, free: true}
"""
PROGRAM = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
ROLES = {
    "worker": ("worker", "--lane", "default:2"),
    "client-manager": ("client-manager",),
    "mission-control": ("mission-control", "--listen", "0"),
    "migrate": ("migrate",),
}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def pooler(system, **settings):
    """The database's URL and environment through a PgBouncer with these settings."""
    port, own = free_port(), system.environment
    lines = {"listen_addr": "127.0.0.1", "listen_port": port, "auth_type": "any", "unix_socket_dir": "",
             "ignore_startup_parameters": "extra_float_digits,options", **settings}
    folder = tempfile.mkdtemp(prefix="moose-pooler.")
    os.chmod(folder, 0o755)
    with open(os.path.join(folder, "pooler.ini"), "w") as file:
        file.write(f"[databases]\n* = host=127.0.0.1 port={own['PGPORT']} user={own['PGUSER']} "
                   f"password={own['PGPASSWORD']}\n[pgbouncer]\n")
        file.writelines(f"{name} = {value}\n" for name, value in lines.items())
    # It refuses to run as root.
    user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    process = subprocess.Popen(
        [PROGRAM, "-q", file.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        **({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}))
    try:
        deadline = time.time() + 10
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            if time.time() > deadline or process.poll() is not None:
                sys.exit("pgbouncer doesn't start")
            time.sleep(0.05)
        yield {"MOOSE_DATABASE_URL": re.sub(r":\d+/", f":{port}/", own["MOOSE_DATABASE_URL"]), "PGPORT": str(port)}
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder)


def run(system, through, *arguments):
    done = subprocess.run([MOOSE, *arguments, "--config", system.config], env={**system.environment, **through},
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def is_refused(system, what, words, **settings):
    with pooler(system, **settings) as through:
        code, text = run(system, through, "doctor")
        check(f"{what}: the doctor", (code, words in text), (1, True))
        for name, arguments in ROLES.items():
            code, text = run(system, through, *arguments)
            if code != 4 or words not in text:
                sys.exit(f"{what}: {name} ended with {code}, wanted 4 and {words!r}:\n{text}")
        seen = subprocess.run(
            ["psql", "-XAtq"] + [part for name in ("lock_timeout", "statement_timeout", "search_path", "TimeZone")
                                 for part in ("-c", f"SHOW {name}")],
            env={**system.environment, **through}, capture_output=True, text=True).stdout.split("\n")
        check(f"{what}: all starts are refused; others' lock_timeout", seen[0], "0")
        check(f"{what}: statement_timeout and search_path of others", seen[1:3], ["0", '"$user", public'])


def transaction_mode(system):
    words = "A connection pooler in transaction mode stands between"
    for what, settings in (("a pool of five", {"default_pool_size": 5}), ("a pool of one", {"default_pool_size": 1}),
                           ("in turn", {"default_pool_size": 4, "server_round_robin": 1})):
        is_refused(system, what, words, pool_mode="transaction", **settings)


def transaction_mode_with_others(system):
    """Other clients use the pool all the while."""
    with pooler(system, pool_mode="transaction", default_pool_size=6) as through:
        others = [subprocess.Popen(["pgbench", "-n", "-c", "3", "-T", "60", "-f", "/dev/stdin"], stdin=subprocess.PIPE,
                                   env={**system.environment, **through}, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)]
        others[0].stdin.write(b"SELECT pg_sleep(0.001);\n")
        others[0].stdin.close()
        try:
            time.sleep(1)
            seen = [run(system, through, "migrate") for _ in range(10)]
        finally:
            others[0].kill()
            others[0].wait()
        check("ten starts beside other clients, refused", [code for code, _ in seen], [4] * 10)


def other_modes(system):
    is_refused(system, "statement mode", "A connection pooler", pool_mode="statement")
    is_refused(system, "no options let through", "refuses what Moose asks of its sessions", pool_mode="transaction",
               ignore_startup_parameters="")
    is_refused(system, "a single session", "gives Moose a single session", pool_mode="session", default_pool_size=1)


def session_mode(system):
    with pooler(system, pool_mode="session", default_pool_size=20) as through:
        for _ in range(2):
            check("session mode: migrate", run(system, through, "migrate")[0], 0)
        usual = dict(system.environment)
        system.environment.update(through)
        system.start("worker", "worker", "--lane", "default:2")
        system.start("client-manager", "client-manager")
        channel = system.channel()
        for _ in range(20):
            system.publish(channel, {"kind": "ok", "title": "t"}, time_ordered_id())
        system.environment.clear()
        system.environment.update(usual)
        system.wait_for("twenty orders complete", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", "20",
                        30)
        check("the doctor is content", run(system, through, "doctor")[0], 0)
        system.stop("worker")
        system.stop("client-manager")


if not PROGRAM:
    sys.exit("pooler: pgbouncer is missing; deploy/stack/install-packages.sh installs it")
with System(CONFIG) as system:
    for story in (transaction_mode, transaction_mode_with_others, other_modes, session_mode):
        print(story.__name__.replace("_", " "), flush=True)
        story(system)
print("pooler: ok")
