"""Say how much of the two-class map the last turns changed, what more points would bring, and what stopping costs."""

GAINS = ((0.01, 0.0), (0.02, 0.0), (0.03, 0.0), (0.05, 0.0), (0.1, 0.0), (1.01, 0.0))
SETTLED_SHARE = 0.03
SETTLED_TURNS = 2
