"""Locks that are taken away: clients of every kind learn it at once. Without other servers."""

import http.client
import json
import subprocess
import unittest

from lockd import LIMIT, Lockd, main, program, wait_until

BROKEN = "has broken it"


class LockLoss(unittest.TestCase):
    def test_a_client_of_version_2_gets_an_error_and_its_connection_ends(self):
        with Lockd() as lockd, lockd.connect() as holder, lockd.connect() as other:
            holder.token("LOCK a")
            holder.token("LOCK b")
            other.send(b"LOCK b\r\n")
            self.assertEqual(lockd.cli("BREAK", "a", owner=True), "1")
            self.assertRegex(holder.line(), r"^-LOCKLOST lock 'a' in context 'default' is lost: "
                                            r"client \d+ has broken it$")
            self.assertEqual(holder.rest(), b"")
            self.assertRegex(other.line(), r"^:\d+$")  # its other locks are free, too
            self.assertEqual(lockd.cli("BREAK", "a", owner=True), "0")
            lockd.wait_for_log("lock 'a' in context 'default' is lost: ")

    def test_a_client_of_version_3_gets_a_push_and_keeps_its_other_locks(self):
        with Lockd() as lockd, lockd.connect() as holder:
            holder.send(b"HELLO 3\r\nECHO begun\r\n")
            while holder.line() != "begun":
                pass
            token = holder.token("LOCK a")
            holder.token("LOCK b")
            lockd.cli("BREAK", "a", owner=True)
            self.assertEqual(holder.line(), ">5")
            self.assertEqual([holder.bulk() for _ in range(3)], ["lock-lost", "a", "default"])
            self.assertEqual(holder.line(), f":{token}")
            self.assertRegex(holder.bulk(), r"^client \d+ has broken it$")
            self.assertRegex(holder.ask("UNLOCK a"), "^-LOCKLOST lock 'a' in context 'default' was")
            self.assertEqual(holder.ask("UNLOCK a"), ":0")
            self.assertEqual(holder.ask("UNLOCK b"), ":1")

    def test_a_client_within_a_transaction_is_told_after_it(self):
        with Lockd() as lockd, lockd.connect() as holder, lockd.connect() as other:
            holder.send(b"HELLO 3\r\nECHO begun\r\n")
            while holder.line() != "begun":
                pass
            holder.token("LOCK a")
            other.token("LOCK b")
            holder.send(b"MULTI\r\nLOCK b\r\nECHO end\r\nEXEC\r\n")
            wait_until(lambda: "client" in lockd.cli("WAITERS", "b"), "it waits")
            lockd.cli("BREAK", "a", owner=True)
            other.ask("UNLOCK b")
            lines = [holder.line() for _ in range(5)]
            self.assertEqual(lines[:4], ["+OK", "+QUEUED", "+QUEUED", "*2"])
            self.assertRegex(lines[4], r"^:\d+$")
            self.assertEqual(holder.bulk(), "end")
            self.assertEqual(holder.line(), ">5")

    def test_strangers_may_not_break_locks(self):
        with Lockd(owner_at_port=False) as lockd:
            self.assertIn("NOPERM", lockd.cli("BREAK", "a"))

    def test_weir_lock_ends_its_command_and_says_why(self):
        with Lockd() as lockd:
            process = subprocess.Popen(
                [program("weir"), "lock", "--server", "unix:" + lockd.unix, "job", "--",
                 "sh", "-c", "echo ready; sleep 1000"],
                text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(process.stdout.readline(), "ready\n")
            lockd.cli("BREAK", "job", owner=True)
            _, errors = process.communicate(timeout=LIMIT)
            self.assertRegex(errors, r"the lock 'job' is lost: client \d+ has broken it; ending "
                                     "the command")
            self.assertNotEqual(process.returncode, 0)

    def test_a_hold_that_is_too_long_ends(self):
        limits = {"contexts": {"default": {"longest_holds": [{"keys": "job-*", "time": "300ms"}]}}}
        with Lockd(more={"module": {"lock": limits}}) as lockd:
            with lockd.connect() as holder, lockd.connect() as other:
                first = holder.token("LOCK job-1")
                self.assertGreater(other.token("LOCK job-1"), first)
                self.assertIn("it was held for as long as is allowed", holder.line())

    def test_over_http_a_response_that_holds_a_lock_ends_with_the_loss(self):
        with Lockd() as lockd:
            port = int(lockd.wait_for_log(r"\[http\].*listens at tcp://[\d.]+:(\d+)").group(1))
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
            client.request("POST", "/locks/a", json.dumps({"hold": True}),
                           {"Content-Type": "application/json"})
            response = client.getresponse()
            token = json.loads(response.readline())["token"]
            lockd.cli("BREAK", "a", owner=True)
            lines = [line for line in response.read().decode().splitlines() if line]
            lost = json.loads(lines[-1])["lost"]
            self.assertEqual((lost["key"], lost["token"]), ("a", token))
            self.assertIn(BROKEN, lost["reason"])
            # A session of its own is told when it is used next.
            client.request("POST", "/locks/b", "{}", {"Content-Type": "application/json"})
            session = json.loads(client.getresponse().read())["session"]
            lockd.cli("BREAK", "b", owner=True)
            for method in ("PUT", "DELETE"):
                client.request(method, f"/locks/b?session={session}", None,
                               {"Content-Type": "application/json"})
                response = client.getresponse()
                self.assertEqual(response.status, 409)
                self.assertEqual(json.loads(response.read())["code"], "lock_lost")
            client.close()


if __name__ == "__main__":
    main()
