"""Pictures of a calibration board: what was found in them, and how to take good ones."""
