"""One meaning of rate and channels in every recipe: what the corpus is specified as, where another format is damage."""

import re

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize("script", sorted(ROOT.glob("egs/*/run.sh")), ids=lambda path: path.parent.name)
def test_rate_is_stated_only_where_it_is_checked(script):
    stated = dict(re.findall(r"^(rate|channels|convert)=(\S+)", script.read_text(), re.MULTILINE))
    if "rate" in stated or "channels" in stated:
        assert stated["convert"] == "false"
