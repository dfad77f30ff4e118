"""Mails: who, when, about what, the text, then readable attachments; a mailbox is a page per mail."""

import email
import email.policy
import re
from email.message import EmailMessage, MIMEPart

from indexer.encoding import EncodingError, decode
from indexer.loaders.document import Draft, Loaded, LoadError
from indexer.loaders.markup import write_html
from indexer.loaders.nested import join
from indexer.loaders.table import Job
from indexer.loaders.text import decoded

FIELDS = ("Subject", "From", "To", "Cc", "Date")
START = re.compile(rb"(?:^|\n)From [^\n]*\d{4}[^\n]*\n")


def read(data: bytes, job: Job) -> Loaded:
    """One mail."""
    draft = Draft(job.limits)
    title = write(draft, utf8(data), job)
    return draft.done("eml", title=title)


def read_mbox(data: bytes, job: Job) -> Loaded:
    """A mailbox: what lies between two "From " lines is a mail."""
    draft = Draft(job.limits)
    for number, mail in enumerate(filter(bytes.strip, START.split(utf8(data))), 1):
        draft.page(f"mail {number}")
        write(draft, mail, job, bare=True)
    return draft.done("mbox")


def utf8(data: bytes) -> bytes:
    """A mail saved in UTF-16 in the encoding mails are written in."""
    if b"\x00" not in data[:200]:
        return data
    try:
        return decode(data)[0].encode()
    except EncodingError:
        return data


def write(draft: Draft, data: bytes, job: Job, *, bare: bool = False) -> str:
    """Add a mail to a document; returns its subject. A bare one may have no header."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    subject = header(message, "Subject")
    lines = [f"{name}: {value}" for name in FIELDS if (value := header(message, name))]
    if (
        not bare
        and not lines
        and not message.get_content_type().startswith("multipart")
        and not message.get("Content-Type")
    ):
        raise LoadError("not a mail: it has no header")
    draft.add("\n".join(lines), "paragraph")
    shadowed = alternatives(message)
    for part in message.walk():
        if not part.is_multipart() and part not in shadowed:
            write_part(draft, part, job)
    return subject


def alternatives(message: EmailMessage) -> list[MIMEPart]:
    """The texts that only say again what a plain text beside them says."""
    found: list[MIMEPart] = []
    for parent in message.walk():
        if parent.get_content_type() != "multipart/alternative" or not parent.is_multipart():
            continue
        children = list(parent.iter_parts())
        if any(child.get_content_type() == "text/plain" and child.get_payload() for child in children):
            others = [child for child in children if child.get_content_type() != "text/plain"]
            inside = (part for child in others for part in child.walk() if not part.is_multipart())
            found += [part for part in inside if part.get_content_maintype() == "text" and not part.get_filename()]
    return found


def header(message: EmailMessage, name: str) -> str:
    """A header field's text, or "" where there is none or its own rules are broken."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, IndexError, AttributeError, KeyError, TypeError, LookupError):
        return ""


def write_part(draft: Draft, part: EmailMessage, job: Job) -> None:
    """Add a text, a web page or an attachment."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes) or not payload.strip():
        return
    name = part.get_filename() or ""
    if name or part.get_content_disposition() == "attachment":
        join(draft, " ".join(name.split()) or "attachment", payload, job)
        return
    if part.get_content_maintype() != "text":
        return
    charset = str(part.get_content_charset() or "")
    try:
        text, _ = decoded(payload, Job(job.name, job.limits, charset=charset))
    except LoadError as error:
        draft.notes.append(f"one part was left out: {error}")
        return
    if part.get_content_subtype() == "html":
        write_html(draft, text)
    else:
        for paragraph in re.split(r"\n[ \t]*\n", text):
            draft.add(paragraph)
