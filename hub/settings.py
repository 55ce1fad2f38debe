"""Settings: one TOML file (``huitong.toml`` in the home) under environment variables ``HUITONG_*``; ``PORT`` and ``HOST`` are short forms."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from hub.store.address import control_url, with_password_of
from hub.witness.policy import WitnessPolicy, parse_witnesses

_SCHEDULER = re.compile(r"dask://([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}\Z")
_HOST_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}\Z|\[[0-9A-Fa-f:.]{2,45}\]\Z")


class Settings(BaseSettings):
    """All that a hub can be told from outside. A name that is not known is refused, with its place."""

    model_config = SettingsConfigDict(env_prefix="HUITONG_", extra="forbid", frozen=True)

    home: Path = Field(Path(".huitong"), description="Directory of keys, control database, exchange files and demonstration data")
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on")
    public_url: str = Field("", description="The address by which callers know the hub; issuer of its tokens. Default: http://HOST:PORT")
    database: str = Field(
        "",
        repr=False,
        description="Control database: sqlite:////path/control.db, or postgresql+psycopg://user:password@host/database for several hubs at once. "
        "Default: SQLite in the home",
    )
    database_password_file: Path | None = Field(None, description="File that holds the password of `database`, so that it need not stand in the URL")
    request_seconds: float = Field(30.0, gt=0, le=600, description="Longest a call may run, in seconds")
    body_bytes: int = Field(65536, ge=1024, le=1048576, description="Largest request body of /graphql, in bytes")
    exchange_days: int = Field(7, ge=1, le=90, description="Days for which exchange files are kept")
    exchange_executor: str = Field(
        "local",
        description="Where chunks of exchanges are worked on: `inline`, in the hub's own process; `local`, in processes of its own on this machine; "
        "or `dask://HOST:PORT`, the scheduler of a cluster whose workers share the exchange directory (mutual TLS only, `exchange_tls_*`)",
    )
    exchange_workers: int = Field(2, ge=1, le=64, description="Processes of `local` at most, for chunks of exchanges")
    exchange_chunk_rows: int = Field(
        250_000, ge=1, le=100_000_000, description="Rows in one chunk of an exchange, about: what is done anew after a crash, and the rows of one file"
    )
    exchange_destinations: Path | None = Field(
        None, description="TOML file of the places that exchanges may be delivered to. Default: `destinations.toml` in the home"
    )
    exchange_tls_ca: Path | None = Field(None, description="PEM file of the authority whose certificates scheduler, workers and hubs of `dask://` have")
    exchange_tls_cert: Path | None = Field(None, description="PEM file of this process's certificate of that authority")
    exchange_tls_key: Path | None = Field(None, description="PEM file of its private key, readable by its own user alone")
    upload_mib: int = Field(64, ge=1, le=4096, description="Largest file of subjects and claims that an application may bring for verification, in MiB")
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that serve the port, each as a node of its own (docs/operations.md); more than one needs a control database on PostgreSQL",
    )
    concurrent_calls: int = Field(256, ge=1, le=10000, description="Calls in work at once; more are refused with 429")
    caller_calls: int = Field(128, ge=1, le=10000, description="Calls in work at once for one application; more are refused with 429")
    disk_stop_mib: int = Field(
        128,
        ge=0,
        le=100_000_000,
        description="Below so much free space, in MiB, on the disk of an SQLite control database the hub is not ready and gives no data; "
        "acts of administration are still entered. Exchanges that run pause. 0: no limit",
    )
    disk_exchange_mib: int = Field(
        512, ge=0, le=100_000_000, description="Below so much free space, in MiB, on that disk or the one of exchange files no exchange begins; 0: no limit"
    )
    disk_warn_mib: int = Field(2048, ge=0, le=100_000_000, description="Below so much free space, in MiB, the hub's log says so; 0: never")
    drain_seconds: float = Field(25.0, ge=0, le=600, description="Longest that calls in work are waited for when the hub is told to end, in seconds")
    admin_port: int = Field(0, ge=0, le=65535, description="Port of the administration listener (/metrics, reasons of readiness); 0: there is none")
    admin_host: str = Field("127.0.0.1", description="Address of the administration listener, which asks nobody who they are")
    public_calls_per_second: float = Field(
        50.0, ge=1, le=100000, description="Calls without a token per second and network address, twice as many in a burst; more are refused with 429"
    )
    allowed_hosts: Annotated[list[str], NoDecode] = Field(
        [],
        description="Further host names, without ports, by which callers may address the hub besides that of `public_url`; comma-separated in the environment",
    )

    ledger_retention_years: int = Field(
        5, ge=3, le=100, description="Years for which the log's entries stay in the control database at least; older ones may be removed once they are archived"
    )
    session_idle_minutes: int = Field(15, ge=1, le=120, description="A person's browser session ends after this long without use, in minutes")
    session_hours: int = Field(8, ge=1, le=24, description="Longest that a person stays logged in, in hours")
    rule_sets: Annotated[list[str], NoDecode] = Field(
        ["n809"],
        description="Rule sets of terms and reasons, by code, those that come with the hub and those in `rules/` of the home; comma-separated in the environment",
    )

    recorded_grants: Literal["allowed", "refused"] = Field(
        "allowed", description="Whether grants that were decided on paper may be recorded by `createGrant` and `huitong grant add`: `allowed` or `refused`"
    )
    verification_claims_per_day: int = Field(
        10, ge=1, le=1000, description="Distinct values that a department may claim of one item of one subject in a day; the same value again is free"
    )
    verification_claims_per_30_days: int = Field(50, ge=1, le=10000, description="The same in 30 days")
    verification_subjects_per_day: int = Field(
        50_000, ge=100, le=100_000_000, description="Distinct subjects that a department may verify in one resource in a day"
    )
    verification_mismatch_from: int = Field(
        1_000, ge=1, le=100_000_000, description="From this many subjects in a day on, `verification_mismatch_percent` is looked at"
    )
    verification_mismatch_percent: int = Field(
        50, ge=1, le=100, description="Verification ends for the day where more than this share of the subjects, in percent, had no match"
    )
    lookup_misses_per_day: int = Field(2_000, ge=100, le=100_000_000, description="Look-ups by key that may find nothing, per department, resource and day")

    ledger_digest: Literal["", "SM3", "SHA256"] = Field(
        "",
        description="Hash function of the ledger's tree, chosen once for ever when the home is initialised: `SM3` (GB/T 32905-2016) or `SHA256`. "
        "Default: that of the log which is there, `SHA256` for a new one",
    )
    witnesses: Annotated[list[str], NoDecode] = Field(
        [],
        description="Witnesses that cosign the ledger's checkpoints, each `VKEY URL`: its verifier key, a space, its address; comma-separated in the environment",
    )
    witness_quorum: int | None = Field(
        None,
        ge=0,
        le=32,
        description="How many of the witnesses must have cosigned; 0: data never wait for them. Default: 1 where there are witnesses",
    )
    witness_grace_seconds: int = Field(
        14_400,
        ge=0,
        le=31_536_000,
        description="When the oldest entry has waited for the quorum this long, in seconds, no data leave any more until it has cosigned; 0: they never stop",
    )
    witness_interval_seconds: float = Field(1.0, ge=0.05, le=3600, description="Between two checkpoints that are sent to the witnesses, in seconds")
    feedback_confirmation_days: int = Field(
        10, ge=1, le=100, description="Working days after the answer to a feedback on wrong data in which its reporter may object; then the case closes"
    )
    public_feedback_per_address: int = Field(
        5, ge=0, le=10_000, description="Reports of wrong data without a token per network address and day; 0: none are taken in"
    )
    public_feedback_per_day: int = Field(500, ge=0, le=1_000_000, description="Reports of wrong data without a token in a day, from all addresses together")
    ledger_device: Annotated[list[str], NoDecode] = Field(
        [],
        description="Command of a device that signs the ledger's checkpoints too (SM2 with SM3): the program and its arguments, the text on its standard "
        "input, the signature on its standard output; one text with quotes in the environment",
    )
    ledger_device_key: Path | None = Field(None, validate_default=True, description="PEM file of the device's SM2 public key")
    ledger_device_required: bool = Field(
        True, description="Whether checkpoints wait for the device: `false` publishes them without its signature while it fails, and logs it"
    )
    ledger_device_seconds: float = Field(5.0, ge=0.1, le=60, description="Longest that the device's command may take, in seconds")
    pseudonym_digest: Literal["SM3", "SHA256"] = Field(
        "SM3",
        description="Hash function of the next version of the pseudonyms' master key: `SM3` (GB/T 32905-2016) or `SHA256`; versions that are there keep theirs",
    )

    @field_validator("exchange_executor")
    @classmethod
    def _executor_named(cls, value: str) -> str:
        if value not in ("inline", "local") and not _SCHEDULER.match(value):
            raise ValueError(f"{value[:60]} 不是执行器 is no executor: 请写 write inline, local or dask://HOST:PORT")
        return value

    @field_validator("rule_sets", mode="before")
    @classmethod
    def _rule_codes(cls, value: object) -> object:
        codes = [code.strip() for code in value.split(",") if code.strip()] if isinstance(value, str) else value
        if codes == []:
            raise ValueError("未指定规则集 names no rule set: 请写明代码或删去此项 write codes such as guiyang,n809, or leave the setting out")
        return codes

    @field_validator("ledger_device", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        return shlex.split(value) if isinstance(value, str) else value

    @field_validator("ledger_device_key")
    @classmethod
    def _of_device(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None and info.data.get("ledger_device"):
            raise ValueError("ledger_device 需要公钥 needs the device's public key: 请指定 give the PEM file")
        return value

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _host_names(cls, value: object) -> object:
        names = [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value
        wrong = [name for name in names if not (isinstance(name, str) and _HOST_NAME.match(name))] if isinstance(names, list) else []
        if wrong:
            raise ValueError(f"{wrong[0]} is no host name; give names without scheme and port, such as hub.city.example")
        return names

    @field_validator("witnesses", mode="before")
    @classmethod
    def _witness_lines(cls, value: object) -> object:
        lines = [line.strip() for line in value.split(",") if line.strip()] if isinstance(value, str) else value
        if isinstance(lines, list):
            parse_witnesses([str(line) for line in lines])
        return lines

    @field_validator("witness_quorum")
    @classmethod
    def _enough_witnesses(cls, value: int | None, info: ValidationInfo) -> int | None:
        count = len(info.data.get("witnesses", ()))
        if value is not None and value > count:
            raise ValueError(f"{value} 大于见证数 is more than the {count} witnesses of the setting witnesses")
        return value

    @field_validator("database")
    @classmethod
    def _supported(cls, value: str) -> str:
        if value:
            control_url(value)
        return value

    @field_validator("database_password_file")
    @classmethod
    def _readable(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        database = info.data.get("database")
        if value is not None and database is not None:
            if not database or control_url(database).get_backend_name() == "sqlite":
                raise ValueError("SQLite 无口令 SQLite has no password: 请删去 take it away, or give HUITONG_DATABASE of PostgreSQL")
            with_password_of(control_url(database), value)
        return value

    @field_validator("public_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @property
    def url(self) -> str:
        """The public address, without a slash at its end."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound
        return self.public_url or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def source_calls(self) -> int:
        """Calls that one source may hold, running and waiting: a quarter of those in work stays for the others."""
        return max(1, self.concurrent_calls * 3 // 4)

    @property
    def database_url(self) -> str:
        """The control database, with its password: not to be shown."""
        if not self.database:
            return f"sqlite:///{self.home.absolute() / 'control.db'}"
        url = control_url(self.database)
        whole = url if self.database_password_file is None else with_password_of(url, self.database_password_file)
        return whole.render_as_string(hide_password=False)

    @property
    def shared(self) -> bool:
        """Whether several servers may serve with this control database at once."""
        return bool(self.database) and control_url(self.database).get_backend_name() != "sqlite"

    @property
    def keys(self) -> Path:
        """Directory of the hub's keys, readable by its own user alone."""
        return self.home / "keys"

    @property
    def session_idle(self) -> timedelta:
        """A person's session ends after this long without use."""
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def session_longest(self) -> timedelta:
        """Longest that a person stays logged in."""
        return timedelta(hours=self.session_hours)

    @property
    def witnessing(self) -> WitnessPolicy:
        """Who cosigns the ledger's checkpoints, and what depends on it."""
        found = parse_witnesses(self.witnesses)
        quorum = min(1, len(found)) if self.witness_quorum is None else self.witness_quorum
        return WitnessPolicy(found, quorum, self.witness_grace_seconds, self.witness_interval_seconds)

    @property
    def rules(self) -> Path:
        """Directory of the city's own rule sets."""
        return self.home / "rules"

    @property
    def exchanges(self) -> Path:
        """Directory of exchange files."""
        return self.home / "exchange"

    @property
    def destinations(self) -> Path:
        """File of the places that exchanges may be delivered to."""
        return self.exchange_destinations or self.home / "destinations.toml"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments over environment over file."""
        home = Path(os.environ.get("HUITONG_HOME", ".huitong"))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, home / "huitong.toml")


class SettingsFault(Exception):
    """Settings that cannot be used. ``str()`` names each with its remedy."""


def load_settings(**given: Any) -> Settings:
    """Settings from arguments, environment and file.

    Raises:
        SettingsFault: a name is unknown or a value does not fit.
    """
    for short in ("PORT", "HOST"):
        if short in os.environ and f"HUITONG_{short}" not in os.environ:
            given.setdefault(short.lower(), os.environ[short])
    try:
        return Settings(**given)
    except (ValueError, tomllib.TOMLDecodeError) as error:
        raise SettingsFault(_explain(error)) from None


def _explain(error: ValueError) -> str:
    errors = getattr(error, "errors", None)
    if errors is None:
        return f"huitong.toml: {error}"
    return "; ".join(_one(found) for found in errors())


def _one(found: Any) -> str:
    """One fault: a name that does not exist with the one it resembles, a value with what is wrong with it."""
    name = str(found["loc"][0])
    if found["type"] != "extra_forbidden":
        return f"setting {name} (HUITONG_{name.upper()}): {found['msg']}"
    close = difflib.get_close_matches(name, Settings.model_fields, 1)
    hint = f"是否为 did you mean {close[0]}?" if close else f"可用 known: {', '.join(Settings.model_fields)}"
    return f"没有设置项 no setting {name}: {hint}"
