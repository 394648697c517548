"""What varies in a word is masked, what names it stays; masking is bounded on hostile words."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.analysis.log_masks import mask


@pytest.mark.parametrize(
    ("word", "masked"),
    [
        ("refused", "refused"),
        ("연결이", "연결이"),
        ("42", "<num>"),
        ("-3.5e-7", "<num>"),
        ("1,204", "<num>"),
        ("99.9%", "<num>"),
        ("12ms", "<num>"),
        ("1m2.3s", "<num>"),
        ("[512MiB]", "[<num>]"),
        ("(17)", "(<num>)"),
        ("10.0.0.5", "<addr>"),
        ("10.0.0.5:5432,", "<addr>,"),
        ("fe80::1:2:3:4", "<addr>"),
        ("02:42:ac:11:00:02", "<addr>"),
        ("cache:6379", "cache:<num>"),
        ("2026-11-21T02:10:00.123Z", "<time>"),
        ("[21/Nov/2026:02:10:00", "[<time>"),
        ("02:10:00,123", "<time>"),
        ("550e8400-e29b-41d4-a716-446655440000", "<id>"),
        ("req=550e8400-e29b-41d4-a716-446655440000", "req=<id>"),
        ("0x7fff5a", "<hex>"),
        ("9f86d081884c7d65", "<hex>"),
        ("k3j9x2m1", "<id>"),
        ("worker-12", "worker-<num>"),
        ("user_id=7", "user_id=<num>"),
        ("/api/v1/orders/123", "/api/v1/orders/<num>"),
        ("/api/v2/users/9f86d081884c7d65/cart?page=2", "/api/v2/users/<hex>/cart?<*>"),
        ("https://example.org/a/17", "https://example.org/a/<num>"),
        ("10.0.0.5에서", "<addr>에서"),
        ("30초를", "<num>초를"),
        ("주문번호1234번", "주문번호<num>번"),
        ("5xx", "5xx"),
    ],
)
def test_a_word_is_masked(word: str, masked: str) -> None:
    """Numbers, times, addresses, ids, hashes and paths, with punctuation, units and Korean endings around them."""
    assert mask(word) == masked


@pytest.mark.parametrize(
    "pair", [("3이", "2가"), ("1은", "2는"), ("job-3을", "job-2를"), ("3과", "2와"), ("3으로", "2로")]
)
def test_particles_that_follow_a_number_are_one(pair: tuple[str, str]) -> None:
    """Which of two Korean particles follows depends on how the number is read, not on what is said."""
    assert mask(pair[0]) == mask(pair[1])


def test_an_endless_word_is_no_template_of_its_own() -> None:
    """Words beyond 80 characters are masked whole, or cut."""
    assert mask("x" * 100) == "<*>"
    assert len(mask("a1" * 5_000)) < 1_000


@given(st.text(alphabet="0123456789abcdef:.-/_+eE가이, T[]=?", max_size=300))
def test_any_word_is_masked_without_fail(word: str) -> None:
    """No text makes the masks fail, and what has no digit and is short stays."""
    for part in word.split():
        masked = mask(part)
        assert masked == part or any(map(str.isdigit, part)) or len(part) > 80


@pytest.mark.parametrize(
    "word", ["1:" * 5_000, "1." * 5_000, "a1-" * 5_000, "1m" * 5_000, "/1" * 5_000, "::" * 5_000 + "1"]
)
def test_masks_take_bounded_time(word: str) -> None:
    """Words made to send a pattern back and forth are masked in milliseconds."""
    began = time.process_time()
    mask(word)
    assert time.process_time() - began < 0.5
