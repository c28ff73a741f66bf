# tests/kit/process.py - starting real programs on loopback, and ending them.
#
# Everything runs in a temporary folder of its own and is ended by its process id when its `with` block is left. What
# a program wrote stands in its .log, and is shown when it does not come up.
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

SOURCE = Path(os.environ.get("POSTERN_SOURCE") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("POSTERN_BUILD") or SOURCE / "build" / "dev")

# Below those that the kernel gives to connections, so that none of them comes between.
PORTS = range(10240, 32768)
_given = []  # lock files, held until this process ends


def free_port():
    """A port of 127.0.0.1 that is free for TCP and UDP, and that no other test is given while this process lives."""
    locks = Path(tempfile.gettempdir()) / f"postern-ports-{os.getuid()}"
    locks.mkdir(exist_ok=True)
    for port in random.sample(PORTS, 200):
        lock = open(locks / str(port), "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _given.append(lock)
        return port
    raise RuntimeError("no free port on 127.0.0.1")


def wait_for(claim, seconds, what):
    """Waits until claim() is true; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


def answers(port, host="127.0.0.1"):
    try:
        with socket.create_connection((host, port), 1):
            return True
    except OSError:
        return False


def program(name):
    """The path of a program of the system, sbin included, or None."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin")


class Server:
    """A program in the foreground. A subclass gives command() and is_up(), and may prepare() files in self.folder."""

    name = "server"
    patience = 30
    ends_by = signal.SIGTERM
    environment = {}

    def __init__(self):
        self.folder = None
        self.process = None

    def prepare(self):
        pass

    def command(self):
        raise NotImplementedError

    def is_up(self):
        return answers(self.port)

    @property
    def log(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self):
        is_first = self.folder is None
        if is_first:
            self.folder = Path(tempfile.mkdtemp(prefix=f"postern-{self.name}-"))
            self.folder.chmod(0o755)
        try:
            self.prepare()
            with open(self.folder / "log", "ab") as log:
                self.process = subprocess.Popen([str(word) for word in self.command()], stdin=subprocess.DEVNULL,
                                                stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                                                env={**os.environ, **self.environment})
            self.wait_up()
        except BaseException:
            self.end()
            if is_first:
                shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def wait_up(self):
        def is_decided():
            return self.process.poll() is not None or self.is_up()

        try:
            wait_for(is_decided, self.patience, f"{self.name} to come up")
        except AssertionError as late:
            raise AssertionError(f"{late}; it wrote:\n{self.log[-4000:]}") from None
        if self.process.poll() is not None:
            status = self.process.returncode
            raise AssertionError(f"{self.name} ended with status {status}; it wrote:\n{self.log[-4000:]}")

    def end(self):
        """Ends the program; returns its exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(self.ends_by)
            try:
                self.process.wait(self.patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def __enter__(self):
        return self.start()

    def __exit__(self, *failure):
        try:
            self.end()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
