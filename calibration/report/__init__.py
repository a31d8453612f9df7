"""The report of a calibration: one HTML file with pictures, for screen and paper."""

from .build import ReportInput, report_html
from .shots import Shot, choose_views

__all__ = ["ReportInput", "Shot", "choose_views", "report_html"]
