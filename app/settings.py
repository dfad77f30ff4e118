"""One schema of settings for the command line, the pages and the environment. Knows no collection and no model.

An explicit value (a command-line option) wins over a `TWOFOLD_*` variable, which wins over `settings.toml` in the
home folder, which wins over the default.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

SETTINGS_FILE = "settings.toml"
COLLECTION_NAME = re.compile(r"\w[\w.-]{0,63}")


def data_folder() -> Path:
    """The platform's place for a program's data: where collections live unless told otherwise."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Twofold"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Twofold"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "twofold"


class Settings(BaseSettings):
    """What the program can be told: which home, which collection, which model and method, where it runs."""

    model_config = SettingsConfigDict(env_prefix="TWOFOLD_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(default_factory=data_folder, description="folder that holds the collections")
    collection: str = Field(default="default", description="name of the collection")
    model: str = Field(
        default="", description="folder, hub id or GGUF file; empty: the collection's, else the bundled one"
    )
    method: str = Field(default="", description="embedding method; empty: the collection's, else the model's own")
    revision: str = Field(default="", description="revision of a model on a hub")
    device: str = Field(default="auto", description="auto, cpu, cuda or mps")
    dtype: str = Field(default="auto", description="auto, float32, bfloat16 or float16")

    @field_validator("home")
    @classmethod
    def _whole_path(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("collection")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not COLLECTION_NAME.fullmatch(name):
            raise ValueError(f"a collection's name is letters, digits, '.', '-' or '_', at most 64; got {name!r}")
        return name

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options, environment, then the home's own file: the home is settled by the first two."""
        home = init_settings().get("home") or env_settings().get("home") or data_folder()
        file = Path(home).expanduser() / SETTINGS_FILE
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    def make_home(self) -> Path:
        """The home folder, made for its owner alone: what lies in it is as secret as the documents."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            why = error.strerror or str(error)
            raise OSError(
                f"the home folder {self.home} cannot be made ({why}): choose another with --home or TWOFOLD_HOME"
            ) from error
        return self.home

    def environment(self) -> dict[str, str]:
        """These settings as variables, for a process that is to have the same."""
        return {f"TWOFOLD_{name.upper()}": str(value) for name, value in self.model_dump().items()}


def read_settings(**given: Any) -> Settings:
    """Settings from what was given (None and "" count as not given), the environment and the home's file."""
    try:
        return Settings(**{name: value for name, value in given.items() if value not in (None, "")})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        raise ValueError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
