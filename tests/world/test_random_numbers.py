"""Hashes, permutations, id codes and distribution tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import bounded

from mockserver.world.random_numbers import (
    IdCode,
    Permutation,
    bits,
    cumulative_shares,
    draw,
    lognormal,
    sigma_of,
    subkey,
)

KEYS = st.integers(0, 2**64 - 1)


def test_splitmix64_gives_its_published_numbers():
    """The draws of 0 … 3 are SplitMix64's first outputs for the seed 1234567."""
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert draw(1234567, np.arange(4)).tolist() == known


def test_a_subkey_depends_on_every_label():
    """Different labels give different keys, also if their concatenation is equal."""
    labels = [(), ("a",), ("b",), ("a", "b"), ("ab",), ("a", 1), ("a", 2), ("a1",)]
    keys = {subkey(seed, *some) for seed in (0, 1) for some in labels}
    assert len(keys) == 2 * len(labels)
    assert subkey(1, "room") == subkey(1, "room")


@bounded
@given(KEYS, st.integers(1, 5_000), st.integers(0, 2**30))
def test_a_permutation_is_a_bijection(key, size, tweak):
    """Every value has one image in range, and the inverse returns the value."""
    permutation = Permutation(key, size)
    keys = permutation.round_keys(tweak)
    values = np.arange(size)
    images = permutation.forward(values, keys)
    assert np.array_equal(np.sort(images), values)
    assert np.array_equal(permutation.inverse(images, keys), values)


@bounded
@given(KEYS, st.integers(1, 10**11), st.data())
def test_a_large_permutation_is_undone_by_its_inverse(key, size, data):
    """Each value uses the round keys of its own tweak."""
    values = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20)))
    tweaks = np.array(data.draw(st.lists(st.integers(0, 2**40), min_size=len(values), max_size=len(values))))
    permutation = Permutation(key, size)
    images = permutation.forward(values, permutation.round_keys(tweaks))
    assert ((images >= 0) & (images < size)).all()
    assert np.array_equal(permutation.inverse(images, permutation.round_keys(tweaks)), values)
    alone = [permutation.forward(values[i : i + 1], permutation.round_keys(tweaks[i]))[0] for i in range(len(values))]
    assert np.array_equal(images, alone)


def test_a_permutation_needs_values():
    """The size must be at least 1."""
    with pytest.raises(ValueError, match="0"):
        Permutation(1, 0)


def test_permutations_mix():
    """Neighbours have distant images, and another tweak gives another order."""
    permutation = Permutation(3, 4_096)
    first, second = (permutation.forward(np.arange(4_096), permutation.round_keys(tweak)) for tweak in (1, 2))
    assert (np.abs(np.diff(first)) > 100).mean() > 0.9
    assert (first == second).mean() < 0.01
    assert abs(np.corrcoef(first, np.arange(4_096))[0, 1]) < 0.1


def test_bits_are_uniform():
    """Every bit field of a draw is uniform and independent of its neighbour."""
    words = draw(11, np.arange(100_000))
    for low in (0, 12, 24, 52):
        counts = np.bincount(bits(words, low, 6), minlength=64)
        assert (np.abs(counts - 100_000 / 64) < 200).all()
    assert abs(np.corrcoef(bits(words, 0, 12), bits(words, 12, 12))[0, 1]) < 0.02


@bounded
@given(KEYS, st.sampled_from([10, 12]), st.data())
def test_an_id_code_is_reversible_and_detects_typos(key, digits, data):
    """Ids have a fixed length and decode to their number; a wrong digit or two swapped neighbours are detected."""
    code = IdCode(key, digits)
    number = data.draw(st.integers(0, code.size - 1))
    (text,) = code.encode(number)
    assert len(text) == digits
    assert text[0] != "0"
    assert code.decode(text) == number
    at = data.draw(st.integers(0, digits - 1))
    digit = data.draw(st.sampled_from([other for other in "0123456789" if other != text[at]]))
    assert code.decode(text[:at] + digit + text[at + 1 :]) is None
    at = data.draw(st.integers(0, digits - 2))
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    assert swapped == text or code.decode(swapped) is None


@pytest.mark.parametrize(
    "text", ["", "12", "x" * 10, "0123456789", "1234567890\n", "１２３４５６７８９０", "+123456789"]
)
def test_text_of_another_form_is_not_an_id(text):
    """Only the right number of ASCII digits is an id."""
    assert IdCode(1, 10).decode(text) is None


def test_no_ids_for_no_numbers():
    """An empty column gives no ids."""
    assert IdCode(1, 10).encode(np.zeros(0, np.int64)) == []


def test_a_table_has_the_quantiles_of_its_lognormal():
    """The table has the median in the middle, the 95 % quantile at 95 %, and is clipped to the bounds."""
    table = lognormal(720.0, 0.8, 5, 14_400)
    assert len(table) == 4_096
    assert table[2_048] == 720
    assert table[int(4_096 * 0.95)] == pytest.approx(720 * np.exp(0.8 * 1.6449), rel=0.005)
    assert (table[0] >= 5, table[-1] <= 14_400, bool((np.diff(table) >= 0).all())) == (True, True, True)
    assert sigma_of(0.3, 3.0) == pytest.approx(1.39987, abs=1e-4)
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 1


def test_shares_become_thresholds():
    """Weights become cumulative thresholds of a power of two; a weight of 0 is never selected."""
    assert cumulative_shares([1, 0, 2, 1], 8).tolist() == [64, 64, 192, 256]
    assert cumulative_shares([5], 4).tolist() == [16]
