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
    def __init__(self, stories, records, named):
        self.stories, self.records, self.named = stories, records, named
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
        for record in records:
            if not letter.may_pass:
                self.fault(letter.number, "is at the next hop, and should have been refused")
            elif record["digest"] != letter.kept_digest() or not record["ours"]:
                self.fault(letter.number, "arrived with other bytes than were sent")
        for recipient in letter.recipients:
            copies = [record for record in records if recipient in record["to"]]
            self.check_recipient(letter.number, story, recipient, copies)

    def check_recipient(self, number, story, recipient, copies):
        code = story.told.get(recipient)
        if code is None:
            self.fault(number, f"{recipient}: its client was never told what became of it")
        elif code // 100 == 2:
            self.accepted += 1
            if not copies:
                self.fault(number, f"{recipient}: LOST: its client was told 250")
        else:
            self.refused += 1
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
