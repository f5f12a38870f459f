"""The response cache: valid at the requested second or a miss, within its memory limit."""

from __future__ import annotations

import threading
from collections.abc import Hashable

from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine.response_cache import ResponseCache


def put(cache: ResponseCache, key: Hashable, body: bytes, made_at: int, stable_from: int | None) -> None:
    """Store an answer; those of more than one byte are marked as empty."""
    cache.put(key, body, len(body) > 1, made_at, stable_from)


def get(cache: ResponseCache, key: Hashable, now: int) -> bytes | None:
    """The body of the valid answer at `now`; its mark is the one it was stored with."""
    kept = cache.get(key, now)
    assert kept is None or kept[1] is (len(kept[0]) > 1)
    return kept[0] if kept else None


def test_an_answer_that_depends_on_now_is_valid_for_its_second() -> None:
    """Not for the next second, and not for the one before."""
    cache = ResponseCache()
    put(cache, "a", b"1", 100, None)
    assert [get(cache, "a", now) for now in (99, 100, 101)] == [None, b"1", None]


def test_a_settled_answer_stays_valid() -> None:
    """From the second at which it is settled, also after the clock was set back; not before."""
    cache = ResponseCache()
    put(cache, "a", b"1", 100, 50)
    assert [get(cache, "a", now) for now in (49, 50, 99, 100, 10**9)] == [None, b"1", b"1", b"1", b"1"]


def test_an_answer_created_before_it_was_settled_is_valid_for_its_second() -> None:
    """A call was still in progress at that time."""
    cache = ResponseCache()
    put(cache, "a", b"1", 100, 150)
    assert [get(cache, "a", now) for now in (100, 149, 150, 200)] == [b"1", None, None, None]


def test_a_key_holds_its_last_answer() -> None:
    """Different keys do not share an answer."""
    cache = ResponseCache()
    put(cache, ("a", 1), b"1", 5, 0)
    put(cache, ("a", "1"), b"2", 5, 0)
    put(cache, ("a", 1), b"3", 5, 0)
    assert (get(cache, ("a", 1), 5), get(cache, ("a", "1"), 5)) == (b"3", b"2")


def test_the_least_recently_used_answer_is_evicted_first() -> None:
    """Reading an answer counts as a use."""
    cache = ResponseCache(max_bytes=30)
    for key in "abc":
        put(cache, key, key.encode() * 10, 1, 0)
    assert get(cache, "a", 1)
    put(cache, "d", b"d" * 10, 1, 0)
    assert [get(cache, key, 1) is not None for key in "abcd"] == [True, False, True, True]


def test_an_answer_larger_than_the_cache_is_not_kept() -> None:
    """Later answers are cached as usual."""
    cache = ResponseCache(max_bytes=10)
    put(cache, "big", b"x" * 11, 1, 0)
    put(cache, "a", b"1", 1, 0)
    assert (get(cache, "big", 1), get(cache, "a", 1)) == (None, b"1")


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 40)), max_size=60))
def test_the_size_never_exceeds_the_limit(puts: list[tuple[int, int]]) -> None:
    """Whatever is stored, in whatever order, replaced or not."""
    cache = ResponseCache(max_bytes=100)
    for key, size in puts:
        put(cache, key, b"x" * size, 1, 0)
        assert sum(len(get(cache, key, 1) or b"") for key in range(9)) <= 100


def test_threads_do_not_disturb_each_other() -> None:
    """Concurrent use raises nothing and mixes up no keys."""
    cache = ResponseCache(max_bytes=50)
    wrong: list[object] = []

    def work(number: int) -> None:
        for turn in range(2_000):
            key = (number + turn) % 7
            put(cache, key, b"%d" % key * 10, 1, 0)
            kept = get(cache, key, 1)
            if kept not in (None, b"%d" % key * 10):
                wrong.append(kept)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
