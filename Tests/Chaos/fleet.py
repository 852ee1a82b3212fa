"""The product's processes, each behind proxies of its own, and what was done to each."""
import os
import random
import re
import signal
import subprocess
import threading
import time

MOOSE = os.path.abspath(os.environ.get("MOOSE", ".build/release/moose"))
# What a process may say when it can't start because of a fault: unreachable, or refused (a wrong password).
START_FAILED = (3, 4)


class Process:
    """One `moose worker` or `moose client-manager`. Started again when it ends; `generation` counts its lives."""

    def __init__(self, fleet, name, arguments):
        self.fleet, self.name, self.arguments = fleet, name, arguments
        self.amqp = fleet.net.proxy(fleet.amqp_port)
        self.database = fleet.net.proxy(fleet.database_port)
        self.scratch = None
        self.popen = None
        self.busy = threading.Lock()    # held by the one fault that is at it
        self.may_run = True
        self.killed = self.asked = False
        self.restart_at = None

    @property
    def is_worker(self):
        return self.arguments[0] == "worker"

    def start(self):
        environment = dict(self.fleet.environment)
        environment["MOOSE_AMQP_URL"] = self.fleet.through(environment["MOOSE_AMQP_URL"], self.amqp.port)
        environment["MOOSE_DATABASE_URL"] = self.fleet.through(environment["MOOSE_DATABASE_URL"], self.database.port)
        environment["CHAOS_WORKER"] = self.name
        environment["TMPDIR"] = self.scratch or self.fleet.folder
        self.killed = self.asked = False
        with open(os.path.join(self.fleet.folder, self.name + ".log"), "ab") as log:
            self.popen = subprocess.Popen([MOOSE, *self.arguments, "--config", self.fleet.config], env=environment,
                                          stdout=log, stderr=log, start_new_session=True)

    def signal(self, number):
        if self.popen and self.popen.poll() is None:
            if number == signal.SIGKILL:
                self.killed = True
            self.popen.send_signal(number)

    def hit(self, fault):
        """What the checker asks when an order ran again: which process suffered what."""
        if self.popen:
            self.fleet.hits.setdefault(self.popen.pid, []).append(fault)


class Fleet:
    """Use it in a `with`: it leaves no process behind."""

    def __init__(self, system, net, folder, environment, seed):
        self.net, self.folder, self.environment = net, folder, environment
        self.config = system.config
        self.rng = random.Random(seed)
        self.amqp_port = int(re.search(r":(\d+)/", environment["MOOSE_AMQP_URL"])[1])
        self.database_port = int(re.search(r":(\d+)/", environment["MOOSE_DATABASE_URL"])[1])
        self.processes = []
        self.hits = {}          # pid -> faults
        self.crashes = []
        self.start_failures = 0
        self.poison_deaths = 0
        self.stopping = False

    def through(self, url, port):
        return re.sub(r":\d+/", f":{port}/", url, count=1)

    def add(self, name, *arguments):
        process = Process(self, name, arguments)
        self.processes.append(process)
        return process

    @property
    def workers(self):
        return [process for process in self.processes if process.is_worker]

    @property
    def scratch_workers(self):
        return [process for process in self.workers if process.scratch]

    def __enter__(self):
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        return self

    def start(self):
        for process in self.processes:
            process.start()
        self.watcher.start()

    def watch(self):
        """Starts again what ended, as a supervisor would, and notices what ended by itself."""
        while not self.stopping:
            for process in self.processes:
                if process.restart_at is not None:
                    if process.may_run and time.time() >= process.restart_at:
                        process.restart_at = None
                        process.start()
                elif process.popen.poll() is not None:
                    self.judge(process, process.popen.returncode)
                    process.restart_at = time.time() + self.rng.uniform(0.2, 2.5)
            time.sleep(0.1)

    def judge(self, process, code):
        if process.killed or process.asked and code in (0, -signal.SIGTERM):
            return
        if code == -signal.SIGKILL and process.is_worker:
            # Nobody here did it: an order of the kind poison, which the checker counts.
            self.poison_deaths += 1
            process.hit("poison")
        elif code in START_FAILED:
            self.start_failures += 1
        else:
            self.crashes.append(f"{process.name} (pid {process.popen.pid}) ended by itself with {code}")

    def __exit__(self, *_):
        self.stopping = True
        if self.watcher.is_alive():
            self.watcher.join(5)
        self.stop(15)

    def stop(self, seconds):
        """SIGTERM, a while to drain, SIGKILL. Returns the exit codes."""
        self.stopping = True
        running = [process for process in self.processes if process.popen and process.popen.poll() is None]
        for process in running:
            process.popen.send_signal(signal.SIGCONT)
            process.popen.terminate()
        deadline = time.time() + seconds
        codes = {}
        for process in running:
            try:
                codes[process.name] = process.popen.wait(max(0.1, deadline - time.time()))
            except subprocess.TimeoutExpired:
                process.popen.kill()
                process.popen.wait()
                codes[process.name] = "did not stop"
        return codes
