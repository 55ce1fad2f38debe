"""``huitong serve``: one hub per home and port, bounded heads, a clean end; and the commands that call a running hub."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from hub.cli.protocol import HEAD_BYTES
from tests.cli.children import Child, initialised, run_command, running
from tests.cli.test_init import BOOTSTRAP

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the three administrators' accounts in ``accounts.json`` beside it."""
    home = tmp_path_factory.mktemp("serve") / "home"
    made = run_command(home, *BOOTSTRAP, "--json")
    home.with_name("accounts.json").write_text(made.stdout)
    return home


@pytest.fixture(scope="module")
def hub(home: Path) -> Iterator[Child]:
    """A hub that serves the home on a free port."""
    with running(home, "serve", "--port", "0") as child:
        yield child


def account(home: Path, name: str) -> dict[str, str]:
    """The environment that holds an account's credentials."""
    made = json.loads(home.with_name("accounts.json").read_text())["applications"]
    one = next(one for one in made if one["name"] == name)
    return {"HUITONG_CLIENT_ID": one["client_id"], "HUITONG_CLIENT_SECRET": one["client_secret"]}


def exchange(url: str, sent: bytes, more: bytes = b"") -> bytes:
    """What a hub answers to raw bytes, until it closes."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        received = b""
        try:
            connection.sendall(sent)
            for _ in range(64):
                if not more:
                    break
                connection.sendall(more)
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionError:
            pass
        return received


def test_it_answers_and_tells_nothing_of_its_server(hub: Child) -> None:
    answer = httpx2.get(f"{hub.url}/health/ready", trust_env=False)
    assert answer.status_code == 200
    assert "server" not in answer.headers


def test_a_second_hub_on_the_same_home_is_refused(hub: Child, home: Path) -> None:
    refused = run_command(home, "serve", "--port", "0")
    assert refused.returncode == 1
    assert f"pid {hub.process.pid}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_port_in_use_is_named_with_the_remedy(hub: Child, tmp_path: Path) -> None:
    port = urlsplit(hub.url).port
    initialised(tmp_path / "other")
    refused = run_command(tmp_path / "other", "serve", PORT=str(port))
    assert refused.returncode == 3
    assert f"127.0.0.1:{port}" in refused.stderr
    assert "PORT=" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_home_that_was_never_initialised_is_not_served(tmp_path: Path) -> None:
    refused = run_command(tmp_path / "none", "serve", "--port", "0")
    assert refused.returncode == 1
    assert "huitong init" in refused.stderr


def test_a_public_address_without_tls_is_refused(home: Path) -> None:
    refused = run_command(home, "serve", "--port", "0", HUITONG_PUBLIC_URL="http://hub.example")
    assert refused.returncode == 1
    assert "https" in refused.stderr


def test_a_token_and_a_query(hub: Child, home: Path) -> None:
    account_of = account(home, "system_admin")
    token = run_command(home, "token", "--url", hub.url, "--json", **account_of)
    assert token.returncode == 0
    assert json.loads(token.stdout)["token_type"] == "Bearer"
    answered = run_command(home, "query", "--url", hub.url, "{ __typename }", "--json", **account_of)
    assert answered.returncode == 0
    assert json.loads(answered.stdout)["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(("name", "written"), [("person.graphql", False), ("文档.txt", True)])
def test_the_name_of_a_file_is_no_document(home: Path, tmp_path: Path, name: str, written: bool) -> None:
    path = tmp_path / name
    if written:
        path.write_text("{ __typename }")
    refused = run_command(home, "query", "--public", "--url", "http://127.0.0.1:9", str(path))
    assert refused.returncode == 1
    assert f"huitong query -f {path}" in refused.stderr


def test_an_answer_with_errors_is_printed_and_fails(hub: Child, home: Path) -> None:
    answered = run_command(home, "query", "--url", hub.url, "--public", "{ nonsense }")
    assert answered.returncode == 1
    assert json.loads(answered.stdout)["errors"][0]["extensions"]["code"] == "INVALID_DOCUMENT"


def test_a_wrong_secret_is_refused(hub: Child, home: Path) -> None:
    refused = run_command(home, "token", "--url", hub.url, **account(home, "system_admin") | {"HUITONG_CLIENT_SECRET": "wrong"})
    assert refused.returncode == 1
    assert refused.stdout == ""


def test_a_hub_that_is_not_there_is_not_reachable(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused = run_command(home, "query", "--url", f"http://127.0.0.1:{port}", "--public", "{ __typename }")
    assert refused.returncode == 3
    assert f"127.0.0.1:{port}" in refused.stderr


def test_without_credentials_it_is_a_usage_error(hub: Child, home: Path) -> None:
    assert run_command(home, "token", "--url", hub.url).returncode == 2


def test_what_the_command_line_does_is_in_force_without_restart(hub: Child, home: Path) -> None:
    """Within a second, which a fast machine's next command does not take."""
    assert run_command(home, "app", "disable", "audit_admin").returncode == 0
    asked = (run_command(home, "token", "--url", hub.url, **account(home, "audit_admin")).returncode for _ in range(60))
    assert next((code for code in asked if code), 0) == 1


POST = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
ASKED = b'{"query": "{ __typename }"}'
LENGTH = b"Content-Length: %d\r\n\r\n" % len(ASKED)
LAST = POST + b"Connection: close\r\n" + LENGTH + ASKED


@pytest.mark.parametrize(
    "offering",
    [OFFER + LENGTH + ASKED, OFFER + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(ASKED), ASKED)],
    ids=["length", "chunked"],
)
def test_an_offer_of_http_2_costs_no_body(hub: Child, offering: bytes) -> None:
    """Java's own client makes it with its first request to an ``http://`` address."""
    answered = exchange(hub.url, POST + offering + LAST)
    assert answered.count(b"HTTP/1.1 200 ") == 2
    assert answered.count(b'{"__typename":"Query"}') == 2


def test_nor_does_one_on_a_connection_that_is_to_be_closed(hub: Child) -> None:
    answered = exchange(hub.url, POST + b"Connection: close\r\n" + OFFER + LENGTH + ASKED)
    assert answered.count(b'{"__typename":"Query"}') == 1


def test_nor_one_that_comes_behind_its_head(hub: Child) -> None:
    parts = urlsplit(hub.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(POST + OFFER + b"Expect: 100-continue\r\n" + LENGTH)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(ASKED)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_connect_is_no_offer(hub: Child) -> None:
    assert exchange(hub.url, b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 4")


def test_a_head_in_bounds_is_answered(hub: Child) -> None:
    head = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: " + b"a" * (HEAD_BYTES // 2) + b"\r\n\r\n"
    assert exchange(hub.url, head).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("endless", [b"X-Long: ", b""], ids=["one header", "many headers"])
def test_an_endless_head_is_cut_off(hub: Child, endless: bytes) -> None:
    more = b"a" * 4096 if endless else b"X-Many: " + b"a" * 4000 + b"\r\n"
    answered = exchange(hub.url, b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n" + endless, more)
    assert answered == b"" or answered.startswith(b"HTTP/1.1 431 ")
    assert httpx2.get(f"{hub.url}/health/live", trust_env=False).status_code == 200


def test_a_large_body_behind_a_small_head_is_no_head(hub: Child) -> None:
    body = b'{"query": "' + b" " * 60000 + b'{ __typename }"}'
    head = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: "
    assert exchange(hub.url, head + str(len(body)).encode() + b"\r\n\r\n" + body).startswith(b"HTTP/1.1 200 ")


def test_bytes_that_are_no_request_are_answered_400(hub: Child) -> None:
    assert exchange(hub.url, b"\x00\xff\x16\x03\r\n\r\n").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(tmp_path: Path, number: int) -> None:
    initialised(tmp_path / "home")
    with running(tmp_path / "home", "serve", "--port", "0") as child:
        assert child.end(number) == 0
    assert "Traceback" not in child.said()
    verified = run_command(tmp_path / "home", "ledger", "verify", "--json")
    assert json.loads(verified.stdout)["ok"]


def test_the_log_is_json_lines(tmp_path: Path) -> None:
    initialised(tmp_path / "home")
    with running(tmp_path / "home", "serve", "--port", "0", "--log-level", "debug") as child:
        exchange(child.url, b"\x00\r\n\r\n")
        httpx2.post(f"{child.url}/graphql", json={"query": '{ secret(id: "520102199001011234") }'}, trust_env=False)
        child.end(signal.SIGTERM)
    lines = [line for line in child.lines if line.startswith("{")]
    assert lines
    assert all("event" in json.loads(line) for line in lines)
    assert "520102199001011234" not in child.said()
