# tests/soak/trouble.py - what goes wrong in a soak, at random: programs are killed, stopped, slowed; the disk fills.
import asyncio
import os
import random
import signal
import subprocess
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


class Trouble:
    """Each method but happen() is one kind of trouble; it mends what it broke."""

    def __init__(self, gateway, hop, servers, disk, pause):
        self.gateway, self.hop, self.servers, self.disk, self.pause = gateway, hop, servers, disk, pause
        self.counts = {}
        self.kinds = [self.gateway_killed, self.gateway_stopped, self.gateway_reloaded, self.all_killed,
                      self.hop_killed, self.hop_stopped, self.hop_moody, self.hop_moody, self.server_killed,
                      self.server_stopped]
        if disk.is_there:
            self.kinds.append(self.disk_full)

    async def happen(self):
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(self.pause * random.uniform(0.3, 1.7))
            kind = random.choice(self.kinds)
            self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
            await kind()

    async def rest(self):
        await asyncio.sleep(self.pause * random.uniform(0.2, 2))

    async def start(self, server):
        await asyncio.get_running_loop().run_in_executor(None, server.start)

    async def gateway_killed(self):
        for pid in children(self.gateway.process.pid):
            send(pid, signal.SIGKILL)

    async def gateway_stopped(self):
        pids = children(self.gateway.process.pid)
        for pid in pids:
            send(pid, signal.SIGSTOP)
        await self.rest()
        for pid in pids:
            send(pid, signal.SIGCONT)

    async def gateway_reloaded(self):
        send(self.gateway.process.pid, signal.SIGHUP)

    async def all_killed(self):
        """The machine's power switch, as far as processes go."""
        os.killpg(self.gateway.process.pid, signal.SIGKILL)
        self.gateway.process.wait()
        await self.start(self.gateway)

    async def hop_killed(self):
        self.hop.process.kill()
        self.hop.process.wait()
        await self.rest()
        await self.start(self.hop)

    async def hop_stopped(self):
        send(self.hop.process.pid, signal.SIGSTOP)
        await self.rest()
        send(self.hop.process.pid, signal.SIGCONT)

    async def hop_moody(self):
        self.hop.set_mood(random.choice(("slow", "421", "451", "cut")))
        await self.rest()
        self.hop.set_mood("well")

    async def server_killed(self):
        server = random.choice(self.servers)
        server.process.kill()
        server.process.wait()
        await self.rest()
        await self.start(server)

    async def server_stopped(self):
        server = random.choice(self.servers)
        send(server.process.pid, signal.SIGSTOP)
        await self.rest()
        send(server.process.pid, signal.SIGCONT)

    async def disk_full(self):
        self.disk.fill()
        await self.rest()
        self.disk.free()
