"""From one pass over the reference to supports: sketches, and the choice of cells."""
