"""Streams of random numbers by name, and the blocks that draws come in."""

from hypothesis import given
from hypothesis import strategies as st

from suite.nets.streams import block_size, blocks, stream


@given(start=st.integers(0, 500), length=st.integers(1, 300), power=st.integers(0, 6))
def test_blocks_cover_a_range_exactly(start, length, power):
    """Every draw once, in order, within its own block."""
    size = 2**power
    covered = []
    for block, wanted in blocks(start, start + length, size):
        assert 0 <= wanted.start < wanted.stop <= size
        covered += range(block * size + wanted.start, block * size + wanted.stop)

    assert covered == list(range(start, start + length))


@given(values=st.integers(0, 2**40))
def test_block_sizes_are_powers_of_two_up_to_64(values):
    """So that blocks of one size never straddle those of a larger one."""
    assert block_size(values) in {1, 2, 4, 8, 16, 32, 64}


@given(values=st.integers(0, 2**30), more=st.integers(0, 2**30))
def test_blocks_of_larger_networks_hold_no_more_draws(values, more):
    """Memory stays bounded."""
    assert block_size(values + more) <= block_size(values)


def test_blocks_hold_about_four_million_values():
    """64 draws of a small network, one of a large one."""
    assert block_size(2000) == 64
    assert block_size(2**22) == 1
    assert block_size(2**22 // 8) == 8


def test_a_stream_follows_from_its_seed_and_purpose_alone():
    """The order in which the purpose is written does not count; all else does."""
    first = stream(1, use="a", block=2).random(4).tolist()

    assert stream(1, block=2, use="a").random(4).tolist() == first
    for other in (stream(2, use="a", block=2), stream(1, use="b", block=2), stream(1, use="a", block=3)):
        assert not set(other.random(4).tolist()) & set(first)
