"""Presentations: a page per slide, its title first, then its texts, tables and speaker's notes."""

from typing import Any

from indexer.loaders.document import Draft, Loaded, LoadError
from indexer.loaders.package import Package, attribute, local, title_of
from indexer.loaders.table import Job

TITLES = ("title", "ctrTitle")
FURNITURE = ("sldNum", "dt", "ftr", "hdr", "sldImg")  # slide number, date, footer, header, the slide's own picture


def read(data: bytes, job: Job) -> Loaded:
    """Every slide in showing order."""
    package = Package(data, job)
    main = next(iter(package.related("", "/officeDocument")), "ppt/presentation.xml")
    relations = package.relations(main)
    slides = [relations.get(attribute_id(e), "") for e in package.xml(main).iter() if local(e) == "sldId"]
    slides = [name for name in slides if name in package]
    if not slides:
        raise LoadError("no slides in it")
    draft = Draft(job.limits)
    for number, name in enumerate(slides, 1):
        draft.page(f"slide {number}")
        write(draft, package.xml(name))
        for diagram in package.related(name, "/diagramData"):
            for paragraph in paragraphs(package.xml(diagram)):
                draft.add(words(paragraph), "item", gap="\n")
        for notes in package.related(name, "/notesSlide"):
            write(draft, package.xml(notes))
    first = next((b for b in draft.blocks if b.kind == "heading"), None)
    loaded = draft.done("pptx", title=title_of(package))
    if loaded.title in ("", "PowerPoint Presentation") and first:
        return draft.done("pptx", title=loaded.text[first.start : first.end])
    return loaded


def attribute_id(element: Any) -> str:
    """A slide's relation: the attribute r:id, beside a plain id that means something else."""
    return next((v for k, v in element.attrib.items() if k.endswith("}id")), "")


def write(draft: Draft, slide: Any) -> None:
    """Write a slide's shapes: title shapes first, the rest in drawing order."""
    shapes = [e for e in slide.iter() if local(e) in ("sp", "graphicFrame")]
    places = [next((attribute(e, "type") or "body" for e in s.iter() if local(e) == "ph"), "") for s in shapes]
    for shape, place in sorted(zip(shapes, places, strict=True), key=lambda pair: pair[1] not in TITLES):
        if place in FURNITURE:
            continue
        for row in (e for e in shape.iter() if local(e) == "tr"):
            cells = [" ".join(map(words, paragraphs(cell))) for cell in row if local(cell) == "tc"]
            draft.add(" | ".join(cells) if any(cells) else "", "table", gap="\n")
        inside = [p for p in paragraphs(shape) if not any(local(a) == "tc" for a in p.iterancestors())]
        if place in TITLES:
            draft.add(" ".join(map(words, inside)), "heading", 1)
        else:
            for index, paragraph in enumerate(inside):
                draft.add(words(paragraph), "item", gap="\n" if index else "\n\n")


def paragraphs(element: Any) -> list[Any]:
    """Every paragraph inside."""
    return [e for e in element.iter() if local(e) == "p"]


def words(paragraph: Any) -> str:
    """A paragraph's text."""
    parts = (e.text or "" if local(e) == "t" else "\n" if local(e) == "br" else "" for e in paragraph.iter())
    return "".join(parts).strip()
