"""Hashes, permutations, id codes and integer tables: the ground that the generated world stands on."""

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
    """With the key as state, the draws of 0, 1, 2 are SplitMix64's first outputs for the seed 1234567."""
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert draw(1234567, np.arange(4)).tolist() == known


def test_a_subkey_depends_on_every_word():
    """Purposes do not share keys, and words do not run into each other."""
    words = [(), ("a",), ("b",), ("a", "b"), ("ab",), ("a", 1), ("a", 2), ("a1",)]
    keys = {subkey(seed, *some) for seed in (0, 1) for some in words}
    assert len(keys) == 2 * len(words)
    assert subkey(1, "room") == subkey(1, "room")


@bounded
@given(KEYS, st.integers(1, 5_000), st.integers(0, 2**30))
def test_a_permutation_is_a_bijection(key, size, tweak):
    """Every value has one image inside, and the inverse leads back."""
    permutation = Permutation(key, size)
    keys = permutation.round_keys(tweak)
    values = np.arange(size)
    images = permutation.forward(values, keys)
    assert np.array_equal(np.sort(images), values)
    assert np.array_equal(permutation.inverse(images, keys), values)


@bounded
@given(KEYS, st.integers(1, 10**11), st.data())
def test_a_large_permutation_is_undone_by_its_inverse(key, size, data):
    """Columns of tweaks belong to rows of values."""
    values = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20)))
    tweaks = np.array(data.draw(st.lists(st.integers(0, 2**40), min_size=len(values), max_size=len(values))))
    permutation = Permutation(key, size)
    images = permutation.forward(values, permutation.round_keys(tweaks))
    assert ((images >= 0) & (images < size)).all()
    assert np.array_equal(permutation.inverse(images, permutation.round_keys(tweaks)), values)
    alone = [
        permutation.forward(values[i : i + 1], permutation.round_keys(tweaks[i]))[0]
        for i in range(len(values))
    ]
    assert np.array_equal(images, alone)


def test_a_permutation_needs_values():
    """Nothing cannot be permuted."""
    with pytest.raises(ValueError, match="0"):
        Permutation(1, 0)


def test_permutations_mix():
    """Neighbours land anywhere, and another tweak is another order."""
    permutation = Permutation(3, 4_096)
    one, two = (permutation.forward(np.arange(4_096), permutation.round_keys(tweak)) for tweak in (1, 2))
    assert (np.abs(np.diff(one)) > 100).mean() > 0.9
    assert (one == two).mean() < 0.01
    assert abs(np.corrcoef(one, np.arange(4_096))[0, 1]) < 0.1


def test_bits_are_uniform():
    """Every field of a draw is uniform and independent of its neighbour."""
    words = draw(11, np.arange(100_000))
    for low in (0, 12, 24, 52):
        counts = np.bincount(bits(words, low, 6), minlength=64)
        assert (np.abs(counts - 100_000 / 64) < 200).all()
    assert abs(np.corrcoef(bits(words, 0, 12), bits(words, 12, 12))[0, 1]) < 0.02


@bounded
@given(KEYS, st.sampled_from([10, 12]), st.data())
def test_an_id_code_is_reversible_and_notices_slips(key, digits, data):
    """Ids have a fixed length and lead back; one wrong digit or two swapped neighbours make no id at all."""
    code = IdCode(key, digits)
    number = data.draw(st.integers(0, code.size - 1))
    (word,) = code.encode(number)
    assert len(word) == digits
    assert word[0] != "0"
    assert code.decode(word) == number
    at = data.draw(st.integers(0, digits - 1))
    digit = data.draw(st.sampled_from([one for one in "0123456789" if one != word[at]]))
    assert code.decode(word[:at] + digit + word[at + 1 :]) is None
    at = data.draw(st.integers(0, digits - 2))
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert swapped == word or code.decode(swapped) is None


@pytest.mark.parametrize(
    "text", ["", "12", "x" * 10, "0123456789", "1234567890\n", "１２３４５６７８９０", "+123456789"]
)
def test_a_text_of_another_shape_is_no_id(text):
    """Only ASCII digits of the right number make an id."""
    assert IdCode(1, 10).decode(text) is None


def test_no_ids_for_no_numbers():
    """An empty column has no ids."""
    assert IdCode(1, 10).encode(np.zeros(0, np.int64)) == []


def test_a_table_has_the_quantiles_of_its_lognormal():
    """The middle of the table is the median, its 95 % place the 95 % quantile, its ends the bounds."""
    table = lognormal(720.0, 0.8, 5, 14_400)
    assert len(table) == 4_096
    assert table[2_048] == 720
    assert table[int(4_096 * 0.95)] == pytest.approx(720 * np.exp(0.8 * 1.6449), rel=0.005)
    assert (table[0] >= 5, table[-1] <= 14_400, bool((np.diff(table) >= 0).all())) == (True, True, True)
    assert sigma_of(0.3, 3.0) == pytest.approx(1.39987, abs=1e-4)
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 1


def test_shares_become_thresholds():
    """Weights are cumulative parts of a power of two; what has no weight is never picked."""
    assert cumulative_shares([1, 0, 2, 1], 8).tolist() == [64, 64, 192, 256]
    assert cumulative_shares([5], 4).tolist() == [16]
