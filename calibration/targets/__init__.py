"""Calibration boards in pictures: found, measured, judged, and drawn with known truth."""
