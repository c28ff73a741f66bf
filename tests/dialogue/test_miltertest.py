# tests/dialogue/test_miltertest.py - dialogues in the language of opendkim's miltertest (Lua), one per file
# milter-*.lua.
import pathlib
import subprocess

import pytest

from servers import Gateway, needs

FOLDER = pathlib.Path(__file__).parent
OFF = ("rdns", "helo", "sender", "greylist", "dnsbl", "rhsbl", "spf", "dkim", "arc", "dmarc")
CONF = """
hostname = "mx.example.org"
dns { servers = {"127.0.0.1:1"}  dnssec = no }
milter { listen = {"inet:{port}@127.0.0.1", "unix:{folder}/socket"} }
""" + "".join(f'check "{name}" {{ mode = off }}\n' for name in OFF) + """
check "lists" {
    list "refused" { match = recipient  entries = {"refused@example.org"}  action = reject }
    list "worse"   { match = sender  entries = {"worse@a.example"}  action = score  score = 20.0 }
    list "dropped" { match = sender  entries = {"dropped@a.example"}  action = discard }
}
"""


@pytest.fixture(scope="module")
def postern():
    with Gateway(CONF) as server:
        yield server


@pytest.mark.parametrize("script", sorted(FOLDER.glob("milter-*.lua")), ids=lambda path: path.stem)
def test_script(postern, script):
    ran = subprocess.run([needs("miltertest"), "-s", script, "-D", f"port={postern.port}", "-D",
                          f"socket={postern.folder}/socket"], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0 and "well spoken" in ran.stdout, ran.stdout + ran.stderr + postern.log[-2000:]
