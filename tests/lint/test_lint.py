# tests/lint/test_lint.py - the rules of the house that a machine can check: floors, banned calls, locks, sizes, head
# comments, citations, format. ARCHITECTURE and CONVENTIONS say why; doc/tour.md says it to newcomers.
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from source import ROOT, bare, c_files, code_files, files, lines_with, table_lines, text

# Folder, its floor, and what it may include of its own floor. The first prefix that fits counts.
FLOORS = [
    ("gateway/base/", 1, ()),
    ("gateway/conf/", 2, ()),
    ("gateway/net/dns_answer.h", 2, ("gateway/conf/",)),  # plain data: checks see it through core/check.h
    ("gateway/net/", 3, ()),
    ("gateway/mail/", 3, ()),
    ("gateway/content/", 3, ("gateway/mail/",)),
    ("gateway/store/", 3, ("gateway/net/",)),
    ("gateway/core/", 4, ()),
    ("gateway/smtp/", 5, ()),
    ("gateway/http/", 5, ()),
    ("milter/", 5, ()),
    ("policy/", 5, ()),
    ("rules/", 5, ("rules/",)),
    ("scanners/", 5, ()),
    ("greylist/", 5, ()),
    ("gateway/checks.", 6, ()),
    ("gateway/", 7, ("gateway/",)),
]
CHECKS = ("rules/", "scanners/", "greylist/", "policy/rates")
CHECK_MAY = ("gateway/base/", "gateway/conf/", "gateway/mail/", "gateway/content/", "gateway/core/",
             "gateway/net/dns_answer.h", "gateway/store/op.h")

BANNED = {
    "strcpy strcat stpcpy strncpy strncat sprintf vsprintf": "write into a strbuf or with snprintf",
    "gets scanf sscanf fscanf": "parse spans",
    "strtok strtok_r": "span_cut()",
    "atoi atol atoll atof strtol strtoul strtoll strtoull strtod": "span_u64()",
    "alloca": "the arena",
    "system popen": "no shell",
    "mktemp tmpnam tempnam": "mkostemp()",
    "localtime gmtime ctime asctime localtime_r": "clock.h",
    "gethostbyname getaddrinfo": "net/dns.h, which does not block",
    "tolower toupper isalpha isdigit isalnum isspace isupper islower strcasecmp strncasecmp": "ascii_..., span_i...",
    "rand srand random drand48": "getrandom()",
    "sleep usleep nanosleep": "a timer",
    "setjmp longjmp": "an enum fault",
}
LOCKS = r"\b(pthread_(mutex|cond|rwlock|spin|barrier|once)_?\w*|sem_(init|wait|post)|_{0,2}(atomic|sync)_\w+|_Atomic)\b"
MAY_LOCK = {
    "gateway/net/crew.c": "the queues",
    "gateway/base/log.c": "lines from every thread",
    "gateway/mail/domain.c": "the public suffix list, loaded once by whoever is first",
    "rules/lists/map_file.c": "a changed list, published to the workers, who may hold the one before",
    "rules/sieve/matcher.c": "the sieve, published to the workers when its compilation, which takes minutes, is done",
}

# Where a banned call is right, and why.
MAY_CALL = {
    ("gateway/net/resolve.c", "getaddrinfo"): "on a worker; the name is the operator's, hosts file and all",
}

FUNCTION_MOST, FILE_MOST, WIDTH_MOST = 70, 600, 120


def none(found, rule):
    assert not found, rule + ":\n" + "\n".join(found)


def floor(path):
    return next(((f, own) for prefix, f, own in FLOORS if path.startswith(prefix)), None)


def includes(path):
    return re.findall(r'^\s*#\s*include\s+"([^"]+)"', text(path), re.M)


def test_includes_go_down_the_floors():
    found = []
    for path in code_files():
        level, own = floor(path)
        folder = path.rsplit("/", 1)[0] + "/"
        home = path.split("/")[0] + "/"
        for target in includes(path):
            there = floor(target)
            if there is None or not (ROOT / target).exists():
                found.append(f"{path}: {target} is not a header of the project, by its path from the root")
            elif path.startswith(CHECKS) and not target.startswith((*CHECK_MAY, home)):
                found.append(f"{path}: a check may not include {target}")
            elif there[0] >= level and not target.startswith((folder, *own)) and not path.startswith("gateway/checks."):
                found.append(f"{path} (floor {level}) includes {target} (floor {there[0]})")
    none(found, "includes go down the floors only")


def test_no_check_includes_another_check():
    declares = {p for p in code_files(".h") if re.search(r"^extern const struct check_module\b", bare(p), re.M)}
    found = []
    for path in code_files():
        if path.startswith(CHECKS):
            others = declares - {path.rsplit(".", 1)[0] + ".h"}
            found += [f"{path} includes {target}" for target in includes(path) if target in others]
    none(found, "a check reads a sister's evidence, never its header")


def test_own_header_comes_first():
    found = []
    for path in code_files(".c"):
        own, order = path[:-1] + "h", includes(path)
        if (ROOT / own).exists() and own in order:
            first = re.search(r'^\s*#\s*include\s+([<"])([^">]+)', text(path), re.M)
            if first.group(2) != own:
                found.append(f"{path}: {own} is not its first include")
    none(found, "own header first, so that it stands alone")


def test_no_banned_call():
    found = []
    for names, instead in BANNED.items():
        pattern = r"(?<![\w.>])(" + "|".join(names.split()) + r")\s*\("
        for path in code_files():
            allowed = {name for where, name in MAY_CALL if where == path}
            hits = [hit for hit in lines_with(pattern, path) if not any(f"{name}(" in hit for name in allowed)]
            found += [f"{hit} (instead: {instead})" for hit in hits]
    none(found, "banned calls")


def test_locks_live_in_the_crew_alone():
    found = [hit for path in code_files() if path not in MAY_LOCK for hit in lines_with(LOCKS, path)]
    none(found, "locks and atomics are for " + ", ".join(MAY_LOCK))


def test_no_typedef_of_a_struct():
    found = [hit for path in code_files() for hit in lines_with(r"\btypedef\s+(struct|enum|union)\b", path)]
    none(found, "no typedef of structs")


def functions(path):
    """(name, line, lines that count) of each function; tables inside do not count."""
    tables, name, start = table_lines(path), None, 0
    previous = ""
    for n, line in enumerate(bare(path).split("\n"), 1):
        if line == "{" and (previous.rstrip().endswith(")") or re.match(r"\s", previous)):
            start = n
        elif line == "}" and start:
            yield name, start, sum(1 for k in range(start + 1, n) if k not in tables)
            start = 0
        elif not start:
            called = re.match(r"[A-Za-z_].*?\b(\w+)\(", line)
            name = called.group(1) if called else name
        if line.strip():
            previous = line


def test_functions_fit_a_screen():
    found = [f"{path}:{line}: {name}() has {size} lines" for path in c_files() for name, line, size in functions(path)
             if size > FUNCTION_MOST]
    none(found, f"a function has at most {FUNCTION_MOST} lines")


def test_files_are_short():
    found = []
    for path in files():
        if path.endswith((".c", ".h", ".py", ".sh")) or path == "dev":
            lines = text(path).count("\n") - len(table_lines(path) if path.endswith((".c", ".h")) else ())
            if lines > FILE_MOST:
                found.append(f"{path}: {lines} lines")
    none(found, f"a file has at most {FILE_MOST} lines")


def test_lines_are_narrow():
    wide = (".c", ".h", ".py", ".sh")
    found = [f"{path}:{n}: {len(line)} columns" for path in files() if path.endswith(wide) or path == "dev"
             for n, line in enumerate(text(path).split("\n"), 1) if len(line) > WIDTH_MOST]
    none(found, f"at most {WIDTH_MOST} columns")


def test_each_file_begins_with_what_it_is():
    found = []
    for path in files():
        if path.endswith((".c", ".h")):
            names = (path, path.removeprefix("gateway/"))
            heads = [f"/* {name} - " for name in names]
        elif path.startswith("tests/") and path.endswith((".py", ".sh")):
            heads = [f"# {path} "]
        else:
            continue
        if not any(line.startswith(tuple(heads)) for line in text(path).split("\n")[:3]):
            found.append(f"{path}: no head comment \"{heads[-1]}...\"")
    none(found, "each file says at its head what it is")


def test_nothing_is_left_unfinished():
    pattern = r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"
    kinds = (".c", ".h", ".py", ".sh", ".md", ".txt", ".conf")
    looked_at = [path for path in files() if path.endswith(kinds) or path == "dev"]
    found = [hit for path in looked_at for hit in lines_with(pattern, path, text)]
    none(found, "finish it, or open an issue")


def test_no_path_of_a_developers_machine():
    pattern = r"(^|[\s\"'=(])/(wor" + r"k|far" + r"m|ho" + r"me/\w)/"
    samples = ("tests/fuzz/corpus/", "tests/demo/mail/")
    found = [hit for path in files() if not path.startswith(samples) for hit in lines_with(pattern, path, text)]
    none(found, "no path of one machine")


# --- citations -------------------------------------------------------------------------------------------------------

def rfc_table():
    """{number: state} out of doc/rfc.md."""
    rows = re.findall(r"^\|\s*RFC (\d+)\s*\|(.*)\|\s*(\w+)\s*\|([^|]*)\|\s*$", text("doc/rfc.md"), re.M)
    return {int(number): state for number, _, state, _ in rows}


def citations():
    found = {}
    for path in code_files():
        for number in re.findall(r"\bRFC ?(\d{3,5})\b", text(path)):
            found.setdefault(int(number), path)
    return found


def test_each_cited_standard_has_its_state():
    listed = rfc_table()
    none([f"RFC {number} (cited in {path})" for number, path in sorted(citations().items()) if number not in listed],
         "doc/rfc.md says of each cited RFC how much of it is done")
    none([f"RFC {number}: {state}" for number, state in listed.items() if state not in ("yes", "partial", "no")],
         "a state is yes, partial or no")


def test_what_is_done_is_cited():
    cited = citations()
    none([f"RFC {number}" for number, state in rfc_table().items() if state != "no" and number not in cited],
         "doc/rfc.md claims these, but no code cites them")


# --- what belongs together -------------------------------------------------------------------------------------------

def test_each_fuzz_target_has_seeds_and_a_dictionary():
    found = []
    for path in files():
        target = re.fullmatch(r"tests/fuzz/fuzz_(\w+)\.c", path)
        if target:
            name = target.group(1)
            if not any(f.startswith(f"tests/fuzz/corpus/{name}/") for f in files()):
                found.append(f"{path}: no seeds in tests/fuzz/corpus/{name}/")
            if f"tests/fuzz/{name}.dict" not in files():
                found.append(f"{path}: no tests/fuzz/{name}.dict")
    none(found, "fuzz targets")


def test_dev_lists_every_command_that_it_has():
    listed = set(re.findall(r"^  (\w+) ", text("dev").split("usage() {")[1].split("END\n}")[0], re.M))
    assert listed == set(re.findall(r"^dev_(\w+)\(\)", text("dev"), re.M))
    assert listed == set(re.search(r"^((?:\w+ \| )+\w+)\)$", text("dev").split("END\n}")[1], re.M)[1].split(" | "))


def test_documents_link_to_what_exists():
    found = []
    for path in files():
        if path.endswith(".md"):
            for link in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text(path)):
                if not (ROOT / path).parent.joinpath(link).exists():
                    found.append(f"{path}: {link}")
    none(found, "links to nothing")


def test_manual_pages_are_well_formed():
    pages = [f for f in files() if re.fullmatch(r"doc/[\w.]+\.[0-9]", f)]
    if pages and not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    found = []
    for page in pages:
        check = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", ROOT / page], capture_output=True, text=True)
        found += check.stdout.splitlines()
    none(found, "mandoc")


def test_python_compiles():
    for path in files():
        if path.endswith(".py"):
            compile(text(path), path, "exec")


def test_format_is_clang_formats():
    if not shutil.which("clang-format"):
        pytest.skip("clang-format is not installed")

    def check(paths):
        command = ["clang-format", "--dry-run", "-Werror", *paths]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stderr

    sources = list(c_files())
    batches = [sources[i : i + 50] for i in range(0, len(sources), 50)]
    with ThreadPoolExecutor(2) as pool:
        found = [line for out in pool.map(check, batches) for line in out.splitlines() if "error:" in line]
    none(found[:40], "./dev format mends")
