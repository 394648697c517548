"""Names in a sentence: particles, spellings by sound, slips, colours, and what is asked back."""

from __future__ import annotations

import pytest

from agent.intents.entities import Known, read_entities, slips
from agent.intents.hangul import korean_sound, latin_sound
from tools.sources.inventory import Inventory, Service

KNOWN = Known(
    Inventory(services=(
        Service(name="fastapi", kind="api", routed=True,
                colours={"blue": ("fastapi-blue",), "green": ("fastapi-green",)}),
        Service(name="arq", kind="worker", follows="fastapi", colours={"blue": ("arq-blue",), "green": ("arq-green",)}),
        Service(name="redis", kind="broker", containers=("redis",)),
        Service(name="payment", containers=("payment-1", "payment-2")),
        Service(name="정산", containers=("정산-1",)),
    )), observed=("stray-box",), observed_hosts=("host-a",))


@pytest.mark.parametrize(("text", "names"), [
    ("fastapi-blue가 왜 도는거야?", {"fastapi-blue"}),
    ("fastapi-blue를 꺼도 돼?", {"fastapi-blue"}),
    ("FASTAPI-GREEN에서 에러", {"fastapi-green"}),
    ("fastapi green logs", {"fastapi-green"}),
    ("레디스는 어디서 돌아", {"redis"}),
    ("페이먼트 담당 누구야", {"payment"}),
    ("정산은 누구꺼야", {"정산"}),
    ("워커 그린 로그", {"arq", "green", "arq-green"}),
    ("워커그린한테 무슨 일", {"arq", "green", "arq-green"}),
    ("초록색 꺼도 돼?", {"green"}),
    ("파란쪽 상태", {"blue"}),
    ("blue/green 상태", {"blue", "green"}),
    ("stray-box 뭐야", {"stray-box"}),
    ("what runs on host-a", {"host-a"}),
    ("fastapi-blue랑 fastapi-green 비교", {"fastapi-blue", "fastapi-green"}),
])
def test_names_are_read(text: str, names: set[str]) -> None:
    """Glued particles, case, spaces for dashes, sounds and colour words all lead to the listed name."""
    assert set(read_entities(text, KNOWN)[0].names()) == names


@pytest.mark.parametrize(("said", "meant"), [("fastapi-bleu", "fastapi-blue"), ("fastpai-green", "fastapi-green"),
                                              ("reddis", "redis"), ("paymnet", "payment")])
def test_a_slip_of_the_keyboard_is_forgiven_and_told(said: str, meant: str) -> None:
    """One slip is corrected, and the correction can be told."""
    found, _ = read_entities(f"{said} 왜 이래", KNOWN)
    assert found.names() == (meant,)
    assert found.corrected == {said: meant}


def test_a_name_that_could_be_two_is_asked_back() -> None:
    """A tie is never guessed."""
    found, _ = read_entities("payment-3 logs", KNOWN)
    assert not found.any()
    assert {"payment-1", "payment-2"} <= set(found.near["payment-3"])


def test_an_unknown_name_is_near_to_what_it_resembles() -> None:
    """An identifier nobody knows is kept, with what it may have meant."""
    found, masked = read_entities("api-blue가 왜 도는거야", KNOWN)
    assert not found.any()
    assert "fastapi-blue" in found.near["api-blue"]
    assert "X" in masked


@pytest.mark.parametrize("text", ["what does it do", "결론이 뭐야", "알려줘", "왜 이래", "p95 얼마", "n-1",
                                  "show me the errors", "been there", "in-flight work"])
def test_everyday_words_are_no_names(text: str) -> None:
    """Words of the language are neither taken for a mistyped name nor for the sound of one."""
    found, _ = read_entities(text, KNOWN)
    assert not found.any()
    assert not found.near


def test_renaming_everything_renames_what_is_found() -> None:
    """No spelling of ours is built in: other names are found the same way."""
    other = Known(Inventory(services=(Service(name="zed", colours={"violet": ("zed-v",), "amber": ("zed-a",)}),)))
    found, masked = read_entities("zed-v는 왜 돌고 violet이 라이브야?", other)
    assert found.containers == ["zed-v"]
    assert found.colours == ["violet"]
    assert masked.startswith("X")


def test_the_two_alphabets_meet_in_their_consonants() -> None:
    """A name spelled in Korean is the Latin one."""
    assert korean_sound("레디스") == latin_sound("redis")
    assert korean_sound("페이먼트") == latin_sound("payment")


def test_slips_are_counted_with_swaps_and_stop_early() -> None:
    """A swap of neighbours is one slip."""
    assert slips("bleu", "blue", 2) == 1
    assert slips("abc", "xyz", 2) == 2
    assert slips("same", "same", 2) == 0


def test_a_huge_sentence_is_read_in_time() -> None:
    """A thousand words against a thousand names stay quick enough to answer."""
    many = Known(Inventory(services=tuple(Service(name=f"service-{i}") for i in range(300))))
    found, _ = read_entities(" ".join(f"servic-{i}x" for i in range(60)), many)
    assert len(found.names()) + len(found.near) > 0
