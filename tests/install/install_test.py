#!/usr/bin/env python3
"""Installs weir into an empty folder, moves the folder, and uses it as users do.

usage: install_test.py BUILD CMAKE
"""

import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", folder) for folder in ("docs", "tidy")]

import headers  # noqa: E402, needs the line above
import pages  # noqa: E402
import tidy  # noqa: E402


class InstallTest(unittest.TestCase):
    build = cmake = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="weir-install-")
        first = os.path.join(cls.folder, "first")
        cls.prefix = os.path.join(cls.folder, "prefix")
        subprocess.run([cls.cmake, "--install", cls.build, "--prefix", first], check=True,
                       stdout=subprocess.DEVNULL)
        os.rename(first, cls.prefix)
        cls.environment = {
            **os.environ,
            "PATH": os.path.join(cls.prefix, "bin") + os.pathsep + os.environ["PATH"],
            "CMAKE_PREFIX_PATH": cls.prefix,
            "CMAKE_GENERATOR": "Ninja",
            "CMAKE_BUILD_PARALLEL_LEVEL": "2",
        }

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def run_in(self, *command, status=0):
        """Runs a command in the test's folder. Returns its output."""
        run = subprocess.run(command, cwd=self.folder, env=self.environment, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(run.returncode, status, f"{' '.join(command)}\n{run.stdout}")
        return run.stdout

    def installed(self, *path):
        return os.path.join(self.prefix, *path)

    def test_1_everything_is_installed(self):
        modules = [line.split()[0] for line in self.run_in("weir", "modules").splitlines()
                   if not line.startswith(" ")]
        self.assertEqual(modules, ["exec", "files", "http", "limit", "lock", "mail", "manager",
                                   "otlp", "queue", "redis", "resp", "rules", "schedule",
                                   "store", "webhook", "zookeeper"])
        for name in ("share/doc/weir/LICENSE", "share/doc/weir/NOTICE", "share/weir/lockd.json",
                     "share/doc/weir/apps/lockd/lockd.logrotate",
                     "share/doc/weir/apps/examples/learn/09-app/app.json",
                     "include/weir/module.h", "include/weir/core/net/client.h"):
            self.assertTrue(os.path.exists(self.installed(name)), name)
        with open(self.installed("share/weir/weir.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)
        with open(self.installed("share/man/man1/weir-run.1"), encoding="utf-8") as file:
            self.assertIn(".SH NAME\nweir\\-run \\- Run an app\n", file.read())
        self.assertIn("module", schema["properties"])
        words = self.run_in(
            "bash", "-c", ". prefix/share/bash-completion/completions/weir; "
            "COMP_WORDS=(weir describe re); COMP_CWORD=2; _weir; echo ${COMPREPLY[@]}")
        self.assertEqual(words, "redis resp\n")

    def test_2_nothing_knows_where_it_was_built(self):
        files = [self.installed("bin/weir")]
        files += glob.glob(self.installed("lib/*.so")) + glob.glob(self.installed("lib/weir/*.so"))
        self.assertGreater(len(files), 5)
        for file in files:
            dynamic = self.run_in("readelf", "-d", file)
            for line in dynamic.split("\n"):
                if "RPATH" in line or "RUNPATH" in line:
                    self.assertNotIn(":/", line.replace("[", ":"), file)
        for file in glob.glob(self.installed("lib/cmake/weir/*")):
            with open(file, encoding="utf-8") as text:
                self.assertNotIn(ROOT, text.read(), file)

    def test_2_the_program_starts_fast_enough_to_hold_signals_back(self):
        # Each library that it needs is one more that is loaded before it runs.
        dynamic = self.run_in("readelf", "-d", self.installed("bin/weir"))
        needed = [line.split("[")[1] for line in dynamic.split("\n") if "(NEEDED)" in line]
        self.assertEqual(needed, ["libc.so.6]"])

    def test_2_libraries_are_small(self):
        files = [self.installed("bin/weir")]
        files += glob.glob(self.installed("lib/*.so")) + glob.glob(self.installed("lib/weir/*.so"))
        for file in files:
            self.assertNotIn(".debug_info", self.run_in("readelf", "-S", "-W", file), file)
        files.append(self.installed("lib/libweir-testing.a"))
        self.assertLess(sum(os.path.getsize(os.path.realpath(file)) for file in files), 16e6)

    def test_2_headers_are_those_that_users_need(self):
        root = self.installed("include", "weir")
        found = {
            os.path.relpath(os.path.join(folder, name), root)
            for folder, _, names in os.walk(root) for name in names
        }
        public = headers.public(list(tidy.find_files(ROOT)))
        self.assertLessEqual(
            {header.split(os.path.join("include", "weir", ""))[-1] for header in public}, found)
        self.assertLessEqual(len(found), 300)
        for header in found:
            self.assertFalse(header.startswith(os.path.join("modules", "resp")), header)

    def test_2_links_of_the_pages_lead_somewhere(self):
        root = self.installed("share", "doc", "weir")
        files = list(tidy.find_files(root))
        documents = [file.path for file in files]
        for name in os.listdir(os.path.join(ROOT, "docs")):
            self.assertTrue(os.path.exists(os.path.join(root, "docs", name)), name)
        self.assertIn("README.md", documents)
        self.assertIn(os.path.join("apps", "lockd", "README.md"), documents)
        self.assertEqual(list(tidy.dead_links(root, files)), [])
        with open(os.path.join(root, "docs", "reference.md"), encoding="utf-8") as file:
            self.assertIn("](../../../../include/weir/core/net/client.h)", file.read())

    def test_2_the_service_runs_lockd(self):
        with open(self.installed("lib/systemd/system/lockd.service"), encoding="utf-8") as file:
            service = dict(
                line.rstrip("\n").split("=", 1) for line in file if "=" in line and line[0] != "#")
        state = os.path.join(self.folder, "state")
        os.makedirs(os.path.join(state, "lockd"))
        # As systemd would, but for where the test has moved it.
        command = service["ExecStart"].replace(os.path.join(self.folder, "first"), self.prefix)
        self.assertNotIn("@", command)
        address = os.path.join(self.folder, "lockd.sock")
        options = f'--set module.resp.listen=["unix:{address}"]'
        command = command.replace("%S", state).replace("$LOCKD_OPTIONS", options)
        lockd = subprocess.Popen(command.split(), env=self.environment, stderr=subprocess.DEVNULL)
        try:
            self.wait_for(address)
            self.run_in("weir", "lock", "key", "--server", f"unix:{address}", "--", "true")
            self.assertNotEqual(os.listdir(os.path.join(state, "lockd")), [])
            lockd.send_signal(signal.SIGHUP)
            self.run_in("weir", "lock", "key", "--server", f"unix:{address}", "--", "true")
        finally:
            lockd.terminate()
            self.assertEqual(lockd.wait(30), 0)
        for name in ("StateDirectory", "DynamicUser", "NoNewPrivileges", "ProtectSystem"):
            self.assertIn(name, service)

    def wait_for(self, address):
        end = time.monotonic() + 30
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(address)
                return
            except OSError:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.02)

    def test_3_a_new_module_as_the_page_says(self):
        page = os.path.join(ROOT, "docs", "writing-modules.md")
        self.assertEqual(
            pages.run_page(page, self.build, test="tests/install", environment=self.environment),
            [])

    def test_4_a_new_app(self):
        self.run_in("weir", "new", "app", "shop")
        self.run_in(self.cmake, "-S", "shop", "-B", "shop/build")
        self.run_in(self.cmake, "--build", "shop/build", "--target", "shop")
        self.assertIn("100% tests passed",
                      self.run_in("ctest", "--test-dir", "shop/build", "-R", "json"))
        self.assertIn("exists already", self.run_in("weir", "new", "app", "shop", status=1))

    def test_5_a_project_outside(self):
        self.run_in(self.cmake, "-S", os.path.join(HERE, "out_of_tree"), "-B", "outside")
        self.run_in(self.cmake, "--build", "outside")
        self.assertIn("100% tests passed", self.run_in("ctest", "--test-dir", "outside"))

    def test_6_an_unknown_component_is_an_error(self):
        os.mkdir(os.path.join(self.folder, "wrong"))
        with open(os.path.join(self.folder, "wrong", "CMakeLists.txt"), "w",
                  encoding="utf-8") as file:
            file.write("cmake_minimum_required(VERSION 3.25)\nproject(wrong CXX)\n"
                       "find_package(weir REQUIRED COMPONENTS tea)\n")
        self.assertIn("weir has no component 'tea'",
                      self.run_in(self.cmake, "-S", "wrong", "-B", "wrong/build", status=1))

    @unittest.skipUnless(shutil.which("clang++-16"), "needs another compiler")
    def test_6_a_compiler_whose_modules_weir_would_refuse_is_an_error(self):
        os.mkdir(os.path.join(self.folder, "other"))
        with open(os.path.join(self.folder, "other", "CMakeLists.txt"), "w",
                  encoding="utf-8") as file:
            file.write("cmake_minimum_required(VERSION 3.25)\nproject(other CXX)\n"
                       "find_package(weir REQUIRED)\n")
        told = self.run_in(self.cmake, "-S", "other", "-B", "other/build",
                           "-DCMAKE_CXX_COMPILER=clang++-16", status=1)
        self.assertRegex(" ".join(told.split()),
                         r"weir was built by GNU 12, and refuses modules that 'Clang 16\.[\d.]+' "
                         "compiles: use the same compiler")

    @unittest.skipUnless(shutil.which("dpkg-shlibdeps") and shutil.which("file"),
                         "needs dpkg-dev and file")
    def test_7_a_debian_package(self):
        self.run_in("cpack", "-G", "DEB", "--config", os.path.join(self.build, "CPackConfig.cmake"),
                    "-B", os.path.join(self.folder, "package"))
        package, = glob.glob(os.path.join(self.folder, "package", "weir_*.deb"))
        depends = self.run_in("dpkg-deb", "-f", package, "Depends")
        for name in ("libc6", "libstdc++6", "libuv1", "libhiredis0.14"):
            self.assertIn(name, depends)
        contents = self.run_in("dpkg-deb", "-c", package)
        for name in ("./usr/bin/weir\n", "./usr/lib/weir/lock.so\n", "./usr/lib/weir/http.so\n",
                     "./usr/share/doc/weir/docs/images/page-locks.png\n",
                     "./usr/share/man/man1/weir.1\n",
                     "./usr/lib/cmake/weir/weir-config.cmake\n", "./usr/share/doc/weir/NOTICE\n",
                     "./usr/include/weir/module.h\n",
                     "./usr/include/weir/modules/system/module/plugin.h\n", "weir.schema.json\n",
                     "./usr/share/weir/lockd.json\n", "./usr/lib/systemd/system/lockd.service\n",
                     "./usr/lib/systemd/system/lockd.socket\n",
                     "./usr/share/doc/weir/docs/reference.md\n",
                     "./usr/share/doc/weir/apps/lockd/README.md\n",
                     "./usr/share/doc/weir/apps/lockd/lockd.logrotate\n",
                     "./usr/share/doc/weir/apps/examples/learn/01-smallest/bakery.cpp\n"):
            self.assertIn(name, contents)
        self.assertLess(os.path.getsize(package), 8e6)
        self.run_in("dpkg-deb", "-x", package, "unpacked")
        self.assertIn("\nresp ", self.run_in("unpacked/usr/bin/weir", "modules"))
        with open(os.path.join(self.folder, "unpacked/usr/lib/systemd/system/lockd.service"),
                  encoding="utf-8") as file:
            self.assertIn("\nExecStart=/usr/bin/weir run /usr/share/weir/lockd.json ", file.read())


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    InstallTest.build, InstallTest.cmake = os.path.abspath(sys.argv[1]), sys.argv[2]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
