# tests/interop/test_gateway_conf.py - the example configuration that is shipped loads, and so do the examples that
# stand in its comments.
import re
import subprocess

from mail import make_cert
from process import BUILD, SOURCE

EXAMPLE = re.compile(r'^(\s*)# (\s*(?:[a-z_]+\s+=\s|[a-z_]+ (?:"[^"]*"\s+)?\{|\}).*)$')
SHIPPED = SOURCE / "gateway.conf"


def config(command, path):
    words = [BUILD / "postern", "config", command, "-c", path]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_the_shipped_configuration_is_good():
    status, said = config("check", SHIPPED)
    assert status == 0, said


def test_the_examples_in_its_comments_are_good(tmp_path):
    cert, key = make_cert(tmp_path)
    (tmp_path / "dqs.key").write_text("example-key\n")
    (tmp_path / "redis.password").write_text("example-password\n")
    (tmp_path / "routes").write_text("shop.example smtp://10.0.7.26:25\n")
    (tmp_path / "blocked").write_text("spammer@example.net\n.spam.example\n")
    (tmp_path / "whitelist_clients").write_text("192.0\n/^mail[0-9]+\\.example\\.net$/\n")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "local.cf").write_text("body LOCAL_ORCHID /orchid/\nscore LOCAL_ORCHID 0.1\n")
    lines, examples = [], 0
    for line in SHIPPED.read_text().splitlines():
        example = EXAMPLE.match(line)
        examples += bool(example)
        line = example[1] + example[2] if example else line
        line = line.replace("/etc/letsencrypt/live/mx.example.org/fullchain.pem", str(cert))
        line = line.replace("/etc/letsencrypt/live/mx.example.org/privkey.pem", str(key))
        lines.append(line.replace("/etc/postern/", f"{tmp_path}/"))
    text = "\n".join(lines)
    # The key's example stands for the free list's: both at once would be the same list twice.
    text = re.sub(r'\n *zone "zen.spamhaus.org".*', "", text)
    text = text.replace('    next_hop = "smtp://127.0.0.1:10025"\n', "")  # nor two next hops of the same name
    path = tmp_path / "gateway.conf"
    path.write_text(text)
    assert examples >= 20
    status, said = config("check", path)
    assert status == 0, said
    status, shown = config("show", path)
    assert status == 0
    assert "example-key" not in shown and "example-password" not in shown
    assert all(door in shown for door in ("11332@127.0.0.1", "127.0.0.1:10040", "127.0.0.1:11333"))
    assert "RBL_EXAMPLE_BIT_8" in shown
