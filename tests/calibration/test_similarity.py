"""Small corrections: found from points, and refused where they are something else."""

from __future__ import annotations

import numpy as np
import pytest
from rigs import pixels, shifted

from calibration.errors import RigError
from calibration.sight_lines import moved
from calibration.similarity import check_similarity, fit_similarity


@pytest.mark.parametrize(
    "S",
    [
        pytest.param(np.eye(3), id="none"),
        pytest.param(shifted(3.0, -7.5), id="shift"),
        pytest.param(shifted(10.0, 4.0, 0.02, 1.03), id="all"),
    ],
)
def test_similarity_is_found_again(S):
    points = pixels((5, 4)) * 60
    np.testing.assert_allclose(fit_similarity(points, moved(S, points)), S, atol=1e-9)
    np.testing.assert_array_equal(check_similarity(S), S)


@pytest.mark.parametrize(
    ("S", "message"),
    [
        pytest.param(np.eye(2), "3 rows of 3", id="2x2"),
        pytest.param(np.full((3, 3), np.nan), "finite", id="nan"),
        pytest.param(np.diag([1.0, 1.1, 1.0]), "shift, turn and scale", id="stretched"),
        pytest.param(np.diag([-1.0, 1.0, 1.0]), "shift, turn and scale", id="mirrored"),
        pytest.param(np.diag([3.0, 3.0, 1.0]), "a little", id="three-times-as-large"),
        pytest.param(
            np.eye(3) + np.outer((0, 0, 1), (1e-3, 0, 0)), "shift, turn and scale", id="tilted"
        ),
    ],
)
def test_other_maps_are_refused(S, message):
    with pytest.raises(RigError, match=message):
        check_similarity(S)
