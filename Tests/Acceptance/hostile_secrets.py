#!/usr/bin/python3
"""Hostile passwords in both URLs, and hostile secrets, against the program itself: no command, log, doctor's line, error of
libpq's or argument of a child process shows a piece of one; what can't be used is a mistake of the configuration (status 2), what
can't be reached is not (status 3). SEED and ROUNDS choose others."""
import hashlib
import hmac
import os
import random
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from cluster import free_ports
from system import MOOSE, System, check, on_broker

SEED = int(os.environ.get("SEED", "20261126"))
ROUNDS = int(os.environ.get("ROUNDS", "25"))
CONFIG = r"""
handlers:
  work: {command: {argv: [sleep, "2"]}, free: true}
"""
SEPARATORS = ["@", ":", "/", "?", "#", "%", "%4", "%zz", "%40", "%00", "&", "=", ",", "[", "]", " ", '"', "'", "é", "日", "\u00a0",
              "://", "@@", "\\", "$", "${HOME}", "\n", "\t", ";"]
COMMANDS = (["doctor"], ["config", "show"], ["config", "show", "--json"], ["migrate", "--dry-run"], ["topology", "plan"],
            ["status"], ["work-orders", "list"], ["publish", "--kind", "work", "--title", "t"], ["spool", "list"],
            ["worker", "--lane", "default:1"], ["client-manager"], ["mission-control", "--listen", "0"])


def run(system, arguments, **changed):
    environment = {name: value for name, value in {**system.environment, **changed}.items() if value is not None}
    try:
        done = subprocess.run([MOOSE, *arguments, "--config", system.config], env=environment, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired as error:
        return None, ((error.stdout or b"") + (error.stderr or b"")).decode(errors="replace")
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def hostile(generator):
    pieces = ["".join(generator.choice("QWXZJKVB") for _ in range(6)) for _ in range(generator.randint(2, 3))]
    text = pieces[0]
    for piece in pieces[1:]:
        text += generator.choice(SEPARATORS) + piece
    return text, pieces


def shows_nothing(what, pieces, text):
    shown = [piece for piece in pieces if piece in text]
    if shown:
        sys.exit(f"{what} shows {shown}:\n{text}")


def passwords(system):
    generator = random.Random(SEED)
    statuses = {}
    for number in range(ROUNDS):
        text, pieces = hostile(generator)
        raw = number % 2 == 0
        written = text if raw else urllib.parse.quote(text, safe="")
        broker, database = f"amqp://user:{written}@127.0.0.1:1/v", f"postgresql://user:{written}@127.0.0.1:1/d"
        for command in generator.sample(COMMANDS, 5):
            for changed in ({"MOOSE_AMQP_URL": broker}, {"MOOSE_DATABASE_URL": database},
                            {"MOOSE_AMQP_URL": broker, "MOOSE_DATABASE_URL": database}):
                if command[0] in ("worker", "client-manager", "mission-control") and len(changed) < 2:
                    continue     # it might start
                status, output = run(system, command, **changed)
                shows_nothing(f"{command} with {changed}", pieces, output)
                if status is None:
                    sys.exit(f"{command} did not end with {changed}\n{output}")
                if raw is False and status == 2 and "\n" not in text and "\t" not in text:
                    sys.exit(f"{command}: an encoded password is refused: {changed}\n{output}")
                statuses[status] = statuses.get(status, 0) + 1
    check("every kind of answer came", {1, 2, 3} <= set(statuses), True)
    print(f"  {sum(statuses.values())} commands, by status: {dict(sorted(statuses.items()))}", flush=True)


def in_the_right_place(system):
    """With a password that works: the log of a whole life, and what `ps` shows of it and of its children."""
    password = "QWXZJK@VBQWXZ:JKVB/QW?XZ%JK#VB"
    pieces = [piece for piece in re.split(r"\W", password) if len(piece) > 3]
    on_broker(system, f"rabbitmqctl add_user hostile '{password}'")
    on_broker(system, "rabbitmqctl set_permissions -p moose hostile '.*' '.*' '.*'")
    system.sql(f"CREATE ROLE hostile SUPERUSER LOGIN PASSWORD '{password}'")
    quoted = urllib.parse.quote(password, safe="")
    usual = dict(system.environment)
    for name in ("MOOSE_AMQP_URL", "MOOSE_DATABASE_URL"):
        system.environment[name] = re.sub(r"//[^@]*@", f"//hostile:{quoted}@", usual[name])
    system.environment["MOOSE_LOG_LEVEL"] = "trace"
    system.start("worker", "worker", "--lane", "default:2", "--processes", "2")
    system.start("client-manager", "client-manager")
    system.moose("publish", "--kind", "work", "--title", "t")
    system.wait_for("it runs", "SELECT bool_or(state = 'in_progress') FROM moose.work_orders", "t", 60)
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                shows_nothing(f"process {entry}", pieces + [quoted], file.read().decode(errors="replace"))
        except OSError:
            continue
    system.wait_for("it completes", "SELECT bool_and(state = 'completed') FROM moose.work_orders", "t", 60)
    shows_nothing("doctor", pieces, run(system, ["doctor"])[1])
    for name in ("worker", "client-manager"):
        system.stop(name)
        shows_nothing(f"the log of the {name}", pieces, system.log(name))
    system.environment = usual
    print("  logs, processes and the doctor show nothing of a password in use", flush=True)


def exit_codes(system):
    amqp, database = system.environment["MOOSE_AMQP_URL"], system.environment["MOOSE_DATABASE_URL"]
    for command in (["doctor"], ["status"], ["worker", "--lane", "default:1"], ["client-manager"],
                    ["mission-control", "--listen", "0"], ["publish", "--kind", "work", "--title", "t"]):
        for changed, words in (
                ({"MOOSE_DATABASE_URL": database + "?sslmode=nonsense"}, "it may be disable, allow, prefer"),
                ({"PGSSLMODE": "nonsense"}, "it may be disable, allow, prefer"),
                ({"PGCONNECT_TIMEOUT": "abc"}, "PGCONNECT_TIMEOUT should be a whole number"),
                ({"MOOSE_DATABASE_URL": database + "?ssl_mode=require"}, "The option ssl_mode isn't supported"),
                ({"MOOSE_DATABASE_URL": database + "?target_session_attrs=master"}, "it may be any, read-write"),
                ({"MOOSE_AMQP_URL": amqp + "?frame_max=5"}, "the option frame_max isn't supported; these are: heartbeat"),
                ({"MOOSE_AMQP_URL": amqp + "?cacertfile=/x"}, "needs TLS"),
                ({"MOOSE_AMQP_URL": amqp + "?heartbeat=soon"}, "heartbeat must be 1 to 3600 seconds")):
            status, output = run(system, command, **changed)
            if status != 2 or words not in output:
                sys.exit(f"{command} with {changed}: exit code {status}, wanted 2 and {words!r}\n{output}")
    for options in ("-c foo=bar", "--nonsense", "-c work_mem=nonsense"):
        status, output = run(system, ["lanes", "list"], PGOPTIONS=options)
        if status != 2 or "PGOPTIONS" not in output or output.count("FATAL") > 1:
            sys.exit(f"PGOPTIONS={options}: exit code {status}, wanted 2\n{output}")
    port = free_ports(1)[0]
    for command, changed in ((["status"], {"MOOSE_DATABASE_URL": f"postgresql://u:p@127.0.0.1:{port}/d"}),
                             (["topology", "plan"], {"MOOSE_AMQP_URL": f"amqp://u:p@127.0.0.1:{port}/v"})):
        check(f"{command[0]} with nobody there exits with", run(system, command, **changed)[0], 3)
    print("  mistakes are status 2 in every role, absence is 3", flush=True)


def slips(system):
    """A piece of a secret in the place of something else, in variables and in the file."""
    handler = "handlers: {k: {http: {url: \"http://h\", headers: {%s}}, free: true}}\n"
    database, broker = "MOOSE_DATABASE_URL", "MOOSE_AMQP_URL"
    for changed in ({database: "postgresql://u@127.0.0.1:1/v?password=QWXZJK&VBQWXZ"},
                    {database: "postgresql://u@127.0.0.1:1/v?sslpassword=QWXZJK&VBQWXZ=1"},
                    {broker: "amqps://u:a@127.0.0.1:1/v?password=QWXZJK&VBQWXZ"},
                    {broker: "amqp://u%3AQWXZJK@127.0.0.1:1"}, {database: "postgresql://u%3AQWXZJK@127.0.0.1:1/d"}):
        for command in (["config", "show"], ["doctor"], ["status"], ["topology", "plan"]):
            shows_nothing(f"{command} with {changed}", ["QWXZJK", "VBQWXZ"], run(system, command, **changed)[1])
    usual = system.config
    system.config = os.path.join(system.folder, "slips.yaml")
    for text in (handler % '"Authorization: QWXZJK": ""', handler % "QWXZJK", handler % '"Bearer QWXZJK": x',
                 'amqp_url: "amqp://u:pa${QWxZjk}@h"\n', '"amqp://u:QWXZJK@h": x\n', "sentinel: {QWXZJK}\n",
                 'handlers: {k: {http: {url: "http://h/?pwd=QWXZJK&code=QWXZJK"}, free: true}}\n',
                 'handlers: {k: {http: {url: "http://h/#access_token=QWXZJK"}, free: true}}\n'):
        with open(system.config, "w") as file:
            file.write(text)
        shows_nothing(text, ["QWXZJK", "QWxZjk"], run(system, ["config", "show"])[1])
    os.unlink(system.config)
    os.mkfifo(system.config)
    status, output = run(system, ["config", "show"])
    check("a pipe that nobody writes to", (status, "not come to its end" in output), (2, True))
    system.config = usual


def webhook(system):
    secret = hashlib.sha256(str(SEED).encode()).hexdigest()
    for wrong, words in ((f'"{secret}"', "a quote"), (f"{secret[:9]} {secret[9:]}", "a blank"), (" " * 64, "a blank"),
                         (f"{secret}\n\n", "a line break"), (f"{secret}\x01", "a control character")):
        for command in (["mission-control", "--listen", "0"], ["doctor"], ["config", "show"]):
            status, output = run(system, command, MOOSE_SENTINEL_SECRET=wrong)
            if status != 2 or words not in output or "MOOSE_SENTINEL_SECRET" not in output or secret[:9] in output:
                sys.exit(f"{command} with {wrong!r}: exit code {status}, wanted 2 and {words!r}\n{output}")
    port = free_ports(1)[0]
    system.environment["MOOSE_SENTINEL_SECRET"] = secret + "\r\n"
    system.start("mission-control", "mission-control", "--listen", str(port))
    signature = hmac.new(secret.encode(), b"{}", hashlib.sha256).hexdigest()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/sentinel", b"{}", {
        "X-GitHub-Event": "ping", "X-GitHub-Delivery": "d", "X-Hub-Signature-256": f"sha256={signature}",
        "Content-Type": "application/json"})
    deadline = time.time() + 30
    while True:
        try:
            status = urllib.request.urlopen(request, timeout=5).status
            break
        except urllib.error.HTTPError as error:
            status = error.code
            break
        except OSError:
            if time.time() > deadline:
                sys.exit("mission control did not start")
            time.sleep(0.2)
    check("a ping under a secret that came with a line break", status, 202)
    system.stop("mission-control")
    del system.environment["MOOSE_SENTINEL_SECRET"]


def certificates(system):
    folder = os.path.join(system.folder, "certificates")
    if not os.path.isdir(folder):
        os.mkdir(folder)
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "certificates.sh")
        subprocess.run(["sh", script, folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder


def authorities(system):
    """Whom to trust by SSL_CERT_FILE alone, and that a file that isn't there is said."""
    folder = certificates(system)
    port = free_ports(1)[0]
    files = ",".join(f'{{{name},"{folder}/{file}"}}' for name, file in (
        ("certfile", "good.pem"), ("keyfile", "good.key"), ("cacertfile", "ca.pem")))
    on_broker(system, f"""rabbitmqctl eval 'application:ensure_all_started(ssl),
        rabbit_networking:start_ssl_listener({{"127.0.0.1", {port}, inet}}, [{files}], 2).'""")
    url = re.sub(r"amqp://(.*)@[^/]*/", rf"amqps://\1@localhost:{port}/", system.environment["MOOSE_AMQP_URL"])
    status, output = run(system, ["topology", "plan"], MOOSE_AMQP_URL=url)
    check("without it", (status, "unknown authority" in output and "SSL_CERT_FILE" in output), (3, True))
    check("with it", run(system, ["topology", "plan"], MOOSE_AMQP_URL=url, SSL_CERT_FILE=f"{folder}/ca.pem")[0], 0)
    status, output = run(system, ["topology", "plan"], MOOSE_AMQP_URL=url, SSL_CERT_FILE="/nowhere/ca.pem")
    check("with one that isn't there", (status, "/nowhere/ca.pem can't be read (SSL_CERT_FILE)" in output), (2, True))
    check("cacertfile comes first", run(system, ["topology", "plan"], MOOSE_AMQP_URL=f"{url}?cacertfile={folder}/other-ca.pem",
                                        SSL_CERT_FILE=f"{folder}/ca.pem")[0], 3)


def the_databases_certificate(system):
    folder = certificates(system)
    owner = os.stat(os.path.join(system.stack_folder, "servers", "database"))
    for name, host, root, status, words in (
            ("good", "localhost", "ca.pem", 0, ""), ("good", "127.0.0.1", "ca.pem", 0, ""),
            ("good", "localhost", "other-ca.pem", 3, "certificate verify failed"),
            ("expired", "localhost", "ca.pem", 3, "certificate verify failed"),
            ("named", "localhost", "ca.pem", 3, 'does not match host name "localhost"'),
            ("good", "localhost", "missing.pem", 3, "missing.pem")):
        # The server wants a key that only its own user can read.
        key = os.path.join(folder, f"database-{name}.key")
        with open(os.path.join(folder, f"{name}.key")) as file, open(key, "w") as copy:
            copy.write(file.read())
        os.chmod(key, 0o600)
        os.chown(key, owner.st_uid, owner.st_gid)
        system.sql(f"ALTER SYSTEM SET ssl_cert_file = '{folder}/{name}.pem'")
        system.sql(f"ALTER SYSTEM SET ssl_key_file = '{key}'")
        system.sql("ALTER SYSTEM SET ssl = on")
        system.sql("SELECT pg_reload_conf()")
        system.wait_for("the certificate", "SHOW ssl_key_file", key, 10)
        url = re.sub(r"@[^:]*:", f"@{host}:", system.environment["MOOSE_DATABASE_URL"])
        seen, output = run(system, ["status"], MOOSE_DATABASE_URL=f"{url}?sslmode=verify-full&sslrootcert={folder}/{root}",
                           PGHOST=None)
        said = words in output and (status == 0 or "sslrootcert" in output)
        check(f"{name} for {host} by {root}", (seen, said), (status, True))


with System(CONFIG) as system:
    for story in (exit_codes, slips, webhook, passwords, in_the_right_place, authorities, the_databases_certificate):
        print(story.__name__.replace("_", " "), flush=True)
        story(system)
print("hostile secrets: ok")
