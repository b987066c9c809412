"""The rules that give the truth of the synthetic scenes."""

import numpy as np
import pytest

from alcd_otb.settings.template import load_template
from alcd_otb.synthetic.truth import Range, TruthRules, uses


class TestTruths:
    @pytest.mark.parametrize("use", uses())
    def test_name_the_classes_of_their_template(self, use: str) -> None:
        rules, names = TruthRules.load(use), load_template(use).legend.names
        for rule in rules.rules:
            assert {rule.name, *(rule.over or ())} <= set(names)
        assert set(rules.clouds) <= set(names)
        # Whatever a pixel is like, it has a class.
        assert (rules.rules[0].over, rules.rules[0].where) == (None, {})

    def test_ranges_leave_out_their_ends(self) -> None:
        values = np.array([0.0, 0.5, 0.75, 1.0], np.float32)
        assert Range(above=0.5).contains(values).tolist() == [False, False, True, True]
        assert Range(above=0.0, below=1.0).contains(values).tolist() == [False, True, True, False]
        assert Range().contains(values).all()
