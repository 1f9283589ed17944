"""The command line itself: output that is lost, files that are closed, mistakes, widths."""

import fcntl
import os
import pty
import struct
import subprocess
import tempfile
import termios
import unittest

from lockd import APP, LIMIT, Lockd, listens, main, program, wait_until


def run(*arguments, **options):
    return subprocess.run([program("weir"), *arguments], text=True, timeout=LIMIT, check=False,
                          **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                             "stderr": subprocess.PIPE, **options})


class Output(unittest.TestCase):
    def test_what_cannot_be_written_is_an_error_with_its_reason(self):
        with Lockd() as lockd, open("/dev/full", "w", encoding="ascii") as full:
            address = "unix:" + lockd.unix
            for words in (("schema",), ("describe", "lock"), ("describe", "server"), ("modules",),
                          ("inspect", address), ("inspect", address, "--json"),
                          ("call", address, "lock", "list"), ("completion",), ("--help",),
                          ("lock", "--help"), ("--version",), ("check", APP),
                          ("top", address, "--batch", "-n", "2", "--interval", "0.1"),
                          ("trace", address, "--seconds", "0.1", "-o", "-")):
                with self.subTest(words):
                    done = run(*words, stdout=full)
                    self.assertEqual(done.returncode, 1)
                    self.assertIn("cannot write to standard output: No space left on device",
                                  done.stderr)
            done = run("trace", address, "--seconds", "0.1", "-o", "/dev/full")
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot write /dev/full: No space left on device", done.stderr)

    def test_files_that_cannot_be_made_are_said_with_the_reason(self):
        with Lockd() as lockd:
            folder = lockd.folder.name
            file = os.path.join(folder, "file")
            with open(file, "w", encoding="ascii"):
                pass
            done = run("manual", os.path.join(file, "sub"))
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr, f"weir: cannot make the folder {file}/sub: "
                                          "Not a directory\n")
            os.mkdir(os.path.join(folder, "weir.1"))
            done = run("manual", folder)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr, f"weir: cannot write {folder}/weir.1: Is a directory\n")
            done = run("trace", "unix:" + lockd.unix, "-o", folder)
            self.assertIn(f"cannot write {folder}: Is a directory", done.stderr)
            done = run("new", "module", "tea", cwd="/proc")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "weir new: .*: No such file or directory\n")

    def test_a_server_whose_standard_files_are_closed_takes_no_connection_for_them(self):
        for closed in (0,), (1,), (2,), (0, 1, 2):
            with self.subTest(closed), Lockd() as lockd:
                # The log goes to a file, for standard error may be closed.
                path = os.path.join(lockd.folder.name, "second")
                log = path + ".log"
                server = subprocess.Popen(
                    [program("weir"), "run", APP, "--set", f'module.resp.listen=["unix:{path}"]',
                     "--set", f"server.log.file={log}"],
                    preexec_fn=lambda closed=closed: [os.close(file) for file in closed],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)
                self.addCleanup(server.kill)
                wait_until(lambda path=path, server=server:
                           listens(path) or server.poll() is not None, "it listens")
                for file in 0, 1, 2:
                    self.assertEqual(os.readlink(f"/proc/{server.pid}/fd/{file}"), "/dev/null")
                done = run("call", "unix:" + path, "lock", "list")
                self.assertEqual(done.stdout, "[]\n")
                server.terminate()
                self.assertEqual(server.wait(LIMIT), 0)


class Mistakes(unittest.TestCase):
    def test_a_folder_of_plugins_that_is_not_there_is_a_mistake(self):
        for command in ("modules",), ("schema",), ("describe", "lock"), ("check", APP):
            done = run(*command, "--plugins", "/no/such")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn('--plugins: "/no/such": No such file or directory', done.stderr)

    def test_the_nearest_command_or_option_is_named(self):
        for words, expected in {
                ("chek",): "weir: unknown command 'chek' (did you mean 'check'?)\n",
                ("chek", "app.json"): "weir: unknown command 'chek' (did you mean 'check'?)\n",
                ("zzzzz",): "weir: unknown command 'zzzzz'\n",
                ("new", "modul", "tea"):
                    "weir new: unknown command 'modul' (did you mean 'module'?)\n",
                ("top", "x:1", "--intervall", "3"):
                    "weir top: unknown option '--intervall' (did you mean '--interval'?)\n",
                ("inspect", "x:1", "--jsn"):
                    "weir inspect: unknown option '--jsn' (did you mean '--json'?)\n",
                ("--versoin",): "weir: unknown option '--versoin' (did you mean '--version'?)\n",
                ("\x1b[2J",): "weir: unknown command '\\x1b[2J'\n",
                (): "weir: A subcommand is required\n"}.items():
            with self.subTest(words):
                done = run(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertTrue(done.stderr.startswith(expected), done.stderr)

    def test_numbers_that_are_none_or_out_of_range_are_refused(self):
        for option, words in {
                "--interval": ("top", "x:1", "--batch"), "--timeout": ("call", "x:1", "a", "b"),
                "--seconds": ("trace", "x:1"), "--server-timeout": ("lock", "k", "true"),
                "--kill-after": ("lock", "k", "true"), "--records": ("trace", "x:1"),
                "--semaphore": ("lock", "k", "true"), "-n": ("top", "x:1", "--batch")}.items():
            for number in ("nan", "-nan", "inf", "-inf", "-1", "-0", "1e300", "1e-400", "0x10", "",
                           " ", "1s", "99999999999999999999"):
                with self.subTest(f"{option} {number}"):
                    done = run(words[0], f"{option}={number}" if option != "-n" else f"-n{number}",
                               *words[1:])
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assertIn(option, done.stderr)
        self.assertIn('"nan" is not a number from 0.1 to 3600',
                      run("top", "x:1", "--batch", "--interval", "nan").stderr)

    def test_all_bad_addresses_of_a_list_are_said(self):
        done = run("check", APP, "--set", 'module.resp.listen=["tcp:/a", "unix:/ok", "b"]')
        self.assertEqual(done.returncode, 2)
        self.assertIn("'tcp:/a'", done.stderr)
        self.assertIn("'b'", done.stderr)


def on_terminal(columns, *arguments, **environment):
    """What a command shows on a terminal of that width."""
    process, ours = pty.fork()
    if process == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        os.execve(program("weir"), [program("weir"), *arguments], {**os.environ, **environment})
    text = b""
    try:
        while data := os.read(ours, 65536):
            text += data
    except OSError:
        pass
    os.close(ours)
    os.waitpid(process, 0)
    return text.decode().replace("\r\n", "\n")


class Widths(unittest.TestCase):
    def test_help_and_descriptions_fit_the_terminal(self):
        for width in 40, 60, 80, 100, 200:
            for words in (("--help",), ("lock", "--help"), ("top", "--help"), ("describe", "resp"),
                          ("describe", "server"), ("describe", "lock"), ("modules",)):
                with self.subTest(f"{width}: {words}"):
                    text = on_terminal(width, *words)
                    self.assertGreater(len(text), 100)
                    # A word that is longer than the line cannot be broken.
                    for line in text.splitlines():
                        self.assertTrue(len(line) <= width or len(line.split()) == 1, line)

    def test_help_is_a_command_too(self):
        for asked, same in ((("help",), ("--help",)), (("help", "run"), ("run", "--help")),
                            (("help", "rules", "test"), ("rules", "test", "--help"))):
            self.assertEqual(on_terminal(80, *asked), on_terminal(80, *same))
        self.assertIn("unknown command 'rnu' (did you mean 'run'?)", on_terminal(80, "help", "rnu"))
        self.assertIn("weir help", on_terminal(80, "help", "--help"))

    def test_an_empty_no_color_counts_as_not_set(self):
        for value, colour in ("", True), ("1", False):
            text = on_terminal(80, "run", APP, "--set", 'module.resp.listen=["unix:/nowhere/x"]',
                               TERM="xterm-256color", NO_COLOR=value)
            self.assertEqual("\x1b[" in text, colour, text)


if __name__ == "__main__":
    main()
