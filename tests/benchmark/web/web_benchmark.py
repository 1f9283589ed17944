#!/usr/bin/env python3
"""Measures the module `http` beside nginx and Node; `./dev bench web` calls this.

    web_benchmark [--quick] [--json] [WORKLOAD]

Each server runs alone on loopback, with one thread that serves; the same client loads them in turn.
The processor time is the server's own, so that it does not matter that the client runs on the same
machine. A peer that is not installed is left out, with a note.
"""

import argparse
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
LIMIT = 30  # seconds until a server must be there
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
EVENTS = {"bench.Tick": {"members": [{"name": "number", "type": "integer"}]}}


class Server:
    """A process that listens at a port."""

    def __init__(self, name, command, port, cwd=None):
        self.name = name
        self.port = port
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, cwd=cwd, stdout=self.log, stderr=self.log)
        end = time.monotonic() + LIMIT
        while True:
            try:
                self.connect().close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.log.seek(0)
                    sys.exit(f"{name} does not start:\n{self.log.read().decode()[-3000:]}")
                time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT)

    def processes(self):
        """Returns the process and its children: nginx serves in one of these."""
        own = self.process.pid
        path = f"/proc/{own}/task/{own}/children"
        with open(path, encoding="ascii") as children:
            return [own, *map(int, children.read().split())]

    def cpu(self):
        """Returns the seconds of processor time that it has used."""
        ticks = 0
        for process in self.processes():
            with open(f"/proc/{process}/stat", encoding="ascii") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Returns the bytes of memory that it alone uses."""
        total = 0
        for process in self.processes():
            with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as rollup:
                total += sum(int(line.split()[1]) * 1024 for line in rollup
                             if line.startswith(("Private_Clean", "Private_Dirty")))
        return total


class World:
    """The servers, and the files that they need."""

    def __init__(self, folder):
        self.folder = folder
        self.weir_program = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])),
                                         "../bin/weir")
        os.mkdir(os.path.join(folder, "site"))
        with open(os.path.join(folder, "site", "file.txt"), "w", encoding="ascii") as file:
            file.write("x" * 1023 + "\n")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def weir(self):
        port = free_port()
        app = {"server": {"startup": ["lock", "http"], "events": EVENTS, "log": {"level": "error"},
                          "roles": {"bench": {"may": ["*.*"]}}},
               "module": {"http": {
                   "listen": [{"address": f"tcp://127.0.0.1:{port}", "anonymous": ["admin"]}],
                   "routes": [{"path": "/site/*", "folder": os.path.join(self.folder, "site")}],
                   "max_clients": 20000, "max_clients_per_address": 20000,
                   "first_byte_timeout": "1h", "idle_timeout": "1h"}}}
        path = self.write("app.json", json.dumps(app))
        return Server("weir", [self.weir_program, "run", path], port)

    def nginx(self):
        if shutil.which("nginx") is None:
            return None
        port = free_port()
        path = self.write("nginx.conf", f"""
            daemon off; worker_processes 1; pid {self.folder}/nginx.pid; error_log stderr crit;
            events {{ worker_connections 20000; }}
            http {{
                access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
                types {{ text/plain txt; }}
                client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
                fastcgi_temp_path {self.folder}/fcgi; uwsgi_temp_path {self.folder}/uwsgi;
                scgi_temp_path {self.folder}/scgi;
                server {{ listen 127.0.0.1:{port}; root {self.folder}; }}
            }}""")
        return Server("nginx", ["nginx", "-p", self.folder, "-e", "stderr", "-c", path], port)

    def node(self, web_sockets=False):
        node = shutil.which("node")
        if node is None:
            return None
        if web_sockets and subprocess.run([node, "-e", "require('ws')"], capture_output=True,
                                          check=False, env=node_environment()).returncode != 0:
            return None
        port = free_port()
        environment = node_environment()
        command = ["env", f"NODE_PATH={environment['NODE_PATH']}", node,
                   os.path.join(HERE, "node_web.js"), str(port), os.path.join(self.folder, "site"),
                   *(["ws"] if web_sockets else [])]
        return Server("Node", command, port)


def node_environment():
    return {**os.environ, "NODE_PATH": "/usr/share/nodejs:/usr/lib/nodejs"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- loads: each returns the figure of one round

def microseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def requests(server, path, seconds, script=None):
    """Loads with wrk."""
    def wrk(time_of_load):
        return subprocess.run(
            ["wrk", "-t1", "-c50", f"-d{time_of_load}s", "--latency",
             *(["-s", script] if script else []), f"http://127.0.0.1:{server.port}{path}"],
            capture_output=True, text=True, check=True).stdout
    wrk(1)  # what is done once only
    before = server.cpu()
    text = wrk(seconds)
    used = server.cpu() - before
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*", text)
    if wrong:
        sys.exit(f"{server.name}: {wrong.group(0)}")
    count = int(re.search(r"(\d+) requests in", text).group(1))
    return {"value": used / count * 1e6,
            "requests/s": float(re.search(r"Requests/sec:\s*([\d.]+)", text).group(1)),
            "p50, us": microseconds(re.search(r"(?m)^ +50% +(\S+)", text).group(1)),
            "p99, us": microseconds(re.search(r"(?m)^ +99% +(\S+)", text).group(1))}


def read_head(connection):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            sys.exit(f"a client was closed: {head!r}")
        head += byte
    return head


def open_web_socket(server, path):
    connection = server.connect()
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode())
    if not read_head(connection).startswith(b"HTTP/1.1 101 "):
        sys.exit(f"{server.name} opens no WebSocket")
    return connection


def publish(server, path, every, stop):
    """Sends events at a steady rate until it is told to stop."""
    with server.connect() as connection:
        number = 0
        next_time = time.monotonic()
        while not stop.is_set():
            number += 1
            body = json.dumps({"number": number})
            connection.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                               f"application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                               .encode())
            if not read_head(connection).startswith(b"HTTP/1.1 204 "):
                sys.exit(f"{server.name} takes no event")
            next_time += every
            time.sleep(max(0, next_time - time.monotonic()))


def messages(server, watch, send, clients, seconds):
    """Counts what clients of WebSockets receive while 100 events are sent in a second."""
    connections = [open_web_socket(server, watch) for _ in range(clients)]
    poll = select.epoll()
    by_number = {}
    for connection in connections:
        connection.setblocking(False)
        poll.register(connection, select.EPOLLIN)
        by_number[connection.fileno()] = connection
    # Frames of a server are not masked: no other byte of these is 0x81.
    stop = threading.Event()
    publisher = threading.Thread(target=publish, args=(server, send, 0.01, stop))
    publisher.start()
    received = 0
    began, cpu = time.monotonic(), server.cpu()
    while time.monotonic() < began + seconds:
        for number, _ in poll.poll(0.1):
            received += by_number[number].recv(1 << 16).count(b"\x81")
    used, passed = server.cpu() - cpu, time.monotonic() - began
    stop.set()
    publisher.join()
    for connection in connections:
        connection.close()
    return {"value": used / max(1, received) * 1e6, "messages/s": received / passed,
            "wanted/s": clients * 100.0}


def idle_memory(server, path, clients):
    """Returns what a connection takes that has sent a request, and is open."""
    def ask(connection):
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = read_head(connection)
        left = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        while left > 0:
            left -= len(connection.recv(left))
    first = [server.connect() for _ in range(50)]
    for connection in first:
        ask(connection)
    before = server.memory()
    more = [server.connect() for _ in range(clients)]
    for connection in more:
        ask(connection)
    used = server.memory() - before
    for connection in first + more:
        connection.close()
    return {"value": used / clients / 1024}


# --- workloads

def workloads(world, quick):
    """Returns (name, unit, [(server maker, load)])."""
    seconds = 1 if quick else 5
    clients = 100 if quick else 1000
    call = os.path.join(HERE, "call.lua")
    yield "W13 static file of 1 KB", "us", [
        (maker, lambda server: requests(server, "/site/file.txt", seconds))
        for maker in (world.weir, world.nginx, world.node)]
    yield "W14 call with JSON", "us", [
        (maker, lambda server: requests(server, "/call/lock/list", seconds, call))
        for maker in (world.weir, world.node)]
    yield f"W15 message to one of {clients:,} WebSockets, 100 events/s", "us", [
        (world.weir, lambda server: messages(server, "/events?type=bench.Tick",
                                             "/events/bench.Tick", clients, seconds)),
        (lambda: world.node(web_sockets=True),
         lambda server: messages(server, "/events", "/events", clients, seconds))]
    idle = 1000  # also in a short run: memory comes in pages, and of few each seems to take more
    yield f"W16 memory of an idle connection, of {idle:,}", "KiB", [
        (maker, lambda server: idle_memory(server, "/site/file.txt", idle))
        for maker in (world.weir, world.nginx, world.node)]


def report(workload, unit, name, rounds, as_json):
    figure = {"workload": workload, "contender": name,
              "kind": "weir" if name == "weir" else "peer", "unit": unit,
              "value": statistics.median(r["value"] for r in rounds),
              "least": min(r["value"] for r in rounds), "most": max(r["value"] for r in rounds)}
    for extra in rounds[0]:
        if extra != "value":
            figure[extra] = statistics.median(r[extra] for r in rounds)
    if as_json:
        print(json.dumps(figure), flush=True)
        return
    more = ", ".join(f"{figure[extra]:,.0f} {extra}" for extra in rounds[0] if extra != "value")
    print(f"{workload}: {name} {figure['value']:.3g} {unit} ({figure['least']:.3g} .. "
          f"{figure['most']:.3g}) {more}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sweep", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--original", help=argparse.SUPPRESS)
    parser.add_argument("workload", nargs="?", default="")
    arguments = parser.parse_args()
    if arguments.sweep:  # there is nothing to grow with
        return
    if shutil.which("wrk") is None:
        print("web_benchmark: wrk is not installed: nothing is measured", file=sys.stderr)
        return
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (min(32768, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    with tempfile.TemporaryDirectory(prefix="web-benchmark-") as folder:
        os.chmod(folder, 0o755)  # nginx that root starts serves as another user
        world = World(folder)
        for workload, unit, contenders in workloads(world, arguments.quick):
            if arguments.workload not in workload + " ":
                continue
            rounds = {}
            for _ in range(1 if arguments.quick else 3):
                for maker, load in contenders:
                    server = maker()
                    if server is None:
                        continue
                    with server:
                        rounds.setdefault(server.name, []).append(load(server))
            for name, measured in rounds.items():
                report(workload, unit, name, measured, arguments.json)
            if len(rounds) < len(contenders):
                print(f"{workload}: {len(contenders) - len(rounds)} of the peers nginx-light, "
                      "nodejs, node-ws are not installed", file=sys.stderr)


if __name__ == "__main__":
    main()
