"""Names and patterns of names, any number of them."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick

from kldrift.config import Features
from kldrift.errors import ConfigError
from kldrift.features.names import Patterns, check_names

texts = st.text("ab[]*?!.\n|", max_size=5)


@quick
@given(st.lists(texts, max_size=4), st.lists(texts, min_size=1, max_size=3))
def test_a_name_matches_if_it_is_one_of_the_names_or_fits_one_of_the_patterns(patterns, names):
    expected = any(n == p or fnmatchcase(n, p) for p in patterns for n in names)
    assert Patterns(patterns).match(*names) == expected


def test_of_many_wrong_names_only_the_first_ones_get_a_hint():
    wanted = Features(include=tuple(f"colum{i}" for i in range(12)))
    with pytest.raises(ConfigError, match="did you mean") as error:
        check_names(wanted, ["column"], ["column"])
    lines = str(error.value).splitlines()
    assert [line.endswith("did you mean 'column'?") for line in lines] == [True] * 10 + [False] * 2
