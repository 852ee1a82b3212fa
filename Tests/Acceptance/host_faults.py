#!/usr/bin/python3
"""A host's fault is never charged to the work. The temporary folder is removed under a living worker, in several ways; the
user may have no further process; the disk is full; nobody reads the log; the standard descriptors are closed. Each time the
orders complete at their first attempt, or wait, and the worker says why."""
import atexit
import glob
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from system import MOOSE, System, check, time_ordered_id

CONFIG = r"""
lanes: {default: {}, failing: {}}
worker: {listen: PORT, drain_timeout_seconds: 5}
retry: {base_seconds: 1, cap_seconds: 1}
handlers:
  quick: {command: {argv: ["true"]}, free: true, max_attempts: 1}
  writes: {command: {argv: [sh, -c, 'sleep 6; echo "{\"result\": 7}" > "$MOOSE_RESULT_FILE"']}, free: true, max_attempts: 1}
  fails: {command: {argv: ["false"]}, free: true, max_attempts: 1}
"""
NOBODY = 65534


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


PORT = free_port()
told = []


def readiness():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=2) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def metric(name):
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=2) as answer:
        for line in answer.read().decode().splitlines():
            if line.split(" ")[0] == name:
                return float(line.split(" ")[1])


def wait_until(what, condition, seconds=60):
    deadline = time.time() + seconds
    while not condition():
        if time.time() > deadline:
            sys.exit(f"{what}: not within {seconds} s; readiness {readiness()}\n{system.log('worker')[-3000:]}")
        time.sleep(0.1)


def start(*arguments, **options):
    """A worker, as the user nobody where that is said: the superuser has no limits."""
    log = open(os.path.join(system.folder, "worker.log"), "ab")
    environment = dict(system.environment, TMPDIR=options.pop("tmpdir", temporary))
    command = [MOOSE, "worker", "--lane", "default:8", *arguments, "--config", system.config]
    options = {"stdout": log, "stderr": log, **options}
    system.processes["worker"] = subprocess.Popen(command, env=environment, **options)
    wait_until("the worker is ready", lambda: readiness()[0] == 200)
    return system.processes["worker"]


def publish(kind, count, lane="default"):
    for _ in range(count):
        system.publish(channel, {"kind": kind, "title": "t"}, message_id=time_ordered_id(), lane=lane)


def completed_at_once(what, count):
    system.wait_for(what, "SELECT count(*) FROM moose.work_orders WHERE state = 'completed' AND attempt = 1",
                    str(count), 60)
    check("attempts that were charged", system.sql(
        "SELECT count(*) FROM moose.outcome_vectors WHERE outcome NOT IN ('completed', 'interrupted')"), "0")
    check("dead letters", system.sql("SELECT count(*) FROM moose.dead_letters"), "0")


def events(words):
    """How many error events so far say so; nobody else reads them here."""
    while True:
        method, _, body = channel.basic_get("moose.escalations", auto_ack=True)
        if method is None:
            return sum(words in body for body in told)
        told.append(body.decode())


def end_crowd():
    os.killpg(crowd.pid, signal.SIGKILL)
    crowd.wait()


def workers_folder():
    return glob.glob(os.path.join(temporary, "moose-worker-*"))


system = System(CONFIG.replace("PORT", str(PORT)))
with system:
    channel = system.channel()
    temporary = os.path.join(system.folder, "tmp")
    os.mkdir(temporary, 0o777)
    os.chmod(temporary, 0o777)

    print("the worker's folder is removed, and all of its parent", flush=True)
    start()
    shutil.rmtree(workers_folder()[0])
    publish("quick", 5)
    completed_at_once("the orders complete", 5)
    shutil.rmtree(temporary)
    publish("quick", 5)
    wait_until("it says so", lambda: readiness()[0] == 503 and "temporary folder" in readiness()[1])
    check("the metric", metric("moose_host_trouble"), 1.0)
    before = system.sql("SELECT count(*) FROM moose.outcome_vectors")
    time.sleep(5)
    check("attempts while it is gone", system.sql("SELECT count(*) FROM moose.outcome_vectors"), before)
    os.mkdir(temporary, 0o777)
    os.chmod(temporary, 0o777)
    completed_at_once("they complete when it is back", 10)
    wait_until("it is ready again", lambda: readiness()[0] == 200)
    check("told once", events("this machine can't start work"), 1)
    check("the new folder is told of", events("temporary folder was removed") > 0, True)

    print("a running command's folder is removed, and it still writes its result", flush=True)
    publish("writes", 1)
    wait_until("it runs", lambda: glob.glob(os.path.join(temporary, "moose-worker-*", "moose-attempt-*")))
    shutil.rmtree(workers_folder()[0])
    completed_at_once("it completes", 11)
    check("its result", system.sql("SELECT convert_from(result, 'UTF8') FROM moose.work_orders WHERE kind = 'writes'"), "7")

    print("what looks old and unlocked is still a living worker's", flush=True)
    publish("writes", 1)
    wait_until("it runs", lambda: glob.glob(os.path.join(temporary, "moose-worker-*", "moose-attempt-*")))
    folder = workers_folder()[0]
    os.unlink(os.path.join(folder, "lock"))
    os.utime(folder, (1e9, 1e9))
    second = subprocess.Popen([MOOSE, "worker", "--lane", "failing:1", "--config", system.config],
                              env=dict(system.environment, TMPDIR=temporary), stderr=subprocess.DEVNULL)
    wait_until("a second worker has its folder", lambda: len(workers_folder()) == 2)
    check("the first one's is there", os.path.isdir(folder), True)
    completed_at_once("its job completes", 12)
    second.terminate()
    second.wait(60)
    system.stop("worker")
    check("folders left", workers_folder(), [])

    print("no further process", flush=True)
    limited = lambda: resource.setrlimit(resource.RLIMIT_NPROC, (300, 300))
    start(user=NOBODY, group=NOBODY, extra_groups=[], preexec_fn=limited)
    # Others of the same user take all there are.
    atexit.register(lambda: crowd.poll() is None and end_crowd())
    crowd = subprocess.Popen(["sh", "-c", "for i in $(seq 320); do sleep 600 & done; echo full; wait"], user=NOBODY,
                             group=NOBODY, extra_groups=[], stdout=subprocess.PIPE, start_new_session=True)
    crowd.stdout.readline()
    publish("quick", 20)
    wait_until("it says so", lambda: readiness()[0] == 503 and "can't start a program" in readiness()[1])
    time.sleep(5)
    check("work that was charged", system.sql("SELECT count(*) FROM moose.work_orders WHERE attempt > 1 OR state = 'failed'"),
          "0")
    check("told once more", events("this machine can't start work"), 2)
    end_crowd()
    completed_at_once("all complete when there is room", 32)
    system.stop("worker")

    print("a full disk", flush=True)
    small = os.path.join(system.folder, "small")
    os.mkdir(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=1777", "none", small], check=True)
    try:
        start(tmpdir=small)
        with open(os.path.join(small, "filler"), "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
        publish("quick", 5)
        wait_until("it says so", lambda: readiness()[0] == 503 and "make room" in readiness()[1])
        os.unlink(os.path.join(small, "filler"))
        completed_at_once("they complete when there is room", 37)
        system.stop("worker")
    finally:
        subprocess.run(["umount", "-l", small], check=True)

    print("few open files", flush=True)
    done = subprocess.run([MOOSE, "worker", "--lane", "default:100", "--config", system.config], env=system.environment,
                          capture_output=True, text=True, timeout=60,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
    check("slots that don't fit are refused", (done.returncode, "LimitNOFILE" in done.stderr), (2, True))
    start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    publish("quick", 40)
    completed_at_once("a low soft limit is raised", 77)
    system.stop("worker")
    done = subprocess.run([MOOSE, "worker", "--lane", "default:8", "--config", system.config], env=system.environment,
                          capture_output=True, text=True, timeout=60,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200)))
    least = int(re.search(r"needs (\d+) for 8 slots", done.stderr)[1])
    start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (least, least)))
    publish("quick", 40)
    completed_at_once("the lowest limit that is accepted is enough", 117)
    check("and nothing was short", (readiness()[0], events("too few files")), (200, 0))
    system.stop("worker")

    print("standard descriptors that are closed, and no home", flush=True)
    bare = {name: value for name, value in system.environment.items() if name.startswith("MOOSE_") or name == "PATH"}
    closed = subprocess.Popen(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", MOOSE, "worker", "--lane", "default:8", "--config", system.config],
        env=dict(bare, TMPDIR=""))
    system.processes["worker"] = closed
    wait_until("it is ready", lambda: readiness()[0] == 200)
    check("they lead nowhere", [os.readlink(f"/proc/{closed.pid}/fd/{number}") for number in range(3)], ["/dev/null"] * 3)
    publish("quick", 5)
    completed_at_once("orders complete", 122)
    check("nothing in the root folder", glob.glob("/moose-worker-*"), [])
    system.stop("worker")

    print("standard error that nobody reads", flush=True)
    for processes in [[], ["--processes", "2"]]:
        system.sql("DELETE FROM moose.dead_letters")
        reader, writer = os.pipe()
        worker = start("--lane", "failing:8", *processes, stderr=writer)
        os.close(writer)
        before = int(system.sql("SELECT count(*) FROM moose.work_orders WHERE state = 'failed'"))
        publish("fails", 1500, lane="failing")
        system.wait_for("all have failed", "SELECT count(*) FROM moose.work_orders WHERE state = 'failed'",
                        str(before + 1500), 180)
        check("it is ready", readiness()[0], 200)
        check("the pipe is no other than it was", os.get_blocking(reader), True)
        began = time.time()
        system.processes.pop("worker").terminate()
        check("its status", worker.wait(30), 0)
        check("it ended soon", time.time() - began < 20, True)
        os.close(reader)

    print("a log that is read late lacks lines, and says how many", flush=True)
    reader, writer = os.pipe()
    worker = start("--lane", "failing:8", stderr=writer)
    os.close(writer)
    before = int(system.sql("SELECT count(*) FROM moose.work_orders WHERE state = 'failed'"))
    publish("fails", 5000, lane="failing")
    system.wait_for("all have failed", "SELECT count(*) FROM moose.work_orders WHERE state = 'failed'",
                    str(before + 5000), 300)
    check("lines are missing", metric("moose_log_lines_dropped_total") > 0, True)
    text = []
    listener = threading.Thread(target=lambda: text.extend(os.fdopen(reader, errors="replace")))
    listener.start()
    system.processes.pop("worker").terminate()
    check("its status", worker.wait(30), 0)
    listener.join(30)
    check("the end is there", [line[-200:] for line in text[-3:] if "worker stopped" in line] or text[-3:],
          [line[-200:] for line in text if "worker stopped" in line][-1:])
    check("the gap is told", any("lines were left out here" in line for line in text), True)
print("host_faults: ok")
