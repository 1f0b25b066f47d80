"""What a person sees of a run: results, pages, charts."""
