"""Fusion models as files, and the back ends that run them."""
