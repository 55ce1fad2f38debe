"""Where the control database is, as settings say it; what cannot be used is refused with its remedy, and no password is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.settings import SettingsFault, load_settings

pytestmark = pytest.mark.fast
SECRET = "topsecret"


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_by_its_synchronous_driver(scheme: str, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, database=f"{scheme}://hub:{SECRET}@db.example:5433/control?sslmode=verify-full")
    assert settings.database_url == f"postgresql+psycopg://hub:{SECRET}@db.example:5433/control?sslmode=verify-full"
    assert settings.shared
    assert SECRET not in repr(settings)


def test_the_password_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("p@ss/wörd\n")
    settings = load_settings(home=tmp_path, database="postgresql://hub@db.example/control", database_password_file=file)
    assert settings.database_url == "postgresql+psycopg://hub:p%40ss%2Fw%C3%B6rd@db.example/control"
    assert "ss" not in repr(settings.database_password_file).replace("password", "")


def test_sqlite_is_for_one_server(tmp_path: Path) -> None:
    assert load_settings(home=tmp_path).database_url == f"sqlite:///{tmp_path}/control.db"
    assert not load_settings(home=tmp_path, database="sqlite:////srv/control.db").shared


@pytest.mark.parametrize(
    ("database", "said"),
    [
        ("mysql://hub:topsecret@db/control", "cannot be kept in mysql"),
        ("postgresql+asyncpg://hub:topsecret@db/control", "cannot be kept in postgresql\\+asyncpg"),
        ("postgresql://hub:topsecret@db:port/control", "not a database URL"),
        ("topsecret", "not a database URL"),
        ("postgresql://hub@db/control?password=topsecret", "no password among"),
        ("postgresql://hub@db/control?sslpassword=topsecret", "no password among"),
        ("postgresql://hub:topsecret@db", "names no database"),
    ],
)
def test_what_cannot_be_used_is_refused_without_its_password(database: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsFault, match=said) as refused:
        load_settings(home=tmp_path, database=database)
    assert "HUITONG_DATABASE" in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_password_file_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    empty, some = tmp_path / "empty", tmp_path / "some"
    empty.write_text("\n")
    some.write_text(SECRET)
    for database, file, said in (
        ("postgresql://hub@db/control", tmp_path / "none", "cannot be read"),
        ("postgresql://hub@db/control", empty, "is empty"),
        ("postgresql://hub:other@db/control", some, "given twice"),
        ("", some, "SQLite has no password"),
    ):
        with pytest.raises(SettingsFault, match=said) as refused:
            load_settings(home=tmp_path, database=database, database_password_file=file)
        assert SECRET not in str(refused.value)
