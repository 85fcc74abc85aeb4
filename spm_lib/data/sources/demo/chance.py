"""Seeded chance that gives the same numbers on every machine: uniform draws, and tables for the rest."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from spm_lib.data.sources.demo.timeline import Array

# NumPy keeps the stream of uniform doubles stable from version to version, but not the streams of its
# distributions; so everything here is made from uniforms.
_GRID = np.linspace(0.0005, 0.9995, 2001)
_QUANTILES = np.array([NormalDist().inv_cdf(float(p)) for p in _GRID])


class Dice:
    """One stream of chance.

    Parameters
    ----------
    seed, scale
        Of the company.
    stream
        Number of the stream: each part of the company throws dice of its own.
    luck
        Number of the replica: the same company with other luck.
    """

    def __init__(self, seed: int, scale: int, stream: int, luck: int = 0) -> None:
        root = np.random.SeedSequence(entropy=(seed, scale), spawn_key=(stream, luck))
        self._generator = np.random.Generator(np.random.PCG64(root))

    def uniform(self, *shape: int) -> Array:
        """Draw from 0 to 1."""
        draws = np.empty(shape)
        self._generator.random(out=draws)
        return draws

    def normal(self, *shape: int) -> Array:
        """Draw from the standard normal, cut at about three and a quarter deviations."""
        return np.asarray(np.interp(self.uniform(*shape), _GRID, _QUANTILES))

    def below(self, high: int, *shape: int) -> Array:
        """Draw whole numbers from 0 to `high` - 1."""
        return (self.uniform(*shape) * high).astype(np.int64)

    def pick(self, weights: tuple[float, ...], *shape: int) -> Array:
        """Draw places in `weights`, each as often as its weight says."""
        return place(self.uniform(*shape), weights)

    def shuffled(self, size: int) -> Array:
        """Give 0 to `size` - 1 in random order."""
        return np.argsort(self.uniform(size), kind="stable")


def place(draws: Array, weights: tuple[float, ...]) -> Array:
    """Give, for uniform `draws`, the place in `weights` that each falls on."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    return np.minimum(np.searchsorted(edges / edges[-1], draws, side="right"), len(weights) - 1)
