"""TLS with real peers: redis-cli, Python and openssl against lockd, weir's commands against lockd
and openssl. Keys and certificates are made here by openssl."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from lockd import LIMIT, Lockd, main, program, wait_until


class Files:
    """A folder with an authority and what it signs. `x` has x.pem and x.key."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="lockd-tls-")
        self.authority("ca")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=LIMIT)

    def new_key(self, name, *more):
        self.openssl("req", *more, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-keyout", self.path(name + ".key"), "-subj", "/CN=" + name)

    def authority(self, name):
        self.new_key(name, "-x509", "-noenc", "-days", "2", "-out", self.path(name + ".pem"))

    def sign(self, name, hosts="DNS:localhost,IP:127.0.0.1", days=1, by="ca"):
        """Replaces what is there."""
        with open(self.path("extensions"), "w", encoding="ascii") as extensions:
            extensions.write(f"subjectAltName={hosts}\n")
        self.new_key(name, "-noenc", "-out", self.path("request"))
        self.openssl("x509", "-req", "-in", self.path("request"), "-days", str(days),
                     "-CA", self.path(by + ".pem"), "-CAkey", self.path(by + ".key"),
                     "-CAcreateserial", "-extfile", self.path("extensions"),
                     "-out", self.path(name + ".pem"))


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = Files()
        cls.addClassCleanup(cls.files.folder.cleanup)
        for name in "server", "client":
            cls.files.sign(name)

    def enter(self, context):  # enterContext of Python 3.11
        result = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return result

    def serve(self, name="server", more=None, **tls):
        """Starts a lockd that listens with TLS, too: at self.port."""
        files = {"certificate": self.files.path(name + ".pem"),
                 "key": self.files.path(name + ".key")}
        lockd = Lockd(**(more or {}))
        lockd.settings["listen"].append({"address": "tls://127.0.0.1:0", "tls": {**files, **tls}})
        lockd.write()
        self.enter(lockd)
        self.port = int(lockd.wait_for_log(r"listens at tls://127\.0\.0\.1:(\d+)").group(1))
        return lockd

    def shown(self, name):
        """Returns the options by which redis-cli, and weir, show a certificate."""
        return "--cert", self.files.path(name + ".pem"), "--key", self.files.path(name + ".key")

    def context(self):
        return ssl.create_default_context(cafile=self.files.path("ca.pem"))

    def connect(self):
        return self.enter(Client(self.port, self.context()))

    def cli(self, *arguments):
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), "--tls", "--cacert", self.files.path("ca.pem"),
             *arguments], capture_output=True, text=True, timeout=LIMIT, check=False)
        return (done.stdout + done.stderr).strip()

    def s_client(self, expected, *arguments, text=""):
        """Requires that `openssl s_client` prints a line with the pattern, with `text` as input."""
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}",
                   "-CAfile", self.files.path("ca.pem"), *arguments]
        seen = []
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as client:
            limit = threading.Timer(LIMIT, client.kill)
            limit.start()
            client.stdin.write(text)
            client.stdin.flush()
            for line in client.stdout:
                seen.append(line)
                if re.search(expected, line):
                    break
            else:
                self.fail(f"no '{expected}' in:\n" + "".join(seen))
            limit.cancel()
            client.kill()

    def weir(self, *arguments, ca="ca", port=None, host="localhost"):
        """Runs a command of weir; "ADDRESS" in it is the server's."""
        address = f"tls://{host}:{port or self.port}"
        return subprocess.run(
            [program("weir"), *(address if word == "ADDRESS" else word for word in arguments)],
            env={**os.environ, "WEIR_CA": self.files.path(ca + ".pem") if ca else ""},
            capture_output=True, text=True, timeout=LIMIT, check=False)


class Client:
    """A connection with TLS that is written and read by lines."""

    def __init__(self, port, context):
        plain = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.file.readline().decode().rstrip("\r\n")

    def subject(self):
        return dict(pair for (pair,) in self.socket.getpeercert()["subject"])["commonName"]


class Server(Case):
    def test_redis_cli_takes_a_lock_over_tls_and_the_owner_sees_it(self):
        lockd = self.serve()
        self.assertRegex(self.cli("LOCK", "key"), r"^\d+$")
        held = self.connect()
        self.assertRegex(held.ask("LOCK key"), r"^:\d+$")
        with lockd.owner() as owner:
            self.assertEqual(len(owner.execute_command("LOCKS")), 1)
        held.__exit__()
        wait_until(lambda: lockd.info("locks_held") == 0, "the lock is free")

    def test_openssl_verifies_the_certificate_and_speaks_to_it(self):
        self.serve()
        self.s_client(r"\+PONG", "-verify_return_error", "-verify_hostname", "localhost", "-quiet",
                      text="PING\r\n")

    def test_versions_before_the_least_one_are_refused(self):
        self.serve()
        self.s_client("alert protocol version", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
        self.s_client("Protocol *: TLSv1.2", "-tls1_2")
        self.serve(least_version="1.3")
        self.s_client("alert protocol version", "-tls1_2")
        self.assertEqual(self.cli("PING"), "PONG")

    def test_renegotiation_is_refused(self):
        self.serve()
        self.s_client("no renegotiation", "-tls1_2", text="R\n")

    def test_a_client_without_the_certificate_that_is_asked_for_learns_why_it_is_refused(self):
        self.files.authority("stranger-ca")
        self.files.sign("stranger", by="stranger-ca")
        lockd = self.serve(client_ca=self.files.path("ca.pem"))
        self.s_client("alert certificate required", "-quiet", text="PING\r\n")
        self.assertNotIn("PONG", self.cli("PING"))
        done = self.weir("call", "ADDRESS", "lock", "list")
        self.assertEqual(done.returncode, 1)
        self.assertIn("certificate required", done.stderr)
        done = self.weir("call", "ADDRESS", "lock", "list", *self.shown("stranger"))
        self.assertIn("unknown ca", done.stderr)
        lockd.wait_for_log("peer did not return a certificate")
        self.assertEqual(self.cli(*self.shown("client"), "PING"), "PONG")
        done = self.weir("call", "ADDRESS", "lock", "list", *self.shown("client"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_was_asked_before_the_input_ended_is_answered(self):
        self.serve()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        with socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT) as plain:
            def until_done(step, *arguments):
                while True:
                    try:
                        return step(*arguments)
                    except ssl.SSLWantReadError:
                        plain.sendall(outgoing.read())
                        if more := plain.recv(65536):
                            incoming.write(more)
                        else:
                            incoming.write_eof()
            until_done(tls.do_handshake)
            tls.write(b"PING\r\nECHO last\r\n")
            with self.assertRaises(ssl.SSLWantReadError):
                tls.unwrap()  # close_notify: nothing more comes
            plain.sendall(outgoing.read())
            received = b""
            while len(received) < 17:
                received += until_done(tls.read, 100)
            self.assertEqual(received, b"+PONG\r\n$4\r\nlast\r\n")
            with self.assertRaises(ssl.SSLZeroReturnError):
                until_done(tls.read, 100)

    def test_a_client_that_never_shakes_hands_is_closed_and_delays_nobody(self):
        lockd = self.serve(handshake_timeout="300ms")
        for begin in b"", b"\x16\x03\x01\x02\x00\x01", b"PING\r\n":
            with self.subTest(begin), socket.create_connection(("127.0.0.1", self.port),
                                                               timeout=LIMIT) as silent:
                silent.sendall(begin)
                self.assertEqual(self.cli("PING"), "PONG")
                while silent.recv(100):
                    pass  # an alert, for the last
        lockd.wait_for_log("TLS handshake with tls://127.*timed out")
        lockd.wait_for_log("TLS handshake with tls://127.*wrong version number")

    def test_a_client_that_does_not_read_is_closed(self):
        lockd = self.serve(more={"write_timeout": "200ms"})
        deaf = self.connect()
        request = b"ECHO " + b"x" * 60_000 + b"\r\n"

        def write():
            try:
                while True:
                    deaf.socket.sendall(request)
            except OSError:
                pass
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        lockd.wait_for_log("takes no replies, closed")
        writer.join(LIMIT)
        self.assertFalse(writer.is_alive())

    def test_one_client_too_many_gets_an_error(self):
        self.serve(more={"max_clients": 1})
        self.assertEqual(self.connect().ask("PING"), "+PONG")
        self.assertIn("max number of clients reached", self.connect().ask("PING"))

    def test_hangup_renews_the_certificate_and_no_connection_is_lost(self):
        self.files.sign("own")
        lockd = self.serve("own")
        held = self.connect()
        self.assertEqual(held.subject(), "own")
        token = held.ask("LOCK key")
        # A certificate that does not belong to the key.
        shutil.copy(self.files.path("server.pem"), self.files.path("own.pem"))
        lockd.process.send_signal(signal.SIGHUP)
        lockd.wait_for_log(r"error.*tls://127.*the old certificate stays: .*own\.key")
        self.assertEqual(self.connect().subject(), "own")
        self.files.sign("renewed")
        for kind in ".pem", ".key":
            os.replace(self.files.path("renewed" + kind), self.files.path("own" + kind))
        lockd.process.send_signal(signal.SIGHUP)
        lockd.wait_for_log("has read the certificate again")
        self.assertEqual(self.connect().subject(), "renewed")
        self.assertEqual(held.ask("LOCK key"), token)

    def test_a_connection_keeps_its_lock_when_the_module_is_reloaded(self):
        lockd = self.serve()
        held = self.connect()
        token = held.ask("LOCK key")
        waiter = self.connect()
        waiter.socket.sendall(b"LOCK key\r\n")
        wait_until(lambda: lockd.info("locks_waited_for") == 1, "a client waits")
        with lockd.owner() as owner:
            owner.execute_command("CALL", "manager", "reload", '{"modules": ["resp"]}')
        self.assertEqual(held.ask("LOCK key"), token)
        self.assertEqual(held.ask("UNLOCK key"), ":1")
        self.assertRegex(waiter.file.readline().decode(), r"^:\d+")
        self.assertEqual(waiter.ask("PING"), "+PONG")
        self.assertEqual(self.connect().ask("PING"), "+PONG")

    def test_files_that_cannot_be_used_end_the_start_and_are_named(self):
        self.files.new_key("locked", "-x509", "-passout", "pass:secret", "-days", "1", "-out",
                           self.files.path("locked.pem"))
        for name, why in ("missing", r"missing\.pem"), ("locked", r"locked\.key"):
            with self.subTest(name), self.assertRaisesRegex(AssertionError, why):
                self.serve(name)


class Commands(Case):
    def test_every_command_speaks_tls(self):
        self.serve()
        for command in (("call", "ADDRESS", "lock", "list"), ("inspect", "ADDRESS"),
                        ("events", "ADDRESS"), ("top", "ADDRESS", "--batch", "-n", "1")):
            with self.subTest(command[0]):
                done = self.weir(*command)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.weir("lock", "key", "--server", "ADDRESS", "--", "sh", "-c",
                         "echo $WEIR_LOCK_TOKEN")
        self.assertRegex(done.stdout, r"^\d+\n$")

    def test_a_long_answer_comes_whole(self):
        lockd = self.serve()
        with lockd.redis() as client:
            for number in range(1000):
                client.execute_command("LOCK", f"key-{number}")
            done = self.weir("call", "ADDRESS", "lock", "list")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(set(re.findall(r"key-\d+", done.stdout))), 1000)

    def test_a_server_that_cannot_be_trusted_is_refused(self):
        self.files.sign("elsewhere", hosts="DNS:elsewhere.example")
        self.files.sign("expired", days=-1)
        self.files.authority("self-signed")
        for name, why in {"elsewhere": "hostname mismatch", "expired": "certificate has expired",
                          "self-signed": "self-signed certificate"}.items():
            with self.subTest(name), OpensslServer(self.files, name) as server:
                done = self.weir("lock", "key", "--server", "ADDRESS", "--", "true",
                                 port=server.port)
                self.assertEqual(done.returncode, 125)
                self.assertIn(why, done.stderr)
        with OpensslServer(self.files, "server") as server:
            done = self.weir("call", "ADDRESS", "lock", "list", ca=None, port=server.port)
            self.assertIn("unable to get local issuer certificate", done.stderr)
            done = self.weir("call", "ADDRESS", "lock", "list", port=server.port,
                             host="127.0.0.2")
            self.assertRegex(done.stderr, "IP address mismatch|refused")

    def test_a_server_that_does_not_shake_hands_is_an_error_in_time(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            done = self.weir("call", "--timeout", "0.2", "ADDRESS", "lock", "list",
                             port=silent.getsockname()[1], host="127.0.0.1")
            self.assertIn("does not answer in time", done.stderr)

    def test_a_port_without_tls_is_named_as_such(self):
        lockd = self.serve()
        done = self.weir("call", "ADDRESS", "lock", "list", port=lockd.port, host="127.0.0.1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("does the port speak TLS?", done.stderr)

    def test_files_that_cannot_be_read_are_named(self):
        self.serve()
        done = self.weir("call", "ADDRESS", "lock", "list", ca="missing")
        self.assertIn("missing.pem", done.stderr)
        done = self.weir("call", "ADDRESS", "lock", "list", "--key", "x.key")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--cert", done.stderr)

    def test_a_command_ends_when_its_lock_is_lost_with_the_server(self):
        lockd = self.serve()
        with subprocess.Popen(
                [program("weir"), "lock", "key", "--ca", self.files.path("ca.pem"), "--server",
                 f"tls://localhost:{self.port}", "--", "sh", "-c",
                 f"echo runs; exec sleep {LIMIT * 4}"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
            self.assertEqual(command.stdout.readline(), "runs\n")
            with lockd.owner() as owner:
                owner.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            self.assertIn("is lost", command.communicate(timeout=LIMIT)[1])
            self.assertEqual(command.returncode, 125)


class OpensslServer:
    """`openssl s_server` with a certificate."""

    def __init__(self, files, name):
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0",
             "-cert", files.path(name + ".pem"), "-key", files.path(name + ".key")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        line = next(line for line in self.process.stdout if "ACCEPT" in line)
        self.port = int(re.search(r":(\d+)$", line.strip()).group(1))
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


if __name__ == "__main__":
    main()
