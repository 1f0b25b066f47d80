"""Output folders that versions of kldrift have written; every later version reads them."""
