"""One asyncio loop in a thread: the proxies between the product and its servers, and the service that the http handlers
call. Faults reach them through plain methods."""
import asyncio
import json
import os
import socket
import struct
import threading
import time


class Net:
    """Use it in a `with`."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def proxy(self, port):
        return self.run(Proxy(self.loop, port).open())

    def service(self, runs):
        return self.run(Service(runs).open())


class Proxy:
    """Forwards one port of loopback to another, as badly as it is told.

    mode      what happens to what arrives
    pass      forwarded
    stall     kept until the mode changes
    delay     forwarded `delay` seconds later
    dribble   forwarded in pieces of a few bytes
    half      the next piece is forwarded by half, then the connection is reset
    refuse    new connections are reset, those that stand go on
    """

    def __init__(self, loop, target):
        self.loop = loop
        self.target = target
        self.mode = "pass"
        self.delay = 0.05
        self.links = set()

    async def open(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.changed = asyncio.Event()
        return self

    def set(self, mode):
        def change():
            self.mode = mode
            self.changed.set()
            self.changed = asyncio.Event()
        self.loop.call_soon_threadsafe(change)

    def cut(self):
        """Resets every connection that stands."""
        self.loop.call_soon_threadsafe(lambda: [reset(writer) for link in list(self.links) for writer in link])

    async def serve(self, reader, writer):
        if self.mode == "refuse":
            return reset(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return reset(writer)
        link = (writer, far_writer)
        self.links.add(link)
        try:
            ways = [asyncio.ensure_future(self.pump(reader, far_writer, link)),
                    asyncio.ensure_future(self.pump(far_reader, writer, link))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
        finally:
            self.links.discard(link)
            for end in link:
                end.close()

    async def pump(self, reader, writer, link):
        try:
            while data := await reader.read(65536):
                while self.mode == "stall":
                    await self.changed.wait()
                if self.mode == "delay":
                    await asyncio.sleep(self.delay)
                elif self.mode == "half":
                    self.mode = "pass"
                    writer.write(data[:max(1, len(data) // 2)])
                    await writer.drain()
                    return [reset(end) for end in link]
                elif self.mode == "dribble":
                    for start in range(0, min(len(data), 350), 7):
                        writer.write(data[start:min(start + 7, 350)])
                        await writer.drain()
                        await asyncio.sleep(0.001)
                    data = data[350:]
                writer.write(data)
                await writer.drain()
        except OSError:
            # One side is gone; the other is closed by whoever waits for this.
            return


def reset(writer):
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass  # closed meanwhile
    writer.transport.abort()


class Service:
    """What the http handlers call. It writes down every run before it answers."""

    def __init__(self, runs):
        self.runs = os.open(runs, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.seen = {}      # id of a flaky order -> runs so far
        self.ran = []       # ids of the kind `call`

    async def open(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, limit=1 << 22)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                kind = head[0].split()[1].strip("/")
                status, answer = await self.answer(kind, json.loads(body), headers.get("chaos-worker", "-"))
                data = json.dumps(answer).encode()
                writer.write(f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n"
                             f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass  # the worker is gone, or has no more to ask
        finally:
            writer.close()

    async def answer(self, kind, order, worker):
        id = order["id"]
        os.write(self.runs, f"{id} {order['attempt']} {worker} {kind}\n".encode())
        if kind == "call":
            self.ran.append(id)
        if kind == "slow":
            await asyncio.sleep(1 + int(id[-2:], 16) / 128)
        if kind == "failing":
            return 422, {"cost_usd": "0.0003", "why": "it never works"}
        if kind == "flaky":
            self.seen[id] = self.seen.get(id, 0) + 1
            if self.seen[id] <= 1 + int(id[-1], 16) % 2:
                return 503, {"cost_usd": "0.0002"}
        return 200, {} if kind == "free" else {"cost_usd": "0.0008"}
