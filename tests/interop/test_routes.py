# tests/interop/test_routes.py - the file of routes: who goes where, changed while mail flows, faults in it, and who
# knows of each route whether a recipient exists.
import os
import pwd
import smtplib
import subprocess
import threading

from mail import read_maildir, send_mail
from process import BUILD, wait_for
from servers import Gateway
from sink import SmtpSink

USER = pwd.getpwuid(os.getuid()).pw_name
CONF = """
hostname = "mx.example.org"
state = "{{folder}}/state"
user = "{user}"
smtp {{
    listen = {{"127.0.0.1:{{port}}"}}
    next_hop = "smtp://127.0.0.1:{hop}"
    relay_domains = {{"example.org"}}
    routes = "{{folder}}/routes"
    verify_recipients = none
    next_hop_tls = none
    {more}
}}
check "greylist" {{ mode = off }}
"""


class Routed(Gateway):
    def __init__(self, hop, routes, more="", files=()):
        super().__init__(CONF.format(user=USER, hop=hop, more=more))
        self.routes, self.files = routes, dict(files)

    def prepare(self):
        for name, text in self.files.items():
            (self.folder / name).write_text(text)
        self.write_routes(self.routes)
        super().prepare()

    def write_routes(self, text):
        path = self.folder / "routes.new"
        path.write_text(text.replace("{folder}", str(self.folder)))
        path.rename(self.folder / "routes")


def send(mx, to, word="x"):
    return send_mail(mx.port, "a@example.com", to, b"From: a@example.com\r\n\r\n%s\r\n" % word.encode())


def rcpts(sink):
    return [rcpt for message in sink.messages for rcpt in message["rcpts"]]


def test_who_goes_where():
    with SmtpSink() as usual, SmtpSink() as one, SmtpSink() as two:
        routes = (f"# routes\r\nfile.example smtp://127.0.0.1:{one.port}\r\n"
                  f".file.example smtp://127.0.0.1:{two.port}\n"
                  f"vip@example.org smtp://127.0.0.1:{two.port}\n"
                  f"both.example smtp://127.0.0.1:{one.port}\n"
                  f"dir.example maildir:{{folder}}/dir\n")
        more = (f'recipient_delimiter = "+"  route "both.example" {{ next_hop = "smtp://127.0.0.1:{two.port}" }}\n'
                f'route "near.both.example" {{ next_hop = "smtp://127.0.0.1:{two.port}" }}')
        with Routed(usual.port, routes, more) as mx:
            for to in ("a@example.org", "vip@example.org", "VIP+x@example.org", "b@file.example", "c@deep.file.example",
                       "d@both.example", "e@near.both.example", "f@dir.example"):
                assert send(mx, to)[0] == 250, to
            for to in ("x@other.example", "x@up.both.example"):
                assert send(mx, to)[0] == 554, to
            assert rcpts(usual) == ["TO:<a@example.org>"]
            assert rcpts(one) == ["TO:<b@file.example>", "TO:<d@both.example>"]
            assert rcpts(two) == ["TO:<vip@example.org>", "TO:<VIP+x@example.org>", "TO:<c@deep.file.example>",
                                  "TO:<e@near.both.example>"]
            assert len(read_maildir(mx.folder / "dir")) == 1


def test_a_star_is_where_mail_goes_and_no_leave_to_relay():
    with SmtpSink() as usual, SmtpSink() as others:
        with Routed(usual.port, f"* smtp://127.0.0.1:{others.port}\n") as mx:
            assert send(mx, "x@other.example")[0] == 554
            assert send(mx, "x@example.org")[0] == 250
            assert rcpts(others) == ["TO:<x@example.org>"]


def test_equal_targets_go_together_and_others_come_again():
    with SmtpSink() as usual, SmtpSink() as one:
        routes = (f"a.example smtp://127.0.0.1:{one.port}\nb.example  smtp://127.0.0.1:{one.port} verify=none\n"
                  f"c.example smtp://127.0.0.1:{usual.port}\n")
        with Routed(usual.port, routes) as mx, smtplib.SMTP("127.0.0.1", mx.port, timeout=10) as smtp:
            smtp.ehlo("client.example")
            smtp.mail("a@example.com")
            assert smtp.rcpt("x@a.example")[0] == 250
            assert smtp.rcpt("x@b.example")[0] == 250
            code, text = smtp.rcpt("x@c.example")
            assert code == 452 and text.startswith(b"4.5.3"), text
            assert smtp.data(b"Subject: x\r\n\r\nx\r\n")[0] == 250
            assert rcpts(one) == ["TO:<x@a.example>", "TO:<x@b.example>"]


def test_a_changed_file_takes_over_while_mail_flows():
    """Every message goes out once, by the old routes or by the new; the connections to a target that stays are kept."""
    told, errors, stop = [], [], threading.Event()

    def pour(mx, number):
        count = 0
        while not stop.is_set():
            word = f"token-{number}-{count}"
            try:
                told.append((word, send(mx, "x@moving.example", word)[0]))
            except (OSError, smtplib.SMTPException) as error:
                errors.append(error)
            count += 1

    with SmtpSink() as usual, SmtpSink() as old, SmtpSink() as new, SmtpSink() as kept:
        rest = f"kept.example smtp://127.0.0.1:{kept.port}\n"
        with Routed(usual.port, f"moving.example smtp://127.0.0.1:{old.port}\n{rest}") as mx:
            assert send(mx, "x@kept.example")[0] == 250
            clients = [threading.Thread(target=pour, args=(mx, n)) for n in range(4)]
            for client in clients:
                client.start()
            wait_for(lambda: len(old.messages) >= 20, 20, "mail by the old route")
            with smtplib.SMTP("127.0.0.1", mx.port, timeout=10) as open_one:  # begun before, ended behind the change
                open_one.ehlo("client.example")
                open_one.mail("a@example.com")
                assert open_one.rcpt("slow@moving.example")[0] == 250
                mx.write_routes(f"{rest}moving.example smtp://127.0.0.1:{new.port}\n")
                wait_for(lambda: len(new.messages) >= 20, 20, "mail by the new route")
                assert open_one.data(b"Subject: x\r\n\r\ntoken-slow\r\n")[0] == 250
            stop.set()
            for client in clients:
                client.join()
            assert send(mx, "x@kept.example")[0] == 250
            assert "TO:<slow@moving.example>" in rcpts(old)
            assert "event=list_reloaded" in mx.log and not errors, (errors, mx.log[-2000:])
            bodies = [m["data"] for sink in (old, new) for m in sink.messages]
            for word, code in told:
                count = sum(f"\r\n{word}\r\n".encode() in body for body in bodies)
                assert count == (1 if code == 250 else 0), (word, code)
            assert all(code == 250 for _, code in told)
            assert kept.connections == 1


def test_a_file_with_a_fault_is_told_and_not_taken():
    with SmtpSink() as usual, SmtpSink() as one:
        good = f"file.example smtp://127.0.0.1:{one.port}\n"
        with Routed(usual.port, good) as mx:
            mx.write_routes(good + "new.example smtp://127.0.0.1:1 tls=perhaps\n")
            mx.wait_log(f"{mx.folder}/routes:2: ")
            assert "write tls= and one of: none may" in mx.log
            assert send(mx, "x@file.example")[0] == 250
            assert send(mx, "x@new.example")[0] == 554
            mx.write_routes(good + "\n\nnew.example smtp://127.0.0.1:1 priority=x\n")
            mx.wait_log(f"{mx.folder}/routes:4: ")  # another fault is told, too
            mx.write_routes(good + f"new.example smtp://127.0.0.1:{one.port}\n")
            wait_for(lambda: send(mx, "x@new.example")[0] == 250, 20, "the mended file to be in force")
            mx.write_routes("file.example\n")
            ran = subprocess.run([BUILD / "postern", "config", "check", "-c", mx.folder / "gateway.conf"],
                                 capture_output=True, check=False, timeout=30)
            said = (ran.stdout + ran.stderr).decode()
            assert ran.returncode != 0 and "routes:1: " in said and "has no target" in said, said


def test_a_file_that_asks_for_dane_needs_signed_answers():
    with SmtpSink() as usual, Routed(usual.port, "") as mx:
        mx.write_routes("file.example smtp://hop.example tls=dane\n")
        ran = subprocess.run([BUILD / "postern", "config", "check", "-c", mx.folder / "gateway.conf"],
                             capture_output=True, check=False, timeout=30)
        assert ran.returncode != 0 and b"dnssec = yes" in ran.stdout + ran.stderr


def test_each_route_has_its_own_way_to_verify():
    def script(verb, argument, dialogue):
        return "550 5.1.1 no such user" if verb == "RCPT" and "bad" in argument else None

    with SmtpSink(script) as hop:
        routes = (f"asked.example smtp://127.0.0.1:{hop.port} verify=rcpt\n"
                  f"none.example smtp://127.0.0.1:{hop.port} verify=none\n"
                  f"listed.example smtp://127.0.0.1:{hop.port} verify=list:{{folder}}/people\n"
                  f"all.example smtp://127.0.0.1:{hop.port} verify=list:{{folder}}/people\n"
                  f"broken.example smtp://127.0.0.1:{hop.port} verify=list:{{folder}}/broken\n")
        people = "joe@listed.example\n@all.example  # all of them\n"
        more = 'recipient_delimiter = "+"'
        with Routed(hop.port, routes, more, {"people": people, "broken": "a..b\n"}) as mx, \
                smtplib.SMTP("127.0.0.1", mx.port, timeout=10) as smtp:
            smtp.ehlo("client.example")
            smtp.mail("a@example.com")
            before = len(hop.commands)
            assert smtp.rcpt("bad@none.example")[0] == 250
            assert smtp.rcpt("Joe@listed.example")[0] == 250
            assert smtp.rcpt("joe+x@listed.example")[0] == 250
            code, text = smtp.rcpt("jim@listed.example")
            assert code == 550 and text.startswith(b"5.1.1"), text
            assert smtp.rcpt("anybody@all.example")[0] == 250
            assert not [c for c in hop.commands[before:] if c[0] == "RCPT"]  # nobody was asked
            assert smtp.rcpt("bad@asked.example")[0] == 550
            assert [c for c in hop.commands[before:] if c[0] == "RCPT"]
            code, text = smtp.rcpt("joe@broken.example")  # our trouble: nobody is refused for good
            assert code == 451 and text.startswith(b"4.3.0"), text
            assert mx.log.count("event=list_refused") == 1
            (mx.folder / "broken").write_text("@broken.example\n")
            (mx.folder / "people").write_text(people + "jim@listed.example\n")
            wait_for(lambda: smtp.rcpt("joe@broken.example")[0] == 250, 20, "the broken list to be mended")
            wait_for(lambda: smtp.rcpt("jim@listed.example")[0] == 250, 20, "the list to be read anew")


def offers(smtp):
    smtp.ehlo("client.example")
    return smtp.esmtp_features


def test_what_is_offered_is_what_all_targets_that_were_reached_have():
    """A dead one binds nobody; when it comes up and lacks something that costs a 451, and then it is not offered."""
    gone = SmtpSink(extensions=("PIPELINING", "ENHANCEDSTATUSCODES"))
    gone.start()
    gone.stop()
    with SmtpSink() as usual:
        routes = f"gone.example smtp://127.0.0.1:{gone.port}\n"
        with Routed(usual.port, routes, 'hop_rest = "1s"') as mx, \
                smtplib.SMTP("127.0.0.1", mx.port, timeout=10) as early:
            mx.wait_log("state=up")
            mx.wait_log("state=down")
            assert "8bitmime" in offers(early)
            gone.start()
            mx.wait_log(f"hop=smtp://127.0.0.1:{gone.port} state=up")
            early.mail("a@example.com", ["BODY=8BITMIME"])
            if early.rcpt("x@gone.example")[0] == 250:
                code, text = early.data(b"Subject: x\r\n\r\n\xc3\xbc\r\n")
                assert code == 451 and b"8BITMIME" in text, text
            assert not gone.messages
            with smtplib.SMTP("127.0.0.1", mx.port, timeout=10) as late:
                assert "8bitmime" not in offers(late)
    gone.stop()


def test_the_size_that_is_told_is_the_largest_and_rcpt_knows_better():
    with SmtpSink() as usual, SmtpSink(extensions=("SIZE 10000",)) as small:
        with Routed(usual.port, f"small.example smtp://127.0.0.1:{small.port}\n") as mx, \
                smtplib.SMTP("127.0.0.1", mx.port, timeout=10) as smtp:
            wait_for(lambda: mx.log.count("state=up") == 2, 20, "both to be known")
            assert offers(smtp)["size"] == "52428800"
            smtp.mail("a@example.com", ["SIZE=20000"])
            code, text = smtp.rcpt("x@small.example")
            assert code == 552 and text.startswith(b"5.3.4") and b"10000" in text, text
            assert smtp.rcpt("x@example.org")[0] == 250


def test_a_hundred_thousand_routes():
    with SmtpSink() as usual, SmtpSink() as one:
        lines = [f"d{n}.example smtp://127.0.0.1:{one.port}\n" for n in range(100000)]
        with Routed(usual.port, "".join(lines)) as mx:
            for n in (0, 54321, 99999):
                assert send(mx, f"x@d{n}.example")[0] == 250
            assert send(mx, "x@d100000.example")[0] == 554
            assert one.connections <= 2  # one pool for all of them
