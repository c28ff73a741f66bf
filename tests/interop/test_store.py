# tests/interop/test_store.py - postern store: info, export and import, beside a gateway that runs and without one.
import json
import os
import subprocess
import time

import pytest

from process import BUILD


def store(conf, *words, stdin=b"", status=0):
    done = subprocess.run([BUILD / "postern", "store", *words[:1], "-c", conf, *words[1:]], input=stdin,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == status, done
    return done


def in_hours(hours):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 3600 * hours))


def record(key, text, expires):
    return json.dumps({"key": key, "expires": expires, "text": text}).encode() + b"\n"


@pytest.fixture
def conf(tmp_path):
    return make_conf(tmp_path, "one")


def make_conf(folder, name):
    path = folder / f"{name}.conf"
    user = "nobody" if os.geteuid() == 0 else "postern"
    path.write_text(f'state = "{folder}/{name}"\nuser = "{user}"\n')
    return str(path)


def test_a_store_moves(conf, tmp_path):
    lines = b"".join(record(f"k:{i}", f"value {i}", in_hours(i + 1)) for i in range(3000))
    done = store(conf, "import", stdin=lines + record("k:for ever", "x", None))
    assert done.stdout.startswith(b"3001 lines: 3001 imported, 0 kept"), done
    out = tmp_path / "out.json"
    store(conf, "export", "-o", str(out))
    assert out.stat().st_mode & 0o777 == 0o600
    exported = {json.loads(line)["key"]: json.loads(line) for line in out.read_text().splitlines()}
    assert len(exported) == 3001
    assert exported["k:7"]["text"] == "value 7" and exported["k:for ever"]["expires"] is None
    other = make_conf(tmp_path, "two")
    assert b" 3001 imported" in store(other, "import", str(out)).stdout
    assert b" 3001 kept" in store(other, "import", str(out)).stdout
    again = store(other, "export").stdout
    assert sorted(again.splitlines()) == sorted(out.read_bytes().splitlines())


def test_a_longer_life_wins(conf):
    soon, late = in_hours(1), in_hours(48)
    store(conf, "import", stdin=record("k:a", "late", late) + record("k:b", "soon", soon))
    done = store(conf, "import", stdin=record("k:a", "soon", soon) + record("k:b", "late", late))
    assert b" 1 imported, 1 kept" in done.stdout
    texts = [json.loads(line)["text"] for line in store(conf, "export").stdout.splitlines()]
    assert texts == ["late", "late"]


def test_wrong_lines_are_named_and_left_out(conf, tmp_path):
    path = tmp_path / "in"
    path.write_bytes(record("k:a", "x", None) + b"nonsense\n\n" + record("k:b", "x", "yesterday") +
                     record("k:old", "x", in_hours(-1)) + record("k:c", "x", None).strip())
    done = store(conf, "import", str(path), status=3)
    assert f"{path}:2: the line is no JSON object" in done.stderr.decode()
    assert f"{path}:4: a time is written" in done.stderr.decode()
    assert b"6 lines: 2 imported, 0 kept as they are in the store, 1 had expired, 2 wrong" in done.stdout
    done = store(conf, "import", stdin=b"x\n" * 100, status=3)
    assert done.stderr.count(b"no JSON object") == 20 and b"80 more lines" in done.stderr


def test_info(conf, tmp_path):
    first, last = in_hours(1), in_hours(99)
    triplet = {"first": in_hours(-1), "passed": None, "last": in_hours(0)}
    lines = json.dumps({"key": "g:{a}/b", "expires": last, "triplet": triplet}).encode() + b"\n"
    store(conf, "import", stdin=lines + record("k:a", "x", first) + record("k:b", "x", None))
    told = json.loads(store(conf, "info", "--json").stdout)
    assert told["backend"] == "lmdb" and told["where"] == f"{tmp_path}/one/store.mdb"
    assert told["records"] == 3 and told["by_kind"]["triplet"] == 1 and told["by_kind"]["other"] == 2
    assert (told["first_expires"], told["last_expires"], told["never_expire"]) == (first, last, 1)
    assert 0 < told["bytes"] < told["bytes_most"]
    text = store(conf, "info").stdout.decode()
    assert f"last expires   {last}" in text and "triplet      1" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_the_file_is_the_gateways(conf, tmp_path):
    store(conf, "info")
    for name in ("store.mdb", "store.mdb-lock"):
        made = (tmp_path / "one" / name).stat()
        assert made.st_uid != 0 and made.st_mode & 0o777 == 0o600


def test_wrong_use(conf, tmp_path):
    for words in (["export", "x"], ["info", "-o", "x"], ["forget"], [], ["import", "a", "b"]):
        done = subprocess.run([BUILD / "postern", "store", *words], capture_output=True, check=False)
        assert done.returncode == 2 and b"usage:" in done.stderr
    store(conf, "import", str(tmp_path / "absent"), status=3)
    store(conf, "export", "-o", str(tmp_path / "absent" / "out"), status=3)
    with open("/dev/full", "wb") as full:
        store(conf, "import", stdin=record("k:a", "x", None))
        done = subprocess.run([BUILD / "postern", "store", "export", "-c", conf], stdout=full,
                              stderr=subprocess.PIPE, check=False)
        assert done.returncode == 3 and b"No space left" in done.stderr
