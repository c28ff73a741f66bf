# tests/soak/next_hop.py - the next hop of a soak, in a process of its own: python3 next_hop.py PORT FILE MOOD
#
# What it takes it writes into FILE, a line of JSON for each message, before it says 250: a kill -9 forgets nothing that
# it has confirmed. The word in MOOD says how it behaves, and is read before each reply: "well", "slow" (up to a second
# each), "421" (to every command), "451" (to the dot), "cut" (takes the message, and hangs up without a word).
import asyncio
import json
import os
import random
import re
import sys
from pathlib import Path

from letters import BUSY, HOSTNAME, MARK, UNKNOWN, digest

# Our own fields: Authentication-Results and Received must be there, the others may.
NAMES = b"Authentication-Results|Received|X-Greylist|X-Spam-(?:Status|Flag|Score|Level)"
FIELD = rb"(?:%s): .*\r\n(?:[ \t].*\r\n)*" % NAMES
RESULTS = f"Authentication-Results: {HOSTNAME};".encode()


def record(sender, recipients, data):
    """What is kept of a message; `ours` is False when more or less stands above the client's first field than ours."""
    start = data.find(MARK)
    above, kept = data[:max(start, 0)], data[start:]
    at_id = re.search(rb"\bid ([0-9A-Z]{26})\b", above)
    number = re.match(rb"X-Soak: (\d+)", kept)
    is_ours = re.fullmatch(rb"(?:%s)+" % FIELD, above) and above.startswith(RESULTS) and b"\r\nReceived: " in above
    return {"number": int(number[1]) if number else -1, "digest": digest(kept), "from": sender, "to": recipients,
            "id": at_id[1].decode() if at_id else "", "ours": bool(is_ours)}


def path_of(line):
    """The address in the angle brackets of a MAIL or RCPT command; "" when there are none."""
    found = re.search(rb"<(.*?)>", line)
    return found[1].decode() if found else ""


class Sink:
    def __init__(self, file, mood):
        self.file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.mood_file = Path(mood)
        self.seen_busy = set()

    def mood(self):
        try:
            return self.mood_file.read_text().strip()
        except OSError:
            return "well"

    async def reply(self, writer, text, mood=None):
        mood = mood or self.mood()
        if mood == "slow":
            await asyncio.sleep(random.random())
        if mood == "421" and not text.startswith("354"):
            text = "421 4.3.2 not now"
        writer.write(text.encode() + b"\r\n")
        await writer.drain()
        if text.startswith("421"):
            raise ConnectionResetError

    async def rcpt(self, writer, address):
        """Whether it is taken; a busy mailbox is so until it has been asked for twice."""
        name = address.split("@")[0]
        if name.startswith(UNKNOWN):
            await self.reply(writer, "550 5.1.1 no such user")
        elif name.startswith(BUSY) and name not in self.seen_busy:
            self.seen_busy.add(name)
            await self.reply(writer, "452 4.2.2 mailbox is busy")
        else:
            await self.reply(writer, "250 2.1.5 ok")
            return True
        return False

    async def data(self, reader, writer, sender, recipients):
        await self.reply(writer, "354 go on")
        data = await reader.readuntil(b"\r\n.\r\n")
        message = data[:-3].replace(b"\r\n..", b"\r\n.")
        if message.startswith(b".."):
            message = message[1:]
        mood = self.mood()  # one for what is done and what is said: a message that was kept is not put off
        if mood in ("421", "451"):
            await self.reply(writer, "451 4.3.0 later", mood)
            return
        os.write(self.file, json.dumps(record(sender, recipients, message)).encode() + b"\n")
        if mood == "cut":
            raise ConnectionResetError
        await self.reply(writer, "250 2.0.0 taken", mood)

    async def serve(self, reader, writer):
        sender, recipients = "", []
        try:
            await self.reply(writer, "220 sink ESMTP")
            while line := await reader.readuntil(b"\r\n"):
                verb = line[:4].upper()
                if verb == b"EHLO":
                    await self.reply(writer, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10000000")
                elif verb == b"RCPT":
                    address = path_of(line)
                    if await self.rcpt(writer, address):
                        recipients.append(address)
                elif verb == b"DATA" and recipients:
                    await self.data(reader, writer, sender, recipients)
                    recipients = []
                elif verb == b"DATA":
                    await self.reply(writer, "503 5.5.1 no recipients")
                elif verb == b"QUIT":
                    await self.reply(writer, "221 2.0.0 bye")
                    break
                else:
                    if verb in (b"RSET", b"MAIL"):
                        sender, recipients = path_of(line), []
                    await self.reply(writer, "250 2.0.0 ok")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        writer.close()


async def main(port, file, mood):
    sink = Sink(file, mood)
    server = await asyncio.start_server(sink.serve, "127.0.0.1", int(port), limit=4_000_000, backlog=512)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
