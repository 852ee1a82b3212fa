"""A RabbitMQ of three nodes, and a PostgreSQL primary with a synchronous standby, on loopback and on ports of their own."""
import glob
import os
import pwd
import signal
import socket
import subprocess
import sys
import time

USER, PASSWORD = "moose", "failover"


def free_ports(count):
    holders = [socket.socket() for _ in range(count)]
    for holder in holders:
        holder.bind(("127.0.0.1", 0))
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


def account(*names):
    """Servers refuse to run as root: whom they run as then."""
    if os.geteuid() != 0:
        return {}, os.geteuid(), os.getegid()
    for name in names:
        try:
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}, entry.pw_uid, entry.pw_gid
        except KeyError:
            continue
    sys.exit(f"no user of {names}: install the servers")


def program(*patterns):
    for pattern in patterns:
        found = sorted(path for path in glob.glob(pattern) if os.access(path, os.X_OK))
        if found:
            return found[-1]
    sys.exit(f"not found: {patterns}")


class Servers:
    """One folder, one account, and processes that end with the story."""

    def __init__(self, folder, *accounts):
        self.folder = folder
        self.account, uid, gid = account(*accounts)
        self.processes = {}
        os.makedirs(folder, exist_ok=True)
        os.chown(folder, uid, gid)
        self.owner = (uid, gid)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        os.chown(path, *self.owner)
        return path

    def spawn(self, name, arguments, environment):
        log = open(os.path.join(self.folder, name + ".log"), "ab")
        self.processes[name] = subprocess.Popen(
            arguments, env=environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True, **self.account)

    def run(self, arguments, environment, check=True):
        done = subprocess.run(arguments, env=environment, cwd=self.folder, capture_output=True, text=True, **self.account)
        if check and done.returncode != 0:
            sys.exit(f"{' '.join(arguments)} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def kill(self, name, number=signal.SIGKILL):
        """The server and its helpers, which are its process group."""
        process = self.processes.pop(name)
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def stop(self):
        for name in list(self.processes):
            self.kill(name)


class Brokers(Servers):
    def __init__(self, folder, count=3):
        super().__init__(folder, "rabbitmq", "nobody")
        self.names = [f"moose{number}@localhost" for number in range(1, count + 1)]
        ports = free_ports(2 * count + 1)
        self.epmd, self.ports, self.distribution = ports[0], ports[1:count + 1], ports[count + 1:]
        self.scripts = os.path.dirname(program("/usr/lib/rabbitmq/bin/rabbitmq-server", "/opt/rabbitmq/sbin/rabbitmq-server",
                                               "/usr/local/sbin/rabbitmq-server"))
        self.write(".erlang.cookie", "FAILOVERCOOKIE", 0o400)

    @property
    def url(self):
        return f"amqp://{USER}:{PASSWORD}@{','.join(f'127.0.0.1:{port}' for port in self.ports)}/moose"

    def environment(self, index):
        base = os.path.join(self.folder, f"node{index}")
        return {
            "HOME": self.folder, "LANG": "C.UTF-8", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "ERL_EPMD_PORT": str(self.epmd), "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_NODENAME": self.names[index],
            "RABBITMQ_CONF_ENV_FILE": "/dev/null", "RABBITMQ_CONFIG_FILE": f"{base}.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{self.folder}/enabled_plugins", "RABBITMQ_MNESIA_BASE": f"{base}-data",
            "RABBITMQ_LOG_BASE": f"{base}-log", "RABBITMQ_DIST_PORT": str(self.distribution[index]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # Makes the script become the server.
            "RUNNING_UNDER_SYSTEMD": "true"}

    def control(self, index, *arguments, check=True):
        return self.run([f"{self.scripts}/rabbitmqctl", "-q", *arguments], self.environment(index), check)

    def start(self):
        # In the foreground: one that a node starts would outlive the story.
        self.spawn("epmd", [program("/usr/bin/epmd", "/usr/lib/erlang/bin/epmd", "/usr/local/bin/epmd"),
                            "-port", str(self.epmd), "-address", "127.0.0.1"], self.environment(0))
        self.write("enabled_plugins", "[].\n")
        for index, port in enumerate(self.ports):
            self.write(f"node{index}.conf", f"""listeners.tcp.1 = 127.0.0.1:{port}
default_user = {USER}
default_pass = {PASSWORD}
default_vhost = moose
disk_free_limit.absolute = 50MB
log.console = false
cluster_partition_handling = ignore
""")
            self.start_node(index)
        for index in range(len(self.names)):
            self.wait(index)
        for index in range(1, len(self.names)):
            self.control(index, "stop_app")
            self.control(index, "join_cluster", self.names[0])
            self.control(index, "start_app")
        return self

    def start_node(self, index):
        self.spawn(self.names[index], [f"{self.scripts}/rabbitmq-server"], self.environment(index))

    def wait(self, index):
        deadline = time.time() + 90
        while time.time() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.ports[index]), 1).close()
                return
            except OSError:
                time.sleep(0.2)
        sys.exit(f"{self.names[index]} did not start")

    def leader(self, queue):
        for line in self.control(0, "list_queues", "-p", "moose", "--no-table-headers", "name", "leader").splitlines():
            name, leader = line.split("\t")
            if name == queue:
                return self.names.index(leader)
        sys.exit(f"{queue} has no leader")


class Databases(Servers):
    def __init__(self, folder, standby=True):
        super().__init__(folder, "postgres", "nobody")
        self.has_standby = standby
        self.ports = free_ports(2)
        self.bin = os.path.dirname(program("/usr/lib/postgresql/*/bin/postgres", "/usr/local/bin/postgres", "/usr/bin/postgres"))
        self.plain = {"HOME": folder, "LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin", "PGPASSWORD": PASSWORD}

    @property
    def url(self):
        ports = self.ports if self.has_standby else self.ports[:1]
        return f"postgresql://{USER}:{PASSWORD}@{','.join(f'127.0.0.1:{port}' for port in ports)}/moose"

    @property
    def client(self):
        """For psql: whichever takes writes."""
        return {"PGHOST": "127.0.0.1,127.0.0.1", "PGPORT": ",".join(map(str, self.ports)), "PGUSER": USER,
                "PGPASSWORD": PASSWORD, "PGDATABASE": "moose", "PGTARGETSESSIONATTRS": "read-write", "PGCONNECT_TIMEOUT": "3"}

    def start(self):
        self.write("password", PASSWORD)
        primary, standby = f"{self.folder}/primary", f"{self.folder}/standby"
        self.run([f"{self.bin}/initdb", "-D", primary, f"--username={USER}", f"--pwfile={self.folder}/password",
                  "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"], self.plain)
        self.start_server("primary", primary, self.ports[0])
        self.psql(0, "CREATE DATABASE moose", "postgres")
        if not self.has_standby:
            return self
        self.run([f"{self.bin}/pg_basebackup", "-D", standby, "-R", "-X", "stream", "-c", "fast", "-d",
                  f"host=127.0.0.1 port={self.ports[0]} user={USER} password={PASSWORD} application_name=standby"], self.plain)
        self.start_server("standby", standby, self.ports[1])
        self.psql(0, "ALTER SYSTEM SET synchronous_standby_names = 'standby'", "postgres")
        self.psql(0, "SELECT pg_reload_conf()", "postgres")
        deadline = time.time() + 30
        while self.psql(0, "SELECT sync_state FROM pg_stat_replication", "postgres") != "sync":
            if time.time() > deadline:
                sys.exit("the standby is not synchronous")
            time.sleep(0.2)
        return self

    def start_server(self, name, data, port):
        self.spawn(name, [f"{self.bin}/postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
                          "-c", f"unix_socket_directories={self.folder}", "-c", "max_connections=200"], self.plain)
        deadline = time.time() + 60
        while subprocess.run([f"{self.bin}/pg_isready", "-h", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL).returncode:
            if time.time() > deadline:
                sys.exit(f"the {name} did not start")
            time.sleep(0.1)

    def psql(self, index, query, database="moose"):
        return self.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.ports[index]), "-U", USER,
                         "-c", query, database], self.plain).strip()

    def promote(self):
        self.run([f"{self.bin}/pg_ctl", "promote", "-D", f"{self.folder}/standby", "-w"], self.plain)
