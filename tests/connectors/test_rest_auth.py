"""How a REST service is told who asks, and that the secret stands nowhere else."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.calling import CALLING, Calling
from connectors.errors import ConfigFault, SourceFault, SourceRefused, SourceUnavailable
from connectors.registry import open_source
from connectors.rest.options import Signature
from connectors.rest.signing import Signer
from connectors.spi import SourceConfig
from tests.connectors.answering import Answering, Opened, answering, reading
from tests.connectors.service_server import servers

__all__ = ["answering", "servers"]

pytestmark = pytest.mark.anyio
SECRET = "s€cret-Ω"
ASCII = "open-sesame"


@pytest.fixture
def secret(tmp_path: Path) -> Callable[[str], str]:
    """Where a secret lies."""

    def put(text: str) -> str:
        path = tmp_path / "secret"
        path.write_text(text, encoding="utf-8")
        return f"file:{path}"

    return put


def good(_request: Request) -> object:
    return {"items": [{"n": 1}]}


@pytest.mark.slow
async def test_header_credentials(answering: Opened, secret: Callable[[str], str]) -> None:
    ways: list[tuple[dict[str, object], str, str, str]] = [
        ({"auth": "bearer"}, ASCII, "authorization", f"Bearer {ASCII}"),
        ({"auth": "api_key", "api_key": {"header": "X-Api-Key"}}, ASCII, "x-api-key", ASCII),
        ({"auth": "basic", "client_id": "reader"}, ASCII, "authorization", "Basic cmVhZGVyOm9wZW4tc2VzYW1l"),
        ({"auth": "basic"}, "reader:a:b", "authorization", "Basic cmVhZGVyOmE6Yg=="),
    ]
    for options, text, header, value in ways:
        service = answering(good, secret=secret(text), options=options)
        assert await service.source.fetch(reading(), {}) == [(1,)]
        assert service.requests[0].headers[header] == value
        assert service.asked == ["/base/n"]


@pytest.mark.slow
async def test_basic_is_utf_8(answering: Opened, secret: Callable[[str], str]) -> None:
    """RFC 7617 §2.1."""
    service = answering(good, secret=secret(SECRET), options={"auth": "basic", "client_id": "reader"})
    await service.source.fetch(reading(), {})
    assert b64decode(service.requests[0].headers["authorization"].split()[1]).decode() == f"reader:{SECRET}"


@pytest.mark.slow
async def test_a_key_in_the_query_is_in_no_log_and_no_fault(answering: Opened, secret: Callable[[str], str], caplog: pytest.LogCaptureFixture) -> None:
    def linked(request: Request) -> Response:
        more = "p" not in request.query_params
        return JSONResponse({"items": []}, headers={"Link": '<?p=2&key=stolen>; rel="next"'} if more else {})

    caplog.set_level(logging.DEBUG)
    service = answering(linked, secret=secret(ASCII), options={"auth": "api_key", "api_key": {"query": "key"}})
    await service.source.fetch(reading(paging={"style": "link"}), {})
    assert [request.query_params["key"] for request in service.requests] == [ASCII, ASCII]
    assert [request.query_params.getlist("p") for request in service.requests] == [[], ["2"]]
    service = answering(lambda _request: Response("no", 500), secret=secret(ASCII), options={"auth": "api_key", "api_key": {"query": "key"}})
    with pytest.raises(SourceFault) as caught:
        await service.source.fetch(reading(), {})
    assert ASCII not in str(caught.value)
    ours = [record.getMessage() for record in caplog.records if record.name.partition(".")[0] in ("httpcore2", "httpx2", "connectors", "huitong")]
    assert ASCII not in "\n".join(ours)


class TokenService:
    """Gives numbered tokens and admits the last ones."""

    def __init__(self) -> None:
        self.given = 0
        self.admits = True
        self.admitted: set[str] = set()
        self.forms: list[dict[str, list[str]]] = []
        self.headers: list[str] = []
        self.status = 200
        self.content: dict[str, object] = {"token_type": "Bearer", "expires_in": 3600}

    async def answer(self, request: Request) -> object:
        if not request.scope["path"].endswith("/token"):
            known = self.admits and request.headers.get("authorization") in self.admitted
            return good(request) if known else Response("who?", 401)
        await asyncio.sleep(0.02)
        self.given += 1
        self.forms.append(parse_qs((await request.body()).decode()))
        self.headers.append(request.headers.get("authorization", ""))
        self.admitted = {f"Bearer t{self.given}"}
        return JSONResponse({"access_token": f"t{self.given}", **self.content}, self.status)


@pytest.fixture
def tokens() -> TokenService:
    return TokenService()


@pytest.fixture
def with_oauth(answering: Opened, tokens: TokenService, secret: Callable[[str], str]) -> Opened:
    """Opens sources that get their tokens from the service."""

    def start(text: str = "hub:pass word", **options: object) -> Answering:
        declared = {"token_url": f"{answering(tokens.answer).config.url}/token", **options}
        return answering(tokens.answer, secret=secret(text), options={"auth": "oauth", "oauth": declared})

    return start


@pytest.mark.slow
async def test_one_token_serves_all_calls(with_oauth: Opened, tokens: TokenService) -> None:
    service = with_oauth(scope="persons.read")
    answers = await asyncio.gather(*(service.source.fetch(reading(), {}) for _ in range(8)))
    assert answers == [[(1,)]] * 8
    assert tokens.given == 1
    assert tokens.forms == [{"grant_type": ["client_credentials"], "scope": ["persons.read"]}]
    assert b64decode(tokens.headers[0].split()[1]) == b"hub:pass%20word"


@pytest.mark.slow
async def test_the_client_may_stand_in_the_form(with_oauth: Opened, tokens: TokenService) -> None:
    await with_oauth(client="post").source.fetch(reading(), {})
    assert tokens.forms == [{"grant_type": ["client_credentials"], "client_id": ["hub"], "client_secret": ["pass word"]}]
    assert tokens.headers == [""]


@pytest.mark.slow
async def test_a_token_that_is_refused_is_replaced_once(with_oauth: Opened, tokens: TokenService) -> None:
    service = with_oauth()
    await service.source.fetch(reading(), {})
    tokens.admitted = set()
    await asyncio.gather(*(service.source.fetch(reading(), {}) for _ in range(4)))
    assert tokens.given == 2
    tokens.admits = False
    with pytest.raises(SourceRefused, match="does not admit the hub"):
        await service.source.fetch(reading(), {})
    assert tokens.given == 3


@pytest.mark.slow
async def test_a_token_is_not_used_at_its_end(with_oauth: Opened, tokens: TokenService) -> None:
    tokens.content = {"token_type": "bearer", "expires_in": 0.05}
    service = with_oauth()
    await service.source.fetch(reading(), {})
    await asyncio.sleep(0.06)
    await service.source.fetch(reading(), {})
    assert tokens.given == 2
    assert len(service.asked) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "content", "fault", "words"),
    [
        (401, {}, SourceRefused, "token endpoint does not admit the hub"),
        (400, {"error": "invalid_client", "error_description": ASCII}, SourceRefused, "token endpoint does not admit the hub"),
        (503, {}, SourceUnavailable, "status 503"),
        (302, {}, SourceRefused, "redirects"),
        (200, {"token_type": "mac"}, SourceRefused, "gives no bearer token"),
        (200, {"access_token": "a\r\nb"}, SourceRefused, "gives no bearer token"),
        (200, {"access_token": None}, SourceRefused, "gives no bearer token"),
    ],
)
async def test_token_endpoints_that_give_none(
    with_oauth: Opened, tokens: TokenService, status: int, content: dict[str, object], fault: type[SourceFault], words: str
) -> None:
    tokens.status, tokens.content = status, {**tokens.content, **content}
    service = with_oauth(f"hub:{ASCII}")
    with pytest.raises(fault, match=words) as caught:
        await service.source.fetch(reading(), {})
    assert ASCII not in str(caught.value)
    assert service.asked == []


VECTORS = {
    "HMAC-SHA256": "455079ce1ac64ccfbbd19fcdc7fc00526a31c1a2bea4bff32e2e612435168ef3",
    "HMAC-SM3": "afec3a15ac7c7ae3bbc2cd7a5981579875419c776dd6e51527ed597fda10832b",
}


@pytest.mark.fast
@pytest.mark.parametrize("algorithm", VECTORS)
def test_the_signature_of_the_documentation(algorithm: str) -> None:
    """Computed with OpenSSL's command line as well."""
    signature = Signature.model_validate({"algorithm": algorithm, "signs": ["method", "path", "timestamp", "body", "key_id"], "key_id": "X-Key-Id"})
    request = httpx2.Request("GET", "https://gw.example/api/persons?district=520102&limit=2")
    Signer(signature, "huitong", "open-sesame", lambda: 1795334400.7).sign(request)
    assert dict(request.headers) == {"host": "gw.example", "x-signature": VECTORS[algorithm], "x-timestamp": "1795334400", "x-key-id": "huitong"}
    assert VECTORS[algorithm] in (Path(__file__).parents[2] / "docs" / "connectors.md").read_text(encoding="utf-8")


@pytest.mark.fast
def test_signatures_in_other_shapes() -> None:
    signature = Signature.model_validate(
        {"signs": ["body", "method"], "signature": "Sign", "prefix": "v1=", "time": "milliseconds", "timestamp": "T", "encoding": "base64"}
    )
    request = httpx2.Request("POST", "https://gw.example/", content=b'{"limit":2}')
    Signer(signature, "", "open-sesame", lambda: 1.5).sign(request)
    assert request.headers["T"] == "1500"
    assert re.fullmatch(r"v1=[A-Za-z0-9+/]{43}=", request.headers["Sign"])


@pytest.mark.slow
async def test_every_retry_is_signed_as_it_is_sent(answering: Opened, secret: Callable[[str], str]) -> None:
    options = {"auth": "hmac", "client_id": "huitong", "hmac": {"signs": ["method", "path", "key_id", "timestamp"], "key_id": "X-Key-Id"}}
    service = answering(lambda _request: Response("", 503), secret=secret(ASCII), options=options)
    with pytest.raises(SourceUnavailable):
        await service.source.fetch(reading(query={"姓名": "王 小明"}), {})
    assert len(service.requests) == 2
    for request in service.requests:
        signed = f"GET\n{request.scope['raw_path'].decode()}?{request.url.query}\nhuitong\n{request.headers['x-timestamp']}"
        assert request.headers["x-signature"] == hmac.new(ASCII.encode(), signed.encode(), hashlib.sha256).hexdigest()


@pytest.mark.slow
async def test_the_trace_is_passed_on_and_the_use_only_where_that_is_declared(answering: Opened) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    held = CALLING.set(Calling("c1", purpose="welfare", operator="王 小明", trace=trace))
    try:
        for carry in (False, True):
            service = answering(good, options={"carry": carry})
            await service.source.fetch(reading(), {})
            sent = {name: value for name, value in service.requests[0].headers.items() if name.startswith("huitong-") or name == "traceparent"}
            use = {"huitong-purpose": "welfare", "huitong-operator": "%E7%8E%8B%20%E5%B0%8F%E6%98%8E"} if carry else {}
            assert sent == {"traceparent": trace, **use}
    finally:
        CALLING.reset(held)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("options", "text", "words"),
    [
        ({"auth": "digest"}, ASCII, "options.auth: "),
        ({"auth": "basic"}, "no-colon", "no id for the secret"),
        ({"auth": "oauth"}, "a:b", "options.oauth: auth 'oauth' needs it"),
        ({"auth": "oauth", "oauth": {"token_url": "http://u:p@host/token"}}, "a:b", "options.oauth.token_url: .*credentials"),
        ({"auth": "oauth", "oauth": {"token_url": "http://169.254.169.254/token"}}, "a:b", "never asked"),
        ({"auth": "api_key"}, ASCII, "options.api_key: "),
        ({"auth": "api_key", "api_key": {}}, ASCII, "either `header` or `query`"),
        ({"auth": "api_key", "api_key": {"header": "a b"}}, ASCII, "options.api_key.header: "),
        ({"auth": "bearer"}, "two\nlines", "the secret cannot be sent"),
        ({"auth": "bearer", "hmac": {}}, ASCII, "options.hmac: it goes with auth = 'hmac'"),
        ({"auth": "hmac", "hmac": {"signs": ["key_id"]}}, ASCII, "options.hmac.key_id: "),
        ({"auth": "hmac", "hmac": {"signs": ["body", "body"]}}, ASCII, "options.hmac.signs: "),
        ({"auth": "hmac", "hmac": {"algorithm": "HMAC-MD5"}}, ASCII, "options.hmac.algorithm: "),
        ({"auth": "hmac", "hmac": {"key_id": "X-Key"}}, "汇通:b", "the secret cannot be sent"),
        ({"health": "@evil.example/"}, ASCII, "options.health: "),
        ({"max_bytes": 1}, ASCII, "options.max_bytes: "),
        ({"retries": 3}, ASCII, "options.retries: "),
        ({"ca_file": "/nowhere.pem"}, ASCII, "options.ca_file cannot be read"),
        ({"anything": 1}, ASCII, "options.anything: "),
    ],
)
def test_wrong_options_are_named(secret: Callable[[str], str], options: dict[str, object], text: str, words: str) -> None:
    config = SourceConfig("city.register", "rest", "https://host/base", secret(text), options=options)
    with pytest.raises(ConfigFault, match=words) as caught:
        open_source(config)
    assert caught.value.hint
    assert text not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.fast
def test_authentication_needs_a_secret() -> None:
    with pytest.raises(ConfigFault, match=r"options\.auth: auth 'bearer' needs a `secret`"):
        open_source(SourceConfig("city.register", "rest", "https://host", options={"auth": "bearer"}))
