"""What g++ 12 compiles wrongly in coroutines without a word, as far as a text shows it."""

import re

CONDITION = re.compile(r"\b(if|while|for|switch)\s*\(")
AWAITED = re.compile(CONDITION.pattern + r"[^{]*\bco_await\b")
# `Type name =`, `auto& name :`, `Type name{`, `[first, second] =`, ...
DECLARATION = re.compile(
    r"(?:[;{}(])\s*(?:(?:static|constexpr|const|volatile)\s+)*"
    r"(?!(?:co_)?(?:return|await|yield)\b|throw\b|delete\b|new\b|else\b|goto\b|case\b)"
    r"(?:(?:auto|[A-Za-z_][\w:]*)(?:<[^;{}()]*>)?(?:::\w+)*(?:\s+const)?[\s&*]*[\s&*]"
    r"(?:\w+|\[[\w, ]+\])\s*(?:=[^=]|[{(;]|:[^:])|using\b)")


def closing(code, start):
    """Returns where the bracket at `start` is closed."""
    opened, closed = code[start], {"(": ")", "{": "}"}[code[start]]
    depth = 0
    for position in range(start, len(code)):
        depth += (code[position] == opened) - (code[position] == closed)
        if depth == 0:
            return position
    return len(code)


def is_function(head):
    """Whether a brace after this text opens the body of a function, or of a lambda."""
    head = re.sub(r"\s*->\s*[\w:<>&*, ]+$", "", head.rstrip())
    head = re.sub(r"(?:\s*\b(?:noexcept|const|override|mutable|final))+$", "", head)
    if not head.endswith(")"):
        return head.endswith("]")
    depth = 0
    for position in range(len(head) - 1, -1, -1):
        depth += (head[position] == ")") - (head[position] == "(")
        if depth == 0:
            name = re.search(r"(\w+|\])\s*$", head[:position])
            return bool(name) and name[1] not in ("if", "while", "for", "switch", "catch")
    return False


def functions(code):
    """Yields (line, body) of each function, without the bodies of the functions within."""
    starts = [match.start() for match in re.finditer(r"\{", code)
              if is_function(code[max(0, match.start() - 500):match.start()])]
    ends = {start: closing(code, start) for start in starts}
    for start in starts:
        body = code[start:ends[start] + 1]
        for inner in starts:
            if start < inner < ends[start]:
                first, last = inner - start, ends[inner] - start + 1
                body = body[:first] + re.sub(r"[^\n]", " ", body[first:last]) + body[last:]
        yield code.count("\n", 0, start) + 1, body


def conditions(file):
    """Yields the conditions with co_await of coroutines that declare no variable at all."""
    code = "\n".join(file.code)
    if not AWAITED.search(code):
        return
    for line, body in functions(code):
        for match in CONDITION.finditer(body):
            start = match.end() - 1
            if "co_await" in body[start:closing(body, start)] and not DECLARATION.search(body):
                yield (line + body.count("\n", 0, start),
                       "g++ 12 compiles co_await in a condition wrongly if the coroutine declares "
                       "no variable: give the result a name")
