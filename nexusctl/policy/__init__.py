"""Rendered files or a plan in, a verdict out. The only package that imports checkov."""
