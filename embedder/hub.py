"""Where a model's files are: a folder as it is, a hub id through the hub's own client, adapters with their base.

Only configuration, tokenizer and safetensors are ever fetched.
"""

from dataclasses import dataclass
from pathlib import Path

from embedder import weights
from embedder.checkpoints import Checkpoint, find_checkpoint
from embedder.engine import POCKET

WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]


@dataclass(frozen=True, slots=True)
class Source:
    """The folders of a model: weights, then adapters in the order they are merged, and the version of all of them."""

    folder: Path
    adapters: tuple[Path, ...]
    revision: str
    checkpoint: Checkpoint | None

    @property
    def tokenizer(self) -> Path:
        """The last folder that has one."""
        own = [folder for folder in self.adapters if (folder / "tokenizer_config.json").is_file()]
        return own[-1] if own else self.folder

    @property
    def kept_apart(self) -> bool:
        """Whether the last adapter's own card says that its base goes on writing, so that merging would spoil it."""
        return bool(self.adapters) and bool(weights.read_json(self.adapters[-1] / "twofold.json").get("writes"))


def resolve(model: str, revision: str | None = None) -> Source:
    """The files of a model, fetched where they are not there; ValueError tells what is missing or not safe."""
    own = (Path(model).expanduser() / "twofold.json").is_file()  # its own card says what it is, whatever its name
    row = None if own else find_checkpoint(model)
    if row and row.refused:
        raise ValueError(f"{model}: {row.refused}")
    if row and row.adapters:
        base, adapters = _folder(row.base, None), [_folder(name, revision) for name in row.adapters]
    else:
        base, adapters = _chain(_folder(model, revision))
    for folder in (base, *adapters):
        weights.check_folder(folder)
    _check_bases((base, *adapters))
    versions = [_version(folder) for folder in (base, *adapters)]
    return Source(base, tuple(adapters), "+".join(versions), row)


def _chain(folder: Path) -> tuple[Path, list[Path]]:
    """An adapter's base by its own configuration, which may be an adapter again."""
    adapters: list[Path] = []
    while (folder / "adapter_config.json").is_file():
        adapters.insert(0, folder)
        base = weights.read_json(folder / "adapter_config.json").get("base_model_name_or_path")
        if not base or len(adapters) > 4:
            raise ValueError(f"{folder} is an adapter that names no base model")
        beside = folder / str(base)  # a stage of training lies in the folder of the stage after it
        folder = beside if str(base).startswith("./") and beside.is_dir() else _folder(str(base), None)
    return folder, adapters


def _check_bases(folders: tuple[Path, ...]) -> None:
    """Refuse an adapter whose card says that it was trained on other weights than those that lie below it."""
    for number, folder in enumerate(folders[1:], 1):
        trained_on = str(weights.read_json(folder / "twofold.json").get("base_weights") or "")
        wanted = trained_on.split("+") if trained_on else []
        found = [weights.content(one) for one in folders[: min(number, len(wanted))]]
        if wanted != found:
            base = weights.read_json(folder / "adapter_config.json").get("base_model_name_or_path")
            raise ValueError(
                f"{folder} was trained on other weights of {base} ({trained_on}) than those there now"
                f" ({'+'.join(found)}), so its vectors would mean nothing: train it again on these, or name the"
                " folder of the earlier ones as base_model_name_or_path in its adapter_config.json"
            )


def _folder(model: str, revision: str | None) -> Path:
    path = POCKET if model == "pocket" else Path(model).expanduser()
    if path.is_dir():
        return path
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        what = "that is a file, and neither a folder nor a .gguf" if path.is_file() else "no such folder"
        raise ValueError(f"cannot open {model}: {what}")
    return fetch(model, revision)


def fetch(model: str, revision: str | None) -> Path:
    """A hub model's folder in the local cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=WANTED))
    except (LocalEntryNotFoundError, ConnectionError) as error:
        raise ValueError(
            f"cannot open {model}: it is not on this machine and the hub cannot be reached;"
            " give a folder, or fetch it where there is a network"
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise ValueError(f"cannot open {model}: {' '.join(str(error).split())[:300]}") from error


def _version(folder: Path) -> str:
    """The commit of a hub's snapshot, else a hash of the files."""
    snapshot = folder.parent.name == "snapshots" and len(folder.name) == 40
    return folder.name[:12] if snapshot else weights.revision(folder)
