"""Tests many clients at once, and clients that are killed."""

import select
import signal
import subprocess
import unittest

from lockd import LIMIT, Lockd, main, wait_until


class Crowds(unittest.TestCase):
    def test_a_thousand_connections_exclude_each_other(self):
        """A key has one holder at a time, in the order of the tokens. All clients get a turn."""
        with Lockd() as lockd, lockd.connect() as watcher:
            clients = [lockd.connect() for _ in range(1000)]
            for client in clients:
                client.send(b"LOCK key\r\n")
            wait_until(lambda: lockd.info("locks_waited_for", watcher) == 999, "all but one wait")
            by_number = {client.fileno(): client for client in clients}
            poll = select.poll()
            for number in by_number:
                poll.register(number, select.POLLIN)
            last = None
            while by_number:
                # A client with an answer holds the lock.
                [(number, _)] = poll.poll(LIMIT * 1000)
                poll.unregister(number)
                holder = by_number.pop(number)
                token = int(holder.line()[1:])
                if last is not None:
                    self.assertEqual(token, last + 1)
                last = token
                if len(by_number) % 2:
                    self.assertEqual(holder.ask("UNLOCK key"), ":1")
                    holder.close()
                else:
                    holder.reset()
            wait_until(lambda: lockd.info("locks_held", watcher) == 0, "nothing is held")
            self.assertEqual(lockd.info("locks_waited_for", watcher), 0)
            wait_until(lambda: lockd.info("connected_clients", watcher) == 1, "all have left")

    def test_when_the_holder_is_killed_the_lock_goes_to_the_next(self):
        with Lockd() as lockd, lockd.connect() as next_one:
            holder = subprocess.Popen(["redis-cli", "-p", str(lockd.port)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
            holder.stdin.write("LOCK key\n")
            holder.stdin.flush()
            token = int(holder.stdout.readline())
            next_one.send(b"LOCK key\r\n")
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "one waits")
            holder.send_signal(signal.SIGKILL)
            self.assertEqual(next_one.line(), f":{token + 1}")
            holder.communicate()

    def test_killed_waiters_leave_nothing_behind(self):
        with Lockd() as lockd, lockd.connect() as holder:
            holder.token("LOCK key")
            crowd = [subprocess.Popen(["redis-cli", "-p", str(lockd.port), "LOCK", "key"],
                                      stdout=subprocess.DEVNULL) for _ in range(20)]
            wait_until(lambda: lockd.info("locks_waited_for") == 20, "all wait")
            for process in crowd:
                process.kill()
            for process in crowd:
                process.wait(LIMIT)
            wait_until(lambda: lockd.info("locks_waited_for") == 0, "no client waits")
            self.assertEqual(lockd.info("locks_held"), 1)
            self.assertEqual(holder.ask("UNLOCK key"), ":1")

    def test_a_client_above_the_limit_is_rejected_and_can_connect_later(self):
        with Lockd(max_clients=3) as lockd:
            clients = [lockd.connect() for _ in range(3)]
            self.assertEqual([client.ask("PING") for client in clients], ["+PONG"] * 3)
            with lockd.connect() as late:
                self.assertEqual(late.rest(), b"-ERR max number of clients reached\r\n")
            lockd.wait_for_log(r"warning \[resp\] .*3 clients are connected.*max_clients.*refused")
            clients.pop().close()

            def has_room():
                with lockd.connect() as late:
                    return late.ask("PING") == "+PONG"
            wait_until(has_room, "there is room")


if __name__ == "__main__":
    main()
