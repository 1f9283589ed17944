#!/usr/bin/env python3
"""Checks that the code and the commands of documentation pages are up to date.

    pages.py quotes PAGE...       checks that each code block equals the file that it quotes, and
                                  that a command of the pages reads each JSON file of theirs
    pages.py run PAGE BUILD       checks that the commands of the page print what the page shows

A block is either a quote, with the line `<!-- from FILE -->` before it, or a console block. In a
quote, a line `...` stands for left out lines. In a console block, lines that begin
with `$ ` are commands, and the lines after a command are its output, in which a line `...` stands
for any lines and `[...]` for any text in a line. The commands of a page run one after the other in
a folder that looks like the repository, with BUILD at build/release. There lockd takes any free
port for its page, because several tests run at a time. Another test runs those after
`<!-- elsewhere: TEST -->`. A command with `&` at its end runs until the page ends, and the checker
waits for its output.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 60  # seconds; the longest that a command may take


class Block:
    def __init__(self, line, language, mark):
        self.line, self.language, self.mark, self.lines = line, language, mark, []


def blocks(page):
    """Returns the fenced blocks of a page, each with the comment in the line before it."""
    found, block, before = [], None, ""
    with open(page, encoding="utf-8") as file:
        for number, line in enumerate(file.read().split("\n"), 1):
            if block is not None:
                if line.startswith("```"):
                    block = None
                else:
                    block.lines.append(line)
            elif line.startswith("```"):
                mark = re.fullmatch(r"<!-- (.*) -->", before)
                block = Block(number, line[3:].strip(), mark[1] if mark else "")
                found.append(block)
            before = line
    return found


def without_indent(lines):
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    return [line[min(indents, default=0):].rstrip() for line in lines]


def parts(lines):
    """Yields the groups of lines between the lines `...`."""
    part = []
    for line in lines:
        if line.strip() == "...":
            yield part
            part = []
        else:
            part.append(line)
    yield part


def find_lines(whole, part, begin):
    """Finds `part` in `whole`, at any indentation. Returns the index after its last line, or -1."""
    wanted = without_indent(part)
    for first in range(begin, len(whole) - len(part) + 1):
        if without_indent(whole[first:first + len(part)]) == wanted:
            return first + len(part)
    return -1


def check_quotes(page):
    mistakes = []
    for block in blocks(page):
        if block.language == "console":
            continue
        if not block.mark.startswith("from "):
            mistakes.append(f"{page}:{block.line}: block without <!-- from FILE --> before it")
            continue
        name = block.mark[5:]
        try:
            with open(os.path.join(ROOT, name), encoding="utf-8") as file:
                whole = file.read().split("\n")
        except OSError:
            mistakes.append(f"{page}:{block.line}: no file {name}")
            continue
        place = 0
        for part in parts(block.lines):
            place = find_lines(whole, part, place)
            if place < 0:
                mistakes.append(f"{page}:{block.line}: not in {name}:\n" + "\n".join(part))
                break
    return mistakes


def read_files(pages):
    """Returns the names of the files that commands of the pages name, and those they include."""
    words = {
        word.strip("'\"")
        for page in pages
        for block in blocks(page) if block.language == "console"
        for command, _ in commands(block) for word in command.split()
    }
    names = {os.path.basename(word) for word in words}
    for page in pages:
        for block in blocks(page):
            if block.language == "json" and os.path.basename(block.mark[5:]) in names:
                names.update(re.findall(r'"include": "([^"]+)"', "\n".join(block.lines)))
    return names


def check_json(pages):
    """A configuration that a page shows is right only if weir reads it."""
    names = read_files(pages)
    return [
        f"{page}:{block.line}: no command reads {block.mark[5:]}"
        for page in pages
        for block in blocks(page)
        if block.language == "json" and os.path.basename(block.mark[5:]) not in names
    ]


def is_open(command):
    """Returns whether the command continues in the next line."""
    return command.endswith("\\") or command.count("'") % 2 == 1


def commands(block):
    """Returns the commands of a console block, each with the output that the page shows."""
    found = []
    for line in block.lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            if found[-1][1] == [] and is_open(found[-1][0]):
                found[-1] = (found[-1][0] + "\n" + line, [])
            else:
                found[-1][1].append(line)
    return found


def pattern(expected):
    text = ""
    for line in expected:
        if line.strip() == "...":
            text += r"(?:.*\n)*?"
        else:
            text += ".*".join(re.escape(part) for part in line.rstrip().split("[...]")) + r"[ ]*\n"
    return text


class Session:
    """A shell in a folder of its own that looks like the repository."""

    def __init__(self, build, environment):
        self.folder = tempfile.mkdtemp(prefix="weir-page-")
        for name in os.listdir(ROOT):
            if not name.startswith((".", "build")):
                os.symlink(os.path.join(ROOT, name), os.path.join(self.folder, name))
        os.mkdir(os.path.join(self.folder, "build"))
        os.symlink(os.path.abspath(build), os.path.join(self.folder, "build", "release"))
        self.shell = subprocess.Popen(
            ["bash", "--norc"], cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**environment, "COLUMNS": "100", "LC_ALL": "C.UTF-8",
                 "LOCKD_HTTP_PORT": "0"})
        self.jobs = 0

    def close(self):
        self.shell.stdin.close()
        try:
            os.killpg(self.shell.pid, signal.SIGTERM)
            self.shell.wait(PATIENCE)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, command):
        mark = "--- end of the command ---"
        self.shell.stdin.write(command + "\n" + f"echo '{mark}'\n")
        self.shell.stdin.flush()
        output = ""
        for line in self.shell.stdout:
            if line.endswith(mark + "\n"):
                return output + line[:-len(mark) - 1] + ("\n" if line != mark + "\n" else "")
            output += line
        raise RuntimeError(f"the shell ended at: {command}\n{output}")

    def start(self, command, expected):
        """Runs the command in the background. Waits until it has printed the expected output."""
        self.jobs += 1
        log = os.path.join(self.folder, "build", f"job-{self.jobs}")
        open(log, "w", encoding="utf-8").close()
        self.run(f"{command[:-1]} </dev/null >>{log} 2>&1 &")
        end = time.monotonic() + PATIENCE
        output = ""
        while time.monotonic() < end:
            with open(log, encoding="utf-8") as file:
                output = file.read()
            if re.match(pattern(expected), output):
                break
            time.sleep(0.02)
        return output


def run_page(page, build, test="", environment=os.environ):
    """Runs the commands of a page that belong to this test. Returns the first mistake in a list."""
    session = Session(build, environment)
    count = 0
    try:
        for block in blocks(page):
            if block.language != "console" or test != block.mark.removeprefix("elsewhere: "):
                continue
            for command, expected in commands(block):
                count += 1
                if command.endswith("&"):
                    output = session.start(command, expected)
                    same = re.match(pattern(expected), output)
                else:
                    output = session.run(command)
                    same = re.fullmatch(pattern(expected), output)
                if not same:
                    return [f"{page}:{block.line}: $ {command}\n--- the page says:\n"
                            + "\n".join(expected) + "\n--- it printed:\n" + output]
    finally:
        session.close()
    return [] if count else [f"{page}: has no commands"]


def main(arguments):
    if len(arguments) >= 2 and arguments[0] == "quotes":
        mistakes = [mistake for page in arguments[1:] for mistake in check_quotes(page)]
        mistakes += check_json(arguments[1:])
    elif len(arguments) == 3 and arguments[0] == "run":
        mistakes = run_page(arguments[1], arguments[2])
    else:
        sys.exit(__doc__)
    for mistake in mistakes:
        print(mistake)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
