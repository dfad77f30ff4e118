"""Which value wins, and what a wrong one says."""

from pathlib import Path

import pytest

from app.known_models import remember
from app.settings import data_folder, read_settings
from indexer import Collection


def test_an_option_wins_over_the_environment_and_the_environment_over_the_file(own_home, monkeypatch):
    (own_home / "settings.toml").write_text('collection = "file"\nmodel = "from-file"\nmethod = "from-file"\n')
    monkeypatch.setenv("TWOFOLD_COLLECTION", "environment")
    monkeypatch.setenv("TWOFOLD_MODEL", "from-environment")
    settings = read_settings(collection="option")
    assert (settings.collection, settings.model, settings.method) == ("option", "from-environment", "from-file")


def test_a_home_given_as_an_option_is_where_the_file_is_read(tmp_path):
    (tmp_path / "settings.toml").write_text('collection = "there"\n')
    assert read_settings(home=tmp_path).collection == "there"


def test_an_empty_value_counts_as_not_given(own_home):
    assert read_settings(collection="", home=None).collection == "default"
    assert read_settings().home == own_home


@pytest.mark.parametrize("name", ["../other", "a/b", " ", ".hidden", "x" * 65])
def test_a_collection_name_that_could_leave_the_home_is_refused(name):
    with pytest.raises(ValueError, match="collection"):
        read_settings(collection=name)


def test_a_collection_may_be_named_in_chinese():
    assert read_settings(collection="论文").collection == "论文"


def test_a_home_may_start_with_a_tilde_and_becomes_whole(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_settings(home="~/books").home == tmp_path / "books"


def test_the_environment_of_a_child_gives_the_same_settings(monkeypatch):
    settings = read_settings(collection="mine", device="cpu")
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert read_settings() == settings


def test_data_goes_where_the_platform_keeps_it(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere/data")
    assert data_folder() == Path("/somewhere/data/twofold")
    monkeypatch.setattr("sys.platform", "darwin")
    assert data_folder().parts[-2:] == ("Application Support", "Twofold")


def test_a_home_is_made_for_its_owner_alone(tmp_path):
    home = read_settings(home=tmp_path / "deep" / "home").make_home()
    assert home.stat().st_mode & 0o777 == 0o700


def test_what_is_kept_in_a_home_that_was_there_is_its_owners_alone(tmp_path):
    tmp_path.chmod(0o755)
    collection = Collection.open(tmp_path)
    collection.close()
    assert collection.folder.stat().st_mode & 0o777 == 0o700


def test_a_home_first_made_by_a_note_of_a_model_is_its_owners_alone(tmp_path):
    remember(tmp_path / "home", "small", "some/hub-id")
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_a_home_that_cannot_be_made_names_the_way_out(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match=r"home folder .*file cannot be made \(File exists\): choose another with --home"):
        read_settings(home=tmp_path / "file").make_home()
