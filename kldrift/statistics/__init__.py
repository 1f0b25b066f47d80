"""Tests and estimates on counts and moments."""
