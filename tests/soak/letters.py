# tests/soak/letters.py - the messages of a soak: each is made from its number alone, so that client, next hop and
# accountant need not tell each other what it says.
#
# A message begins with the field X-Soak: what stands before it at the next hop is ours, and from there on every byte
# must be as the client sent it.
import hashlib
import random

MARK = b"X-Soak: "
DOMAIN = "example.org"
HOSTNAME = "mx.example.org"
FORGED = f"Authentication-Results: {HOSTNAME}; spf=pass\r\n".encode()

GOOD, UNKNOWN, BUSY = "user", "unknown", "busy"  # what a recipient's name says of it: see next_hop.py
SPAMMER = "spammer@bad.example"
SENDERS = ("a@good.example", "b@good.example", "bounce@lists.example", "")


class Letter:
    """The message of one number: its envelope, its bytes, and what must become of it."""

    def __init__(self, number):
        chance = random.Random(number)
        self.number = number
        self.is_spam = chance.random() < 0.02
        self.has_nul = chance.random() < 0.01
        self.is_forged = chance.random() < 0.05
        self.sender = SPAMMER if self.is_spam else chance.choice(SENDERS)
        self.recipients = [f"{GOOD}{chance.randrange(500)}@{DOMAIN}" for _ in range(chance.choice((1, 1, 1, 2, 3)))]
        self.recipients = sorted(set(self.recipients))
        if chance.random() < 0.03:
            self.recipients.append(f"{UNKNOWN}{chance.randrange(50)}@{DOMAIN}")
        if chance.random() < 0.03:
            self.recipients.append(f"{BUSY}{number}@{DOMAIN}")
        self.size = min(int(chance.lognormvariate(7.5, 1.3)), 600_000)
        self._seed = chance.randrange(2**32)

    @property
    def may_pass(self):
        """False: the gateway refuses it for good, whoever it is for."""
        return not (self.is_spam or self.has_nul)

    def may_reach(self, recipient, knows_users=True):
        """False: it is refused for good, by us or, if it knows its users, by the next hop. Any other 5xx is our own
        trouble."""
        return self.may_pass and not (knows_users and recipient.startswith(UNKNOWN))

    def head(self):
        return MARK + b"%d\r\nFrom: a@good.example\r\nMessage-ID: <%d@soak>\r\n" % (self.number, self.number)

    def body(self):
        chance = random.Random(self._seed)
        lines = [b"\r\n"]
        size = 0
        while size < self.size:
            line = chance.choice((b".", b"..", b"text ", b"", b"From ", b"=20=")) + b"x" * chance.randrange(900)
            lines.append(line + b"\r\n")
            size += len(line) + 2
        if self.has_nul:
            lines.append(b"a\0b\r\n")
        return b"".join(lines)

    def sent(self):
        """What the client sends."""
        return self.head() + (FORGED if self.is_forged else b"") + self.body()

    def kept_digest(self):
        """Of what must arrive behind our own fields: a forged verdict of ours is taken out."""
        return digest(self.head() + self.body())


def digest(data):
    return hashlib.sha256(data).hexdigest()
