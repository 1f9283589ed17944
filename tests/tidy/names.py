"""Who names a type includes its header: each file then compiles alone, also where others are built.

The build compiles many sources as one unit, where one source has the headers of those before it.
"""

import re

import rooms

TYPE = re.compile(r"^(?:class|struct|union|enum class|enum)\s+([A-Z]\w+)\b(?!.*;)")
ALIAS = re.compile(r"^using\s+([A-Z]\w+)\s+=")
# A name of a type, unless it is a member or qualified by another type.
NAMED = re.compile(r"(?<![\w.>])(?:\b([A-Za-z_]\w*)\s*::\s*)?([A-Z]\w+)\b")


def declared(files):
    """The types of the library that one header declares: their names, and its path."""
    found = {}
    for file in files:
        if file.path.endswith(".h") and file.path.startswith(("core", "config", "modules")):
            for line in file.code:
                if match := TYPE.match(line) or ALIAS.match(line):
                    found.setdefault(match[1], set()).add(file.path)
    return {name: paths.pop() for name, paths in found.items() if len(paths) == 1}


def closure(path, graph, known):
    """All files that a file includes, and itself."""
    if path not in known:
        known[path] = {path}
        todo = [path]
        while todo:
            for goal in graph.get(todo.pop(), ()):
                if goal not in known[path]:
                    known[path].add(goal)
                    todo.append(goal)
    return known[path]


def local(file):
    """The names that a file declares itself, also as parameters of templates, or in advance."""
    names = set()
    for line in file.code:
        names.update(re.findall(r"\b(?:class|struct|union|enum|typename|using)\s+([A-Z]\w+)", line))
        if line.lstrip().startswith("template"):
            names.update(re.findall(r"\b([A-Z]\w+)", line))
    return names


def named_types_are_included(root, files):
    """A file that relies on another's includes breaks when that one changes."""
    sources = [file for file in files if file.is_cpp]
    paths = {file.path for file in sources}
    graph = {
        file.path: [rooms.included(file.path, name, paths) for _, name in file.includes]
        for file in sources
    }
    types = declared(sources)
    locals_of = {file.path: local(file) for file in sources}
    known = {}
    for file in sources:
        if not rooms.room_of(file.path) and not file.is_test:
            continue
        seen = closure(file.path, graph, known)
        missing = set()
        for number, line in enumerate(file.code, 1):
            for before, name in NAMED.findall(line):
                header = types.get(name)
                if header is None or header in seen or name in missing or before[:1].isupper():
                    continue
                if not any(name in locals_of.get(path, ()) for path in seen):
                    missing.add(name)
                    yield file.path, number, f"names {name} without {header}"


RULES = [named_types_are_included]
