# tests/conformance/test_mime.py - the parts of other people's messages: MIME-tools' and mail-parser's suites with their
# expected trees, through `postern mime --json`, and all mail of the suites beside GMime.
#
# Where we differ, doc/mime.md says why: a difference without a row fails, and so does a row without a difference.
import hashlib
import itertools
import json
import os
import pathlib
import quopri
import re
import subprocess
import tarfile

import pytest
import sign_suite

BUILD = pathlib.Path(os.environ.get("POSTERN_BUILD", "build/dev"))
SOURCE = pathlib.Path(os.environ.get("POSTERN_SOURCE", "."))
SAMPLE = 25  # of the public corpora: each so many'th message


def suite(*names):
    path = sign_suite.folder().joinpath(*names)
    if not path.exists():
        pytest.skip(f"{'/'.join(names)} is not here (POSTERN_SUITES)")
    return path


def explained(section):
    """names in the first column of a table of doc/mime.md"""
    text = (SOURCE / "doc" / "mime.md").read_text().split(f"\n### {section}\n")[1].split("\n### ")[0]
    return {row.strip("`") for row in re.findall(r"^\| ([^|]+?) \|", text, re.M)} - {
        "Message", "Message or class", "---"}


def compare(section, differing, total):
    told = explained(section)
    print(f"{section}: {total - sum(map(len, differing.values()))} of {total} the same")
    unexplained = {name: what for name, what in differing.items() if name not in told}
    assert not unexplained, f"doc/mime.md does not say why: {unexplained}"
    assert not told - set(differing), f"doc/mime.md explains what is no difference: {told - set(differing)}"


def mime(paths):
    """of each file the parts"""
    done = subprocess.run([BUILD / "postern", "mime", "--json", "--text", *paths], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stderr
    reader, rest = json.JSONDecoder(), done.stdout
    while rest.strip():
        message, end = reader.raw_decode(rest)
        rest = rest[end:].lstrip()
        yield message["parts"]


def standard(parts):
    """those of the standard reading, without what is unpacked out of them"""
    left_out = set()
    for part in parts:
        if part["reading_of"] is not None or part["unpacked"] or part["parent"] in left_out:
            left_out.add(part["index"])
    return [part for part in parts if part["index"] not in left_out]


# ---- mail-parser ----

def our_tree(parts):
    depths, tree = {}, []
    for part in standard(parts):
        depth = depths[part["index"]] = 0 if part["parent"] is None else depths[part["parent"]] + 1
        is_box = part["type"].startswith("multipart/") or part["children"] and "text" not in part
        says = "" if is_box else part.get("text", part["sha256"])
        tree.append((depth, part["type"], says))
    return tree


def their_tree(message, index=0, depth=0, is_digest=False):
    part = message["parts"][index]
    types = [header["value"]["ContentType"] for header in part["headers"]
             if header["name"] == "content_type" and "ContentType" in header["value"]]
    name = "/".join(filter(None, (types[0]["c_type"], types[0]["c_subtype"]))) if types else (
        "message/rfc822" if is_digest else "text/plain")
    (kind, body), = part["body"].items()
    if kind == "Multipart":
        inner = (their_tree(message, child, depth + 1, name.lower() == "multipart/digest") for child in body)
        return [(depth, name.lower(), ""), *itertools.chain(*inner)]
    if kind == "Message":
        return [(depth, name.lower(), ""), *their_tree(body, 0, depth + 1)]
    says = body.replace("\r\n", "\n") if kind in ("Text", "Html") else hashlib.sha256(bytes(body)).hexdigest()
    return [(depth, name.lower(), says)]


def test_mail_parser():
    folder = suite("mime", "mail-parser", "eml")
    names = sorted(str(path.relative_to(folder))[:-4] for path in folder.glob("*/*.eml"))
    differing = {}
    for name, parts in zip(names, mime([folder / f"{name}.eml" for name in names])):
        theirs = their_tree(json.loads((folder / f"{name}.crlf.json").read_text()))
        pairs = itertools.zip_longest(our_tree(parts), theirs)
        unlike = next(((us, them) for us, them in pairs if us != them), None)
        if unlike:
            differing[name] = [unlike]
    compare("mail-parser", differing, len(names))


# ---- MIME-tools ----

def their_parts(path):
    """a .ref is a Perl hash: {"Part_1_2": {"Type": ...}}"""
    parts, name = {}, None
    for line in path.read_text("latin-1").splitlines():
        opened = re.match(r'\s*"?(\w+)"?\s*=>\s*\{', line)
        said = re.match(r'\s*"?(\w+)"?\s*=>\s*(.*?),?\s*$', line)
        if opened:
            name = opened[1]
            parts[name] = {}
        elif said and name:
            quoted = re.match(r"""qq?\{(.*)\}$|"(.*)"$|'(.*)'$""", said[2])
            value = next(filter(None, quoted.groups()), "") if quoted else said[2]
            parts[name][said[1]] = re.sub(r"\\(.)", r"\1", value)
    parts.pop("Parser", None)
    return parts


def size_with_lf(part, message):
    """their files have LF, and their sizes"""
    body = message[part["offset"]:part["offset"] + part["encoded_bytes"]].replace(b"\r\n", b"\n")
    if part["encoding"] == "quoted-printable":
        return len(quopri.decodestring(body))
    return part["bytes"] if part["encoding"] in ("base64", "uuencode") else len(body)


def our_parts(path, all_parts):
    message = re.sub(rb"\AFrom .*\n", b"", path.read_bytes())
    message = re.sub(rb"(?<!\r)\n", b"\r\n", message)
    names, children, parts = {}, {}, {}
    for part in standard(all_parts):
        name = "Msg"
        if part["parent"] is not None:
            number = children[part["parent"]] = children.get(part["parent"], 0) + 1
            parent = names[part["parent"]]
            name = f"Part_{number}" if parent == "Msg" else f"{parent}_{number}"
        names[part["index"]] = name
        parts[name] = {"Type": part["type"], "Encoding": part["encoding"], "Charset": part["charset"],
                       "Filename": part["filename"], "Disposition": part["disposition"],
                       "Boundary": part["boundary"]}
        if not part["children"]:
            parts[name]["Size"] = str(size_with_lf(part, message))
    return parts


def differ_in(ours, theirs):
    for name in sorted(set(ours) | set(theirs)):
        if name not in ours or name not in theirs:
            return name, "only " + ("they" if name in theirs else "we")
        for key in sorted(set(ours[name]) & set(theirs[name])):
            them = theirs[name][key]
            if key in ("Type", "Encoding", "Charset", "Disposition"):
                them = them.lower()
            if ours[name][key] != them:
                return name, key, ours[name][key], them
    return None


def test_mime_tools():
    folder = suite("mime", "mime-tools")
    names = sorted(path.stem for path in folder.glob("*.msg") if path.with_suffix(".ref").exists())
    names.append("ak-0696")
    differing = {}
    for name, parts in zip(names, mime([folder / f"{name}.msg" for name in names])):
        ours = our_parts(folder / f"{name}.msg", parts)
        theirs = their_parts(folder / ("ak-0696-nest.ref" if name == "ak-0696" else f"{name}.ref"))
        if theirs == {"Msg": {"Fail": "1"}}:  # they refuse it; we never do
            assert ours["Msg"]
            continue
        unlike = differ_in(ours, theirs)
        if unlike:
            differing[name] = [unlike]
    compare("MIME-tools", differing, len(names))


# ---- all mail of the suites, and GMime ----

def messages():
    """(name, bytes)"""
    for folder in ("mime", "spam/rspamd-messages", "spam/spamassassin-t"):
        for path in sorted(suite(*folder.split("/")).rglob("*")):
            if path.is_file() and path.suffix not in (".ref", ".json") and path.name != "COPYING":
                yield f"{path.parent.name}/{path.name}", path.read_bytes()
    for archive in ("spamassassin-public", "phishing-2022-2024"):
        with tarfile.open(suite("spam", f"{archive}.tar.xz")) as tar:
            for number, member in enumerate(member for member in tar if member.isfile()):
                if number % SAMPLE == 0:
                    yield member.name, tar.extractfile(member).read()


def leaves(program, paths):
    done = subprocess.run([BUILD / "tests" / program], input="".join(f"{path}\n" for path in paths),
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def class_of(name, ours, theirs, message):
    if not theirs:
        return "class not read"
    if not ours:
        return "class no leaf"
    if len(ours) != len(theirs) or any(us[0] != them[0] for us, them in zip(ours, theirs)):
        return name
    unlike = [(us, them) for us, them in zip(ours, theirs) if us[:3] != them]
    encodings = {us[3] for us, _ in unlike}
    if encodings == {"qp"}:
        return "class quoted-printable"
    if encodings == {"base64"}:
        return "class base64"
    if len(unlike) == 1 and unlike[0][1][1] == unlike[0][0][1] + 1 and not message.endswith(b"\n"):
        return "class last line"
    return name


def test_nothing_is_lost_and_gmime_agrees(tmp_path):
    names, paths, all_bytes = [], [], []
    for number, (name, message) in enumerate(messages()):
        message = re.sub(rb"\AFrom .*\n", b"", message)
        message = re.sub(rb"(?<!\r)\n", b"\r\n", message)
        path = tmp_path / str(number)
        path.write_bytes(message)
        names.append(name)
        paths.append(path)
        all_bytes.append(message)
    ours, theirs = leaves("mime_probe", paths), leaves("mime_gmime", paths)
    assert len(ours) == len(theirs) == len(paths)
    differing = {}
    for name, us, them, message in zip(names, ours, theirs, all_bytes):
        if [leaf[:3] for leaf in us] != them:
            differing.setdefault(class_of(name, us, them, message), []).append(name)
    compare("GMime", differing, len(paths))
