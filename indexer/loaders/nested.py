"""Files inside files: members of archives, attachments of mails, within the outermost file's limits."""

from indexer.loaders.document import Draft, LoadError
from indexer.loaders.table import Job, loader_for


def join(draft: Draft, name: str, data: bytes, job: Job) -> bool:
    """Add the document inside to ours under its name; what cannot be read is noted. Whether it was read."""
    loader = loader_for(name.rpartition("/")[2])
    if loader is None or not data.strip():
        return False
    if job.depth >= job.limits.depth:
        draft.notes.append(f"{name}: not read, it lies more than {job.limits.depth} levels deep")
        return False
    try:
        loaded = loader.read(data, Job(name.rpartition("/")[2], job.limits, job.depth + 1))
    except LoadError as error:
        draft.notes.append(f"{name}: {error}")
        return False
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # whatever a parser raises, the other members can be read
        draft.notes.append(f"{name}: damaged ({type(error).__name__})")
        return False
    draft.join(loaded, name)
    return True
