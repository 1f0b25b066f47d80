"""Kernels from Arrow columns to row counts per cell."""
