"""Tests the module mail against a server of SMTP that speaks TLS and writes down what it gets."""

import base64
import email
import email.policy
import json
import os
import socket
import ssl
import subprocess
import threading
import unittest

import redis

from lockd import LIMIT, Lockd, main, program, wait_until
from loopback import make_certificate
from models import call, threads_of


class Smtp:
    """A server of SMTP with STARTTLS, or with TLS from the first byte.

    `answers` has other answers than usual, by the first word of a command. While `open` is not set,
    it answers no DATA."""

    def __init__(self, folder, direct=False, starttls=True, answers=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(folder, "cert.pem"),
                                     os.path.join(folder, "key.pem"))
        self.direct, self.starttls, self.answers = direct, starttls, answers or {}
        self.mails = []  # (sender, recipients, bytes)
        self.logins = []
        self.commands = []
        self.at_once = self.most_at_once = 0
        self.open = threading.Event()
        self.open.set()
        self.lock = threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.open.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        client.settimeout(LIMIT)
        try:
            if self.direct:
                client = self.context.wrap_socket(client, server_side=True)
            self.speak(client)
        except (OSError, ValueError):
            pass  # the client has gone, or does not trust the certificate
        finally:
            client.close()

    def speak(self, client):
        file = client.makefile("rwb")

        def say(text):
            file.write(text.encode() + b"\r\n")
            file.flush()

        encrypted = self.direct
        sender, recipients = None, []
        say("220 test ready")
        while line := file.readline():
            command = line.decode().rstrip("\r\n")
            word = command.split(":")[0].split(" ")[0].upper()
            self.commands.append(command)
            if word in self.answers:
                say(self.answers[word])
            elif word == "EHLO":
                offers = ["test", *(["AUTH PLAIN"] if encrypted else []),
                          *(["STARTTLS"] if self.starttls and not encrypted else [])]
                for offer in offers[:-1]:
                    say("250-" + offer)
                say("250 " + offers[-1])
            elif word == "STARTTLS":
                say("220 go on")
                client = self.context.wrap_socket(client, server_side=True)
                file = client.makefile("rwb")
                encrypted = True
            elif word == "AUTH":
                token = command.split(" ")[2] if command.count(" ") == 2 else None
                if token is None:
                    say("334 ")
                    token = file.readline().decode().strip()
                _, user, password = base64.b64decode(token).decode().split("\0")
                self.logins.append((user, password))
                say("235 welcome" if password == "pears" else "535 5.7.8 wrong password")
            elif word == "MAIL":
                sender = command[command.index("<") + 1:command.index(">")]
                say("250 fine")
            elif word == "RCPT":
                recipients.append(command[command.index("<") + 1:command.index(">")])
                say("550 5.1.1 no such user" if recipients[-1].startswith("nobody") else "250 fine")
            elif word == "DATA":
                self.take(file, say, sender, recipients)
                recipients = []
            elif word == "QUIT":
                say("221 bye")
                return
            else:
                say("500 what?")

    def take(self, file, say, sender, recipients):
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.open.wait(LIMIT)
        say("354 go on")
        content = b""
        while (line := file.readline()) != b".\r\n":
            content += line[1:] if line.startswith(b"..") else line
        with self.lock:
            self.at_once -= 1
            self.mails.append((sender, recipients, content))
        say("250 taken")


class MailTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keeper = Lockd().folder
        cls.folder = cls.keeper.name
        make_certificate(os.path.join(cls.folder, "cert.pem"), os.path.join(cls.folder, "key.pem"))
        cls.password = os.path.join(cls.folder, "password")
        with open(cls.password, "w", encoding="ascii") as file:
            file.write("pears\n")

    @classmethod
    def tearDownClass(cls):
        cls.keeper.cleanup()

    def app(self, smtp, **more):
        scheme = "smtps" if smtp.direct else "smtp"
        settings = {"server": f"{scheme}://localhost:{smtp.port}",
                    "from": "Weir <weir@example.com>",
                    "ca_file": os.path.join(self.folder, "cert.pem"), **more}
        return Lockd(more={"server": {"startup": ["lock", "resp", "mail"]},
                           "module": {"mail": settings}})

    def send(self, server, **mail):
        return call(server.owner(), "mail", "send",
                    **{"to": ["ann@example.com"], "subject": "Hello", "text": "Hi", **mail})

    def refused(self, server, code, words, **mail):
        with self.assertRaisesRegex(redis.exceptions.ResponseError, f"^{code}: .*{words}"):
            self.send(server, **mail)

    def test_a_mail_arrives_as_it_was_sent(self):
        text = "Grüße\n.\n.. dots\n" + "x" * 2000 + "\n€ " * 300 + "end"
        with Smtp(self.folder) as smtp:
            with self.app(smtp, user="weir", password_file=self.password) as server:
                report = self.send(server, to=["ann@example.com", "Jörg <joerg@example.com>"],
                                   cc=["bob@example.com"], bcc=["eve@example.com"],
                                   subject="Grüße: " + "viel zu lang " * 20, text=text,
                                   html="<p>Grüße</p>", headers={"X-Kind": "alarm"})
            sender, recipients, content = smtp.mails[0]
            self.assertEqual(sender, "weir@example.com")
            self.assertEqual(recipients, ["ann@example.com", "joerg@example.com",
                                          "bob@example.com", "eve@example.com"])
            self.assertEqual(smtp.logins, [("weir", "pears")])
            lines = [line for line in content.split(b"\r\n") if b"boundary=" not in line]
            self.assertLessEqual(max(map(len, lines)), 76)
            self.assertNotIn(b"\n", content.replace(b"\r\n", b""))
            mail = email.message_from_bytes(content, policy=email.policy.default)
            self.assertEqual(mail["Subject"], "Grüße: " + "viel zu lang " * 20)
            self.assertEqual(mail["From"], "Weir <weir@example.com>")
            self.assertEqual(mail["To"], "ann@example.com, Jörg <joerg@example.com>")
            self.assertEqual((mail["Cc"], mail["Bcc"], mail["X-Kind"]),
                             ("bob@example.com", None, "alarm"))
            self.assertEqual(mail["Message-ID"], f"<{report['id']}>")
            self.assertRegex(mail["Date"], r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$")
            self.assertEqual(mail.get_body(("plain",)).get_content().replace("\r\n", "\n"),
                             text)
            self.assertEqual(mail.get_body(("html",)).get_content().rstrip("\n"), "<p>Grüße</p>")

    def test_tls_from_the_first_byte(self):
        with Smtp(self.folder, direct=True) as smtp, self.app(smtp) as server:
            self.send(server)
            self.assertEqual(len(smtp.mails), 1)

    def test_nothing_is_sent_without_tls_or_to_a_stranger(self):
        with Smtp(self.folder, starttls=False) as smtp:
            with self.app(smtp, user="weir", password_file=self.password) as server:
                self.refused(server, "permanent", "")
            with self.app(smtp, tls="none") as server:
                self.send(server)
            self.assertEqual((len(smtp.mails), smtp.logins), (1, []))
        with Smtp(self.folder) as smtp:
            with self.app(smtp, ca_file=None) as server:
                self.refused(server, "permanent", "")
            self.assertEqual(smtp.mails, [])

    def test_what_is_refused_for_now_and_for_good_has_different_codes(self):
        with Smtp(self.folder) as smtp, self.app(smtp, user="weir",
                                                 password_file=self.password) as server:
            self.refused(server, "permanent", "550 5.1.1 no such user", to=["nobody@example.com"])
            smtp.answers = {"MAIL": "451 4.3.0 come again"}
            self.refused(server, "temporary", "451 4.3.0 come again")
            smtp.answers = {"DATA": "554 5.7.1 spam"}
            self.refused(server, "permanent", "554 5.7.1 spam")
            smtp.answers = {"EHLO": "421 4.3.2 too busy"}
            self.refused(server, "temporary", "")
            smtp.answers = {}
            with open(self.password, "w", encoding="ascii") as file:
                file.write("plums\n")
            try:
                server.process.send_signal(1)  # SIGHUP: reads the password again
                wait_until(lambda: self.login(server, smtp) == ("weir", "plums"), "the new one")
                self.refused(server, "permanent", "535 5.7.8 wrong password")
            finally:
                with open(self.password, "w", encoding="ascii") as file:
                    file.write("pears\n")
            self.assertNotIn("plums", server.text())
        with self.app(smtp) as server:  # nobody listens any more
            self.refused(server, "temporary", "")

    def login(self, server, smtp):
        try:
            self.send(server)
        except redis.exceptions.ResponseError:
            pass
        return smtp.logins[-1]

    def test_mails_wait_for_each_other_and_a_slow_server_is_left(self):
        with Smtp(self.folder) as smtp, self.app(smtp, at_once=2, waiting=3) as server:
            smtp.open.clear()
            senders = threads_of(*((self.send, server) for _ in range(5)))
            wait_until(lambda: smtp.at_once == 2, "two mails")
            wait_until(lambda: self.is_busy(server), "no room")
            smtp.open.set()
            for sender in senders:
                sender.join(LIMIT)
            wait_until(lambda: len(smtp.mails) >= 5, "all mails")
            self.assertEqual(smtp.most_at_once, 2)
        with Smtp(self.folder) as smtp, self.app(smtp, timeout="300ms") as server:
            smtp.open.clear()
            self.refused(server, "temporary", "")

    def is_busy(self, server):
        """Whether a mail finds no room; otherwise it would wait for long."""
        client = redis.Redis(unix_socket_path=server.unix, socket_timeout=1)
        try:
            call(client, "mail", "send", to=["ann@example.com"], subject="", text="")
        except redis.exceptions.ResponseError as error:
            return str(error).startswith("busy: ")
        except redis.exceptions.TimeoutError:
            pass
        return False

    def test_no_parameter_makes_a_header_or_a_recipient(self):
        with Smtp(self.folder) as smtp, self.app(smtp) as server:
            for mail in ({"subject": "a\r\nBcc: eve@example.com"}, {"subject": "a\nb"},
                         {"to": ["ann@example.com>\r\nRCPT TO:<eve@example.com"]},
                         {"to": ["Ann\r\nBcc: eve@example.com <ann@example.com>"]}, {"to": []},
                         {"cc": ["ann"]}, {"reply_to": "a@b\r\nX: y"}, {"from": "nobody"},
                         {"headers": {"X": "a\r\nBcc: b"}}, {"headers": {"Bcc": "eve@example.com"}},
                         {"headers": {"X\r\nBcc": "eve@example.com"}}):
                self.refused(server, "bad_parameter", "", **mail)
            self.assertEqual((smtp.mails, smtp.commands), ([], []))

    def test_a_password_file_without_a_password_is_refused(self):
        password = os.path.join(self.folder, "emptied")
        with open(password, "w", encoding="ascii") as file:
            file.write("pears\n")
        with Smtp(self.folder) as smtp, self.app(smtp, user="weir",
                                                 password_file=password) as server:
            server.wait_for_log("mail: mail loaded")
            with open(password, "w", encoding="ascii") as file:
                file.write("\n")
            server.process.send_signal(1)  # SIGHUP
            wait_until(lambda: f"password_file: {password}: there is no secret in the file; the "
                       "password stays as it was" in server.text(), "the complaint")
            self.send(server)
            self.assertEqual(smtp.logins, [("weir", "pears")])

    def test_mistakes_are_told_with_their_place(self):
        file = os.path.join(self.folder, "app.json")
        good = {"server": "smtp://mail.example.com:587", "from": "weir@example.com"}
        for place, what, more in (
                ("password_file", "cannot be read", {"user": "u", "password_file": "/nowhere"}),
                ("user", "needs both", {"user": "u"}),
                ("password_file", "needs both", {"password_file": self.password}),
                ("ca_file", "cannot be read", {"ca_file": "/nowhere"}),
                ("tls", "for all to read",
                 {"tls": "none", "user": "u", "password_file": self.password}),
                ("from", "is no address", {"from": "weir"}),
                ("server", "must be", {"server": "mail.example.com"})):
            with open(file, "w", encoding="ascii") as out:
                json.dump({"server": {"startup": ["mail"]}, "module": {"mail": {**good, **more}}},
                          out, indent=1)
            done = subprocess.run([program("weir"), "check", file], capture_output=True, text=True,
                                  timeout=LIMIT, check=False)
            self.assertRegex(done.stderr + done.stdout,
                             rf"app\.json:\d+:\d+: module\.mail\.{place}: .*{what}")


if __name__ == "__main__":
    main()
