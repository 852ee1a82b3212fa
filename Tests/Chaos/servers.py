"""The private RabbitMQ and PostgreSQL: what is done to them, and the checker's own way in, past every proxy."""
import json
import os
import pwd
import subprocess
import threading
import time

from fleet import MOOSE

CHECKER = "chaos_checker"


class Servers:
    def __init__(self, system):
        self.system = system
        self.own = dict(system.environment)
        self.lock = threading.Lock()
        self.broker_lock = threading.Lock()
        self.database_lock = threading.Lock()
        # The role whose password the faults change can't be the one that changes it back.
        self.sql(f"CREATE ROLE {CHECKER} SUPERUSER LOGIN PASSWORD 'checker'")
        self.user, self.password = self.own["PGUSER"], self.own["PGPASSWORD"]
        self.broker_user, self.broker_password = self.own["MOOSE_AMQP_URL"].split("//")[1].split("@")[0].split(":")
        self.own.update(PGUSER=CHECKER, PGPASSWORD="checker", PGAPPNAME=CHECKER, PGCONNECT_TIMEOUT="5")

    def sql(self, query):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1"], input=query, env=self.own,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def rows(self, query):
        return [line.split("|") for line in self.sql(query).splitlines()]

    def patient_sql(self, query, seconds=60):
        deadline = time.time() + seconds
        while True:
            try:
                return self.sql(query)
            except RuntimeError:
                if time.time() > deadline:
                    raise
                time.sleep(0.3)

    def break_function(self, name, text, instead):
        definition = self.sql(f"SELECT pg_get_functiondef('moose.{name}'::regproc)")
        if text not in definition:
            raise SystemExit(f"moose.{name} has no text {text!r}")
        self.sql(definition.replace(text, instead, 1))

    def pid(self, name):
        status = subprocess.run([MOOSE, "stack", "status", "--json", "--folder", self.system.stack_folder],
                                capture_output=True, text=True)
        return json.loads(status.stdout)[name].get("pid")

    def start(self):
        """Again when another fault killed the other server just now: a start is about both."""
        for left in (2, 1, 0):
            with self.lock:
                try:
                    return self.system.start_servers()
                except SystemExit:
                    if not left:
                        raise
            time.sleep(1)

    def restart(self, name, number, away):
        lock = self.broker_lock if name == "broker" else self.database_lock
        if not lock.acquire(blocking=False):
            return None
        try:
            began = time.time()
            pid = self.pid(name)
            os.kill(pid, number)
            while self.pid(name) == pid:
                time.sleep(0.1)
            time.sleep(away)
            self.start()
            return f"away for {time.time() - began:.1f} s"
        finally:
            lock.release()

    def terminate_backends(self, share):
        try:
            return self.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                            f"backend_type = 'client backend' AND usename <> '{CHECKER}' AND random() < {share}")
        except RuntimeError:
            return None     # the database is away just now

    def wrong_password(self, name, seconds, wait):
        lock = self.broker_lock if name == "broker" else self.database_lock
        if not lock.acquire(blocking=False):
            return None
        # A start of the stack asks the database under that password, too.
        self.lock.acquire()
        try:
            if name == "database":
                self.patient_sql(f"ALTER ROLE {self.user} PASSWORD 'wrong'")
                self.terminate_backends(1)
            else:
                self.rabbitmqctl("change_password", self.broker_user, "wrong")
                self.cut_broker()
            wait(seconds)
            if name == "database":
                self.patient_sql(f"ALTER ROLE {self.user} PASSWORD '{self.password}'")
            else:
                self.rabbitmqctl("change_password", self.broker_user, self.broker_password)
            return f"for {seconds:.1f} s"
        finally:
            self.lock.release()
            lock.release()


    def rabbitmqctl(self, *arguments):
        """As the user the broker runs as, with its cookie: the packaged wrapper knows only the system's own broker."""
        pid = self.pid("broker")
        with open(f"/proc/{pid}/environ", "rb") as file:
            theirs = dict(entry.split("=", 1) for entry in file.read().decode().split("\0") if "=" in entry)
        uid = os.stat(f"/proc/{pid}").st_uid
        account = {} if uid == os.geteuid() else {"user": uid, "group": pwd.getpwuid(uid).pw_gid, "extra_groups": []}
        wanted = ("RABBITMQ_", "ERL_EPMD", "HOME", "LANG", "PATH")
        environment = {name: value for name, value in theirs.items() if name.startswith(wanted)}
        subprocess.run([self.script("rabbitmqctl"), *arguments], env=environment, cwd=environment["HOME"], check=True,
                       capture_output=True, **account)

    @staticmethod
    def script(name):
        folders = ("/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/sbin")
        return next(path for folder in folders if os.access(path := os.path.join(folder, name), os.X_OK))

    def cut_broker(self):
        for process in self.fleet.processes:
            process.amqp.cut()
