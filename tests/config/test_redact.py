"""What the redactor hides, and what it must leave, because it is evidence."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from config.redact import CUT, MAX_CHARS, MAX_DEPTH, Redactor, redact, redact_mapping, same_placeholders

GITHUB = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJraW0iLCJpYXQiOjF9.4Adcj3UFYzPUVaVF43FmMab6RlaQD8A9V8wFzzht-KQ"
BASIC = base64.b64encode(b"kim:hunter2").decode()
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAx3\nq0uR8Kc1\n-----END RSA PRIVATE KEY-----"

HIDDEN = {
    "an environment variable": ("DB_PASSWORD=hunter2 started", "hunter2"),
    "a quoted password with an escaped quote": (r'{"password": "a\"b1", "user": "kim"}', "b1"),
    "JSON inside JSON": (r'{"body": "{\"api_key\": \"k3yval\"}"}', "k3yval"),
    "a Python tuple": ("('X-Api-Key', 'k3yval')", "k3yval"),
    "a name and value pair": ('{"name": "DB_PASSWORD", "value": "hunter2"}', "hunter2"),
    "a list under a secret name": ('{"secrets": ["first1", "second2"], "n": 3}', "second2"),
    "YAML": ("smtp:\n  password: hunter2\n  port: 25", "hunter2"),
    "XML": ("<ns:password type='x'>hunter2</ns:password>", "hunter2"),
    "HTML escapes": ("&quot;password&quot;:&quot;hunter2&quot;", "hunter2"),
    "URL escapes": ("body=%7B%22password%22%3A%22hunter2%22%7D", "hunter2"),
    "a Korean key": ("비밀번호: hunter2", "hunter2"),
    "a Korean sentence": ("관리자 비밀번호는 hunter2 입니다", "hunter2"),
    "a full-width colon": ("패스워드：hunter2", "hunter2"),
    "a command-line flag": ("mysqldump --password hunter2 --all", "hunter2"),
    "a flag in an argument list": ('["redis-server", "--requirepass", "hunter2"]', "hunter2"),
    "redis-cli -a": ("redis-cli -h redis -a hunter2 ping", "hunter2"),
    "curl -u": ("curl -s -u kim:hunter2 http://x/", "hunter2"),
    "SQL": ("ALTER USER kim IDENTIFIED BY 'hunter2'", "hunter2"),
    "userinfo of a URL": ("postgresql+psycopg://app:hunter2@db:5432/app", "hunter2"),
    "a password with @ and / in a URL": ("postgres://app:hun@ter/2@db:5432/app", "ter/2"),
    "a password without a user": ("redis://:hunter2@redis:6379/0", "hunter2"),
    "the second of two URLs": ("redis://:first1@a:1,redis://:hunter2@b:2", "hunter2"),
    "a token as the user of a URL": (f"https://{GITHUB}@github.com/a/b", GITHUB),
    "a query parameter": ("GET /v1?user=kim&access_token=hunter2&x=1", "hunter2"),
    "a signed URL": ("https://b.s3/x?X-Amz-Signature=abcdef0123456789&n=1", "abcdef0123456789"),
    "an Authorization header": ("> Authorization: Bearer abc.def-1", "abc.def-1"),
    "a header in a dict": ("{'Authorization': 'Token k3yval'}", "k3yval"),
    "basic authentication": (f"authorization: Basic {BASIC}", BASIC),
    "a bare bearer token": ("sent bearer abcdef123456 to api", "abcdef123456"),
    "digest authentication": ('Authorization: Digest username="kim", response="6629fae4"', "6629fae4"),
    "a cookie": ("Cookie: route=blue; session=s3ss10n", "s3ss10n"),
    "a JSON web token": (f"claims of {JWT} rejected", JWT),
    "an AWS key id": ("using AKIAIOSFODNN7EXAMPLE in seoul", "AKIAIOSFODNN7EXAMPLE"),
    "an AWS secret key": ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    "a Google key": ("key AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "SyA1b2C3d4"),
    "a GitHub token": (f"remote: {GITHUB}", GITHUB),
    "a Slack token": ("xoxb-123456789012-abcdefGHIJKL", "abcdefGHIJKL"),
    "a Slack webhook": ("https://hooks.slack.com/services/T0/B0/abcdefGHIJKL", "abcdefGHIJKL"),
    "a model vendor's key": ("Incorrect API key provided: sk-proj-abcDEF123456ghiJKL", "abcDEF123456"),
    "a private key": (f"loaded {PEM} from disk", "q0uR8Kc1"),
    "a private key with escaped newlines": (PEM.replace("\n", "\\n"), "q0uR8Kc1"),
    "a private key that was cut off": (
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        "MIIEvQIBADANBg",
    ),
    "one line of a private key": ("MIIEpAIBAAKCAQEAx3q0uR8Kc1vZ7bYw5nT2mS4pL6jH8gF0dD1aS3qW5eR7tY9u", "MIIEpAIBAAKC"),
    "a random string near a telling word": (
        "rotating token for gateway aG93IGFyZSB5b3UgMTIz now",
        "aG93IGFyZSB5b3UgMTIz",
    ),
    "an e-mail address": ("user=kim.minsu+ops@example.co.kr failed", "kim.minsu"),
    "an e-mail address with a particle": ("문의는 kim@example.com으로", "kim@example.com"),
    "a Korean e-mail address": ("홍길동@회사.한국 에게", "홍길동"),
    "a Korean mobile number": ("연락처 010-1234-5678로", "1234-5678"),
    "a Korean mobile number without hyphens": ("연락처 01012345678", "01012345678"),
    "an international number": ("call +82 10-1234-5678", "1234-5678"),
    "an international number without spaces": ("call +821012345678", "1012345678"),
    "a land line": ("본사 02-123-4567", "123-4567"),
    "an American number": ("call (415) 555-2671", "555-2671"),
    "a resident number": ("주민번호 900101-1234568", "1234568"),
    "a resident number without its hyphen": ("주민등록번호 9001011234568 확인", "9001011234568"),
    "a card number": ("paid with 4111 1111 1111 1111", "1111 1111"),
    "a card number without spaces": ("card=5555555555554444", "5555555555554444"),
}

KEPT = [
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "container 4f5e6a7b8c9d started from image registry.local/chat/worker@sha256:" + "ab12" * 16,
    "commit 6ba1f67c0ffee254a1b2c3d4e5f60718293a4b5c by deploy 431",
    "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
    "trace 550e8400-e29b-41d4-a716-446655440000 job_id=job-8f3a9c2d-1234",
    "2026-11-21T00:45:29.123+0900 took=123.45ms 1763685929 1763685929123 1763685929123456789",
    "1801011234567 1801011234567.5 ts=1801011234567",
    "node_memory_MemTotal_bytes 4294967296 container_cpu_usage_seconds_total 1.2345678901e+09",
    '{"system_cpu_usage": 4111111111111111, "total_usage": 5555555555554444}',
    'container_cpu_ns_total{name="worker-blue"} 4111111111111111',
    "10.0.3.17:8080 -> 192.168.100.200:6379 fe80::1ff:fe23:4567:890a [::1]:9090",
    "prompt_tokens=128 completion_tokens: 512 total_tokens=640000 token=7 max_token=131072 fencing_token=12",
    "토큰 사용량: 812, 토큰: 1234",
    "invalid token: expired; 토큰: 만료",
    "password authentication failed for user app",
    "PWD=/home/app secret not found, api_key is missing, basic authentication required",
    "getty@tty1.service restarted; lodash@4.17.21; user@host; @here; kubelet@worker-1",
    "upstream http://api-blue:8000/v1/chat?user=7 http://10.0.0.3:9090/graph?g0.expr=up",
    "http://api:8000/users/@me https://registry/@scope/pkg",
    "worker-green-7d9f8b6c5d-x2x4z handled 212 of 431 jobs (49 %) since 14:02:10, 0 of 1,904 before",
    "pets@db-1.cluster.example.com_Database::SQL",
    "key=chat:jobs cache_key=user:17 sort_key=abc partition-key=3 code=502 state=running",
    "02-11-2026 2026-11-21 00-11-22-33-44-55 build 2026.11.21-431 v1.2.3-rc.1+build.5",
    "처리 완료: 주문 4930건, 지연 1,234ms, 재시도 0회",
]


@pytest.mark.parametrize(("text", "secret"), HIDDEN.values(), ids=HIDDEN.keys())
def test_secrets_and_personal_data_are_hidden(text: str, secret: str) -> None:
    """Nothing of a secret is left, and redacting twice changes nothing."""
    hidden = redact(text)
    assert secret not in hidden
    assert redact(hidden) == hidden


@pytest.mark.parametrize("text", KEPT)
def test_evidence_is_left_alone(text: str) -> None:
    """Ids, digests, hashes, numbers, time stamps, addresses, and prose about secrets stay as they are."""
    assert redact(text) == text


def test_what_stands_around_a_secret_stays() -> None:
    """Only the value goes: names, users, hosts and neighbours are still read."""
    assert redact("postgres://app:hunter2@db:5432/app?x=1") == "postgres://app:[secret-1]@db:5432/app?x=1"
    assert redact("a=1,password=hunter2,b=2") == "a=1,password=[secret-1],b=2"
    assert redact("Authorization: Bearer abc.def-1\nHost: api") == "Authorization: Bearer [secret-1]\nHost: api"
    assert redact("Set-Cookie: route=blue7; Path=/; HttpOnly") == "Set-Cookie: route=[secret-1]; Path=/; HttpOnly"
    assert redact(f"a {PEM} b") == "a [secret-1] b"


def test_the_same_secret_has_the_same_placeholder_for_the_redactors_life() -> None:
    """The same key on two hosts shows the same placeholder, another key another; a phone's spellings are one."""
    redactor = Redactor()
    assert redactor.redact("API_KEY=alpha1 on a") == "API_KEY=[secret-1] on a"
    assert redactor.redact("API_KEY=beta22 on b") == "API_KEY=[secret-2] on b"
    assert redactor.redact("api_key: alpha1") == "api_key: [secret-1]"
    assert redactor.redact("010-1234-5678, 01012345678") == "[phone-1], [phone-1]"


async def test_one_run_shares_placeholders_with_its_tasks_and_threads() -> None:
    """Inside `same_placeholders` every text agrees, also in threads; outside, each text stands alone again."""

    async def asked(text: str) -> str:
        return await asyncio.to_thread(redact, text)

    with same_placeholders():
        assert await asyncio.gather(asked("password=alpha1"), asked("password=alpha1")) == ["password=[secret-1]"] * 2
        assert redact("password=beta22") == "password=[secret-2]"
    assert redact("password=beta22") == "password=[secret-1]"


def test_numbers_given_by_another_redactor_are_not_given_again() -> None:
    """A text that was redacted before keeps its placeholders, and new secrets get new numbers."""
    assert redact("a=[secret-3] password=hunter2") == "a=[secret-3] password=[secret-4]"


def test_a_generated_secret_is_hidden_where_it_is_repeated_without_its_name() -> None:
    """The second occurrence in the same text goes too; an ordinary word does not."""
    assert redact("token=aB3dE5gH7j then aB3dE5gH7j again") == "token=[secret-1] then [secret-1] again"
    assert redact("password=production in production") == "password=[secret-1] in production"


def test_known_secrets_are_hidden_wherever_they_stand() -> None:
    """A key from our own settings is hidden without any word that betrays it."""
    assert Redactor(known=["plain words"]).redact("it said plain words twice") == "it said [secret-1] twice"


def test_mappings_are_redacted_by_name_and_by_text() -> None:
    """What stands under a secret-like key goes whole; texts are redacted; numbers, flags and structure stay."""
    found = redact_mapping(
        {
            "DB_PASSWORD": "hunter2",
            "headers": {"Authorization": "Bearer abc", "x-request-id": "4bf92f35"},
            "secrets": {"db": ["a1", "b2"], "enabled": True},
            "env": [{"name": "API_KEY", "value": "k3y"}, {"name": "COLOUR", "value": "blue"}],
            "message": "mail kim@example.com",
            "prompt_tokens": 128,
            "token": 7,
            "pin_password": 123456,
            "ratio": 0.49,
            "nothing": None,
        }
    )
    assert found == {
        "DB_PASSWORD": "[secret-1]",
        "headers": {"Authorization": "[secret-2]", "x-request-id": "4bf92f35"},
        "secrets": {"db": ["[secret-3]", "[secret-4]"], "enabled": True},
        "env": [{"name": "API_KEY", "value": "[secret-5]"}, {"name": "COLOUR", "value": "blue"}],
        "message": "mail [email-1]",
        "prompt_tokens": 128,
        "token": 7,
        "pin_password": "[secret-6]",
        "ratio": 0.49,
        "nothing": None,
    }


def test_objects_in_a_mapping_become_redacted_text() -> None:
    """A log field may hold an error or a path: what it would print is redacted."""
    found = redact_mapping({"error": OSError("redis://:hunter2@redis:6379 refused"), "path": Path("/etc/x")})
    assert found == {"error": "redis://:[secret-1]@redis:6379 refused", "path": "/etc/x"}


def test_a_mapping_that_contains_itself_is_cut_not_followed_for_ever() -> None:
    """Depth is bounded, whatever the data."""
    loop: dict[str, object] = {"password": "hunter2"}
    loop["again"] = [loop]
    assert "hunter2" not in str(redact_mapping(loop))
    assert str(redact_mapping(loop)).count("again") <= MAX_DEPTH


def test_an_oversized_text_is_cut_between_words_and_says_so() -> None:
    """Input is bounded; the cut leaves no half of a secret, and the result redacts to itself."""
    text = "word " * (MAX_CHARS // 5 - 4) + "password=hunter2andmuchmoretofollow"
    cut = redact(text)
    assert len(cut) <= MAX_CHARS + 20
    assert cut.endswith(CUT)
    assert "hunter2" not in cut
    assert redact(cut) == cut


def test_lone_surrogates_do_not_raise() -> None:
    """A string that cannot be encoded is still redacted."""
    assert "hunter2" not in redact("\ud800 password=hunter2")
