"""What is normal: the class reference (all machines of a kind) and the asset's own healthy baseline.

A `Reference` travels in the bundle or is fitted from the fleet's healthy readings; a `Baseline` is learned at
commissioning from an asset's first steps. Values here are arrays with the shapes given beside them; n = channels,
R = operating regimes, C = condition channels, Q = quantile grid.

Strategy: a value is first taken relative to its operating regime (u = (x - center) / scale), so that a set point is no
fault; the own baseline is then a centre and a scale of u, shrunk towards the class while the asset is young. Without a
class reference u = x and all scale comes from the asset itself. How channels move together is judged by Hotelling's T²
and the squared prediction error against the principal components of the healthy baseline (Jackson & Mudholkar 1979,
Technometrics 21(3)): two pseudo-channels that go through the same features as any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Probabilities of the quantile grid of a class; finer in the tails, where the failures lie.
GRID = np.concatenate(
    [[0.0005, 0.001, 0.002, 0.005], np.linspace(0.01, 0.99, 99), [0.995, 0.998, 0.999, 0.9995]]
)  # (107,)
MAD_TO_SIGMA = 1.4826  # of a normal distribution
SHRINKAGE_STEPS = 100.0  # observations the class's scale is worth; FD001 by engine-wise folds: 5 < 30 < 100 ~ 200
PCA_VARIANCE = 0.9  # share of healthy variance the retained components explain
PCA_SAMPLES_PER_CHANNEL = 5  # fewer healthy steps than this times n give no stable covariance
MAX_REGIMES = 16
REGIME_RADIUS = 0.3  # in standard deviations of the condition channels; 0.5 merges two of the six regimes of FD002
MAX_U = 50.0  # beyond, a deviation says nothing more; keeps one absurd step from drowning the means of the next thirty
MIN_VALUES = 5  # of a channel within a baseline; fewer say nothing about its deviation
RELATIVE_FLOOR = 1e-6  # smallest scale, relative to the value: float32 resolution


def robust(values: Floats) -> tuple[Floats, Floats]:
    """Median and scaled median absolute deviation per column, NaN ignored; (steps, n) → (n,), (n,).

    Where more than half of the deviations are zero (a channel on a coarse grid) the standard deviation stands in.
    """
    with np.errstate(all="ignore"):
        seen = np.isfinite(values)
        filled = np.where(seen.any(axis=0), values, 0.0)
        center = np.nanmedian(filled, axis=0)
        mad = np.nanmedian(np.abs(filled - center), axis=0) * MAD_TO_SIGMA
        scale = np.where(mad > 0, mad, np.nanstd(filled, axis=0))
    return center, scale


def floored(scale: Floats, center: Floats) -> Floats:
    """A scale that can be divided by: never below float32 resolution of the value."""
    return np.maximum(scale, np.maximum(np.abs(center) * RELATIVE_FLOOR, 1e-9))


@dataclass(frozen=True, slots=True)
class Reference:
    """What is normal in an asset class."""

    channels: tuple[str, ...]  # n
    conditions: tuple[str, ...]  # C, names of the condition channels
    regimes: Floats  # (R, C) centres in units of `condition_scale`; (1, 0) without conditions
    condition_scale: Floats  # (C,)
    center: Floats  # (R, n)
    scale: Floats  # (R, n) healthy deviation within one asset; 0 for a channel that never moves
    grid: Floats  # (n, Q) quantiles of the span-5 mean of u at the probabilities GRID

    def regime(self, conditions: Floats) -> int:
        """The regime nearest to the condition values, (C,) → 0..R-1."""
        if not self.conditions:
            return 0
        distance = np.nansum((self.regimes - conditions / self.condition_scale) ** 2, axis=1)  # (R,)
        return int(np.argmin(distance))

    def normalise(self, values: Floats, regime: int) -> Floats:
        """Values as u = (x - center) / scale within the regime, bounded, (n,) → (n,)."""
        u = (values - self.center[regime]) / floored(self.scale[regime], self.center[regime])
        bounded: Floats = np.clip(u, -MAX_U, MAX_U)
        return bounded

    def level(self, u: Floats) -> Floats:
        """Position of u in the class, (n,) or (k, n) → same shape: 0..1, beyond the ends -d or 1+d (d in scales).

        A value shared by many healthy steps (a channel on a coarse grid, or one that never moves) stands at the middle
        of its share.
        """
        flat = np.atleast_2d(u)  # (k, n)
        last = self.grid.shape[1] - 1
        below = (self.grid[None] < flat[:, :, None]).sum(axis=2)  # (k, n) grid points under u
        upto = (self.grid[None] <= flat[:, :, None]).sum(axis=2)  # ... and at u
        columns = np.arange(self.grid.shape[0])
        low = np.clip(below - 1, 0, last - 1)
        left, right = self.grid[columns, low], self.grid[columns, low + 1]
        with np.errstate(all="ignore"):
            between = GRID[low] + (GRID[low + 1] - GRID[low]) * (flat - left) / (right - left)
        shared = 0.5 * (GRID[np.minimum(below, last)] + GRID[np.clip(upto - 1, 0, last)])
        level = np.where(upto > below, shared, between)
        level = np.where(below > last, 1.0 + (flat - self.grid[:, -1]), level)
        level = np.where(upto == 0, flat - self.grid[:, 0], level)
        return np.where(np.isfinite(flat), level, np.nan).reshape(u.shape)


def leader_clusters(points: Floats, radius: float = REGIME_RADIUS, most: int = MAX_REGIMES) -> Floats:
    """Cluster centres by the leader algorithm and one mean pass, (steps, C) → (R, C); deterministic, R unknown before.

    The radius doubles until at most `most` clusters remain. Source: Hartigan, Clustering Algorithms (1975), ch. 3.
    """
    while True:
        leaders: list[Floats] = []
        for point in points:
            if not any(float(np.sum((point - leader) ** 2)) <= radius**2 for leader in leaders):
                leaders.append(point)
                if len(leaders) > most:
                    break
        if len(leaders) <= most:
            break
        radius *= 2
    centres = np.array(leaders)
    nearest = np.argmin(((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2), axis=1)
    return np.array([points[nearest == k].mean(axis=0) for k in range(len(centres)) if (nearest == k).any()])


def fit_regimes(conditions: Floats) -> tuple[Floats, Floats]:
    """Regime centres and condition scale, (steps, C) → (R, C), (C,)."""
    if conditions.shape[1] == 0:
        return np.zeros((1, 0)), np.zeros(0)
    scale = floored(conditions.std(axis=0), conditions.mean(axis=0))
    return leader_clusters(conditions / scale), scale


@dataclass(frozen=True, slots=True)
class Principal:
    """Principal components of healthy z-values."""

    axes: Floats  # (k, n) retained directions
    variance: Floats  # (k,)

    def distances(self, z: Floats) -> tuple[float, float]:
        """Logarithms of Hotelling's T² and of the squared prediction error of z (n,)."""
        score = self.axes @ z
        t2 = float(np.sum(score**2 / self.variance))
        spe = float(max(np.sum(z**2) - np.sum(score**2), 0.0))
        return float(np.log(t2 + 1e-3)), float(np.log(spe + 1e-3))


def fit_principal(z: Floats) -> Principal | None:
    """Principal components of healthy z (steps, n), or None where there are too few steps or channels."""
    steps, n = z.shape
    if n < 2 or steps < PCA_SAMPLES_PER_CHANNEL * n:  # noqa: PLR2004 - one channel cannot move together
        return None
    covariance = np.cov(z, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1]
    values, vectors = np.maximum(values[order], 1e-12), vectors[:, order]
    share = np.cumsum(values) / values.sum()
    k = min(int(np.searchsorted(share, PCA_VARIANCE)) + 1, n - 1)
    return Principal(axes=np.ascontiguousarray(vectors[:, :k].T), variance=values[:k])


@dataclass(frozen=True, slots=True)
class Baseline:
    """An asset's own healthy operation: centre and scale of u per channel, then the two joint pseudo-channels."""

    center: Floats  # (n,)
    scale: Floats  # (n,)
    principal: Principal | None
    joint_center: Floats  # (2,)
    joint_scale: Floats  # (2,)

    def z(self, u: Floats) -> Floats:
        """Robust z of u from this asset's own baseline, (..., n) → (..., n)."""
        return (u - self.center) / self.scale


def learn(history: Floats, reference: Reference | None) -> Baseline:
    """The baseline of healthy steps, u (steps, n), at least one step; scale shrunk towards the class where it is known.

    NaN in both for a channel that neither its own readings nor a class can say anything about.
    """
    steps = len(history)
    center, own = robust(history)
    if reference is None:
        rare = np.isfinite(history).sum(axis=0) < min(MIN_VALUES, steps)
        center, own = np.where(rare, np.nan, center), np.where(rare, 0.0, own)
        scale = own
    else:
        known = np.where(np.max(reference.scale, axis=0) > 0, 1.0, 0.0)  # u is already in healthy deviations
        scale = np.sqrt((steps * own**2 + SHRINKAGE_STEPS * known) / (steps + SHRINKAGE_STEPS))
    scale = floored(scale, center)
    z = np.nan_to_num((history - center) / scale)
    moving = own > 0
    principal = fit_principal(z[:, moving]) if moving.any() else None
    joint_center, joint_scale = np.zeros(2), np.ones(2)
    if principal is not None:
        axes = np.zeros((len(principal.axes), len(center)))
        axes[:, moving] = principal.axes
        principal = Principal(axes=axes, variance=principal.variance)
        distances = np.array([principal.distances(np.where(moving, row, 0.0)) for row in z])  # (steps, 2)
        joint_center, joint_scale = robust(distances)
        joint_scale = floored(joint_scale, np.ones(2))
    return Baseline(center=center, scale=scale, principal=principal, joint_center=joint_center, joint_scale=joint_scale)
