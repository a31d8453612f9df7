"""Decides which moments of a guided capture are worth keeping, and says what is still missing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from calibration.board import Board
from calibration.targets.coverage import Coverage, Wanted
from calibration.targets.detection import Detection
from calibration.targets.quality import StillWatch
from calibration.views import PairView

from .pairs import in_one_order


class Mood(Enum):
    """How it goes."""

    WAITING = "waiting"  # nothing to keep here
    STILL = "still"  # a moment more
    REFUSED = "refused"  # the infrared camera calibrates itself
    TAKEN = "taken"


@dataclass(frozen=True)
class Judgement:
    """What is to be done about one moment.

    Attributes:
        words: for the user.
        mood: how it goes; `Mood.TAKEN` where this pair is to be kept.
        view: the board's points in both pictures, in one order.
    """

    words: str
    mood: Mood
    view: PairView


class BoardWatch:
    """Follows the board from look to look.

    Attributes:
        coverage: of the pairs kept so far.
    """

    def __init__(
        self,
        board: Board,
        polarity: str,
        ir_wh: tuple[int, int],
        vis_wh: tuple[int, int],
        pairs: int,
    ) -> None:
        """Nothing has been seen yet.

        Args:
            board: what is looked for.
            polarity: of the infrared pictures, see `pairs.polarities`.
            ir_wh: width and height of the infrared pictures in px.
            vis_wh: of the visible ones.
            pairs: how many are wanted.
        """
        self.coverage = Coverage(board, ir_wh, vis_wh, Wanted(pairs=pairs))
        self._board = board
        self._polarity = polarity
        self._still = StillWatch()

    @property
    def wanted(self) -> int:
        """How many pairs are wanted."""
        return self.coverage.wanted.pairs

    def judge(
        self, now_ns: int, ir: Detection | None, vis: Detection | None, shutter: str
    ) -> Judgement:
        """Judge one moment.

        Args:
            now_ns: monotonic time at which both pictures were there.
            ir: board in the infrared picture, found with `pairs.polarities`.
            vis: board in the visible picture.
            shutter: why the infrared picture is not to be used; empty where it may be.

        Raises:
            RigError: one picture is mirrored, or the cameras are turned against each other.
        """
        ir_px, vis_px = in_one_order(ir, vis, self._board, self._polarity)
        view = PairView("", ir_px, vis_px)
        reasons = self._still.observe(ir, vis, now_ns, shutter=bool(shutter))
        if shutter:
            return Judgement(f"wait: {shutter}", Mood.REFUSED, view)
        if reasons:
            held = reasons[0].startswith("hold still for")
            return Judgement(reasons[0], Mood.STILL if held else Mood.WAITING, view)
        if vis_px is None or not self.coverage.is_new(vis_px):
            return Judgement(self.coverage.advice(), Mood.WAITING, view)
        return Judgement("taken", Mood.TAKEN, view)

    def keep(self, view: PairView) -> None:
        """This pair has been kept."""
        self.coverage.add(view)
        self._still.restart()
