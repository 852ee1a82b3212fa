"""Publishers as strangers write them: whatever happens, they send again under the same id until it is confirmed."""
import json
import os
import subprocess
import threading
import time

import pika

from fleet import MOOSE

TROUBLE = (pika.exceptions.AMQPError, OSError, ValueError)


class Publishers:
    """`count` threads with pika, and one with `moose publish`. They keep to the pace of the whole run."""

    def __init__(self, fleet, plan, seconds, count=3):
        self.fleet, self.plan = fleet, plan
        self.rate = plan.count / seconds
        self.started = time.time()
        self.proxy = fleet.net.proxy(fleet.amqp_port)
        self.stopping = False
        self.resent = 0
        self.url = fleet.through(fleet.environment["MOOSE_AMQP_URL"], self.proxy.port)
        self.threads = [threading.Thread(target=self.with_pika, daemon=True) for _ in range(count)]
        self.threads.append(threading.Thread(target=self.with_moose, daemon=True))
        for thread in self.threads:
            thread.start()

    @property
    def are_done(self):
        return not any(thread.is_alive() for thread in self.threads)

    def next(self):
        while not self.stopping and self.plan.made > (time.time() - self.started) * self.rate:
            time.sleep(0.02)
        return None if self.stopping else self.plan.next()

    def with_pika(self):
        channel = None
        while (message := self.next()) is not None:
            while not self.stopping:
                try:
                    if channel is None:
                        channel = self.connect()
                    self.plan.sent(message)
                    channel.basic_publish(
                        "moose.work", message.lane, message.body,
                        pika.BasicProperties(message_id=message.id, delivery_mode=2, app_id="chaos"))
                    self.plan.was_confirmed(message)
                    break
                except TROUBLE:
                    self.resent += 1
                    channel = None
                    time.sleep(0.3)

    def connect(self):
        parameters = pika.URLParameters(self.url)
        parameters.socket_timeout = parameters.stack_timeout = 10
        parameters.blocked_connection_timeout = 30
        parameters.heartbeat = 10
        channel = pika.BlockingConnection(parameters).channel()
        channel.confirm_delivery()
        return channel

    def with_moose(self):
        environment = dict(self.fleet.environment, MOOSE_AMQP_URL=self.url)
        waiting = []
        while True:
            message = self.next()
            if message is not None:
                # Only what is an order: the product's own publisher refuses the rest before it is sent.
                if message.key != message.id or message.lane == "nowhere":
                    waiting_for_pika = message
                    self.send_once(waiting_for_pika)
                    continue
                waiting.append(message)
                if len(waiting) < 40:
                    continue
            while waiting and not self.stopping:
                lines = b"".join(json.dumps(dict(json.loads(one.body), id=one.id, lane=one.lane)).encode() + b"\n"
                                 for one in waiting)
                for one in waiting:
                    self.plan.sent(one)
                done = subprocess.run(
                    [MOOSE, "publish", "--file", "-", "--config", self.fleet.config], input=lines, env=environment,
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                if done.returncode == 0:
                    for one in waiting:
                        self.plan.was_confirmed(one)
                    waiting = []
                elif done.returncode in (1, 3, 4):
                    self.resent += len(waiting)
                    time.sleep(0.5)
                else:
                    raise RuntimeError(f"moose publish: {done.returncode} {done.stderr[-400:]}")
            if message is None:
                return

    def send_once(self, message):
        while not self.stopping:
            try:
                channel = self.connect()
                self.plan.sent(message)
                channel.basic_publish("moose.work", message.lane, message.body,
                                      pika.BasicProperties(message_id=message.id, delivery_mode=2))
                self.plan.was_confirmed(message)
                channel.connection.close()
                return
            except TROUBLE:
                self.resent += 1
                time.sleep(0.3)
