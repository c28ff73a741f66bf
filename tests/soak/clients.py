# tests/soak/clients.py - many mail servers that have mail for us, and do as real ones do: what is put off, or cut off,
# they bring again; what is refused for good, they don't. Now and then one loses its own connection.
import asyncio
import heapq
import random
import time

from letters import Letter

PATIENCE = 40  # seconds for a reply
CUT_IN_DATA, CUT_AFTER_DOT = 0.004, 0.004


class Cut(Exception):
    """The connection is no more."""


class Story:
    """What one message's client was told."""

    __slots__ = ("told", "unheard", "tries")

    def __init__(self):
        self.told = {}  # recipient -> 250 or 5xx
        self.unheard = 0  # how often it gave the whole message, and was told neither 250 nor a refusal for good
        self.tries = 0


class Dialogue:
    """One connection."""

    def __init__(self, port):
        self.port, self.reader, self.writer, self.left = port, None, None, random.choice((1, 1, 3, 10))

    async def open(self):
        self.reader, self.writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.port), PATIENCE)
        await self.expect(220)
        await self.say("EHLO client.good.example")
        await self.expect(250)

    async def say(self, line):
        self.writer.write(line.encode() + b"\r\n")
        await self.writer.drain()

    async def hear(self):
        while True:
            line = await asyncio.wait_for(self.reader.readuntil(b"\r\n"), PATIENCE)
            if line[3:4] != b"-":
                return int(line[:3])

    async def expect(self, code):
        heard = await self.hear()
        if heard != code:
            raise Cut

    def close(self):
        if self.writer:
            self.writer.transport.abort()
            self.writer = None

    async def quit(self):
        try:
            await self.say("QUIT")
            await self.hear()
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, Cut):
            pass
        self.close()

    async def send(self, letter, story):
        """One transaction; story is told how it went."""
        wanted = [r for r in letter.recipients if r not in story.told]
        await self.say(f"MAIL FROM:<{letter.sender}>")
        code = await self.hear()
        if code // 100 != 2:
            self.note(story, wanted, code)
            await self.reset(code)
            return
        taken = []
        for recipient in wanted:
            await self.say(f"RCPT TO:<{recipient}>")
            code = await self.hear()
            if code == 421:
                raise Cut
            if code // 100 == 2:
                taken.append(recipient)
            else:
                self.note(story, [recipient], code)
        if not taken:
            await self.reset(250)
            return
        await self.say("DATA")
        code = await self.hear()
        if code != 354:
            self.note(story, taken, code)
            await self.reset(code)
            return
        await self.give(letter, story, taken)

    async def give(self, letter, story, taken):
        data = letter.sent()
        stuffed = data.replace(b"\r\n.", b"\r\n..")
        if random.random() < CUT_IN_DATA:
            self.writer.write(stuffed[:random.randrange(len(stuffed))])
            raise Cut
        self.writer.write(stuffed + b".\r\n")
        story.unheard += 1  # until we know better
        await self.writer.drain()
        if random.random() < CUT_AFTER_DOT:
            raise Cut
        code = await self.hear()
        if code // 100 != 4:
            story.unheard -= 1
        self.note(story, taken, code)
        if code == 421:
            raise Cut

    @staticmethod
    def note(story, recipients, code):
        if code // 100 in (2, 5):
            for recipient in recipients:
                story.told[recipient] = code

    async def reset(self, code):
        if code == 421:
            raise Cut
        await self.say("RSET")
        await self.expect(250)


class Crowd:
    """`clients` of them send the messages 0 to count-1 until each recipient of each is decided.

    `rate`: so many new ones a second at most; 0: as many as can be.
    """

    def __init__(self, port, count, clients, rate=0):
        self.port, self.count, self.clients, self.rate = port, count, clients, rate
        self.began = time.monotonic()
        self.stories = [Story() for _ in range(count)]
        self.due = []  # (when, number) of those to be brought again
        self.next = 0
        self.done = 0
        self.cuts = 0

    def is_over(self):
        return self.done == self.count

    def may_begin(self):
        is_early = self.rate and self.next > (time.monotonic() - self.began) * self.rate
        return self.next < self.count and not is_early and len(self.due) < 20 * self.clients

    def take(self):
        """The number of a message to be sent now; None: none is due."""
        if self.due and self.due[0][0] <= time.monotonic():
            return heapq.heappop(self.due)[1]
        if self.may_begin():
            self.next += 1
            return self.next - 1
        return None

    async def client(self):
        dialogue = None
        while not self.is_over():
            number = self.take()
            if number is None:
                await asyncio.sleep(0.05)
                continue
            dialogue = await self.one(dialogue, number)
        if dialogue:
            await dialogue.quit()

    async def one(self, dialogue, number):
        letter, story = Letter(number), self.stories[number]
        story.tries += 1
        try:
            if not dialogue:
                dialogue = Dialogue(self.port)
                await dialogue.open()
            await dialogue.send(letter, story)
            dialogue.left -= 1
            if dialogue.left <= 0:
                await dialogue.quit()
                dialogue = None
        except (OSError, Cut, ValueError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            self.cuts += 1
            dialogue.close()
            dialogue = None
        if all(recipient in story.told for recipient in letter.recipients):
            self.done += 1
        else:
            later = random.uniform(0.3, min(1 + story.tries, 6))
            heapq.heappush(self.due, (time.monotonic() + later, number))
        return dialogue

    async def run(self):
        await asyncio.gather(*(self.client() for _ in range(self.clients)))
