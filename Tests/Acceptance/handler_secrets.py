#!/usr/bin/python3
"""What a handler of the worker's own user can learn of the worker's secrets: nothing from the environment, the command
line, the descriptors or the memory of any process of ours, also while processes start."""
import json
import os
import subprocess
import sys
import time

from system import MOOSE, System, check, time_ordered_id

NOBODY = 65534
SECRETS = ["hunter2-", "sesame-"]
CONFIG = r"""
lanes: {default: {}}
worker: {drain_timeout_seconds: 5}
handlers:
  snoop: {command: {argv: ["/usr/bin/python3", SNOOP]}, free: true, max_attempts: 1, timeout_seconds: 120}
  service: {http: {url: "http://127.0.0.1:9/", headers: {Authorization: "Bearer ${SERVICE_TOKEN}"}}, free: true}
"""
# Looks for a quarter of a minute at every process there is, as fast as it can.
SNOOP_PROGRAM = r"""
import ctypes, json, os, sys, time
marks = [b"hunter2-", b"sesame-"]
found, tried, kept = set(), set(), []
ends = time.time() + float(sys.argv[1] if len(sys.argv) > 1 else 15)
libc = ctypes.CDLL(None, use_errno=True)
while time.time() < ends:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) == os.getpid():
            continue
        for name in ["environ", "cmdline", "auxv", "maps"]:
            try:
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    text = file.read()
            except OSError:
                continue
            tried.add(name)
            for mark in marks:
                if mark in text:
                    found.add(f"{name} of {open(f'/proc/{pid}/comm').read().strip()}")
        try:
            numbers = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for number in numbers:
            try:
                whose = open(f"/proc/{pid}/cmdline").read().replace("\0", " ")[:60]
                kept.append((os.open(f"/proc/{pid}/fd/{number}", os.O_RDONLY | os.O_NONBLOCK), whose))
            except OSError:
                pass
    # What could be opened in a process's first moment stays open, and is read as things come in.
    for descriptor, whose in list(kept):
        try:
            text = os.read(descriptor, 65536)
        except BlockingIOError:
            continue
        except OSError:
            text = b""
        if any(mark in text for mark in marks):
            found.add("a descriptor of " + whose)
        if not text or len(kept) > 500:
            os.close(descriptor)
            kept.remove((descriptor, whose))
parent = os.getppid()
try:
    open(f"/proc/{parent}/mem", "rb")
    found.add("the worker's memory")
except OSError:
    pass
if libc.ptrace(16, parent, 0, 0) == 0:  # PTRACE_ATTACH
    found.add("ptrace of the worker")
    libc.ptrace(17, parent, 0, 0)
with open(os.environ["MOOSE_RESULT_FILE"], "w") as file:
    json.dump({"result": {"found": sorted(found), "read": sorted(tried), "uid": os.getuid()}}, file)
"""

system = System(CONFIG.replace("SNOOP]", '"/dev/null"]'))
snoop = os.path.join(system.folder, "snoop.py")
with open(snoop, "w") as file:
    file.write(SNOOP_PROGRAM)
with open(system.config, "w") as file:
    file.write(CONFIG.replace("SNOOP]", json.dumps(snoop) + "]"))
os.environ["SERVICE_TOKEN"] = "sesame-token"


def secret_url(url):
    """The same place, with a mark that can be looked for."""
    return url + ("&" if "?" in url else "?") + "application_name=hunter2-mark"


with system:
    channel = system.channel()
    environment = dict(system.environment, MOOSE_DATABASE_URL=secret_url(system.environment["MOOSE_DATABASE_URL"]),
                       SERVICE_TOKEN="sesame-token", MOOSE_SENTINEL_SECRET="hunter2-" + "x" * 32)
    for processes in [[], ["--processes", "2"]]:
        print("with" + ("out a parent" if not processes else " a parent"), flush=True)
        log = open(os.path.join(system.folder, "worker.log"), "ab")

        def start(extra=(), name="worker"):
            system.processes[name] = subprocess.Popen(
                [MOOSE, "worker", "--lane", "default:4", *extra, "--config", system.config], env=environment,
                stdout=log, stderr=log, user=NOBODY, group=NOBODY, extra_groups=[])

        start(processes)
        number = int(system.sql("SELECT count(*) FROM moose.work_orders"))
        system.publish(channel, {"kind": "snoop", "title": "t"}, message_id=time_ordered_id())
        system.wait_for("it looks around", "SELECT count(*) FROM moose.work_orders WHERE state = 'in_progress'", "1", 60)
        # Processes that a parent starts meanwhile are looked at in their first moment.
        if processes:
            for _ in range(5):
                time.sleep(1.5)
                parent = system.processes["worker"].pid
                children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True)
                busy = system.sql("SELECT k.pid FROM moose.leases l JOIN moose.workers k ON k.id = l.worker")
                for pid in children.stdout.split():
                    if pid != busy:
                        os.kill(int(pid), 9)
        system.wait_for("it has looked", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'",
                        str(number + 1), 90)
        seen = json.loads(system.sql("SELECT convert_from(result, 'UTF8') FROM moose.work_orders "
                                     "WHERE state = 'completed' ORDER BY finished_at DESC LIMIT 1"))
        check("it was the worker's user", seen["uid"], NOBODY)
        check("what it could read of others", "cmdline" in seen["read"], True)
        check("what it found", seen["found"], [])
        worker = system.processes["worker"].pid
        with open(f"/proc/{worker}/environ", "rb") as file:
            check("what even the superuser finds in its environment", file.read().strip(b"\0"), b"")
        system.stop("worker")

    print("secrets from files", flush=True)
    for name in ["MOOSE_DATABASE_URL", "MOOSE_AMQP_URL", "SERVICE_TOKEN"]:
        path = os.path.join(system.folder, name)
        with open(path, "w") as file:
            file.write(environment[name] + "\n")
        os.chown(path, NOBODY, NOBODY)
        os.chmod(path, 0o400)
        del environment[name]
        environment[name + "_FILE"] = path
    start()
    deadline = time.time() + 60
    while system.log("worker").count("worker ready") < 4:
        if time.time() > deadline:
            sys.exit("the worker with secrets from files is not ready: " + system.log("worker")[-2000:])
        time.sleep(0.1)
    check("it is ready", system.processes["worker"].poll(), None)
print("handler_secrets: ok")
