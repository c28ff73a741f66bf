# tests/lint/source.py - the files of the project, and C text without its comments and strings.
import functools
import os
import re
from pathlib import Path

ROOT = Path(os.environ.get("POSTERN_SOURCE") or Path(__file__).resolve().parents[2])
CODE = ("gateway", "milter", "policy", "rules", "scanners", "greylist")


@functools.cache
def files():
    """Every file of the project by its path from the root; what a build or a tool leaves behind is none."""
    found = []
    for folder, names, leaves in os.walk(ROOT):
        names[:] = sorted(n for n in names if n not in ("build", "__pycache__", ".git", ".cache", "shared"))
        found += [os.path.relpath(os.path.join(folder, leaf), ROOT) for leaf in sorted(leaves) if leaf != ".git"]
    return tuple(found)


def code_files(*suffixes):
    """The product's own, without tests."""
    return [f for f in files() if f.startswith(tuple(c + "/" for c in CODE)) and f.endswith(suffixes or (".c", ".h"))]


def c_files():
    return [f for f in files() if f.endswith((".c", ".h"))]


@functools.cache
def text(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="surrogateescape")


_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


@functools.cache
def bare(path):
    """The text with comments and the insides of strings blanked; lines stay where they are."""
    def blank(match):
        token = match.group()
        kept = "".join("\n" if c == "\n" else " " for c in token)
        return token[0] + kept[1:-1] + token[-1] if token[0] in "\"'" else kept

    return _TOKEN.sub(blank, text(path))


def lines_with(pattern, path, of=bare):
    """(path:line, line) of each line in which `pattern` is found."""
    found = re.compile(pattern)
    return [f"{path}:{n}: {line.strip()[:100]}" for n, line in enumerate(of(path).split("\n"), 1) if found.search(line)]


def table_lines(path):
    """Numbers of the lines inside initialised tables, which the limits on size do not count."""
    inside, found, indent = False, set(), ""
    for n, line in enumerate(bare(path).split("\n"), 1):
        start = re.match(r"(\s*)[^\s#].*=\s*\{\s*(\\)?$", line)
        if not inside and start:
            inside, indent = True, start.group(1)
        elif inside and re.match(re.escape(indent) + r"\}", line):
            inside = False
        elif inside:
            found.add(n)
    return found
