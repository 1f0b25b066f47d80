"""A fuzzer of what goes in: tables, files, damage and configurations; ``make fuzz`` runs it."""
