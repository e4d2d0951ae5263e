"""Training: photographs in, a model file and its manifest row out."""
