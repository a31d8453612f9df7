"""Solves the geometry of a camera pair from views of a board, and says how good it is.

``solve_rig`` finds the geometry, ``predict`` what registration error it will have, ``cross_check``
and ``hold_out`` put it to the test, ``judge`` says it in words, ``to_rig`` makes the rig.
"""

from .alarm import Alarm
from .crosscheck import CrossCheck, cross_check
from .holdout import HeldView, HoldOut, hold_out
from .predict import DISTANCES_M, Prediction, predict
from .rig_facts import bow_of, noise_of, to_rig
from .simulate import Scene, registration_error, simulate
from .solution import LeftOut, Options, Outlier, Solution, SolvedView
from .solver import solve_rig
from .verdict import Verdict, judge

__all__ = [
    "DISTANCES_M",
    "Alarm",
    "CrossCheck",
    "HeldView",
    "HoldOut",
    "LeftOut",
    "Options",
    "Outlier",
    "Prediction",
    "Scene",
    "Solution",
    "SolvedView",
    "Verdict",
    "bow_of",
    "cross_check",
    "hold_out",
    "judge",
    "noise_of",
    "predict",
    "registration_error",
    "simulate",
    "solve_rig",
    "to_rig",
]
