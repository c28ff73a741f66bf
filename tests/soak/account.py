# tests/soak/account.py - the account: what each client was told, beside what lies at the next hop and in our log.
import json
import re

from letters import Letter

NAMED = re.compile(r"possible_duplicate=yes|it may come again")
ID = re.compile(r"\bid=([0-9A-Z]{26})\b")


def read_sink(path):
    """The next hop's records by message number; the last line may have been cut by a kill."""
    found = {}
    for line in path.read_text().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        found.setdefault(record["number"], []).append(record)
    return found


def named_ids(log):
    """Of the messages that our log says may come, or have come, twice."""
    return {ID.search(line)[1] for line in log.splitlines() if NAMED.search(line) and ID.search(line)}


class Account:
    """knows_users: the next hop refuses those who are unknown."""

    def __init__(self, stories, records, named, knows_users=True):
        self.stories, self.records, self.named, self.knows_users = stories, records, named, knows_users
        self.faults = []
        self.accepted = self.refused = self.delivered = self.twice = self.tries = 0

    def fault(self, number, what):
        self.faults.append(f"message {number}: {what}")

    def check(self):
        for number, story in enumerate(self.stories):
            self.check_one(Letter(number), story, self.records.get(number, []))
        for number in self.records.keys() - set(range(len(self.stories))):
            self.fault(number, "nobody sent it")
        return self

    def check_one(self, letter, story, records):
        self.tries += story.tries
        self.delivered += len(records)
        kept = letter.kept_digest() if records else ""
        for record in records:
            self.check_copy(letter, record, kept)
        for recipient in letter.recipients:
            # As often as he stands in an envelope: twice in one are two copies in his mailbox.
            copies = [record for record in records for to in record["to"] if to == recipient]
            self.check_recipient(letter, story, recipient, copies)

    def check_copy(self, letter, record, kept):
        if not letter.may_pass:
            self.fault(letter.number, "is at the next hop, and should have been refused")
        elif record["digest"] != kept or not record["ours"]:
            self.fault(letter.number, "arrived with other bytes than were sent")
        if record["from"] != letter.sender:
            self.fault(letter.number, f"came from <{record['from']}>, and <{letter.sender}> had sent it")
        for stranger in sorted(set(record["to"]) - set(letter.recipients)):
            self.fault(letter.number, f"came to {stranger}, to whom nobody had sent it")

    def check_recipient(self, letter, story, recipient, copies):
        number, code = letter.number, story.told.get(recipient)
        if code is None:
            self.fault(number, f"{recipient}: its client was never told what became of it")
        elif code // 100 == 2:
            self.accepted += 1
            if not copies:
                self.fault(number, f"{recipient}: LOST: its client was told 250")
        else:
            self.refused += 1
            if letter.may_reach(recipient, self.knows_users):
                self.fault(number, f"{recipient}: BOUNCED: its client was told {code}, and nothing was wrong with it")
            if copies:
                self.fault(number, f"{recipient}: is at the next hop, and its client was told {code}")
        if len(copies) > 1:
            self.check_twice(number, story, recipient, copies)

    def check_twice(self, number, story, recipient, copies):
        extra = len(copies) - 1
        self.twice += extra
        if extra > story.unheard:
            self.fault(number, f"{recipient}: {len(copies)} copies, and only {story.unheard} replies were cut off")
        unnamed = [copy["id"] for copy in copies if copy["id"] not in self.named]
        if len(unnamed) > 1:
            self.fault(number, f"{recipient}: came {len(copies)} times, and the log names none of {unnamed}")
