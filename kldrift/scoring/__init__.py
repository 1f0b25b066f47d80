"""From two profiles to scores, and from scores to verdicts, reasons and exit codes."""
