# tests/interop/test_demo.py - what `./dev run --once` shows comes out as promised, here under the sanitizers.
import subprocess
import sys

from process import BUILD, SOURCE, free_port


def test_each_sample_gets_the_verdict_that_it_should(tmp_path):
    ran = subprocess.run([sys.executable, SOURCE / "tests/demo/demo.py", BUILD / "postern", "--once", "--port",
                          str(free_port()), "--folder", tmp_path / "demo"], capture_output=True, text=True, timeout=180)
    log = tmp_path / "demo" / "log"
    log = log.read_text() if log.exists() else ""
    assert ran.returncode == 0, ran.stdout + ran.stderr + log
    assert "3 of 3 verdicts as expected" in ran.stdout
    assert "Sanitizer" not in log and "runtime error" not in log, log
