"""Network definitions in Keras 3: one paper, one file, one function."""
