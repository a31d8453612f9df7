"""Geometry of the camera pair."""
