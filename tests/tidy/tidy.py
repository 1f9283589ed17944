#!/usr/bin/env python3
"""Style that a machine can check, so that no reviewer has to.

    tidy.py [ROOT]
    tidy.py --write [ROOT]    rewrites what is generated in docs/inside.md first

Prints one line per mistake, file:line: what, and exits with 1 if there is any. Each rule is one
function below or in a file beside this, with its reason. Where a line has a good reason to break
one, it says so at its end: `// tidy: allow, <the reason>`.
"""

import glob
import os
import re
import shutil
import subprocess
import sys

import coroutines
import headers
import names
import rooms

COLUMNS = 100
LINES = 600

# Files that are longer than LINES and still hold one concept, each with the reason.
LONG_FILES = {}

CLANG_FORMAT = "clang-format-16"  # other versions lay out some lines differently
CPP = (".h", ".cpp")
TEXT = CPP + (".py", ".js", ".css", ".html", ".md",
              ".cmake", ".sh", "CMakeLists.txt", ".clang-format", ".clang-tidy")
SCRIPTS = ("dev", os.path.join(".ci", "run"))
INCLUDE = re.compile(r'\s*#\s*include\s+(?:"([^"]+)"|<(weir/[^>]+)>)')
FOLDERS = "core|config|modules|apps|tests|docs|cmake"
SKIPPED_FOLDERS = {"build", ".git", ".cache", "__pycache__"}


class File:
    """A text file, with its C++ also without comments and without the text of literals."""

    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8", newline="") as file:
            self.text = file.read()
        self.lines = self.text.split("\n")
        self.is_cpp = path.endswith(CPP)
        self.is_test = path.startswith("tests" + os.sep) or path.endswith("_test.cpp")
        self.code = strip_cpp(self.text).split("\n") if self.is_cpp else []
        self.includes = [
            (number, match[1] or match[2])
            for number, line in enumerate(self.lines, 1)
            if self.is_cpp and (match := INCLUDE.match(line))
        ]


def strip_cpp(text):
    """Blanks comments and the inside of literals; line numbers stay."""
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/'  # comments
        r'|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"'  # raw strings
        r'|"(?:\\.|[^"\\\n])*"'  # strings
        r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])*'",  # characters, but not the ' of 1'000
        re.DOTALL,
    )

    def blank(match):
        quote = '""' if '"' in match[0][:2] else "''" if match[0][0] == "'" else ""
        return quote + "\n" * match[0].count("\n")

    return token.sub(blank, text)


def find_paths(root):
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(set(subfolders) - SKIPPED_FOLDERS)
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), root)


def find_files(root):
    for path in find_paths(root):
        if path.endswith(TEXT) or path in SCRIPTS:
            yield File(root, path)


# --- Rules of one file: each yields (line, what is wrong) -----------------------------------------


def whitespace(file):
    """What an editor does not show is changed by accident."""
    for number, line in enumerate(file.lines, 1):
        if "\t" in line:
            yield number, "tab; indent with spaces"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
    if file.text and not file.text.endswith("\n"):
        yield len(file.lines), "no newline at the end of the file"
    if file.text.endswith("\n\n"):
        yield len(file.lines) - 1, "empty line at the end of the file"


def columns(file):
    """Two files side by side must fit a screen."""
    for number, line in enumerate(file.lines, 1):
        if len(line) > COLUMNS and (file.is_cpp or file.path.endswith(".py")):
            yield number, f"{len(line)} columns; at most {COLUMNS}"


def length(file):
    """A file is one concept; a reader cannot hold more lines than this in mind."""
    if not file.is_cpp:
        return
    count = file.text.count("\n")
    if count > LINES and file.path not in LONG_FILES:
        yield LINES, f"{count} lines; at most {LINES}: split it, or say in tidy.py why not"
    if count <= LINES and file.path in LONG_FILES:
        yield 1, "no longer too long: remove it from LONG_FILES in tidy.py"


def pragma_once(file):
    if file.path.endswith(".h") and "#pragma once" not in file.lines:
        yield 1, "header without #pragma once"


def switched_off(file):
    """History keeps what is not used; a file does not."""
    for number, line in enumerate(file.code, 1):
        if re.match(r"\s*#\s*if\s+(0|false)\b", line):
            yield number, "code that is switched off: delete it"


def forbidden_calls(file):
    """No test waits for real time: it runs on virtual time, and neither flickers nor lasts."""
    for number, line in enumerate(file.code, 1):
        # A member or a function of one's own namespace may be called like that.
        if match := re.search(r"(?:\bstd::|(?<![\w.>:]))(?:::)?\b(system|s?rand)\s*\(", line):
            reason = "is a shell in between" if match[1] == "system" else "is one state for all"
            yield number, f"{match[1]}() is forbidden: it {reason}"
        if not file.is_test:
            continue
        match = re.search(r"\bsleep_(for|until)\b|(?<![\w.>:])(?:::)?(u|nano)?sleep\s*\(", line)
        if match and not re.search(r"co_await\s+(weir::)?sleep", line):
            yield number, f"{match[0].rstrip(' (')}: tests never sleep, they simulate time"


def test_names(file):
    """CMake takes a semicolon for the end of a name: ctest would know two tests that are none."""
    for number, line in enumerate(file.lines, 1):
        if file.is_cpp and re.search(r'\b(TEST_CASE|SCENARIO)\w*\(.*"[^"]*;[^"]*"', line):
            yield number, "semicolon in the name of a test case"


RULES = [
    whitespace,
    columns,
    length,
    pragma_once,
    switched_off,
    forbidden_calls,
    test_names,
    coroutines.conditions,
]


# --- Rules of the whole tree: each yields (path, line, what is wrong) -----------------------------


def dead_headers(root, files):
    """A header that is not included anywhere is forgotten code."""
    paths = {file.path for file in files if file.is_cpp}
    included = {
        rooms.included(file.path, header, paths) for file in files for _, header in file.includes
    }
    for file in files:
        if file.path.endswith(".h") and file.path not in included:
            yield file.path, 1, "no file includes this header"


def left_by_tools(root, files):
    """What a merge or an editor leaves beside a source is a second version of it."""
    for path in find_paths(root):
        if path.endswith((".orig", ".rej", "~")):
            yield path, 1, "a tool has left this file; remove it"


def dead_links(root, files):
    """A link of the documentation leads somewhere, or misleads."""
    documents = {file.path: file for file in files if file.path.endswith(".md")}
    anchors = {path: heading_anchors(file) for path, file in documents.items()}
    for path, file in documents.items():
        for number, line in markdown_prose(file):
            for target in re.findall(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)", line) + re.findall(
                r"^\[[^\]]+\]:\s+(\S+)", line
            ):
                if re.match(r"[a-z][a-z+.-]*:", target):  # another site
                    continue
                name, _, anchor = target.partition("#")
                goal = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
                if not os.path.exists(os.path.join(root, goal)):
                    yield path, number, f"dead link: {target}"
                elif anchor and goal in anchors and anchor not in anchors[goal]:
                    yield path, number, f"dead link: no heading #{anchor} in {goal}"


def dead_paths(root, files):
    """A file that a page names is there."""
    for file in files:
        if file.path.endswith(".md"):
            for number, line in enumerate(file.lines, 1):
                for path in re.findall(rf"`((?:{FOLDERS})/[^`\s:]+)`", line):
                    if not glob.glob(os.path.join(root, path)):
                        yield file.path, number, f"no file {path}"


def promised_tests(root, files):
    """A guarantee that names a test, [`file`: "name"], is shown by it."""
    texts = {file.path: " ".join(" ".join(file.lines).split()) for file in files}
    for file in files:
        if file.path.endswith(".md"):
            for number, line in enumerate(file.lines, 1):
                for path, name in re.findall(r"\[`([^`]+)`:\s+\"([^\"]+)\"\]", line):
                    test = f'"{name}"'
                    if path.endswith(".py"):
                        test = f"def {name}("
                    elif path.endswith("CMakeLists.txt"):
                        test = f"NAME {name} "
                    if test not in texts.get(path, ""):
                        yield file.path, number, f"{path} has no test '{name}'"


def guarantees(root, files):
    """A promise without a test is a wish."""
    for file in files:
        if file.path == os.path.join("docs", "guarantees.md"):
            lines = enumerate(file.lines + ["- "], 1)
            begin, shown = 0, True
            for number, line in lines:
                if line.startswith(("- ", "#")):
                    if not shown:
                        yield file.path, begin, "no test shows this: [`file`: \"name\"]"
                    begin, shown = number, line.startswith("#")
                shown = shown or bool(re.match(r"\s+\[`[^`]+`:\s+\"", line))


def markdown_prose(file):
    """Numbered lines without code, fenced or in line."""
    fence = None
    for number, line in enumerate(file.lines, 1):
        if match := re.match(r"\s*(```+|~~~+)", line):
            if fence is None:
                fence = match[1]
            elif line.strip().startswith(fence):
                fence = None
        elif fence is None:
            yield number, re.sub(r"(`+).*?\1", lambda code: "x" * len(code[0]), line)


def heading_anchors(file):
    """The anchors that GitHub gives to headings, and those written as <a id="...">."""
    anchors, seen = set(), {}
    headings = dict(markdown_prose(file))
    for number, line in headings.items():
        anchors.update(re.findall(r'<a (?:id|name)="([^"]+)"', line))
        if re.match(r"#{1,6}\s", line):
            title = file.lines[number - 1].lstrip("#").strip().lower()
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
            anchor = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
            count = seen.get(anchor, 0)
            seen[anchor] = count + 1
            anchors.add(f"{anchor}-{count}" if count else anchor)
    return anchors


def layout(root, files):
    """clang-format decides about layout. Skipped where it is not installed."""
    sources = [file.path for file in files if file.is_cpp]
    if not sources or not shutil.which(CLANG_FORMAT):
        return
    command = [CLANG_FORMAT, "--dry-run", "--Werror", "--ferror-limit=1"]
    run = subprocess.run(command + sources, cwd=root, capture_output=True, text=True)
    for line in run.stderr.splitlines():
        if match := re.match(r"(.+?):(\d+):\d+: error: ", line):
            yield match[1], int(match[2]), "layout; run ./dev format"


def comment_examples(root, files):
    return headers.comment_examples(root, files, strip_cpp)


TREE_RULES = [
    dead_headers,
    left_by_tools,
    dead_links,
    dead_paths,
    promised_tests,
    guarantees,
    layout,
    *rooms.RULES,
    *headers.RULES,
    *names.RULES,
    comment_examples,
]


def check(root):
    """All mistakes below root, as (path, line, what is wrong)."""
    files = list(find_files(root))
    found = set()
    for file in files:
        for rule in RULES:
            for number, what in rule(file):
                if "tidy: allow, " not in file.lines[number - 1]:
                    found.add((file.path, number, what))
    for rule in TREE_RULES:
        found.update(rule(root, files))
    return sorted(found)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    root = arguments[0] if arguments else os.path.dirname(os.path.dirname(here))
    if "--write" in sys.argv[1:]:
        rooms.write_page(root, list(find_files(root)))
    mistakes = check(root)
    for path, number, what in mistakes:
        print(f"{path}:{number}: {what}")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
