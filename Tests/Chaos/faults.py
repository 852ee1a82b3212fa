"""What goes wrong, chosen by the seed. Each fault mends itself; `mend` waits for all of them."""
import os
import random
import signal
import threading
import time
from typing import Callable, NamedTuple

LEASE_LOST = 16     # seconds: longer than a lease and the two looks of a rescue (see CONFIG in chaos.py)


class Fault(NamedTuple):
    name: str
    weight: float
    act: Callable
    seconds_between: float = 0      # at least, measured start to start
    needs_scratch: bool = False


class Faults:
    def __init__(self, fleet, servers, target, seconds, seed):
        self.fleet, self.servers = fleet, servers
        self.rng = random.Random(seed)
        self.pause = seconds / target * 0.95
        self.target = target
        self.counts = {}
        self.last = {}
        self.errors = []    # faults that could not be done or mended: the harness's own
        self.acting = []
        self.stopping = threading.Event()
        self.log = open(os.path.join(fleet.folder, "faults.log"), "w", buffering=1)
        self.started = time.time()
        has_scratch = any(process.scratch for process in fleet.workers)
        self.menu = [fault for fault in MENU if has_scratch or not fault.needs_scratch]
        # A run has to show every fault once, however short it is: in an order of its own, the rest by weight.
        self.first = self.rng.sample(self.menu, len(self.menu))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @property
    def total(self):
        return sum(self.counts.values())

    def run(self):
        while not self.stopping.wait(self.pause * self.rng.uniform(0.5, 1.5)):
            now = time.time()
            due = [fault for fault in self.menu if now - self.last.get(fault.name, 0) >= fault.seconds_between]
            fault = next((fault for fault in self.first if fault in due), None)
            if fault:
                self.first.remove(fault)
            else:
                fault = self.rng.choices(due, [fault.weight for fault in due])[0]
            thread = threading.Thread(target=self.act, args=(fault, random.Random(self.rng.getrandbits(32))), daemon=True)
            self.acting = [one for one in self.acting if one.is_alive()] + [thread]
            thread.start()

    def act(self, fault, rng):
        try:
            said = fault.act(self, rng)
        # SystemExit too: nobody looks at how a thread ended.
        except BaseException as error:
            self.errors.append(f"{fault.name}: {error!r}")
            return self.note(f"{fault.name} FAILED: {error!r}")
        if said is None:
            return      # somebody else is at it: not a fault
        self.last[fault.name] = time.time()
        self.counts[fault.name] = self.counts.get(fault.name, 0) + 1
        self.note(f"{fault.name}: {said}")

    def note(self, text):
        self.log.write(f"{time.time() - self.started:8.2f} {text}\n")

    def stop(self):
        """No new ones; returns when all are mended."""
        self.stopping.set()
        self.thread.join()
        for thread in self.acting:
            thread.join(120)
            if thread.is_alive():
                raise RuntimeError("a fault was not mended within 120 s: look into faults.log")

    def wait(self, seconds):
        """A fault ends early when the run does."""
        self.stopping.wait(seconds)

    def victim(self, rng, among):
        """A process nobody is at; locked. None: there is none."""
        for process in rng.sample(among, len(among)):
            if process.popen.poll() is None and process.busy.acquire(blocking=False):
                return process
        return None


def on_process(among, act):
    def run(faults, rng):
        process = faults.victim(rng, getattr(faults.fleet, among))
        if process is None:
            return None
        try:
            return f"{process.name} {act(faults, process, rng)}"
        finally:
            process.busy.release()
    return run


def kill(faults, process, rng):
    pid = process.popen.pid
    process.hit("kill -9")
    process.signal(signal.SIGKILL)
    return f"pid {pid}"


def pause_briefly(faults, process, rng):
    return paused(faults, process, rng.uniform(0.3, 3))


def pause_past_lease(faults, process, rng):
    process.hit("SIGSTOP past the lease")
    return paused(faults, process, rng.uniform(LEASE_LOST, LEASE_LOST + 8))


def paused(faults, process, seconds):
    pid = process.popen.pid
    process.signal(signal.SIGSTOP)
    faults.wait(seconds)
    process.signal(signal.SIGCONT)
    return f"pid {pid} for {seconds:.1f} s"


def terminate(faults, process, rng):
    process.asked = True
    process.signal(signal.SIGTERM)
    return f"pid {process.popen.pid}"


def link(process, rng):
    return rng.choice([("amqp", process.amqp), ("database", process.database)])


def cut(faults, process, rng):
    name, proxy = link(process, rng)
    proxy.cut()
    return name


def half_frame(faults, process, rng):
    name, proxy = link(process, rng)
    proxy.set("half")
    return name


def for_a_while(mode, shortest, longest, hit=None):
    def act(faults, process, rng):
        name, proxy = link(process, rng)
        seconds = rng.uniform(shortest, longest)
        if hit and name == "database":
            process.hit(hit)
        proxy.set(mode)
        if mode == "refuse":
            proxy.cut()
        faults.wait(seconds)
        proxy.set("pass")
        return f"{name} for {seconds:.1f} s"
    return act


def disk_full(faults, process, rng):
    path = os.path.join(process.scratch, "filler")
    try:
        with open(path, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 65536)
            except OSError:
                pass  # full: that is the fault
        faults.wait(rng.uniform(2, 8))
    finally:
        os.unlink(path)
    return "its scratch folder"


def backends(faults, rng):
    share = rng.choice([0.3, 1])
    killed = faults.servers.terminate_backends(share)
    return f"{killed} connections"


def server(name, number):
    def act(faults, rng):
        return faults.servers.restart(name, number, rng.uniform(0, 4))
    return act


def wrong_password(name, most):
    def act(faults, rng):
        return faults.servers.wrong_password(name, rng.uniform(2, most), faults.wait)
    return act


# Nobody can log in to the database for less than half a lease: it hits all alike, so nobody's work may be taken from him.
# (After more than that, who is back first may rescue the work of who still waits for his next try.)
MENU = [
    Fault("kill -9 a worker", 20, on_process("workers", kill)),
    Fault("kill -9 any process", 5, on_process("processes", kill)),
    Fault("SIGTERM a worker", 4, on_process("workers", terminate)),
    Fault("SIGSTOP a moment", 10, on_process("processes", pause_briefly)),
    Fault("SIGSTOP past the lease", 8, on_process("workers", pause_past_lease)),
    Fault("connection cut", 14, on_process("processes", cut)),
    Fault("half a frame, then cut", 10, on_process("processes", half_frame)),
    Fault("stall", 8, on_process("processes", for_a_while("stall", 0.5, 5))),
    Fault("stall past the lease", 4, on_process("workers", for_a_while(
        "stall", LEASE_LOST, LEASE_LOST + 6, "database stalled past the lease"))),
    Fault("latency", 8, on_process("processes", for_a_while("delay", 2, 10))),
    Fault("dribble", 6, on_process("processes", for_a_while("dribble", 2, 8))),
    Fault("cut off", 4, on_process("processes", for_a_while("refuse", 1, 25, "database cut off"))),
    Fault("backends terminated", 6, backends),
    Fault("database restart, fast", 1.5, server("database", signal.SIGINT), 40),
    Fault("database restart, immediate", 1.5, server("database", signal.SIGQUIT), 40),
    Fault("database kill -9", 1, server("database", signal.SIGKILL), 60),
    Fault("broker restart", 0.7, server("broker", signal.SIGTERM), 100),
    Fault("broker kill -9", 0.7, server("broker", signal.SIGKILL), 100),
    Fault("wrong database password", 1.5, wrong_password("database", 4), 40),
    Fault("wrong broker password", 1, wrong_password("broker", 9), 60),
    Fault("disk full", 4, on_process("scratch_workers", disk_full), 0, True),
]
