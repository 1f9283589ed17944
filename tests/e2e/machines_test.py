"""Tests the app apps/machines with curl, as jobs use it."""

import json
import os
import subprocess
import unittest

from lockd import LIMIT, main, program, wait_until
from running_app import RunningApp

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../apps/machines")
APP = os.path.join(HERE, "machines.json")


class Machines(RunningApp):
    """The running app, with machines of the test."""

    def __init__(self, wait="1h", **limit):
        super().__init__("machines")
        self.wait = wait
        with open(self.path("own.json"), "w", encoding="ascii") as file:
            json.dump({"module": {"limit": {"limits": {"machines": limit}}}}, file)

    def __enter__(self):
        self.launch(APP, self.path("own.json"), MACHINES_LISTEN="unix:" + self.path("http"),
                    MACHINES_SOCKET=self.path("socket"), MACHINES_WAIT=self.wait)
        wait_until(lambda: any("listens at unix:" + self.path("http") in line
                               for line in self.log), "the socket")
        return self

    def start(self, path, *options):
        return subprocess.Popen(["curl", "-sS", "--unix-socket", self.path("http"), "-H",
                                 "Content-Type: application/json", "localhost" + path, *options],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ask(self, path, *options):
        return answer(self.start(path, *options))

    def take(self, team, kind="machines"):
        return self.start(f"/{kind}/{team}", "-X", "POST")

    def give_back(self, ticket):
        return self.ask("/tickets/" + ticket["ticket"], "-X", "DELETE")

    def waiting(self):
        return sum(team["waiting"] for team in self.ask("/machines"))


def answer(curl):
    output, errors = curl.communicate(timeout=LIMIT)
    assert curl.returncode == 0, errors
    return json.loads(output)


class MachinesTest(unittest.TestCase):
    def test_teams_take_turns_and_urgent_jobs_go_first(self):
        with Machines(in_all=1) as machines:
            ticket = answer(machines.take("red"))
            waiting = []
            for team, kind in (("red", "machines"), ("red", "machines"), ("blue", "machines"),
                               ("green", "urgent")):
                waiting.append((team, machines.take(team, kind)))
                wait_until(lambda: machines.waiting() == len(waiting), "the waiter")
            order = []
            while waiting:
                self.assertIs(machines.give_back(ticket), True)
                wait_until(lambda: any(curl.poll() is not None for _, curl in waiting),
                           "the next job")
                team, curl = next(entry for entry in waiting if entry[1].poll() is not None)
                ticket = answer(curl)
                order.append(team)
                waiting.remove((team, curl))
            self.assertEqual(order, ["green", "red", "blue", "red"])
            machines.give_back(ticket)

    def test_a_team_has_no_more_machines_than_the_file_says(self):
        with Machines(in_all=3, at_once=2) as machines:
            tickets = [answer(machines.take("red")) for _ in range(2)]
            third = machines.take("red")
            wait_until(lambda: machines.waiting() == 1, "the waiter")
            self.assertEqual(len(answer(machines.take("blue"))["ticket"]), 16)
            machines.give_back(tickets[0])
            self.assertEqual(len(answer(third)["ticket"]), 16)

    def test_a_job_that_is_cancelled_has_taken_nothing(self):
        with Machines(in_all=1) as machines:
            ticket = answer(machines.take("red"))
            gone = machines.take("blue")
            wait_until(lambda: machines.waiting() == 1, "the waiter")
            gone.kill()
            gone.communicate(timeout=LIMIT)
            wait_until(lambda: machines.waiting() == 0, "the end of the waiter")
            machines.give_back(ticket)
            self.assertEqual([team["in_use"] for team in machines.ask("/machines")], [0, 0])

    def test_a_machine_that_is_not_given_back_is_free_after_its_time(self):
        with Machines(in_all=1, hold="50ms") as machines:
            lost = answer(machines.take("red"))
            self.assertEqual(len(answer(machines.take("blue"))["ticket"]), 16)
            self.assertIs(machines.give_back(lost), False)

    def test_a_job_that_waits_for_too_long_learns_it(self):
        with Machines(wait="20ms", in_all=1) as machines:
            answer(machines.take("red"))
            self.assertEqual(answer(machines.take("blue"))["code"], "limit_reached")

    def test_clients_cannot_choose_what_the_file_says(self):
        with Machines() as machines:
            for body in ('{"limit": "x"}', '{"priority": 9}', '{"wait": "9h"}'):
                self.assertEqual(machines.ask("/machines/red", "-d", body)["code"],
                                 "bad_parameter")

    def test_what_is_wrong_in_the_file_is_told_with_its_place(self):
        def mistake(route):
            result = subprocess.run([program("weir"), "check", APP, "--set",
                                     "module.http.routes=[" + route + "]"],
                                    capture_output=True, text=True, timeout=LIMIT, check=False)
            return result.stderr + result.stdout

        self.assertIn("module.http.routes[0].call: the module 'limit' has no function 'tak' (did "
                      "you mean 'take'?)", mistake('{"path": "/", "call": "limit.tak"}'))
        self.assertIn("module.http.routes[0].with.limt: 'limit.take' has no parameter 'limt'",
                      mistake('{"path": "/", "call": "limit.take", "with": {"limt": "x"}}'))
        self.assertIn("no module 'limits' is started: server.startup does not list it (did you "
                      "mean 'limit'?)", mistake('{"path": "/", "call": "limits.take"}'))

    def test_the_picture_of_the_page_is_that_of_the_file(self):
        graph = subprocess.run([program("weir"), "graph", APP], capture_output=True, text=True,
                               timeout=LIMIT, check=True).stdout
        with open(os.path.join(HERE, "machines.mmd"), encoding="utf-8") as file:
            self.assertEqual(graph, file.read())


if __name__ == "__main__":
    main()
