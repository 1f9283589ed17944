"""What users of weir include: public_headers.cmake lists it, docs/reference.md says what for."""

import os
import re

import rooms

LIST = os.path.join("cmake", "public_headers.cmake")
REFERENCE = os.path.join("docs", "reference.md")

# How the names of files begin in which the examples in headers' comments are compiled.
EXAMPLES = os.path.join("tests", "docs", "header_examples")
LAYERS = ("core", "config", "modules")

LINK = re.compile(r"\]\(\.\./([^)]+\.h)\)")

# Code that is written as weir's users write theirs.
USERS = ("apps/examples/", "tests/plugins/hello/", "tests/install/")


def public(files):
    """The paths of the list, or None where the tree has none."""
    for file in files:
        if file.path == LIST:
            return {
                os.path.normpath(match[1])
                for line in file.lines
                if (match := re.match(r"\s+((?:core|config|modules)/\S+\.h)\)?$", line))
            }
    return None


def includes(file):
    """The #include lines of a user's file, and those in the blocks of code of a page."""
    if file.is_cpp and file.path.replace(os.sep, "/").startswith(USERS):
        yield from file.includes
    elif file.path.endswith(".md"):
        for number, line in enumerate(file.lines, 1):
            if match := re.match(r'\s*#include\s+(?:"([^"]+)"|<(weir/[^>]+)>)', line):
                yield number, match[1] or match[2]


def users_include_public_headers(root, files):
    """What the examples include is what users come to include: it must stay where it is."""
    headers = public(files)
    if headers is None:
        return
    paths = {file.path for file in files if file.is_cpp}
    for file in files:
        for number, name in includes(file):
            goal = rooms.included(file.path, name, paths)
            if goal is None:
                yield file.path, number, f"no header {name}"
            elif goal not in headers and os.path.dirname(goal) != os.path.dirname(file.path):
                yield file.path, number, f"{name} is not in {LIST}"


def reference(root, files):
    """A header that no page names is not found."""
    headers = public(files)
    if headers is None:
        return
    paths = {file.path for file in files}
    pages = [file for file in files if file.path == REFERENCE]
    named = {
        os.path.normpath(match)
        for page in pages
        for match in LINK.findall(page.text)
    }
    for header in sorted(headers):
        if header not in paths:
            yield LIST, 1, f"no file {header}"
        elif header not in named:
            yield LIST, 1, f"{header} is not in {REFERENCE}"


def reference_names(root, files):
    """A row of the reference names what stands in its header, under that name."""
    texts = {file.path: file.text for file in files}
    for page in files:
        if page.path != REFERENCE:
            continue
        for number, line in enumerate(page.lines, 1):
            cells = line.split(" | ")
            if not line.startswith("| ") or len(cells) < 3:
                continue
            goals = [os.path.normpath(goal) for goal in LINK.findall(line)]
            code = " ".join(re.findall(r"`([^`]+)`", cells[1]))
            names = re.findall(r"\b(\w+)(?=[(<])|\b([A-Z]\w+)", code)
            names = {name for pair in names for name in pair if name}
            text = "".join(texts.get(goal, "") for goal in goals)
            if names and goals and not any(re.search(rf"\b{name}\b", text) for name in names):
                yield page.path, number, f"{', '.join(sorted(names))}: not in {', '.join(goals)}"


def comment_blocks(file):
    """The indented blocks in the comments of a file: (line, lines of the block)."""
    block = []
    for number, line in enumerate(file.lines + [""], 1):
        if match := re.match(r"\s*///?     (.*)$", line):
            block.append(match[1])
        elif block and re.match(r"\s*///?\s*$", line):
            block.append("")
        elif block:
            yield number - len(block), block
            block = []


def squeezed(code, strip):
    """C++ without comments, the text of literals, white space and commas at ends of lists."""
    return re.sub(r",(?=[})])", "", re.sub(r"\s+", "", strip(code)))


def comment_examples(root, files, strip):
    """An example that does not compile teaches what is wrong."""
    examples = [file for file in files if file.path.startswith(EXAMPLES)]
    if not examples:
        return
    compiled = "".join(squeezed(file.text, strip) for file in examples)
    for file in files:
        if not file.path.endswith(".h") or file.path.split(os.sep)[0] not in LAYERS:
            continue
        for number, block in comment_blocks(file):
            if not any(re.search(r"[;{}]\s*(//.*)?$", line) for line in block):
                continue  # no code
            place = 0
            # "..." stands for any text, and a line that begins with it for any lines.
            for part in re.split(r"^\s*\.{3}.*$|\.{3}", "\n".join(block), flags=re.MULTILINE):
                place = compiled.find(squeezed(part, strip), place)
                if place < 0:
                    yield file.path, number, f"an example that is not in {EXAMPLES}*"
                    break


RULES = [users_include_public_headers, reference, reference_names]
