"""Rendering: an executed notebook becomes one HTML page that needs nothing else."""
