# tests/soak/clients.py - many mail servers that have mail for us, and do as real ones do: what is put off, or cut off,
# they bring again; what is refused for good, they don't. Now and then one loses its own connection.
import asyncio
import heapq
import random
import re
import time

from letters import Letter

PATIENCE = 40  # seconds for a reply
CUT_IN_DATA, CUT_AFTER_DOT = 0.004, 0.004


class Cut(Exception):
    """The connection is no more."""


class Odd(Cut):
    """We were told what no client should ever hear: no reply at all, or a refusal for good of what is no mail yet."""


class Story:
    """What one message's client was told."""

    __slots__ = ("told", "unheard", "tries")

    def __init__(self):
        self.told = {}  # recipient -> 250 or 5xx
        self.unheard = 0  # how often it gave the whole message, and was told neither 250 nor a refusal for good
        self.tries = 0


class Dialogue:
    """One connection, of a client that waits for each reply, or sends its envelope in one piece, or uses BDAT."""

    def __init__(self, port, address):
        self.port, self.address = port, address
        self.reader, self.writer, self.left = None, None, random.choice((1, 1, 3, 10))
        self.is_pipelined, self.is_chunked = random.choice(((False, False), (True, False), (False, True)))

    async def open(self):
        opening = asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.address, 0))
        self.reader, self.writer = await asyncio.wait_for(opening, PATIENCE)
        await self.expect(220)
        await self.say("EHLO client.good.example")
        await self.expect(250)

    async def say(self, line):
        self.writer.write(line.encode() + b"\r\n")
        await self.writer.drain()

    async def hear(self):
        while True:
            try:
                line = await asyncio.wait_for(self.reader.readuntil(b"\r\n"), PATIENCE)
            except asyncio.LimitOverrunError:
                raise Odd("a line without an end") from None
            if not re.match(rb"[245]\d\d[ -]|354 ", line):
                raise Odd(f"{line!r} is no reply")
            if line[3:4] == b" ":
                return int(line[:3])

    async def expect(self, code):
        heard = await self.hear()
        if heard // 100 == 5:
            raise Odd(f"{heard} where {code} was due")
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
        mail = f"MAIL FROM:<{letter.sender}>"
        if self.is_pipelined:
            await self.say("\r\n".join([mail, *(f"RCPT TO:<{recipient}>" for recipient in wanted), "DATA"]))
        else:
            await self.say(mail)
        code = await self.hear()
        if code // 100 != 2:
            self.note(story, wanted, code)
            await self.give_up(code, 1 + len(wanted))
            return
        taken = await self.name_recipients(story, wanted)
        if not taken:
            await self.give_up(250, 1)
        elif self.is_chunked:
            await self.give_chunks(letter, story, taken)
        else:
            await self.give(letter, story, taken)

    async def name_recipients(self, story, wanted):
        """Those who are taken."""
        taken = []
        for recipient in wanted:
            if not self.is_pipelined:
                await self.say(f"RCPT TO:<{recipient}>")
            code = await self.hear()
            if code == 421:
                raise Cut
            if code // 100 == 2:
                taken.append(recipient)
            else:
                self.note(story, [recipient], code)
        return taken

    async def give(self, letter, story, taken):
        if not self.is_pipelined:
            await self.say("DATA")
        code = await self.hear()
        if code != 354:
            self.note(story, taken, code)
            await self.give_up(code, 0)
            return
        stuffed = letter.sent().replace(b"\r\n.", b"\r\n..")
        if random.random() < CUT_IN_DATA:
            self.writer.write(stuffed[:random.randrange(len(stuffed))])
            raise Cut
        await self.end(story, taken, stuffed + b".\r\n")

    async def give_chunks(self, letter, story, taken):
        data = letter.sent()
        at = random.randrange(len(data))
        self.writer.write(b"BDAT %d\r\n" % at + data[:at])
        code = await self.hear()
        if code != 250:
            self.note(story, taken, code)
            await self.give_up(code, 0)
            return
        if random.random() < CUT_IN_DATA:
            self.writer.write(b"BDAT %d LAST\r\n" % (len(data) - at) + data[at:-1])
            raise Cut
        await self.end(story, taken, b"BDAT %d LAST\r\n" % (len(data) - at) + data[at:])

    async def end(self, story, taken, last):
        """The last piece of the message, and what is said to the whole."""
        self.writer.write(last)
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

    async def give_up(self, code, left):
        """Begins anew; `left` replies are still to come for what was sent in one piece."""
        if code == 421:
            raise Cut
        for _ in range(left if self.is_pipelined else 0):
            code = await self.hear()
            if code == 421:
                raise Cut
            if code == 354:
                raise Odd("354 to a DATA without recipients")
        await self.say("RSET")
        await self.expect(250)


class Crowd:
    """`clients` of them send the messages 0 to count-1 until each recipient of each is decided. Every other one is
    known to the gateway (127.0.0.1), the rest are strangers of 127.0.1.0/24, of whom it asks the state store.

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
        self.odd = []

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

    async def client(self, index):
        address, dialogue = f"127.0.1.{1 + index % 250}" if index % 2 else "127.0.0.1", None
        while not self.is_over():
            number = self.take()
            if number is None:
                await asyncio.sleep(0.05)
                continue
            dialogue = await self.one(address, dialogue, number)
        if dialogue:
            await dialogue.quit()

    async def one(self, address, dialogue, number):
        letter, story = Letter(number), self.stories[number]
        story.tries += 1
        try:
            if not dialogue:
                dialogue = Dialogue(self.port, address)
                await dialogue.open()
            await dialogue.send(letter, story)
            dialogue.left -= 1
            if dialogue.left <= 0:
                await dialogue.quit()
                dialogue = None
        except (OSError, Cut, asyncio.TimeoutError, asyncio.IncompleteReadError) as failure:
            self.cuts += 1
            if isinstance(failure, Odd):
                self.odd.append(f"message {number}: {failure}")
            dialogue.close()
            dialogue = None
        if all(recipient in story.told for recipient in letter.recipients):
            self.done += 1
        else:
            later = random.uniform(0.3, min(1 + story.tries, 6))
            heapq.heappush(self.due, (time.monotonic() + later, number))
        return dialogue

    async def run(self):
        await asyncio.gather(*(self.client(index) for index in range(self.clients)))
