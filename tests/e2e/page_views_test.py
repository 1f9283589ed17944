"""Tests the views of the page that need a server with more in it: rules, and recordings."""

import json
import unittest

from lockd import main
from page_test import InBrowser, Paged, send


class WithRules(Paged):
    """The same with rules: one that runs, and one that fails."""

    def __init__(self):
        super().__init__()
        self.more["server"]["startup"] = ["lock", "resp", "manager", "http", "rules"]
        self.more["module"]["rules"] = {"rules": {
            "greet": {"on": "shop.Order", "do": [{"log": "hello"}]},
            "complain": {"on": "shop.Order", "do": [{"fail": "there is no bread"}]},
        }}
        self.write()


class RulesTest(InBrowser):
    server = WithRules

    def row(self, name):
        """Returns the cells of a rule."""
        return self.browser.js("""const row = [...document.querySelectorAll(
            "[aria-label=Rules] [role=row]")].find((one) => !one.hidden &&
            one.firstElementChild.textContent === arguments[0]);
            return [...row?.children ?? []].map((one) => one.textContent);""", name)

    def test_rules_are_listed_with_what_they_have_done(self):
        page = self.browser
        self.open("rules")
        page.wait("[aria-label=Rules] [role=row]", "greet")
        for _ in range(3):
            self.assertEqual(self.web.post("/events/shop.Order", {"customer": "ann"}), 204)
        # Rule, On, State, Runs/s, Runs, Failed
        page.wait("[aria-label=Rules] [role=gridcell].bad", "3")
        self.assertEqual(self.row("greet")[1:3] + self.row("greet")[4:6],
                         ["shop.Order", "works", "3", "0"])
        self.assertEqual(self.row("complain")[4:6], ["3", "3"])
        page.wait(".quiet", "2 rules · 0 running")

    def test_a_server_without_rules_has_no_such_tab(self):
        page = self.browser
        self.open()
        page.wait("#tab-rules", "Rules")
        self.log_in()
        self.assertEqual(self.web.post("/call/manager/unload", {"module": "rules"}), 200)
        page.wait("#tab-rules", gone=True)
        self.assertEqual(self.web.post("/call/manager/load", {"module": "rules"}), 200)
        page.wait("#tab-rules", "Rules")


class TimelineTest(InBrowser):

    def work(self, client):
        for _ in range(200):
            send(client, "LOCK", "bread")
            client.line()
            send(client, "UNLOCK", "bread")
            client.line()

    def test_a_guest_may_not_record(self):
        self.open("timeline")
        self.browser.wait(".notice", "You may not record")

    def test_a_recording_is_drawn_zoomed_and_told_in_tables(self):
        page = self.browser
        self.open("timeline")
        self.log_in()
        page.click("button", "Record")
        page.wait(".bar", "recording, ")
        self.work(self.client())
        page.wait(".bar", "s recorded")
        page.wait("button", "Record")
        page.wait(".lane", "client ")
        page.wait("[aria-label='Busiest routines'] [role=row]", "client ")
        page.wait("[aria-label='Events by type'] [role=row]", "weir.LockEvent")
        whole = page.js("return document.querySelector('.run').getAttribute('d');")
        self.assertRegex(whole, r"^M\d")
        page.click("button", "Zoom in")
        self.assertNotEqual(page.js("return document.querySelector('.run').getAttribute('d');"),
                            whole)
        page.click("button", "All")
        self.assertEqual(page.js("return document.querySelector('.run').getAttribute('d');"), whole)
        page.js("document.querySelector('.lanes').focus();")
        page.press("+", "+")
        self.assertNotEqual(
            page.js("return document.querySelector('.run').getAttribute('d');"), whole)
        page.press("HOME")
        page.js("document.querySelector('.lane svg').dispatchEvent(new MouseEvent('click'));")
        page.wait("[role=status]", " ran for ")

    def test_a_person_is_told_that_another_client_records(self):
        page = self.browser
        client = self.client()

        def call(function, **parameters):
            send(client, "CALL", "manager", function, json.dumps(parameters))
            return json.loads(client.bulk())
        self.open("timeline")
        self.log_in()
        trace = call("start_trace", time="1h")["trace"]
        page.click("button", "Record")
        page.wait(".bar .bad", "another client records")
        while call("take_trace", trace=trace)["left"] != 0:
            pass


if __name__ == "__main__":
    main()
