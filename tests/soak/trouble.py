# tests/soak/trouble.py - what goes wrong in a soak, at random: programs are killed, stopped, slowed; the disk fills.
import asyncio
import os
import random
import signal
import subprocess
import time
from pathlib import Path


def children(pid):
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Disk:
    """A small file system for the gateway's state, that can be full. Needs root; otherwise is_there is False."""

    def __init__(self, folder, size="64m"):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "postern-soak", folder]
        self.is_there = os.geteuid() == 0 and subprocess.run(words, capture_output=True, check=False).returncode == 0

    def fill(self):
        with open(self.folder / "filler", "wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 1_000_000) > 0:
                    pass
            except OSError:
                pass

    def free(self):
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self):
        if self.is_there:
            subprocess.run(["umount", "-l", self.folder], check=False)


def is_running(pid):
    """Not so is who has ended, and whom nobody has asked for his status yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Trouble:
    """Each method of .kinds is one kind of trouble; it mends what it broke.

    Several happen at once, but never two to the same victim. A full disk and the end of a gateway exclude each other:
    one that starts while the disk is full can keep no note of what is in flight, says so, and no log can name it.
    """

    def __init__(self, gateway, hop, servers, disk, pause):
        self.gateway, self.hop, self.servers, self.disk, self.pause = gateway, hop, servers, disk, pause
        self.counts, self.is_over = {}, False
        self.locks = {victim: asyncio.Lock() for victim in (gateway, hop, *servers)}
        self.kinds = [self.gateway_killed, self.gateway_stopped, self.gateway_slowed, self.gateway_reloaded,
                      self.all_killed, self.supervisor_killed, self.server_killed, self.server_stopped,
                      self.server_slowed]
        if hop:
            self.kinds += [self.hop_killed, self.hop_stopped, self.hop_moody, self.hop_moody]
        if disk.is_there:
            self.kinds.append(self.disk_full)

    async def happen(self):
        """Until .is_over is set; what was broken is whole by then."""
        while not self.is_over:
            await asyncio.sleep(self.pause * random.uniform(0.3, 1.7))
            kind = random.choice(self.kinds)
            word = kind.__name__
            victim = self.gateway if word.split("_")[0] in ("gateway", "all", "supervisor", "disk") else \
                self.hop if word.startswith("hop") else random.choice(self.servers)
            if self.locks[victim].locked():
                continue
            async with self.locks[victim]:
                self.counts[word] = self.counts.get(word, 0) + 1
                await kind(victim)

    async def rest(self):
        await asyncio.sleep(self.pause * random.uniform(0.2, 2))

    async def until(self, claim, seconds):
        end = time.monotonic() + seconds
        while not claim() and time.monotonic() < end:
            await asyncio.sleep(0.02)
        return claim()

    async def start(self, server):
        await asyncio.get_running_loop().run_in_executor(None, server.start)

    # ---- what happens to processes ----

    async def stop(self, pids):
        for pid in pids:
            send(pid, signal.SIGSTOP)
        await self.rest()
        for pid in pids:
            send(pid, signal.SIGCONT)

    async def slow(self, pids):
        """A tenth of its speed."""
        end = time.monotonic() + self.pause * random.uniform(0.2, 2)
        while time.monotonic() < end:
            for number, seconds in ((signal.SIGSTOP, 0.045), (signal.SIGCONT, 0.005)):
                for pid in pids:
                    send(pid, number)
                await asyncio.sleep(seconds)

    async def kill(self, server):
        server.process.kill()
        server.process.wait()
        await self.rest()
        await self.start(server)

    # ---- to the gateway ----

    async def gateway_killed(self, gateway):
        for pid in children(gateway.process.pid):
            send(pid, signal.SIGKILL)

    async def gateway_stopped(self, gateway):
        await self.stop(children(gateway.process.pid))

    async def gateway_slowed(self, gateway):
        await self.slow(children(gateway.process.pid))

    async def gateway_reloaded(self, gateway):
        send(gateway.process.pid, signal.SIGHUP)

    async def all_killed(self, gateway):
        """The machine's power switch, as far as processes go."""
        os.killpg(gateway.process.pid, signal.SIGKILL)
        gateway.process.wait()
        await self.start(gateway)

    async def supervisor_killed(self, gateway):
        """What it leaves behind ends by itself, and finishes what it is at."""
        pids = children(gateway.process.pid)
        gateway.process.kill()
        gateway.process.wait()
        if not await self.until(lambda: not any(is_running(pid) for pid in pids), 120):
            raise AssertionError(f"of a gateway without its supervisor there are still {pids}")
        await self.start(gateway)

    async def disk_full(self, gateway):
        def has_notes():
            pids = children(gateway.process.pid)
            return pids and all((self.disk.folder / f"in-flight.{pid}").exists() for pid in pids)

        if await self.until(has_notes, 40):
            self.disk.fill()
            await self.rest()
            self.disk.free()

    # ---- to those around it ----

    async def hop_killed(self, hop):
        await self.kill(hop)

    async def hop_stopped(self, hop):
        await self.stop([hop.process.pid])

    async def hop_moody(self, hop):
        hop.set_mood(random.choice(("slow", "421", "451", "cut")))
        await self.rest()
        hop.set_mood("well")

    async def server_killed(self, server):
        await self.kill(server)

    async def server_stopped(self, server):
        await self.stop([server.process.pid])

    async def server_slowed(self, server):
        await self.slow([server.process.pid])
