# tests/interop/test_demo.py - what `./dev run --once` shows comes out as promised, here under the sanitizers.
import subprocess
import sys

from process import BUILD, SOURCE, answers, free_port, wait_for


def demo(folder, port, *words):
    return [sys.executable, SOURCE / "tests/demo/demo.py", BUILD / "postern", "--port", str(port), "--folder", folder,
            *words]


def test_each_sample_gets_the_verdict_that_it_should(tmp_path):
    ran = subprocess.run(demo(tmp_path / "demo", free_port(), "--once"), capture_output=True, text=True, timeout=180)
    log = tmp_path / "demo" / "log"
    log = log.read_text() if log.exists() else ""
    assert ran.returncode == 0, ran.stdout + ran.stderr + log
    assert "7 of 7 verdicts as expected" in ran.stdout
    assert "Sanitizer" not in log and "runtime error" not in log, log


def test_it_goes_on_until_it_is_ended_and_leaves_nothing_running(tmp_path):
    port = free_port()
    with open(tmp_path / "out", "w") as out, subprocess.Popen(demo(tmp_path / "demo", port), stdout=out) as first:
        try:
            wait_for(lambda: "Ctrl-C ends" in (tmp_path / "out").read_text(), 60, "the invitation to send mail")
            second = subprocess.run(demo(tmp_path / "demo", free_port(), "--once"), capture_output=True, text=True,
                                    timeout=60)
            assert second.returncode == 1 and "it runs already" in second.stderr, second.stderr
            assert answers(port)  # the first has its folder still
        finally:
            first.terminate()
        assert first.wait(60) == 0
    assert not answers(port)
