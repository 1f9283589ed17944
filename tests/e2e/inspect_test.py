"""weir inspect: what it shows of a running lockd."""

import json
import subprocess
import unittest

from lockd import LIMIT, Lockd, main, program, wait_until


def inspect(lockd, *arguments):
    """Returns the exit code and the output."""
    done = subprocess.run([program("weir"), "inspect", "unix:" + lockd.unix, *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=LIMIT, check=False)
    return done.returncode, done.stdout


def all_queues(queue):
    yield queue
    for subqueue in queue["subqueues"]:
        yield from all_queues(subqueue)


class Inspect(unittest.TestCase):
    def test_a_lock_with_a_waiter_is_shown_everywhere(self):
        with Lockd() as lockd, lockd.connect() as holder, lockd.connect() as waiter:
            holder.ask("CLIENT SETNAME holder")
            waiter.ask("CLIENT SETNAME waiter")
            token = holder.token("LOCK my\x1bkey")
            waiter.send(b"LOCK my\x1bkey\r\n")
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "one waits")

            code, text = inspect(lockd, "--json")
            self.assertEqual(code, 0)
            told = json.loads(text)
            self.assertEqual(told["process"], lockd.process.pid)
            modules = {module["name"]: module for module in told["modules"]}
            self.assertEqual({name: module["state"] for name, module in modules.items()},
                             dict.fromkeys(("lock", "manager", "resp", "http"), "succeeded"))
            self.assertEqual(modules["resp"]["dependencies"], ["lock"])
            [lock] = told["locks"]
            [held], [waits] = lock["holders"], lock["waiters"]
            self.assertEqual(held["token"], token)
            self.assertIn("'holder'", held["owner"])
            self.assertIn("'waiter'", waits["owner"])
            [routine] = [r for r in told["routines"] if "lock 'my" in r.get("waits_for", "")]
            self.assertEqual((routine["module"], routine["state"]), ("resp", "waiting"))
            self.assertGreaterEqual(routine["seconds"], 0)
            [blocked] = told["blocked_events"]
            self.assertTrue(blocked["event"].startswith("weir.LockEvent("))
            self.assertEqual(blocked["queue"], "root/lock")
            [queue] = [q for q in all_queues(told["queue"]) if q["name"] == "lock"]
            self.assertEqual((queue["size"], queue["blocked"]), (1, 1))
            self.assertEqual((queue["module"], modules["lock"]["queued"],
                              modules["lock"]["blocked"]), ("lock", 1, 1))
            in_resp = [r for r in told["routines"] if r["module"] == "resp"]
            self.assertEqual(len(in_resp), modules["resp"]["routines"])
            self.assertEqual(sum(r["memory"] for r in in_resp), modules["resp"]["memory"])
            self.assertGreater(modules["resp"]["memory"], 500)
            self.assertGreater(modules["resp"]["library"], 50_000)
            self.assertGreater(told["memory"]["resident"], told["memory"]["heap"])
            self.assertEqual(told["counts"]["blocked"], 1)
            self.assertEqual(told["lock_statistics"]["waiting"], 1)
            due = [timer["due_in"] for timer in told["timers"]]
            self.assertEqual(due, sorted(due))

            code, text = inspect(lockd)
            self.assertEqual(code, 0)
            for line in (rf"process {lockd.process.pid}, \S+ MiB in memory, \S+ \w*B of heap\n",
                         r"\n  resp: succeeded for .* \(listed in server.startup\), "
                         r"\d+ routines of .* KiB, ",
                         r"\n    lock: succeeded for .*, 1 event queued, 1 blocked, library ",
                         r"\n    lock: 1, priority \d+, .* left, blocked by 1 event, of lock\n",
                         r"\n        has waited \S+ \w+ for lock 'my.*key'",
                         r"\n  weir\.LockEvent\(.* blocks root/lock\n",
                         rf"\n    held by .*'holder'.* for .*, token {token}\n",
                         r"\n    waited for by .*'waiter'.* for "):
                self.assertRegex(text, line)
            self.assertNotIn("\x1b", text)

    def test_without_the_manager_it_says_what_is_missing(self):
        with Lockd({"server": {"startup": ["lock", "resp"]}}) as lockd:
            code, text = inspect(lockd)
            self.assertEqual(code, 1)
            self.assertIn("weir inspect: ", text)
            self.assertIn("manager", text)

    def test_without_a_server_it_fails(self):
        with Lockd() as lockd:
            lockd.unix += ".other"
            code, text = inspect(lockd)
            self.assertEqual(code, 1)
            self.assertIn("cannot connect", text)


if __name__ == "__main__":
    main()
