"""Tests each command of lockd, through redis-cli and through python3-redis."""

import json
import threading
import time
import unittest

import redis

from lockd import Lockd, main, wait_until


class Locks(unittest.TestCase):
    def test_a_lock_has_one_holder_at_a_time_with_a_growing_token(self):
        with Lockd() as lockd:
            first, second = lockd.redis(), lockd.redis()
            token = first.execute_command("LOCK", "key")
            self.assertIsInstance(token, int)
            self.assertEqual(first.execute_command("LOCK", "key"), token)
            self.assertIsNone(second.execute_command("TRYLOCK", "key"))
            self.assertIsNone(second.execute_command("LOCK", "key", "TIMEOUT", "0.05"))
            self.assertEqual(second.execute_command("UNLOCK", "key"), 0)
            self.assertEqual(first.execute_command("UNLOCK", "key"), 1)
            self.assertGreater(second.execute_command("TRYLOCK", "key"), token)

    def test_a_waiter_gets_the_lock_when_the_holder_disconnects(self):
        with Lockd() as lockd:
            holder, waiter = lockd.redis(), lockd.redis()
            holder.execute_command("LOCK", "key")
            tokens = []
            waiting = threading.Thread(
                target=lambda: tokens.append(waiter.execute_command("LOCK", "key")))
            waiting.start()
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "one waits")
            holder.connection.disconnect()
            waiting.join()
            self.assertEqual(len(tokens), 1)

    def test_keys_of_different_contexts_are_different(self):
        with Lockd() as lockd:
            client, other = lockd.redis(), lockd.redis()
            client.execute_command("LOCK", "key")
            client.execute_command("LOCK", "key", "CONTEXT", "printers")
            self.assertIsInstance(
                other.execute_command("TRYLOCK", "key", "CONTEXT", "scanners"), int)
            self.assertIsNone(other.execute_command("TRYLOCK", "key", "CONTEXT", "printers"))
            self.assertIsNone(other.execute_command("TRYLOCK", "key", "CONTEXT", "default"))
            self.assertEqual(other.execute_command("UNLOCK", "key", "CONTEXT", "scanners"), 1)

    def test_contexts_share_keys_where_the_settings_say_so_unless_they_are_named(self):
        contexts = {"module": {"lock": {"separate_contexts": False,
                                        "contexts": {"printers": {}}}}}
        with Lockd(contexts) as lockd:
            client, other = lockd.redis(), lockd.redis()
            client.execute_command("LOCK", "key")
            self.assertIsInstance(
                other.execute_command("TRYLOCK", "key", "CONTEXT", "printers"), int)
            self.assertIsNone(other.execute_command("TRYLOCK", "key", "CONTEXT", "unnamed"))
            self.assertEqual(other.execute_command("UNLOCK", "key", "CONTEXT", "printers"), 1)

    def test_a_semaphore_is_created_resized_and_destroyed(self):
        with Lockd() as lockd:
            clients = [lockd.redis() for _ in range(3)]
            def try_all():
                return [client.execute_command("TRYLOCK", "key", "SHARED") is not None
                        for client in clients]
            lockd.cli("SEMAPHORE", "CREATE", "key", "2")
            self.assertEqual(try_all(), [True, True, False])
            self.assertEqual(lockd.cli("SEMAPHORE", "RESIZE", "key", "3"), "OK")
            self.assertEqual(try_all(), [True, True, True])
            with self.assertRaisesRegex(redis.ResponseError, "add SHARED"):
                clients[0].execute_command("TRYLOCK", "key")
            self.assertIn("made_by", lockd.cli("SEMAPHORE", "LIST"))
            self.assertEqual(lockd.cli("SEMAPHORE", "DESTROY", "key"), "OK")
            for client in clients:
                self.assertEqual(client.execute_command("UNLOCK", "key"), 1)
            self.assertEqual([client.execute_command("TRYLOCK", "key") is not None
                              for client in clients], [True, False, False])
            self.assertIn("already", lockd.cli("SEMAPHORE", "CREATE", "other", "2") +
                          lockd.cli("SEMAPHORE", "CREATE", "other", "2"))
            self.assertIn("no semaphore", lockd.cli("SEMAPHORE", "RESIZE", "none", "2"))
            self.assertIn("from 1 to", lockd.cli("SEMAPHORE", "CREATE", "none", "0"))

    def test_listings_name_holders_and_waiters(self):
        with Lockd() as lockd:
            holder, waiter = lockd.redis(client_name="holder"), lockd.connect()
            token = holder.execute_command("LOCK", "db:1")
            self.assertEqual(waiter.ask("CLIENT SETNAME waiter"), "+OK")
            waiter.send(b"LOCK db:1\r\n")
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "one waits")
            [listing] = holder.execute_command("LOCKS", "db:*")
            listing = dict(zip(listing[0::2], listing[1::2]))
            self.assertEqual(listing[b"key"], b"db:1")
            self.assertEqual(listing[b"waiters"], 1)
            [held] = listing[b"holders"]
            held = dict(zip(held[0::2], held[1::2]))
            self.assertIn(b"'holder'", held[b"owner"])
            self.assertEqual(held[b"token"], token)
            [waits] = holder.execute_command("WAITERS", "db:1")
            self.assertIn(b"'waiter'", dict(zip(waits[0::2], waits[1::2]))[b"owner"])
            self.assertEqual(holder.execute_command("LOCKS", "other*"), [])
            waiter.close()


class Others(unittest.TestCase):
    def test_a_client_calls_functions_of_modules(self):
        with Lockd() as lockd:
            holder = lockd.redis()
            holder.execute_command("LOCK", "key")
            [lock] = json.loads(lockd.cli("CALL", "lock", "list", '{"pattern": "k*"}'))
            self.assertEqual(lock["key"], "key")
            modules = json.loads(holder.execute_command("CALL", "manager", "modules"))
            self.assertEqual({module["name"] for module in modules},
                             {"lock", "resp", "manager", "http"})
            for call, error in {
                    ("CALL", "lokc", "list"): "unknown_module.*did you mean 'lock'",
                    ("CALL", "lock", "lits"): "unknown_function.*did you mean 'list'",
                    ("CALL", "lock", "list", "{"): "bad_parameter.*no JSON",
                    ("CALL", "lock", "list", "[" * 101): "bad_parameter.*64",
                    ("CALL", "lock", "list", '{"pattern": 1}'): "bad_parameter.*pattern",
                    ("CALL", "lock"): "wrong number of arguments"}.items():
                with self.assertRaisesRegex(redis.ResponseError, error):
                    holder.execute_command(*call)

    def test_sessions_of_the_api_keep_their_locks_when_the_module_is_reloaded(self):
        with Lockd() as lockd:
            client = lockd.owner()

            def call(module, function, **parameters):
                return json.loads(
                    client.execute_command("CALL", module, function, json.dumps(parameters)))
            session = call("lock", "open_session", time_to_live="1m")["session"]
            token = call("lock", "acquire", session=session, key="key")
            call("manager", "reload", modules=["lock"])
            self.assertEqual(call("lock", "acquire", session=session, key="key"), token)
            self.assertIsNone(client.execute_command("TRYLOCK", "key"))
            self.assertTrue(call("lock", "release", session=session, key="key"))
            call("lock", "close_session", session=session)
            self.assertEqual(call("lock", "sessions"), [])

    def test_the_server_and_its_clients_are_described(self):
        with Lockd() as lockd:
            client = lockd.redis(client_name="me")
            client.execute_command("LOCK", "key")
            info = client.info()
            self.assertEqual(info["locks_held"], 1)
            self.assertEqual(info["process_id"], lockd.process.pid)
            self.assertNotIn("locks_held", client.info("clients"))
            self.assertEqual(client.info("replication")["role"], "master")
            self.assertRegex(info["redis_version"], r"^\d+\.\d+\.\d+$")
            self.assertEqual(client.execute_command("ROLE")[0], b"master")
            [me] = [c for c in client.client_list() if c["name"] == "me"]
            self.assertEqual(client.client_info()["id"], int(me["id"]))
            self.assertEqual(me["locks"], "1")
            self.assertEqual(int(me["id"]), client.client_id())
            self.assertEqual(client.client_getname(), "me")
            self.assertGreater(int(lockd.cli("COMMAND", "COUNT")), 15)
            self.assertIn("fencing token", lockd.cli("COMMAND", "DOCS", "lock"))

    def test_a_client_kills_another(self):
        with Lockd() as lockd:
            victim, killer = lockd.connect(), lockd.owner()
            victim.token("LOCK key")
            number = int(victim.ask("CLIENT ID")[1:])
            self.assertEqual(killer.execute_command("CLIENT", "KILL", "ID", number), 1)
            self.assertEqual(victim.rest(), b"")
            wait_until(lambda: killer.execute_command("TRYLOCK", "key"), "the lock is free")
            self.assertEqual(killer.execute_command("CLIENT", "KILL", "ID", number), 0)

    def test_both_versions_of_the_protocol_are_spoken(self):
        with Lockd() as lockd:
            for version in "-2", "-3":
                answers = lockd.cli(version, text="HELLO\nCLIENT SETNAME me\nLOCK key\nLOCKS\n"
                                                  "UNLOCK key\nQUIT\n")
                self.assertIn("key", answers)
                self.assertIn("'me'", answers)
            with lockd.connect() as raw:
                self.assertRegex(raw.ask("HELLO 4"), "^-NOPROTO")
                self.assertEqual(raw.ask("HELLO 3"), "%7")

    def test_an_unknown_command_or_argument_is_an_error(self):
        with Lockd() as lockd:
            with self.assertRaisesRegex(redis.ResponseError, "unknown command 'GET'"):
                lockd.redis().get("key")
            self.assertIn("did you mean 'LOCK'", lockd.cli("LOKC", "key"))
            self.assertIn("did you mean 'TIMEOUT'", lockd.cli("LOCK", "key", "TIMEOT", "1"))
            self.assertIn("not a number of seconds", lockd.cli("LOCK", "key", "TIMEOUT", "soon"))
            self.assertIn("expected LOCK key", lockd.cli("LOCK"))

    def test_a_pipeline_is_answered_in_order(self):
        with Lockd() as lockd:
            pipeline = lockd.redis().pipeline(transaction=False)
            for number in range(2000):
                pipeline.execute_command("ECHO", str(number))
                pipeline.execute_command("LOCK", "key")
                pipeline.execute_command("UNLOCK", "key")
            answers = pipeline.execute()
            self.assertEqual([int(a) for a in answers[0::3]], list(range(2000)))
            self.assertEqual(answers[1::3], sorted(set(answers[1::3])))
            self.assertEqual(set(answers[2::3]), {1})

    def test_a_pipeline_as_the_library_makes_it_is_a_transaction(self):
        with Lockd() as lockd:
            client, other = lockd.redis(), lockd.redis()
            pipeline = client.pipeline()
            pipeline.execute_command("LOCK", "a")
            pipeline.execute_command("TRYLOCK", "b")
            pipeline.execute_command("UNLOCK", "a")
            first, second, unlocked = pipeline.execute()
            self.assertEqual((second, unlocked), (first + 1, 1))
            self.assertIsNone(other.execute_command("TRYLOCK", "b"))
            with self.assertRaisesRegex(redis.ResponseError, "unknown command 'GET'"):
                client.pipeline().execute_command("TRYLOCK", "c").get("d").execute()
            self.assertIsInstance(other.execute_command("TRYLOCK", "c"), int)

    def test_replies_are_switched_off_and_on(self):
        with Lockd() as lockd, lockd.connect() as client:
            client.send(b"CLIENT REPLY OFF\r\nTRYLOCK key\r\nCLIENT REPLY ON\r\n")
            self.assertEqual(client.line(), "+OK")
            self.assertEqual(lockd.info("locks_held"), 1)

    def test_a_hostile_pattern_keeps_nobody_waiting(self):
        with Lockd() as lockd, lockd.connect() as client, lockd.connect() as other:
            for number in range(100):
                client.token(f"LOCK {'a' * 4000}{number}")
            began = time.monotonic()
            for _ in range(20):
                client.send(b"LOCKS " + b"a*" * 127 + b"b\r\nLOCKS *" + b"a?" * 100 + b"b*\r\n")
            self.assertEqual(other.ask("PING"), "+PONG")
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(client.line(), "*0")
            self.assertIn("more than 256", other.ask("LOCKS " + "*" * 1000))

    def test_a_request_behind_a_waiting_lock_is_answered_after_it(self):
        with Lockd() as lockd:
            holder, waiter = lockd.connect(), lockd.connect()
            token = holder.token("LOCK key")
            waiter.send(b"PING\r\nLOCK key\r\nECHO behind\r\n")
            self.assertEqual(waiter.line(), "+PONG")
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "one waits")
            holder.close()
            self.assertRegex(waiter.line(), rf"^:{token + 1}$")
            self.assertEqual(waiter.bulk(), "behind")
            waiter.close()


if __name__ == "__main__":
    main()
