"""The run: plan, profile, score, judge, write."""
