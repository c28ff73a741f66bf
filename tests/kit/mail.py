# tests/kit/mail.py - certificates, keys, mailboxes and plain SMTP for the tests in Python.
import email
import email.policy
import functools
import hashlib
import smtplib
import subprocess
import tempfile
from pathlib import Path


EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
RSA = ("-newkey", "rsa:2048")


def make_cert(folder, name="mx.example.org", names=(), kind=EC, days=30):
    """A key and a certificate for it, signed by itself; returns (certificate, key), and both in one file `pem`."""
    folder = Path(folder)
    cert, key, both = folder / f"{name}.crt", folder / f"{name}.key", folder / f"{name}.pem"
    if not both.exists():
        alternatives = ",".join(f"DNS:{n}" for n in (name, *names)) + ",IP:127.0.0.1"
        subprocess.run(["openssl", "req", "-x509", *kind, "-nodes", "-keyout", key, "-out", cert, "-days", str(days),
                        "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternatives}"],
                       check=True, capture_output=True)
        both.write_text(key.read_text() + cert.read_text())
    return cert, key


def cert_digest(pem, what="x509"):
    """SHA-256 of a certificate, or of its key ("pubkey"), as TLSA records have it."""
    key = subprocess.run(["openssl", "x509", "-in", pem, "-pubkey", "-noout"], capture_output=True, check=True).stdout
    words = ["openssl", "x509", "-in", pem, "-outform", "DER"]
    if what == "pubkey":
        words = ["openssl", "pkey", "-pubin", "-outform", "DER"]
    done = subprocess.run(words, input=key, capture_output=True, check=True)
    return hashlib.sha256(done.stdout).hexdigest()


@functools.cache
def dkim_key(algorithm, bits=2048):
    """(private key as python3-dkim wants it, value of p= for the DNS); one key per algorithm in a process."""
    if algorithm == "ed25519-sha256":
        from base64 import b64encode
        from nacl.signing import SigningKey

        key = SigningKey.generate()
        return b64encode(key.encode()), b64encode(key.verify_key.encode()).decode()
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key"
        subprocess.run(["openssl", "genrsa", "-out", key, str(bits)], check=True, capture_output=True)
        public = subprocess.run(["openssl", "rsa", "-in", key, "-pubout"], check=True, capture_output=True, text=True)
        lines = [line for line in public.stdout.splitlines() if "-----" not in line]
        return key.read_bytes(), "".join(lines)


def dkim_record(name, algorithm="rsa-sha256"):
    """The line of a zone file that holds the key's public half, in strings of at most 200 bytes."""
    kind = "ed25519" if algorithm == "ed25519-sha256" else "rsa"
    text = f"v=DKIM1; k={kind}; p={dkim_key(algorithm)[1]}"
    return f"{name} TXT " + " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200))


def dkim_sign(message, domain, selector, algorithm="rsa-sha256", **options):
    """`message` (bytes, CRLF) with a DKIM-Signature on top."""
    import dkim

    headers = [b"from", b"to", b"subject", b"date", b"message-id"]
    signature = dkim.sign(message, selector.encode(), domain.encode(), dkim_key(algorithm)[0],
                          signature_algorithm=algorithm.encode(), include_headers=headers,
                          canonicalize=(b"relaxed", b"relaxed"), **options)
    return signature + message


def zone_dnsfunc(records):
    """A dnsfunc for python3-dkim: TXT answers out of {name: text}."""
    def look_up(name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        text = records.get(name.rstrip(".").lower())
        return text.encode() if text is not None else None

    return look_up


def read_maildir(folder):
    """The messages of new/ and cur/ of a Maildir, as bytes, oldest first."""
    found = []
    for part in ("new", "cur"):
        path = Path(folder) / part
        if path.is_dir():
            found += [f for f in path.iterdir() if f.is_file()]
    return [f.read_bytes() for f in sorted(found, key=lambda f: (f.stat().st_mtime_ns, f.name))]


def parse(message):
    return email.message_from_bytes(message, policy=email.policy.compat32)


def unfold(text):
    return " ".join((text or "").split())


class Client(smtplib.SMTP):
    """smtplib with XCLIENT, and with replies that do not raise: each call gives (code, text)."""

    def __init__(self, port, helo="client.example", host="127.0.0.1", timeout=30, source=None):
        super().__init__(host, port, local_hostname=helo, timeout=timeout,
                         source_address=(source, 0) if source else None)

    def xclient(self, **attributes):
        words = " ".join(f"{name.upper()}={value}" for name, value in attributes.items())
        code, text = self.docmd("XCLIENT", words)
        if code == 220:
            self.helo_resp = self.ehlo_resp = None
        return code, text.decode(errors="replace")


def send_mail(port, mail_from, recipients, message, helo="client.example", xclient=None, starttls=False,
              source=None):
    """Sends one message; returns (code, text) of the reply that decided."""
    if isinstance(recipients, str):
        recipients = [recipients]
    with Client(port, helo, source=source) as smtp:
        smtp.ehlo()
        if starttls:
            smtp.starttls()
            smtp.ehlo()
        if xclient:
            code, text = smtp.xclient(**xclient)
            if code >= 400:
                return code, text
            smtp.ehlo()
        code, text = smtp.mail(mail_from)
        taken = 0
        for recipient in recipients if code < 400 else ():
            code, text = smtp.rcpt(recipient)
            taken += code < 400
        if taken:
            try:
                code, text = smtp.data(message)
            except smtplib.SMTPDataError as refused:
                code, text = refused.smtp_code, refused.smtp_error
    return code, text.decode(errors="replace")
