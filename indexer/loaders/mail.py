"""Mails: who, when, about what, the text, then readable attachments; a mailbox is a page per mail."""

import email
import email.policy
import re
from email.message import EmailMessage
from typing import cast

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
    title = write(draft, data, job)
    return draft.done("eml", title=title)


def read_mbox(data: bytes, job: Job) -> Loaded:
    """A mailbox: what lies between two "From " lines is a mail."""
    draft = Draft(job.limits)
    for number, mail in enumerate(filter(bytes.strip, START.split(data)), 1):
        draft.page(f"mail {number}")
        write(draft, mail, job)
    return draft.done("mbox")


def write(draft: Draft, data: bytes, job: Job) -> str:
    """Add a mail to a document; returns its subject."""
    message = cast(EmailMessage, email.message_from_bytes(data, policy=email.policy.default))
    subject = header(message, "Subject")
    lines = [f"{name}: {value}" for name in FIELDS if (value := header(message, name))]
    if not lines and not message.get_content_type().startswith("multipart") and not message.get("Content-Type"):
        raise LoadError("not a mail: it has no header")
    draft.add("\n".join(lines), "paragraph")
    for part in message.walk():
        if not part.is_multipart() and part is not best_alternative(message, part):
            continue
        if not part.is_multipart():
            write_part(draft, cast(EmailMessage, part), job)
    return subject


def header(message: EmailMessage, name: str) -> str:
    """A header field's text, or "" where there is none or its own rules are broken."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, IndexError, AttributeError, KeyError, TypeError, LookupError):
        return ""


def best_alternative(message: EmailMessage, part: EmailMessage) -> EmailMessage | None:
    """The part itself, unless it is the web page beside a plain text of the same words."""
    for parent in message.walk():
        if parent.get_content_type() == "multipart/alternative":
            children = [child for child in cast(list[EmailMessage], parent.get_payload()) if not isinstance(child, str)]
            plain = any(child.get_content_type() == "text/plain" and child.get_payload() for child in children)
            if plain and any(
                part is inner
                for child in children
                if child.get_content_type() != "text/plain"
                for inner in child.walk()
            ):
                return None if part.get_content_maintype() == "text" and not part.get_filename() else part
    return part


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
