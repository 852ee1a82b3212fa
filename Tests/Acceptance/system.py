"""A private Moose for the acceptance stories: its servers, its workers, and the outside view of what it did."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import pika

MOOSE = os.path.abspath(os.environ.get("MOOSE", ".build/release/moose"))
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end(number, _):
    """Whoever ends a story ends what it has started, as after a failure."""
    # Once: the cleaning up isn't cut short by a second one.
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    sys.exit(128 + number)


# Also where they were ignored, as in what a script starts in the background. The programs a story starts have them anew.
for ending in ENDINGS:
    signal.signal(ending, end)


def time_ordered_id():
    milliseconds = int(time.time() * 1000)
    value = (milliseconds << 80) | (0x7 << 76) | (uuid.uuid4().int & ((1 << 76) - 1))
    return str(uuid.UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62)))


class System:
    """Use it in a `with`: whatever happens, its processes and folders are gone afterwards."""

    def __init__(self, config, *stack_options):
        self.folder = tempfile.mkdtemp(prefix="moose-acceptance.")
        os.chmod(self.folder, 0o755)
        self.stack_folder = os.path.join(self.folder, "stack")
        self.stack_options = stack_options
        self.processes = {}
        self.config = os.path.join(self.folder, "moose.yaml")
        with open(self.config, "w") as file:
            file.write(config)

    def __enter__(self):
        try:
            self.start_servers()
            lines = self.moose("stack", "env", "--folder", self.stack_folder).splitlines()
            values = subprocess.run(
                ["sh", "-c", "\n".join(lines) + "\nenv -0"], check=True, capture_output=True, text=True).stdout
            wanted = ("MOOSE_", "PG")
            self.environment = dict(os.environ)
            self.environment.update(
                entry.split("=", 1) for entry in values.split("\0") if entry.startswith(wanted))
            self.moose("migrate")
            self.moose("topology", "apply")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in list(self.processes):
            self.stop(name)
        subprocess.run([MOOSE, "stack", "stop", "--remove", "--folder", self.stack_folder], stdout=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_servers(self):
        self.moose("stack", "start", "--folder", self.stack_folder, *self.stack_options)

    def kill_server(self, name, signal_number):
        status = json.loads(subprocess.run(
            [MOOSE, "stack", "status", "--json", "--folder", self.stack_folder],
            capture_output=True, text=True).stdout)
        os.kill(status[name]["pid"], signal_number)

    def stop_server(self, name, signal_number):
        """Returns once it is gone."""
        self.kill_server(name, signal_number)
        deadline = time.time() + 60
        while time.time() < deadline:
            status = subprocess.run([MOOSE, "stack", "status", "--json", "--folder", self.stack_folder],
                                    capture_output=True, text=True)
            if json.loads(status.stdout)[name]["state"] == "stopped":
                return
            time.sleep(0.2)
        sys.exit(f"the {name} did not stop")

    def moose(self, *arguments, check=True):
        environment = getattr(self, "environment", dict(os.environ))
        if arguments[0] != "stack":
            arguments = (*arguments, "--config", self.config)
        done = subprocess.run([MOOSE, *arguments], env=environment, capture_output=True, text=True)
        if check and done.returncode != 0:
            sys.exit(f"moose {' '.join(arguments)} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, name, *arguments):
        log = open(os.path.join(self.folder, name + ".log"), "ab")
        self.processes[name] = subprocess.Popen(
            [MOOSE, *arguments, "--config", self.config], env=self.environment, stdout=log, stderr=log)

    def kill(self, name):
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self, name):
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log(self, name):
        with open(os.path.join(self.folder, name + ".log"), errors="replace") as file:
            return file.read()

    def sql(self, query):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", query], env=self.environment,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def wait_for(self, what, query, wanted, seconds):
        deadline = time.time() + seconds
        seen = None
        while time.time() < deadline:
            try:
                seen = self.sql(query)
                if seen == wanted:
                    return
            except RuntimeError as error:
                seen = str(error).strip()
            time.sleep(0.5)
        sys.exit(f"{what}: wanted {wanted}, still {seen} after {seconds} s")

    def channel(self):
        connection = pika.BlockingConnection(pika.URLParameters(self.environment["MOOSE_AMQP_URL"]))
        channel = connection.channel()
        channel.confirm_delivery()
        return channel

    def publish(self, channel, body, message_id=None, lane="default", **properties):
        channel.basic_publish("moose.work", lane, body if isinstance(body, bytes) else json.dumps(body).encode(),
                              pika.BasicProperties(message_id=message_id, delivery_mode=2, **properties))


def check(what, seen, wanted):
    print(f"  {what}: {seen}" + ("" if seen == wanted else f"   WRONG, wanted {wanted}"), flush=True)
    if seen != wanted:
        sys.exit(1)


def on_broker(system, command):
    """Runs a line with rabbitmqctl in it against the private broker, as its administrator would."""
    data = os.path.realpath(os.path.join(system.stack_folder, "servers", "broker"))
    with open(os.path.join(system.stack_folder, "stack.json")) as file:
        ports = json.load(file)["ports"]
    environment = {
        **system.environment, "HOME": data, "ERL_EPMD_PORT": str(ports["epmd"]), "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": "moose@localhost", "RABBITMQ_CONF_ENV_FILE": "/dev/null", "LANG": "C.UTF-8",
        "PATH": f"/usr/lib/rabbitmq/bin:{os.path.dirname(MOOSE)}:{os.environ['PATH']}", "MOOSE_CONFIG": system.config}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
