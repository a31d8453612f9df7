"""Latent low-rank representation: splits a matrix into two low-rank parts and a sparse error.

Source of the model: Liu and Yan, "Latent Low-Rank Representation for Subspace Segmentation and
Feature Extraction", ICCV 2011. Source of the penalty rule: Lin, Liu and Su, "Linearized
Alternating Direction Method with Adaptive Penalty", NIPS 2011.

The usual solver raises its penalty at every step, whether or not the iterates follow; it ends
where the constraint holds but the objective is not at its minimum. This one raises it only when
the iterates have come to rest, and works in two blocks, each minimised exactly; that converges.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from trainer.errors import TrainerError

LAMBDA = 0.4  # as used for fusion
TOLERANCE = 1e-6  # of the constraints, largest value
DUAL_TOLERANCE = 3e-3  # of the subgradients, some 1e-5 of the objective
MAX_STEPS = 6000  # pictures take some 300 to 900

_PENALTY, _PENALTY_GROWTH, _PENALTY_MAX = 1.0, 1.1, 1e6
_RELAXATION = 1.8  # between 1 and 2; saves a third of the steps


class LatentLRR(NamedTuple):
    """``x = x @ z + l @ x + e``; z is (..., n, n), l is (..., d, d), e is (..., d, n), float64."""

    z: Tensor
    l: Tensor  # noqa: E741 - the paper's name
    e: Tensor


class Solution(NamedTuple):
    """Parts of a matrix and the proof that they are the best.

    Attributes:
        parts: see `LatentLRR`.
        dual: Y of the constraint, shape of x, nowhere beyond lam. At the optimum it is lam sign(E)
            where there is error, no singular value of XᵀY or YXᵀ exceeds 1, and ⟨Y, X⟩ equals the
            objective.
    """

    parts: LatentLRR
    dual: Tensor


def latent_lrr(x: Tensor, lam: float = LAMBDA) -> LatentLRR:
    """Solve ``min |Z|_* + |L|_* + lam |E|_1`` subject to ``X = XZ + LX + E``.

    The minimum is not unique: where the error is 0, any weighting of the two low-rank parts
    against each other costs the same. What is found treats rows and columns alike: the answer
    to Xᵀ has Lᵀ for Z and Zᵀ for L.

    Args:
        x: matrices (..., d, n) of finite values, about 0..1, on any device; worked on in float64.
            Each matrix stops by itself.
        lam: weight of the sparse error.
    Returns:
        The parts, on the device of ``x``; all zeros where ``x`` is zero throughout.
    Raises:
        TrainerError: ``x`` is empty or holds values that are not finite, ``lam`` is not above 0,
            or the solver does not settle.
    """
    return solve(x, lam).parts


def solve(x: Tensor, lam: float = LAMBDA) -> Solution:
    """`latent_lrr` with the dual."""
    if x.ndim < 2 or not x.numel():
        raise TrainerError(f"LatLRR wants matrices, got shape {tuple(x.shape)}", hint="give (d, n)")
    if not lam > 0:
        raise TrainerError(f"LatLRR needs lambda above 0, got {lam}", hint=f"usual is {LAMBDA}")
    x = x.double()
    if not torch.isfinite(x).all():
        raise TrainerError("LatLRR was given values that are not finite", hint="check the picture")
    if x.shape[-2] > x.shape[-1]:
        (z, left, error), dual = solve(x.mT, lam)
        return Solution(LatentLRR(left.mT, z.mT, error.mT), dual.mT)
    (z, left, error), dual = _solve_wide(x.flatten(0, -3) if x.ndim > 2 else x[None], lam)
    shape = x.shape[:-2]
    parts = (part.reshape(shape + part.shape[1:]) for part in (z, left, error))
    return Solution(LatentLRR(*parts), dual.reshape(x.shape))


class _Data(NamedTuple):
    """Matrices x (B, d, n), d <= n, and x = u diag(s) vt: u (B, d, d), s (B, d), vt (B, d, n)."""

    x: Tensor
    u: Tensor
    s: Tensor
    vt: Tensor


class _Iterate(NamedTuple):
    """Z = v z and L = l uᵀ: the best Z lies in the row space of X, the best L in the column space.

    An orthonormal basis changes no nuclear norm, so the solver may work on d instead of n rows.

    Attributes:
        z: (B, d, n).
        l: (B, d, d).
        made: XZ + LX, (B, d, n).
        y1: dual of ``X = XZ + LX + E``; y2 and y3: of ``z = z_low`` and ``l = l_low``.
        penalty: (B, 1, 1).
    """

    z: Tensor
    l: Tensor  # noqa: E741
    made: Tensor
    y1: Tensor
    y2: Tensor
    y3: Tensor
    penalty: Tensor


_Fields = TypeVar("_Fields", _Data, _Iterate)


def _solve_wide(x: Tensor, lam: float) -> Solution:
    """`solve` for a stack (B, d, n) with d <= n."""
    count, d, n = x.shape
    data = _Data(x, *torch.linalg.svd(x, full_matrices=False))
    wide, square = torch.zeros_like(x), x.new_zeros(count, d, d)
    penalty = x.new_full((count, 1, 1), _PENALTY)
    at = _Iterate(wide, square, wide, wide, wide, square, penalty)
    found = LatentLRR(x.new_zeros(count, n, n), square.clone(), wide.clone())
    dual = wide.clone()
    left_over = torch.arange(count, device=x.device)
    for _ in range(MAX_STEPS):
        at, error, gap, move = _step(data, at, lam)
        done = (gap < TOLERANCE) & (move < DUAL_TOLERANCE)
        if done.any():
            which = left_over[done]
            found.z[which] = data.vt[done].mT @ at.z[done]
            found.l[which] = at.l[done] @ data.u[done].mT
            found.e[which], dual[which] = error[done], at.y1[done].clamp(-lam, lam)
            data, at, left_over = _pick(data, ~done), _pick(at, ~done), left_over[~done]
            move = move[~done]
        if not len(left_over):
            return Solution(found, dual)
        grown = (at.penalty * _PENALTY_GROWTH).clamp(max=_PENALTY_MAX)
        rests = (move < DUAL_TOLERANCE)[:, None, None]
        at = at._replace(penalty=torch.where(rests, grown, at.penalty))
    raise TrainerError(
        f"LatLRR did not settle in {MAX_STEPS} steps for {len(left_over)} of {count} matrices "
        f"of {d}x{n}",
        hint="scale the values to 0..1",
    )


def _step(data: _Data, at: _Iterate, lam: float) -> tuple[_Iterate, Tensor, Tensor, Tensor]:
    """One round of the alternating directions.

    Returns:
        The next iterate; E; and for each matrix how far the constraints are missed and how far
        the subgradients are from fitting each other, both (B,).
    """
    x, u, s, vt = data
    mu = at.penalty
    rows, columns = s[:, :, None], s[:, None, :]
    # First block, Z_low, L_low and E: they do not touch each other.
    z_low = shrink_singular(at.z + at.y2 / mu, 1 / mu)
    l_low = shrink_singular(at.l + at.y3 / mu, 1 / mu)
    error = shrink(x - at.made + at.y1 / mu, lam / mu)
    z_aim = torch.lerp(at.z, z_low, _RELAXATION)
    l_aim = torch.lerp(at.l, l_low, _RELAXATION)
    e_aim = torch.lerp(x - at.made, error, _RELAXATION)
    # Second block, Z and L together. In the bases of X the least squares fall apart into one
    # equation for each entry; what of z lies outside the row space of X meets no l.
    a, b = z_aim - at.y2 / mu, l_aim - at.y3 / mu
    rest = u.mT @ (x - e_aim + at.y1 / mu) - rows * a - ((u.mT @ b) * columns) @ vt
    shared = (rest @ vt.mT) / (1 + rows.square() + columns.square())
    alone = (rest - (rest @ vt.mT) @ vt) / (1 + rows.square())
    z = a + rows * (alone + shared @ vt)
    left = b + u @ (shared * columns)
    made = u @ (rows * z) + (left * columns) @ vt
    y1 = at.y1 + mu * (x - made - e_aim)
    y2, y3 = at.y2 + mu * (z - z_aim), at.y3 + mu * (left - l_aim)
    gaps = (x - made - error, z - z_low, left - l_low)
    gap = torch.stack([part.abs().amax((1, 2)) for part in gaps]).amax(0)
    moves = [(z - at.z).square().sum((1, 2)).sqrt(), (left - at.l).square().sum((1, 2)).sqrt()]
    moves.append((made - at.made).abs().amax((1, 2)))
    move = torch.stack(moves).amax(0) * mu[:, 0, 0]
    return _Iterate(z, left, made, y1, y2, y3, mu), error, gap, move


def _pick(fields: _Fields, which: Tensor) -> _Fields:
    """The matrices that ``which`` (B,) bool names."""
    return type(fields)(*(field[which] for field in fields))


def shrink(x: Tensor, by: Tensor | float) -> Tensor:
    """Soft threshold: what minimises ``by |P|_1 + |P - x|² / 2``."""
    return x.sign() * (x.abs() - by).clamp(min=0)


def shrink_singular(x: Tensor, by: Tensor | float) -> Tensor:
    """Soft threshold of the singular values: what minimises ``by |P|_* + |P - x|² / 2``.

    Worked out from the eigenvalues of the smaller Gram matrix, several times faster than a
    singular value decomposition. The squaring costs only singular values far below ``by``
    their digits, and those become 0.

    Args:
        x: (..., p, q).
        by: above 0, one number or (..., 1, 1).
    """
    if x.shape[-2] > x.shape[-1]:
        return shrink_singular(x.mT, by).mT
    squares, vectors = torch.linalg.eigh(x @ x.mT)
    values = squares.clamp(min=torch.finfo(x.dtype).tiny).sqrt()[..., None, :]
    return (vectors * (1 - by / values).clamp(min=0)) @ (vectors.mT @ x)
