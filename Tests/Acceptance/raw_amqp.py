"""A publisher that sends what AMQP allows and no client library makes: any bytes as texts, tables of any depth, every type."""
import socket
import struct
import urllib.parse


class Refused(Exception):
    """The broker closed the connection over a message: it never took it."""


class RawPublisher:
    """Publishes one message at a time and waits for its confirm."""

    FRAME_MAX = 131072

    def __init__(self, url):
        self.url = urllib.parse.urlparse(url)
        self.socket = None

    def connect(self):
        self.close()
        self.socket = socket.create_connection((self.url.hostname, self.url.port or 5672), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.socket.sendall(b"AMQP\x00\x00\x09\x01")
        self.expect(10, 10)
        user, password = (urllib.parse.unquote(part or "guest") for part in (self.url.username, self.url.password))
        answer = b"\0" + user.encode() + b"\0" + password.encode()
        self.method(0, 10, 11, long_text(b"") + short_text(b"PLAIN") + long_text(answer) + short_text(b"en_US"))
        self.expect(10, 30)
        self.method(0, 10, 31, struct.pack(">HIH", 2047, self.FRAME_MAX, 0))
        host = urllib.parse.unquote(self.url.path[1:]) or "/"
        self.method(0, 10, 40, short_text(host.encode()) + b"\0\0")
        self.expect(10, 41)
        self.method(1, 20, 10, b"\0")
        self.expect(20, 11)
        self.method(1, 85, 10, b"\0")
        self.expect(85, 11)

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def publish(self, exchange, key, properties, body):
        """properties: flags and values, encoded. Raises Refused when the broker doesn't take the message."""
        if self.socket is None:
            self.connect()
        frames = [self.frame(1, 1, struct.pack(">HHH", 60, 40, 0) + short_text(exchange.encode()) + short_text(key) + b"\0"),
                  self.frame(2, 1, struct.pack(">HHQ", 60, 0, len(body)) + properties)]
        frames += [self.frame(3, 1, body[at:at + self.FRAME_MAX - 8]) for at in range(0, len(body), self.FRAME_MAX - 8)]
        try:
            self.socket.sendall(b"".join(frames))
            while True:
                kind, payload = self.read()
                if kind == 1 and payload[:4] == struct.pack(">HH", 60, 80):
                    return
                if kind == 1 and payload[:4] in (struct.pack(">HH", 10, 50), struct.pack(">HH", 20, 40)):
                    raise Refused(payload[4:].decode(errors="replace"))
        except (OSError, Refused) as error:
            self.close()
            raise Refused(str(error)) from error

    def method(self, channel, family, number, arguments):
        self.socket.sendall(self.frame(1, channel, struct.pack(">HH", family, number) + arguments))

    def expect(self, family, number):
        while True:
            kind, payload = self.read()
            if kind == 1:
                if payload[:4] != struct.pack(">HH", family, number):
                    raise Refused(payload.decode(errors="replace"))
                return

    def read(self):
        while len(self.buffer) < 7:
            self.more()
        size = struct.unpack(">I", self.buffer[3:7])[0]
        while len(self.buffer) < size + 8:
            self.more()
        kind, payload = self.buffer[0], self.buffer[7:7 + size]
        self.buffer = self.buffer[size + 8:]
        return kind, payload

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise OSError("the broker closed the connection")
        self.buffer += data

    @staticmethod
    def frame(kind, channel, payload):
        return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def short_text(content):
    return struct.pack(">B", len(content)) + content


def long_text(content):
    return struct.pack(">I", len(content)) + content


def nested(levels, kinds):
    """A field of so many tables ('F') and arrays ('A') inside of one another, built without copying each."""
    sizes, size = [], 1
    for level in reversed(range(levels)):
        size += 1 if kinds[level % len(kinds)] == "F" else 0
        sizes.append(size)
        size += 5
    parts = []
    for level, size in zip(range(levels), reversed(sizes)):
        kind = kinds[level % len(kinds)]
        parts.append(kind.encode() + struct.pack(">I", size) + (b"\0" if kind == "F" else b""))
    return b"".join(parts) + b"V"


# The flags' bits, in the order of the values.
PROPERTIES = {"content_type": 15, "content_encoding": 14, "headers": 13, "delivery_mode": 12, "priority": 11,
              "correlation_id": 10, "reply_to": 9, "expiration": 8, "message_id": 7, "timestamp": 6, "type": 5, "user_id": 4,
              "app_id": 3, "cluster_id": 2}


def properties(**values):
    """Encodes properties: texts as bytes, `headers` as the table's entries, numbers as numbers."""
    flags, content = 0, b""
    for name, bit in PROPERTIES.items():
        if name not in values:
            continue
        flags |= 1 << bit
        value = values[name]
        if name == "headers":
            content += long_text(value)
        elif name in ("delivery_mode", "priority"):
            content += struct.pack(">B", value)
        elif name == "timestamp":
            content += struct.pack(">Q", value)
        else:
            content += short_text(value)
    return struct.pack(">H", flags) + content
