"""Users, roles and what each may do, seen by real clients of lockd."""

import json
import os
import socket
import stat
import subprocess
import unittest

import redis

from lockd import LIMIT, Lockd, listens, main, program, wait_until

# The hash of "password", by a cost that makes tests quick.
HASH = "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$5f/Vi+XRWGUNGScbsma6KJ4zLFIke/NJsrvr7lQLAyA"
USERS = {"server": {
    "roles": {"worker": {"may": ["lock.*", "resp.info"], "keys": ["orders:*"]}},
    "users": {"ann": {"password_hash": HASH, "roles": ["worker"]},
              "ops": {"password_hash": HASH, "roles": ["admin"]}}}}
NOBODY = 65534
UNLOAD = ("CALL", "manager", "unload", '{"module": "tea"}')
GUEST_MAY_NOT = (r"^NOPERM denied: a client that has not logged in \(role 'guest'\) has no right "
                 r"to manager.unload; the role 'admin' has it$")


def weir(lockd, *arguments, **environment):
    own = {**os.environ, "XDG_RUNTIME_DIR": lockd.folder.name, **environment}
    return subprocess.run([program("weir"), *arguments], env=own, text=True, capture_output=True,
                          timeout=LIMIT, check=False)


def user(lockd, name, **options):
    return lockd.redis(username=name, password="password", **options)


class Server:
    """As a context: a second server, which is ended whatever happens."""

    def __init__(self, arguments, environment):
        self.process = subprocess.Popen([program("weir"), *arguments], env=environment,
                                        stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(LIMIT)


class Rights(unittest.TestCase):
    def denied(self, client, *request, why="denied"):
        with self.assertRaises(redis.exceptions.NoPermissionError) as caught:
            client.execute_command(*request)
        # The library cuts the code off.
        self.assertRegex("NOPERM " + str(caught.exception).removeprefix("NOPERM "), why)


class Defaults(Rights):
    def test_a_client_of_the_port_uses_locks_and_reads_and_manages_nothing(self):
        with Lockd(owner_at_port=False) as lockd:
            client = lockd.redis()
            self.assertIsInstance(client.execute_command("LOCK", "a"), int)
            self.assertEqual(len(client.execute_command("LOCKS")), 1)
            self.assertIn("locks_held", client.info())
            client.execute_command("CALL", "manager", "modules")
            self.assertEqual(client.execute_command("ACL", "WHOAMI"), b"")
            self.denied(client, *UNLOAD, why=GUEST_MAY_NOT)
            for function in "load", "reload", "auto_reload", "start_trace", "take_trace":
                self.denied(client, "CALL", "manager", function, "{}")
            self.denied(client, "CLIENT", "KILL", "ID", "1", why=r"resp\.kill_client")
            self.assertEqual(client.client_list()[0]["user"], "")

    def test_a_client_of_the_port_watches_events_and_sends_none(self):
        with Lockd(more={"server": {"events": {"house.Bell": {}}}}, owner_at_port=False) as lockd:
            client = lockd.redis()
            self.assertEqual(json.loads(client.execute_command("EVENTS", "house.Bell"))["type"],
                             "house.Bell")
            self.denied(client, "SEND", "house.Bell", "{}", why=r"server\.send_event")
            # What exists is told to those alone who may know.
            self.denied(client, "SEND", "house.Bel", "{}", why=r"server\.send_event")
            client.execute_command("WATCH", "house.Bell")
            with lockd.owner() as owner:
                self.assertEqual(owner.execute_command("SEND", "house.Bell", "{}"), b"OK")

    def test_events_are_for_the_roles_that_name_them(self):
        more = {"server": {"events": {"house.Bell": {}},
                           "roles": {"ringer": {"may": ["server.send_event"]}},
                           "users": {"ann": {"password_hash": HASH, "roles": ["ringer"]}}}}
        with Lockd(more=more) as lockd:
            client = user(lockd, "ann")
            self.assertEqual(client.execute_command("SEND", "house.Bell", "{}"), b"OK")
            self.denied(client, "WATCH", "house.Bell", why=r"server\.watch_events")
            self.denied(client, "EVENTS", why=r"server\.list_events")
            self.denied(client, "EVENTS", "house.Bell", why=r"server\.list_events")

    def test_a_watch_ends_when_its_client_may_no_longer_watch(self):
        server = {"events": {"house.Bell": {}},
                  "roles": {"listener": {"may": ["server.watch_events"]},
                            "worker": {"may": ["lock.*"]}},
                  "users": {"ann": {"password_hash": HASH, "roles": ["listener"]},
                            "bob": {"password_hash": HASH, "roles": ["worker"]}}}
        with Lockd(more={"server": server}) as lockd:
            owner = lockd.owner()

            def watching():
                client = lockd.connect()
                self.addCleanup(client.close)
                self.assertEqual(client.ask("AUTH ann password"), "+OK")
                client.send(b"WATCH house.Bell\r\n")
                self.assertEqual([client.line() for _ in range(6)][-1], ":1")
                return client

            def message(client):
                owner.execute_command("SEND", "house.Bell", "{}")
                self.assertEqual([client.line() for _ in range(5)],
                                 ["*3", "$7", "message", "$10", "house.Bell"])
                return json.loads(client.bulk())
            client = watching()
            self.assertIn("event", message(client))
            self.assertEqual(client.ask("AUTH bob password"), "+OK")
            self.assertRegex(message(client)["ended"], r"^denied: .*server\.watch_events")
            self.assertEqual(client.ask("PING"), "+PONG")
            # The same when the configuration takes the right away.
            client = watching()
            self.assertIn("event", message(client))
            server["users"]["ann"]["roles"] = ["worker"]
            lockd.write()
            begin = len(lockd.log)
            lockd.process.send_signal(1)
            lockd.wait_for_log("the configuration has been read again", begin)
            self.assertIn("ended", message(client))

    def test_the_owner_of_the_server_may_do_all_at_a_unix_socket(self):
        with Lockd() as lockd:
            with lockd.owner() as client:
                client.execute_command("CALL", "manager", "reload", '{"modules": ["lock"]}')
            done = weir(lockd, "call", f"127.0.0.1:{lockd.port}", "manager", "reload",
                        '{"modules": ["lock"]}')
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            path = os.path.join(lockd.folder.name, "weir", f"{lockd.port}.sock")
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertFalse(os.path.exists(path))

    def test_without_the_owners_socket_the_commands_take_the_port(self):
        with Lockd(owner_socket=False, owner_at_port=False) as lockd:
            self.assertFalse(os.path.exists(os.path.join(lockd.folder.name, "weir")))
            done = weir(lockd, "call", f"127.0.0.1:{lockd.port}", "manager", "reload",
                        '{"modules": ["lock"]}')
            self.assertRegex(done.stderr, "NOPERM.*--user")

    def test_a_stale_owners_socket_is_no_obstacle(self):
        with Lockd(owner_socket=False) as lockd:
            os.mkdir(os.path.join(lockd.folder.name, "weir"))
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(os.path.join(lockd.folder.name, "weir", f"{lockd.port}.sock"))
            done = weir(lockd, "call", f"127.0.0.1:{lockd.port}", "lock", "list")
            self.assertEqual((done.stdout, done.returncode), ("[]\n", 0))


def stranger(port, *request):
    """Returns what redis-cli says as a user who is neither root nor the server's."""
    done = subprocess.run(["setpriv", f"--reuid={NOBODY}", "--clear-groups", "redis-cli", "-p",
                           str(port), *request], text=True, capture_output=True, timeout=LIMIT,
                          check=False)
    return done.stdout + done.stderr


class OwnerAtPort(Rights):
    RELOAD = ("CALL", "manager", "reload", '{"modules": ["lock"]}')

    def test_the_owner_of_the_server_may_do_all_at_a_loopback_port(self):
        with Lockd() as lockd, lockd.connect() as other, lockd.connect() as raw:
            self.assertEqual(lockd.cli(*self.RELOAD), "null")
            number = other.ask("CLIENT ID").removeprefix(":")
            self.assertEqual(lockd.cli("CLIENT", "KILL", "ID", number), "1")
            self.assertEqual(other.rest(), b"")
            # A client that has ended its output, as `nc -N` does, is still there.
            raw.send(b"""CALL manager reload '{"modules": ["lock"]}'\r\n""")
            raw.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(raw.rest(), b"$4\r\nnull\r\n")

    def test_the_owner_is_known_at_ports_of_ipv6(self):
        addresses = ["tcp://127.0.0.1:0", "tcp://[::1]:0", "tcp://[::]:0"]
        with Lockd(listen=addresses) as lockd:
            one = lockd.wait_for_log(r"listens at tcp://\[::1\]:(\d+)").group(1)
            all_of_them = lockd.wait_for_log(r"listens at tcp://\[::\]:(\d+)").group(1)
            for host, port in ("::1", one), ("::1", all_of_them), ("127.0.0.1", all_of_them):
                with self.subTest(host=host, port=port), \
                        redis.Redis(host=host, port=int(port)) as client:
                    self.assertEqual(client.execute_command(*self.RELOAD), b"null")

    @unittest.skipUnless(os.geteuid() == 0, "only root can run a client as another user")
    def test_another_user_of_the_machine_is_a_guest_at_the_port(self):
        with Lockd() as lockd, lockd.connect() as other:
            number = other.ask("CLIENT ID").removeprefix(":")
            self.assertRegex(stranger(lockd.port, *self.RELOAD), "^NOPERM.*role 'guest'")
            self.assertRegex(stranger(lockd.port, "CLIENT", "KILL", "ID", number), "^NOPERM")
            self.assertRegex(stranger(lockd.port, "TRYLOCK", "a"), r"^\d+\n$")
            self.assertEqual(other.ask("PING"), "+PONG")

    @unittest.skipUnless(os.geteuid() == 0, "only root can run a server as another user")
    def test_root_is_no_owner_at_the_port_of_another_users_server(self):
        with Lockd(run_as=NOBODY) as lockd:
            self.assertRegex(lockd.cli(*self.RELOAD), "^NOPERM.*role 'guest'")
            self.assertEqual(lockd.cli(*self.RELOAD, owner=True), "null")
            self.assertEqual(stranger(lockd.port, *self.RELOAD), "null\n")

    def test_without_roles_for_the_owner_it_is_a_client_as_all_others(self):
        with Lockd(owner_at_port=False) as lockd, lockd.connect() as other:
            number = other.ask("CLIENT ID").removeprefix(":")
            self.assertRegex(lockd.cli(*self.RELOAD), "^NOPERM.*role 'guest'")
            self.assertRegex(lockd.cli("CLIENT", "KILL", "ID", number), "^NOPERM.*role 'guest'")
            self.assertEqual(other.ask("PING"), "+PONG")

    def test_the_owner_who_logs_in_as_a_user_is_the_owner_again_after_reset(self):
        with Lockd(USERS) as lockd, lockd.connect() as raw:
            self.assertEqual(raw.ask("CLIENT KILL ID 999"), ":0")
            self.assertEqual(raw.ask("AUTH ann password"), "+OK")
            self.assertRegex(raw.ask("CLIENT KILL ID 999"), "^-NOPERM")
            self.assertEqual(raw.ask("RESET"), "+RESET")
            self.assertEqual(raw.ask("CLIENT KILL ID 999"), ":0")


class Users(Rights):
    def test_a_user_may_do_what_its_roles_say(self):
        with Lockd(USERS) as lockd:
            ann = user(lockd, "ann")
            self.assertEqual(ann.execute_command("ACL", "WHOAMI"), b"ann")
            self.assertIsInstance(ann.execute_command("LOCK", "orders:1"), int)
            self.denied(ann, "LOCK", "stock", why="user 'ann'.*lock.acquire for the key 'stock'")
            self.denied(ann, "TRYLOCK", "stock")
            self.denied(ann, "WAITERS", "stock")
            self.denied(ann, "SEMAPHORE", "CREATE", "stock", "2")
            self.denied(ann, "SEMAPHORE", "DESTROY", "stock")
            self.denied(ann, "CALL", "manager", "modules")
            self.denied(ann, "CLIENT", "LIST", why=r"resp\.clients")
            user(lockd, "ops").execute_command("CALL", "manager", "modules")
            self.assertNotIn("password", lockd.text())
            self.assertNotIn("scrypt", lockd.text())

    def test_listings_show_the_keys_that_the_user_may_list(self):
        with Lockd(USERS) as lockd:
            ops = user(lockd, "ops")
            ops.execute_command("LOCK", "orders:1")
            ops.execute_command("LOCK", "stock")
            ops.execute_command("SEMAPHORE", "CREATE", "secret", "2")
            ann = user(lockd, "ann")
            self.assertEqual([key[1] for key in ann.execute_command("LOCKS")], [b"orders:1"])
            self.assertEqual(ann.execute_command("SEMAPHORE", "LIST"), [])
            listed = json.loads(ann.execute_command("CALL", "lock", "list"))
            self.assertEqual([key["key"] for key in listed], ["orders:1"])
            self.assertEqual(json.loads(ann.execute_command("CALL", "lock", "semaphores")), [])

    def test_a_session_belongs_to_the_user_who_opened_it(self):
        with Lockd(USERS, owner_at_port=False) as lockd:
            ann, other = user(lockd, "ann"), lockd.redis()
            session = json.loads(ann.execute_command("CALL", "lock", "open_session"))["session"]
            acquire = json.dumps({"session": session, "key": "orders:1"})
            for function in "acquire", "release", "try":
                with self.assertRaisesRegex(redis.ResponseError, "unknown_session"):
                    other.execute_command("CALL", "lock", function, acquire)
            self.assertEqual(other.execute_command("CALL", "lock", "sessions"), b"[]")
            self.assertTrue(ann.execute_command("CALL", "lock", "acquire", acquire))
            self.denied(ann, "CALL", "lock", "acquire",
                        json.dumps({"session": session, "key": "stock"}))

    def test_names_and_patterns_open_nothing(self):
        with Lockd(USERS) as lockd:
            ann = user(lockd, "ann")
            for module, function in (("manager", "unload"), ("MANAGER", "unload"),
                                     ("lock.manager", "unload"), ("lock", "../manager.unload"),
                                     ("lock\0manager", "unload"), ("*", "unload"),
                                     ("public", "unload"), ("", "lock.list")):
                with self.assertRaises(redis.ResponseError):
                    ann.execute_command("CALL", module, function, '{"module": "lock"}')
            for key in "orders", "*", "orders?", "xorders:1", "ORDERS:1", "\norders:1", "":
                with self.assertRaises(redis.ResponseError):
                    ann.execute_command("TRYLOCK", key)
            self.assertEqual(user(lockd, "ops").execute_command("LOCKS"), [])

    def test_rights_hold_in_pipelines_and_transactions(self):
        with Lockd(USERS, owner_at_port=False) as lockd, lockd.connect() as raw:
            raw.send(b"CALL manager unload '{\"module\": \"lock\"}'\r\nTRYLOCK a\r\n"
                     b"AUTH ann password\r\nTRYLOCK b\r\nTRYLOCK orders:1\r\n")
            self.assertRegex(raw.line(), "^-NOPERM")
            self.assertRegex(raw.line(), "^:")
            self.assertEqual(raw.line(), "+OK")
            self.assertRegex(raw.line(), "^-NOPERM")
            self.assertRegex(raw.line(), "^:")
            # What was collected before is executed with the rights of the end.
            raw.send(b"RESET\r\nMULTI\r\nTRYLOCK c\r\nAUTH ann password\r\nTRYLOCK d\r\nEXEC\r\n")
            self.assertEqual([raw.line() for _ in range(6)],
                             ["+RESET", "+OK", "+QUEUED", "+QUEUED", "+QUEUED", "*3"])
            self.assertRegex(raw.line(), "^:")
            self.assertEqual(raw.line(), "+OK")
            self.assertRegex(raw.line(), "^-NOPERM")
            raw.send(b"MULTI\r\nCLIENT LIST\r\nEXEC\r\n")
            self.assertEqual([raw.line() for _ in range(2)], ["+OK", "+QUEUED"])
            self.assertEqual(raw.line(), "*1")
            self.assertRegex(raw.line(), "^-NOPERM")

    def test_the_user_ends_with_reset_and_a_wrong_login_changes_nothing(self):
        with Lockd(USERS) as lockd, lockd.connect() as raw:
            self.assertEqual(raw.ask("AUTH ops password"), "+OK")
            self.assertRegex(raw.ask("AUTH ann wrong"), "^-WRONGPASS")
            self.assertEqual(raw.ask("ACL WHOAMI"), "$3")
            self.assertEqual(raw.line(), "ops")
            self.assertEqual(raw.ask("AUTH ann password"), "+OK")
            self.assertRegex(raw.ask("CALL manager modules"), "^-NOPERM")
            self.assertEqual(raw.ask("RESET"), "+RESET")
            self.assertEqual(raw.ask("ACL WHOAMI"), "$0")

    def test_a_client_that_is_handed_over_stays_the_same_user(self):
        with Lockd(USERS, owner_at_port=False) as lockd:
            ann = user(lockd, "ann")
            guest = lockd.redis()
            guest.ping()
            owner = lockd.owner()
            for _ in range(2):
                owner.execute_command("CALL", "manager", "reload", '{"modules": ["resp"]}')
                self.assertEqual(ann.execute_command("ACL", "WHOAMI"), b"ann")
                self.denied(ann, "TRYLOCK", "stock")
                self.denied(guest, *UNLOAD, why=GUEST_MAY_NOT)
            late = user(lockd, "ann")
            self.denied(late, "TRYLOCK", "stock")
            self.assertNotIn("error", lockd.text())

    def test_a_new_configuration_takes_effect_for_those_who_are_connected(self):
        with Lockd(USERS) as lockd:
            ann = user(lockd, "ann")
            self.denied(ann, "TRYLOCK", "stock")
            lockd.more = {"server": {**USERS["server"], "roles": {"worker": {"may": ["lock.try"]}}}}
            lockd.write()
            lockd.process.send_signal(1)

            def may():
                try:
                    return ann.execute_command("TRYLOCK", "stock") is not None
                except redis.exceptions.NoPermissionError:
                    return False
            wait_until(may, "ann may lock stock")
            self.denied(ann, "UNLOCK", "stock", why="lock.release")

    def test_guesses_are_slowed_down_and_logged_and_the_owner_is_not(self):
        with Lockd(USERS) as lockd:
            clients = [lockd.connect() for _ in range(40)]
            for number, client in enumerate(clients):
                client.send(b"AUTH ann %d\r\n" % number)
            answers = {}

            def refused():
                for client in clients:
                    if client not in answers:
                        client.socket.settimeout(0.01)
                        try:
                            answers[client] = client.line()
                        except TimeoutError:
                            client.file = client.socket.makefile("rb")
                return sum("too_many_logins" in answer for answer in answers.values()) >= 30
            wait_until(refused, "most guesses are refused")
            self.assertLessEqual(sum("WRONGPASS" in answer for answer in answers.values()), 9)
            with redis.Redis(unix_socket_path=lockd.unix, username="ann",
                             password="password") as other:
                self.assertEqual(other.execute_command("ACL", "WHOAMI"), b"ann")
            lockd.wait_for_log("warning.*a login of the user 'ann' from 127.0.0.1 failed")
            for client in clients:
                client.close()

    def test_who_has_logged_in_is_listed_and_can_be_closed(self):
        with Lockd(USERS) as lockd:
            ann = user(lockd, "ann")
            ann.ping()
            ops = user(lockd, "ops")
            listed = ops.client_list()
            self.assertEqual({client["user"] for client in listed}, {"ann", "ops"})
            self.assertEqual(ops.execute_command("CLIENT", "KILL", "USER", "ann"), 1)

    def test_commands_of_weir_name_a_user(self):
        with Lockd(USERS) as lockd:
            address = f"127.0.0.1:{lockd.port}"
            own = {"XDG_RUNTIME_DIR": ""}
            done = weir(lockd, "call", address, "manager", "reload", '{"modules": ["lock"]}',
                        "--user", "ops", WEIR_PASSWORD="password", **own)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            done = weir(lockd, "lock", "stock", "--server", address, "--", "env",
                        WEIR_USER="ann", WEIR_PASSWORD="password", **own)
            self.assertEqual(done.returncode, 125)
            self.assertIn("lock.acquire for the key 'stock'", done.stderr)
            file = os.path.join(lockd.folder.name, "password")
            with open(file, "w", encoding="ascii") as text:
                text.write("password\n")
            done = weir(lockd, "inspect", address, "--user", "ops", "--password-file", file, **own)
            self.assertEqual(done.returncode, 0)
            done = weir(lockd, "inspect", address, "--user", "ops", **own)
            self.assertIn("the user 'ops' has no password: set WEIR_PASSWORD", done.stderr)


class Addresses(Rights):
    def test_each_address_says_what_those_may_do_who_have_not_logged_in(self):
        with Lockd() as lockd:
            other = os.path.join(lockd.folder.name, "other")
            settings = {"server": {"startup": ["lock", "resp", "manager"],
                                   "roles": {"looker": {"may": ["lock.list"]}}},
                        "module": {"resp": {"owner_socket": False, "listen": [
                            {"address": "unix:" + other, "mode": "0640", "anonymous": [],
                             "owner": ["looker"]}]}}}
            file = os.path.join(lockd.folder.name, "second.json")
            with open(file, "w", encoding="ascii") as text:
                json.dump(settings, text)
            environment = {**os.environ, "XDG_STATE_HOME": lockd.folder.name}
            with Server(["run", file], environment):
                wait_until(lambda: listens(other), "the second server listens")
                with redis.Redis(unix_socket_path=other, single_connection_client=True) as client:
                    self.assertEqual(client.execute_command("LOCKS"), [])
                    self.denied(client, "TRYLOCK", "a", why="role 'looker'")
                self.assertEqual(stat.S_IMODE(os.stat(other).st_mode), 0o640)

    def test_with_a_password_nothing_works_at_a_port_before_it_not_even_for_the_owner(self):
        with Lockd(password="secret") as lockd:
            with lockd.connect() as raw:
                self.assertRegex(raw.ask("CALL manager modules"), "^-NOAUTH")
                self.assertRegex(raw.ask("TRYLOCK a"), "^-NOAUTH")
                self.assertRegex(raw.ask("ACL WHOAMI"), "^-NOAUTH")
                self.assertRegex(raw.ask("AUTH default wrong"), "^-WRONGPASS")
                self.assertEqual(raw.ask("AUTH secret"), "+OK")
                self.assertEqual(raw.ask("ACL WHOAMI"), "$7")
            client = lockd.redis(password="secret")
            client.execute_command("CALL", "manager", "reload", '{"modules": ["lock"]}')

    def test_two_users_of_one_name_and_unknown_roles_are_refused(self):
        with Lockd() as lockd:
            def refusal(server, resp):
                path = os.path.join(lockd.folder.name, "wrong")
                text = json.dumps({"server": {"startup": ["resp"], **server},
                                   "module": {"resp": {"listen": ["unix:" + path], **resp}}})
                file = path + ".json"
                with open(file, "w", encoding="ascii") as out:
                    out.write(text)
                return subprocess.run([program("weir"), "run", file], text=True, timeout=LIMIT,
                                      capture_output=True, check=False,
                                      env={**os.environ, "XDG_STATE_HOME": path}).stderr
            self.assertIn("two users 'default'", refusal(
                {"users": {"default": {"password_hash": HASH, "roles": ["admin"]}}},
                {"password": "x"}))
            self.assertIn("unknown role 'gest' (did you mean 'guest'?)", refusal(
                {}, {"listen": [{"address": "unix:/tmp/x", "anonymous": ["gest"]}]}))


if __name__ == "__main__":
    main()
