"""Real-time fusion of infrared and visible video."""

__version__ = "0.1.0"
