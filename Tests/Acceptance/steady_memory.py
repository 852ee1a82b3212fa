#!/usr/bin/python3
"""A worker's memory doesn't grow with the number of jobs it has run, at the default time-out of ten minutes, nor do its open
files. JOBS (100,000 by default) orders go through one worker of SLOTS slots (32), each a call of a service, one in a hundred
a command; its memory after a fifth of them, or after 100,000 where there are many more, is compared with that after all.
Before the first one it is a small program, however many slots it has.

    SLOTS=1000 FIRST=200000 JOBS=1000000 WITHIN=5 Tests/Acceptance/steady_memory.py      compared with that after FIRST"""
import asyncio
import multiprocessing
import os
import sys
import time

import pika

from system import System, check, time_ordered_id

JOBS = int(os.environ.get("JOBS", "100000"))
CHUNK = 5000
FIRST = int(os.environ.get("FIRST", max(CHUNK, min(100_000, JOBS // 5) // CHUNK * CHUNK)))
SLOTS = int(os.environ.get("SLOTS", "32"))
WITHIN = int(os.environ.get("WITHIN", "10"))
IDLE_KIB = 60 * 1024
assert FIRST % CHUNK == 0 and JOBS % CHUNK == 0 and FIRST < JOBS, f"FIRST and JOBS are multiples of {CHUNK}, FIRST the smaller"
CONFIG = r"""
lanes: {default: {}}
handlers:
  call: {http: {url: "http://127.0.0.1:PORT/"}, free: true}
  run: {command: {argv: ["/bin/true"]}, free: true}
"""


class Service(asyncio.Protocol):
    """Answers every request with an empty 200; requests are small, and come one after the other."""
    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"

    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""

    def data_received(self, data):
        self.rest += data
        while True:
            end = self.rest.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.rest[:end].lower()
            start = head.find(b"content-length:")
            length = int(head[start + 15:].split(b"\r\n", 1)[0]) if start >= 0 else 0
            if len(self.rest) < end + 4 + length:
                return
            self.rest = self.rest[end + 4 + length:]
            self.transport.write(self.ANSWER)


def serve(port):
    async def main():
        server = await asyncio.get_running_loop().create_server(Service, "127.0.0.1", 0, backlog=512)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()
    asyncio.run(main())


def measure(pid):
    with open(f"/proc/{pid}/status") as file:
        resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
    return resident, len(os.listdir(f"/proc/{pid}/fd"))


port = multiprocessing.Value("i", 0)
service = multiprocessing.Process(target=serve, args=(port,), daemon=True)
service.start()
while port.value == 0:
    time.sleep(0.01)
with System(CONFIG.replace("PORT", str(port.value))) as system:
    system.start("worker", "worker", "--lane", f"default:{SLOTS}")
    worker = system.processes["worker"].pid
    system.wait_for("the worker is registered", "SELECT count(*) FROM moose.workers", "1", 30)
    time.sleep(3)
    idle, files = measure(worker)
    print(f"  idle with {SLOTS} slots: {idle} KiB, {files} files", flush=True)
    check(f"idle below {IDLE_KIB} KiB", idle < IDLE_KIB, True)
    connection = pika.BlockingConnection(pika.URLParameters(system.environment["MOOSE_AMQP_URL"]))
    channel = connection.channel()
    figures = {}
    sent, began = 0, time.time()
    while sent < JOBS:
        for number in range(CHUNK):
            kind = "run" if number % 100 == 0 else "call"
            body = b'{"kind":"%s","title":"t"}' % kind.encode()
            channel.basic_publish("moose.work", "default", body,
                                  pika.BasicProperties(message_id=time_ordered_id(), delivery_mode=2))
        sent += CHUNK
        system.wait_for(f"{sent} are done", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'",
                        str(CHUNK), 300)
        # Only the worker's growth is of interest, and a small table keeps this short.
        system.sql("TRUNCATE moose.work_orders CASCADE")
        if sent in (FIRST, JOBS):
            figures[sent] = measure(worker)
            print(f"  after {sent}: {figures[sent][0]} KiB, {figures[sent][1]} files, "
                  f"{sent / (time.time() - began):.0f}/s", flush=True)
    (before, files_before), (after, files_after) = figures[FIRST], figures[JOBS]
    check(f"growth within {WITHIN} % (it is {100 * (after - before) / before:+.1f} %)", 100 * (after - before) <= WITHIN * before,
          True)
    check(f"open files stay the same ({files_before}, then {files_after})", abs(files_after - files_before) <= 3, True)
print("steady_memory: ok")
