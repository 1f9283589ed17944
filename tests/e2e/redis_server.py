"""A real Redis server for tests, on a port of its own, which may be restarted."""

import os
import shutil
import subprocess
import tempfile

import redis

from lockd import LIMIT, listens, wait_until
from loopback import free_port


def missing():
    """Returns what is missing to run servers, or None."""
    return None if shutil.which("redis-server") else "needs the package redis-server"


class RedisServer:
    """A server as a context, with the lines of a configuration in `more`. `kill()` ends it as a
    crash does; `start()` lets it come back, with nothing in it."""

    def __init__(self, *more, tls=None):
        self.folder = tempfile.TemporaryDirectory(prefix="redis-test-")
        self.port = free_port()
        self.unix = os.path.join(self.folder.name, "socket")
        self.configuration = os.path.join(self.folder.name, "redis.conf")
        ports = [f"port {self.port}"] if tls is None else [
            "port 0", f"tls-port {self.port}", f"tls-cert-file {tls}", f"tls-key-file {tls}",
            f"tls-ca-cert-file {tls}", "tls-auth-clients yes"]
        with open(self.configuration, "w", encoding="ascii") as file:
            file.write("\n".join([*ports, "bind 127.0.0.1", f"unixsocket {self.unix}",
                                  f"dir {self.folder.name}", 'save ""', *more]) + "\n")

    def __enter__(self):
        self.start()
        return self

    def start(self):
        self.process = subprocess.Popen(["redis-server", self.configuration],
                                        stdout=subprocess.DEVNULL)
        wait_until(lambda: listens(self.unix), "redis-server listens")

    def kill(self):
        self.process.kill()
        self.process.wait(LIMIT)
        if os.path.exists(self.unix):
            os.remove(self.unix)

    def client(self, **options):
        return redis.Redis(unix_socket_path=self.unix, socket_timeout=LIMIT, decode_responses=True,
                           **options)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(LIMIT)
        self.folder.cleanup()
