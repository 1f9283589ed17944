"""Tests the page of the module `http` in a real browser, with real clients of lockd."""

import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import tempfile
import unittest

import browser
from lockd import LIMIT, Lockd, main, wait_until
from loopback import free_port

PASSWORD = "apples & pears: ä"
SECRET = "nobody-may-see-this"
EVENTS = {"shop.Order": {
    "indices": [{"name": "customer"}],
    "members": [{"name": "note", "type": "string", "default": ""}],
}}
IMAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/images")
MARKUP = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>"


class Paged(Lockd):
    """lockd with its page, at a port that stays the same when it is started again."""

    def __init__(self):
        super().__init__(password=SECRET)
        self.http_port = free_port()
        self.password = os.path.join(self.folder.name, "password")
        self.write_password()
        self.more = {
            "server": {"events": EVENTS,
                       "roles": {"till": {"may": ["lock.list"], "keys": ["till:*"]}},
                       "users": {"ops": {"password_file": self.password, "roles": ["admin"]},
                                 "till": {"password_file": self.password, "roles": ["till"]}}},
            "module": {"http": {"listen": [f"tcp://127.0.0.1:{self.http_port}"]}},
        }
        self.write()

    def write_password(self):
        with open(self.password, "w", encoding="utf-8") as file:
            file.write(PASSWORD + "\n")

    def __enter__(self):
        self.log = []
        super().__enter__()
        self.wait_for_log(f"http.*listens at tcp://127.0.0.1:{self.http_port}")
        return self

    def url(self, view="overview"):
        return f"http://127.0.0.1:{self.http_port}/ui/#{view}"

    def post(self, path, content, login=True):
        """Posts JSON, as an admin or a guest. Returns the status."""
        headers = {"Content-Type": "application/json"}
        if login:
            word = base64.b64encode(f"ops:{PASSWORD}".encode()).decode()
            headers["Authorization"] = "Basic " + word
        client = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=LIMIT)
        client.request("POST", path, json.dumps(content), headers)
        status = client.getresponse().status
        client.close()
        return status

    def client(self):
        """Returns a client that has logged in."""
        raw = self.connect()
        assert raw.ask(f"AUTH {SECRET}") == "+OK"
        return raw


def send(client, *words):
    """Sends a command whose words may contain anything."""
    parts = [word.encode() for word in words]
    client.send(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part)
                                                   for part in parts))


class PageFilesTest(unittest.TestCase):
    """What needs no browser."""

    def ask(self, web, path, headers=None):
        """Returns the status, the headers and the body."""
        client = http.client.HTTPConnection("127.0.0.1", web.http_port, timeout=LIMIT)
        client.request("GET", path, headers=headers or {})
        response = client.getresponse()
        answer = response.status, response.headers, response.read().decode()
        client.close()
        return answer

    def test_files_are_served_under_their_digest_with_a_strict_policy(self):
        with Paged() as web:
            self.assertEqual(self.ask(web, "/")[1]["Location"], "ui/")
            self.assertEqual(self.ask(web, "/ui")[1]["Location"], "ui/")
            status, headers, page = self.ask(web, "/ui/")
            self.assertEqual((status, headers["Cache-Control"]), (200, "no-cache"))
            for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"):
                self.assertIn(part, headers["Content-Security-Policy"])
            self.assertNotIn("unsafe", headers["Content-Security-Policy"])
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
            self.assertEqual(self.ask(web, "/ui/", {"If-None-Match": headers["ETag"]})[0], 304)
            # No scripts and styles but those of files, and nothing from elsewhere.
            self.assertNotRegex(
                page, r"<style|style=|\son\w+=|<script(?! type=.module. src=)|https?:")

            script = re.search(r'src="([0-9a-f]{16}/app\.js)"', page)[1]
            status, headers, text = self.ask(web, "/ui/" + script)
            self.assertEqual((status, headers["Content-Type"]),
                             (200, "text/javascript; charset=utf-8"))
            self.assertIn("immutable", headers["Cache-Control"])
            for name in re.findall(r'from "\./(\w+\.js)"', text):
                self.assertEqual(self.ask(web, f"/ui/{script.split('/')[0]}/{name}")[0], 200)
            for path in ("/ui/app.js", "/ui/0123456789abcdef/app.js", f"/ui/{script}x",
                         "/ui/..%2F..%2Fetc%2Fpasswd", f"/ui/{script}/.."):
                self.assertEqual(self.ask(web, path)[0], 404, path)

    def test_a_client_learns_what_it_may_call(self):
        with Paged() as web:
            status, headers, text = self.ask(web, "/ui/client")
            guest = json.loads(text)
            self.assertEqual((status, headers["Cache-Control"]), (200, "no-store"))
            self.assertEqual((guest["user"], guest["can_log_in"]), ("", True))
            self.assertIn("inspect", guest["functions"]["manager"])
            self.assertNotIn("reload", guest["functions"]["manager"])
            self.assertNotIn("settings", guest["functions"]["manager"])
            word = base64.b64encode(f"ops:{PASSWORD}".encode()).decode()
            admin = json.loads(self.ask(web, "/ui/client", {"Authorization": "Basic " + word})[2])
            self.assertEqual(admin["user"], "ops")
            self.assertIn("change_settings", admin["functions"]["manager"])
            wrong = {"Authorization": "Basic b3BzOm5v"}
            self.assertEqual(self.ask(web, "/ui/client", wrong)[0], 401)

    def test_lockd_gives_out_locks_where_the_port_of_the_page_is_taken(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            web = Paged()
            web.http_port = other.getsockname()[1]
            web.more["module"]["http"]["listen"] = [f"tcp://127.0.0.1:{web.http_port}"]
            web.write()
            Lockd.__enter__(web)
            web.wait_for_log("http failed to load: cannot listen at .*address already in use")
            with web.client() as client:
                self.assertRegex(client.ask("LOCK a"), r"^:\d+$")
            self.assertEqual(web.end(), 1)
            web.folder.cleanup()


@unittest.skipIf(browser.missing(), f"not installed: {browser.missing()}")
class InBrowser(unittest.TestCase):
    """What tests of views share: a server, a browser, and clients of the server."""

    server = Paged

    @classmethod
    def setUpClass(cls):
        cls.web = cls.server()
        cls.web.__enter__()
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)

    @classmethod
    def tearDownClass(cls):
        cls.web.__exit__(None)

    def setUp(self):
        self.clients = []

    def tearDown(self):
        page = self.browser
        violations, mistakes, hacked = page.js(
            "return [window.violations, window.mistakes, window.hacked ?? null];")
        for client in self.clients:
            client.close()
        self.assertEqual((violations, mistakes, hacked), ([], [], None))
        self.assertNotIn(SECRET, page.js("return document.documentElement.outerHTML;"))

    def client(self):
        client = self.web.client()
        self.clients.append(client)
        return client

    def holder(self, *keys):
        """Returns a client that holds the locks."""
        client = self.client()
        for key in keys:
            send(client, "LOCK", key)
            self.assertRegex(client.line(), r"^:\d+$")
        return client

    def open(self, view="overview"):
        self.browser.open(self.web.url(view))
        self.browser.wait("#state", "live")

    def log_in(self, user="ops"):
        page = self.browser
        page.click("#login", "Log in")
        page.write("#user-name", user)
        page.write("#user-password", PASSWORD)
        page.click("dialog button", "Log in")
        page.wait("#user", user)


class PageTest(InBrowser):
    # --- what is seen

    def test_the_overview_shows_state_and_rates(self):
        page = self.browser
        self.open()
        page.wait("#server", "version 0.")
        page.wait("#server", "up ")
        self.assertEqual(page.text("#user"), "guest")
        page.wait(".attention", "Nothing needs attention.")
        wait_until(lambda: re.match(r"[\d.k]+/s", page.text(".chart strong")), "there is a rate")
        page.wait(".chart figcaption", "MiB")
        page.wait("[role=row]", "lock.deadlocks")
        lines = """return [...document.querySelectorAll(".line")]
            .map((path) => path.getAttribute("d")).filter((path) => path?.includes("L")).length;"""
        wait_until(lambda: page.js(lines) > 3, "lines are drawn")

    def test_locks_appear_with_holders_and_waiters(self):
        page = self.browser
        self.holder("orders:7")
        waiter = self.client()
        send(waiter, "CLIENT", "SETNAME", "till")
        self.assertEqual(waiter.line(), "+OK")
        send(waiter, "LOCK", "orders:7")
        self.holder("other")
        self.open("locks")
        page.click("[role=row]", "orders:7")
        page.wait(".panel h3", "Holders (1)")
        page.wait(".panel li", "token")
        page.wait(".panel li", "till")
        page.wait(".bar", "2 keys, 1 waiter")
        page.write("input[name=pattern]", "oth*")
        page.wait("[role=gridcell]", "orders:7", gone=True)
        page.wait("[role=gridcell]", "other")

    def test_a_deadlock_is_drawn(self):
        page = self.browser
        one, two = self.holder("a"), self.holder("b")
        send(one, "LOCK", "b")
        send(two, "LOCK", "a")
        bystander = self.client()
        send(bystander, "LOCK", "a")
        self.open("locks")
        page.wait(".deadlock", "Deadlock")
        # Two owners and two keys in a circle of four arrows; the bystander only waits.
        drawn = """return [".node.owner.bad", ".node.key.bad", ".arrow.bad", ".node.owner",
            ".arrow"].map((one) => document.querySelectorAll(one).length);"""
        wait_until(lambda: page.js(drawn) == [2, 2, 4, 3, 5], "the whole graph is drawn")
        page.click("#tab-overview")
        page.wait(".attention", "There is 1 deadlock.")

    def test_the_queue_tree_shows_what_is_in_each_queue(self):
        page = self.browser
        self.holder("a", "b", "c")
        self.open("queues")
        page.click("[title='root/lock']")
        page.wait(".panel h3", "Events that block it (3)")
        page.wait(".panel li", "key=\"b\"")
        page.wait("[role=row]", "connectionwrite0 of 100k")

    def test_routines_are_counted_by_the_line_that_started_them(self):
        page = self.browser
        self.holder("a")
        send(self.client(), "LOCK", "a")
        self.open("routines")
        page.wait("[aria-label='Routines by place'] [role=row]", "resp/session.cpp:")
        page.write("[type=search]", "lock 'a'")
        page.wait(".bar", "1 match")
        page.wait("[aria-label=Routines] [role=row]", "lock 'a' in context 'default'")
        page.click("[aria-label='Routines by place'] [role=row]", "resp/session.cpp:")
        page.wait(".bar", "2 match")

    def test_many_locks_and_routines_do_not_fill_the_document(self):
        page = self.browser
        crowd = [self.client() for _ in range(5000)]  # each has two routines
        holder = crowd[0]
        for number in range(1000):
            send(holder, "LOCK", f"many:{number}")
            holder.line()
        self.open("locks")
        page.wait(".bar", "1000 keys")
        self.assertLess(page.elements(), 1500)
        page.click("[aria-label=Locks] [role=columnheader] button", "Key")
        page.js("const table = document.querySelector('[aria-label=Locks]');"
                "table.scrollTop = table.scrollHeight;")
        page.wait("[role=gridcell]", "many:999")
        self.assertLess(page.elements(), 1500)
        page.click("#tab-routines")
        page.wait(".bar", "; 1000 are listed")
        counted = float(re.search(r"([\d.]+)k routines", page.text(".bar .quiet")).group(1))
        self.assertGreaterEqual(counted, 10)
        self.assertLess(page.elements(), 2500)
        for view in ("routines", "locks"):
            page.click(f"#tab-{view}")
            page.wait(".bar", "listed" if view == "routines" else "1000 keys")
            self.assertLess(self.share_of_processor(5), 0.5, view)

    def share_of_processor(self, seconds):
        """Returns how much of its thread's time the page computes while it shows what changes."""
        page = self.browser
        page.command("Performance.enable", timeDomain="threadTicks")

        def used():
            metrics = page.command("Performance.getMetrics")["metrics"]
            return next(one["value"] for one in metrics if one["name"] == "TaskDuration")
        before = used()
        page.js(f"return new Promise((done) => setTimeout(done, {seconds} * 1000));")
        share = (used() - before) / seconds
        page.command("Performance.disable")
        print(f"the page computes for {share:.1%} of the time")
        return share

    def test_more_locks_than_are_listed_need_a_narrower_filter(self):
        page = self.browser
        for half in range(2):
            client = self.client()
            for number in range(5001):
                send(client, "LOCK", f"{half}:{number}")
            for _ in range(5001):
                client.line()
        self.open("locks")
        page.wait(".bar .bad", "give a narrower pattern")
        page.write("input[name=pattern]", "1:77*")
        page.wait(".bar", "11 keys")
        page.wait(".bar .bad", gone=True)

    def test_names_with_markup_are_text(self):
        page = self.browser
        client = self.holder(MARKUP)
        send(client, "CLIENT", "SETNAME", "<b>bold</b>")
        client.line()
        waiter = self.client()
        send(waiter, "CLIENT", "SETNAME", "<svg/onload=window.hacked=1>")
        waiter.line()
        send(waiter, "LOCK", MARKUP)
        self.open("locks")
        page.click("[role=row]", MARKUP)
        page.wait(".panel h2", MARKUP)
        page.wait(".graph title", "", gone=True)
        page.wait(".panel li", "<svg/onload")
        for view in ("routines", "queues"):
            page.click(f"#tab-{view}")
            page.wait("[role=row]")
        page.click("#tab-events")
        page.wait(".bar", "watching")
        order = {"customer": "x", "note": MARKUP}
        self.assertEqual(self.web.post("/events/shop.Order", order), 204)
        page.click("[role=row]", "onerror")
        page.wait(".json", "<img src=x onerror")
        self.assertEqual(
            page.js("return document.querySelectorAll('main img, main script').length;"), 0)

    # --- rights

    def test_a_guest_is_told_what_is_missing_and_an_admin_reloads(self):
        page = self.browser
        self.open("modules")
        page.click("[role=row]", "resp")
        page.wait(".panel .actions", "You need the right manager.reload, manager.unload.")
        self.assertTrue(page.js("return document.querySelector('[data-action=reload]').disabled;"))
        page.wait(".panel .settings", "they need the right manager.settings")
        self.assertEqual(self.web.post("/call/manager/reload", {"modules": ["resp"]}, login=False),
                         401)
        self.log_in()
        before = len(self.web.log)
        page.wait(".panel .actions", "You need", gone=True)
        page.click("[data-action=reload]")
        page.wait(".panel .result", "resp has been reloaded.")
        self.web.wait_for_log("resp reloaded|resp is replaced|reload", before)
        page.click("#login", "Log out")
        page.wait("#user", "guest")
        page.wait(".panel .actions", "You need the right")

    def test_a_user_sees_what_its_role_allows_and_is_told_what_it_lacks(self):
        page = self.browser
        self.holder("till:1", "safe")
        self.open("locks")
        self.log_in("till")
        page.wait("[role=gridcell]", "safe", gone=True)
        page.wait("[role=gridcell]", "till:1")
        for view, right in (("overview", "manager.metrics"), ("queues", "manager.inspect"),
                            ("modules", "manager.inspect"), ("routines", "manager.routines"),
                            ("events", "server.list_events"), ("calls", "http.discover")):
            page.click(f"#tab-{view}")
            page.wait(".notice", right)
            self.assertTrue(page.text(".notice").startswith("You may not see"))

    def test_what_does_not_run_is_not_shown(self):
        page = self.browser
        self.open("modules")
        self.log_in()
        page.click("[role=row]", "manager")
        page.click("[data-action=unload]")
        page.wait(".panel .actions", "Unload manager?")
        page.click("[data-action=sure]")
        page.wait(".notice", "This cannot be shown now.")
        page.click("#tab-locks")
        page.wait(".bar", "0 keys")
        self.web.end()
        self.web.__enter__()

    def test_wrong_passwords_are_refused_in_the_dialog(self):
        page = self.browser
        self.open()
        page.click("#login")
        page.write("#user-name", "ops")
        page.write("#user-password", "wrong")
        page.click("dialog button", "Log in")
        page.wait("dialog .mistake", "wrong")
        self.assertEqual(page.text("#user"), "guest")
        page.press("ESCAPE")
        page.wait("dialog", gone=True)

    def test_settings_are_changed_with_the_same_checks(self):
        page = self.browser
        self.open("modules")
        self.log_in()
        page.click("[role=row]", "resp")
        page.wait(".settings label", "max_clients")
        self.assertEqual(page.js(
            "return document.querySelector('[name=password]').value;"), "")
        page.write("[name=max_clients]", "0")
        page.click(".settings button", "Change")
        page.wait(".settings .mistake", "out of range")
        page.wait(".settings .result", "Nothing has been changed.")
        page.write("[name=max_clients]", "4321")
        page.click(".settings button", "Change")
        page.wait(".settings .result", "Changed: max_clients.")
        self.assertEqual(page.js("return document.querySelector('[name=max_clients]').value;"),
                         "4321")
        self.web.wait_for_log(r"module\.resp\.max_clients changed by user 'ops'")
        # The file says something else, and counts again when it is read.
        before = len(self.web.log)
        self.web.process.send_signal(signal.SIGHUP)
        self.web.wait_for_log("the configuration has been read again", before)
        page.click("[role=row]", "lock")
        page.click("[role=row]", "resp")
        value = "return document.querySelector('[name=max_clients]')?.value;"
        wait_until(lambda: page.js(value) == "10000", "the setting is that of the file")

    def test_a_password_that_has_changed_ends_the_login(self):
        page = self.browser
        self.open("locks")
        self.log_in()
        with open(self.web.password, "w", encoding="utf-8") as file:
            file.write("another\n")
        try:
            self.web.process.send_signal(signal.SIGHUP)
            page.wait("dialog h2", "Log in")
            page.wait("#user", "guest")
            page.wait("#state", "live")
        finally:
            before = len(self.web.log)
            self.web.write_password()
            self.web.process.send_signal(signal.SIGHUP)
            self.web.wait_for_log("the configuration has been read again", before)

    def test_the_module_that_serves_the_page_is_reloaded_by_it(self):
        page = self.browser
        self.open("modules")
        self.log_in()
        page.click("[role=row]", "http")
        page.click("[data-action=reload]")
        page.wait(".panel .result", "http has been reloaded.")
        self.holder("after-reload")
        page.click("#tab-locks")
        page.wait("[role=gridcell]", "after-reload")

    def test_it_fits_a_narrow_window(self):
        page = self.browser
        self.holder("a")
        page.command("Emulation.setDeviceMetricsOverride", width=390, height=800,
                     deviceScaleFactor=1, mobile=False)
        try:
            for view in ("overview", "queues", "modules", "locks", "routines", "calls"):
                self.open(view)
                page.wait("[role=row]")
                self.assertLessEqual(page.js("return document.body.scrollWidth;"), 390, view)
        finally:
            page.command("Emulation.clearDeviceMetricsOverride")

    def test_a_function_is_called_by_its_form(self):
        page = self.browser
        self.open("calls")
        self.log_in()
        page.write("[aria-label^='Text in the name']", "create_sem")
        page.click("[role=row]", "lock.create_semaphore")
        page.write("[name=size]", "many")
        page.click(".panel button", "Call")
        page.wait(".mistake", "is no number")
        page.write("[name=size]", "0")
        page.click(".panel button", "Call")
        page.wait(".field:has([name=key]) .mistake", "missing")
        page.wait(".field:has([name=size]) .mistake", "0")
        page.write("[name=key]", "rooms")
        page.write("[name=size]", "3")
        page.click(".panel button", "Call")
        page.wait(".panel .result", "done in")
        page.write("[aria-label^='Text in the name']", "lock.list")
        page.click("[role=row]", "lock.list")
        page.click(".panel button", "Call")
        page.wait(".json", '"key": "rooms"')
        self.assertEqual(self.web.post("/call/lock/destroy_semaphore", {"key": "rooms"}), 200)

    # --- how it is used

    def test_the_keyboard_is_enough(self):
        page = self.browser
        self.holder("a")
        self.holder("b")
        self.open()
        page.js("document.activeElement.blur();")
        for _ in range(10):
            page.press("TAB")
            if page.focus() == "tab-overview":
                break
        self.assertEqual(page.focus(), "tab-overview")
        page.press("ARROW_RIGHT")
        page.press("ARROW_RIGHT")
        page.press("ARROW_RIGHT")
        self.assertEqual(page.focus(), "tab-locks")
        page.wait("[role=gridcell]", "session")
        for _ in range(5):
            page.press("TAB")
            if page.focus() == "Locks":
                break
        self.assertEqual(page.focus(), "Locks")
        page.press("END")
        page.wait(".panel h2", "b")
        page.press("ARROW_UP")
        page.wait(".panel h2", "a")
        page.press("TAB")
        self.assertEqual(page.focus(), "Key")
        page.press("ENTER")
        page.press("ENTER")
        page.wait("[aria-sort=descending]", "Key")
        page.js("document.activeElement.closest('.table').focus();")
        self.assertEqual(page.js("""const table = document.activeElement;
            return document.getElementById(table.getAttribute("aria-activedescendant"))
                .getAttribute("aria-selected");"""), "true")

    def test_a_screen_reader_has_a_name_for_each_control(self):
        page = self.browser
        self.holder("a")
        page.command("Accessibility.enable")
        for view in ("overview", "modules", "queues", "locks", "routines", "events", "calls"):
            self.open(view)
            page.wait(f"#tab-{view}[aria-selected=true]")
            nodes = page.command("Accessibility.getFullAXTree")["nodes"]
            controls = [(node["role"]["value"], node.get("name", {}).get("value", ""))
                        for node in nodes if not node["ignored"] and node["role"]["value"] in (
                            "button", "link", "tab", "textbox", "searchbox", "checkbox",
                            "combobox", "grid", "table", "image", "tabpanel", "dialog")]
            self.assertGreater(len(controls), 7, view)
            self.assertEqual([role for role, name in controls if not name.strip()], [], view)
            roles = {node["role"]["value"] for node in nodes}
            self.assertLessEqual({"main", "tablist", "heading", "banner"} & roles, roles)
            self.assertIn("main", roles, view)
        page.command("Accessibility.disable")

    def test_it_is_dark_or_light(self):
        page = self.browser

        def ground():
            return page.js("return getComputedStyle(document.body).backgroundColor;")

        def prefer(theme):
            page.command("Emulation.setEmulatedMedia",
                         features=[{"name": "prefers-color-scheme", "value": theme}])
        self.open()
        prefer("light")
        light = ground()
        prefer("dark")
        dark = ground()
        self.assertNotEqual(light, dark)
        page.click("#theme", "auto")
        page.click("#theme", "dark")
        page.wait("#theme", "Theme: light")
        self.assertEqual(ground(), light)
        self.open()
        self.assertEqual(ground(), light)
        page.click("#theme", "light")
        self.assertEqual(ground(), dark)
        page.command("Emulation.setEmulatedMedia", features=[])

    def test_events_are_filtered_paused_and_continued(self):
        page = self.browser
        self.open("events")
        page.wait(".bar", "watching")
        self.web.post("/events/shop.Order", {"customer": "ann", "note": "one"})
        page.wait("[role=row]", '"note":"one"')
        page.write("[name=customer]", "bob")
        page.press("ENTER")
        page.wait("[role=row]", "one", gone=True)
        page.wait(".bar", "watching")
        wait_until(lambda: self.web.post("/events/shop.Order", {"customer": "bob", "note": "two"})
                   and self.browser.text("[role=row] [role=gridcell]"), "the filter is in place")
        page.click("button", "Pause")
        self.web.post("/events/shop.Order", {"customer": "ann", "note": "three"})
        self.web.post("/events/shop.Order", {"customer": "bob", "note": "four"})
        page.wait(".bar", "more while paused")
        page.click("button", "Continue")
        page.wait("[role=row]", "four")
        self.assertFalse([row for row in page.all("[role=row]") if "three" in row])

    def test_it_reconnects_when_the_server_is_started_again(self):
        page = self.browser
        self.open("locks")
        self.log_in()
        self.web.end()
        page.wait("#state", "connection lost")
        page.wait("#trouble", "What you see is of that time")
        self.assertTrue(page.js("return document.getElementById('main').inert;"))
        self.assertLess(float(page.js(
            "return getComputedStyle(document.getElementById('main')).opacity;")), 1.01)
        self.web.__enter__()
        page.wait("#state", "live")
        page.wait("#trouble", gone=True)
        page.wait("#user", "ops")
        self.holder("after")
        page.wait("[role=gridcell]", "after")

    def test_a_server_that_hangs_is_not_shown_as_live(self):
        page = self.browser
        self.open("locks")
        self.web.process.send_signal(signal.SIGSTOP)
        try:
            page.wait("#state", "connection lost")
        finally:
            self.web.process.send_signal(signal.SIGCONT)
        page.wait("#state", "live")

    def work(self, client):
        """Takes a lock again and again, until the charts have something to show."""
        needed = 9 if os.environ.get("WEIR_APPROVE") else 2
        points = """return (document.querySelector(".line")?.getAttribute("d") ?? "")
            .split(/[ML]/).length;"""
        rounds = iter(range(10**9))

        def shown():
            for _ in range(next(rounds) % 40):
                send(client, "LOCK", "bread")
                client.line()
                send(client, "UNLOCK", "bread")
                client.line()
            return self.browser.js(points) > needed
        wait_until(shown, "there are lines")

    def test_pictures_for_the_documentation(self):
        page = self.browser
        page.command("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": "light"}])
        one, two, three, busy = (self.client() for _ in range(4))
        for client, name, keys in ((one, "baker", ("stock", "orders:7")),
                                   (two, "till", ("till:1",)),
                                   (three, "report", ("report", "orders:8"))):
            send(client, "CLIENT", "SETNAME", name)
            client.line()
            for key in keys:
                send(client, "LOCK", key)
                client.line()
        send(one, "LOCK", "till:1")
        send(two, "LOCK", "stock")
        send(three, "LOCK", "orders:7")
        self.open("locks")
        page.js("localStorage.clear();")
        page.wait(".deadlock", "Deadlock")
        page.click("[role=row]", "orders:7")
        page.wait(".panel h2", "orders:7")
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        for view in ("locks", "overview"):
            page.click(f"#tab-{view}")
            if view == "overview":
                self.work(busy)
                page.wait("[role=row]", "lock.deadlocks")
            else:
                page.wait(".panel h2", "orders:7")
            page.driver.save_screenshot(os.path.join(folder, f"page-{view}.png"))
        page.command("Emulation.setEmulatedMedia", features=[])
        for name in os.listdir(folder):
            self.assertLess(os.path.getsize(os.path.join(folder, name)), 150_000)
            if os.environ.get("WEIR_APPROVE"):
                os.makedirs(IMAGES, exist_ok=True)
                shutil.copy(os.path.join(folder, name), IMAGES)


if __name__ == "__main__":
    main()
