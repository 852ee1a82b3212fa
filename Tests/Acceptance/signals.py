#!/usr/bin/python3
"""Signals, terminals and a container's first process: SIGHUP drains and charges nothing, a terminal that closes under
`moose up` leaves nothing behind, signals that nobody means are ignored, and a first process buries what is left to it."""
import ctypes
import os
import pty
import signal
import subprocess
import sys
import time

from system import MOOSE, System, check, time_ordered_id

CONFIG = r"""
lanes: {default: {}}
lease: {heartbeat_seconds: 1, expiry_seconds: 5}
worker: {drain_timeout_seconds: 1}
handlers:
  long: {command: {argv: [sleep, "60"]}, free: true, max_attempts: 5}
  leaves: {command: {argv: [sh, -c, 'setsid sh -c "sleep 0.05" & true']}, free: true}
"""


def processes(mark):
    """Those of this program whose command line or environment names the folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                line = file.read()
            with open(f"/proc/{pid}/stat") as file:
                state = file.read().rsplit(") ", 1)[1][0]
        except OSError:
            continue
        if mark.encode() in line and state != "Z":
            found.append(int(pid))
    return found


def wait_until(what, condition, seconds=60):
    deadline = time.time() + seconds
    while not condition():
        if time.time() > deadline:
            sys.exit(f"{what}: not within {seconds} s")
        time.sleep(0.1)


def runs():
    return system.sql("SELECT count(*) FROM moose.work_orders WHERE state = 'in_progress'") == "1"


with System(CONFIG) as system:
    channel = system.channel()
    print("SIGHUP while a job runs, three times", flush=True)
    system.publish(channel, {"kind": "long", "title": "t"}, message_id=time_ordered_id())
    for arguments in [[], ["--processes", "2"], []]:
        system.start("worker", "worker", "--lane", "default:2", *arguments)
        wait_until("it runs", runs)
        worker = system.processes.pop("worker")
        for number in [signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTOU]:
            worker.send_signal(number)
        # As a terminal that closes sends it: from the kernel, and again from the shell.
        worker.send_signal(signal.SIGHUP)
        worker.send_signal(signal.SIGHUP)
        check("its status", worker.wait(60), 0)
    check("what it cost the order", system.sql(
        "SELECT state || '|' || attempt || '|' || worker_losses FROM moose.work_orders"), "pending|0|0")
    print("two signals at once, as timeout sends them", flush=True)
    for count in range(4):
        system.start("worker", "worker", "--lane", "default:2")
        wait_until("it runs", runs)
        worker = system.processes.pop("worker")
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.01 * count)
        worker.send_signal(signal.SIGTERM)
        check("its status", worker.wait(60), 0)
    for role in ["client-manager", "mission-control"]:
        port = ["--listen", "0"]
        system.start(role, role, *port)
        wait_until(f"the {role} is up", lambda: "url" in system.log(role))
        system.processes[role].send_signal(signal.SIGHUP)
        check(f"status of the {role}", system.processes.pop(role).wait(30), 0)

    print("nohup", flush=True)
    log = open(os.path.join(system.folder, "nohup.log"), "ab")
    worker = subprocess.Popen(["nohup", MOOSE, "worker", "--lane", "default:1", "--config", system.config],
                              env=system.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    system.processes["nohup"] = worker
    wait_until("it is ready", lambda: "worker ready" in system.log("nohup"))
    worker.send_signal(signal.SIGHUP)
    time.sleep(1)
    check("it goes on", worker.poll(), None)
    system.moose("work-orders", "cancel", "--all", "--yes", check=False)
    system.stop("nohup")

    print("moose up in a terminal that is closed", flush=True)
    for when in ["starts", "is up"]:
        folder = os.path.join(system.folder, "up-" + when[0])
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(MOOSE, [MOOSE, "up", "--folder", folder], {**os.environ, "TERM": "dumb"})
        seen = b""
        os.set_blocking(terminal, False)
        wanted = b"Starting RabbitMQ" if when == "starts" else b"Ctrl-C stops"
        deadline = time.time() + 120
        while wanted not in seen and time.time() < deadline:
            try:
                seen += os.read(terminal, 65536)
            except BlockingIOError:
                time.sleep(0.1)
        check(f"it {when}", wanted in seen, True)
        if when == "starts":
            time.sleep(2)
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
        check("its status", os.waitstatus_to_exitcode(status), 0)
        wait_until("nothing of it is left", lambda: not processes(folder), 30)
        status = subprocess.run([MOOSE, "stack", "status", "--folder", folder], capture_output=True, text=True)
        check("servers left", status.returncode, 3)

    print("moose up that is killed", flush=True)
    folder = os.path.join(system.folder, "up-k")
    up = subprocess.Popen([MOOSE, "up", "--folder", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    copies = lambda: [line for line in subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(up.pid)], capture_output=True, text=True).stdout.split()]
    wait_until("its processes run", lambda: len(copies()) >= 3, 120)
    kept = copies()
    time.sleep(2)
    up.kill()
    up.wait()
    wait_until("they have drained", lambda: not any(os.path.exists(f"/proc/{pid}/exe") and
                                                    os.readlink(f"/proc/{pid}/exe") == MOOSE for pid in kept), 60)
    subprocess.run([MOOSE, "stack", "stop", "--remove", "--folder", folder], stdout=subprocess.DEVNULL)

    print("a container's first process", flush=True)
    jobs = int(os.environ.get("JOBS", "500"))
    log = open(os.path.join(system.folder, "first.log"), "ab")
    first = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", MOOSE, "worker", "--lane",
                              "default:16", "--config", system.config], env=system.environment, stdout=log, stderr=log)
    system.processes["first"] = first
    wait_until("it is ready", lambda: "worker ready" in system.log("first"))
    for _ in range(jobs):
        system.publish(channel, {"kind": "leaves", "title": "t"}, message_id=time_ordered_id())
    system.wait_for("all complete", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed' AND kind = 'leaves'",
                    str(jobs), 60 + jobs // 10)
    inside = subprocess.run(["pgrep", "-P", str(first.pid)], capture_output=True, text=True).stdout.split()
    check("first processes", len(inside), 1)
    with open(f"/proc/{inside[0]}/environ", "rb") as file:
        check("what the first one's environment shows", b"amqp://" in file.read(), False)

    def zombies():
        listed = subprocess.run(["nsenter", "--pid", "--mount", "--target", inside[0], "ps", "-eo", "stat="],
                                capture_output=True, text=True).stdout.split()
        return [state for state in listed if state.startswith("Z")]

    wait_until("zombies are buried", lambda: not zombies(), 10)
    os.kill(int(inside[0]), signal.SIGTERM)
    check("its status after one SIGTERM", system.processes.pop("first").wait(60), 0)
print("signals: ok")
