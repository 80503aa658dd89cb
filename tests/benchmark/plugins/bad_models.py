"""Models that misbehave in every way a plugin may, for the tests of the runner."""

import contextlib
import ctypes
import os
import sys
import time

import numpy as np

from baselines import LDLEstimator
from benchmark import register


class _Uniform(LDLEstimator):
    """Predict equal shares."""

    def _fit(self, X, D):
        pass

    def _predict(self, X):
        return np.full((len(X), self.n_labels_), 1 / self.n_labels_)


class _UniformWithOutlier(_Uniform):
    """Do what is bad on the fold whose test rows hold the largest first feature, and only there."""

    def _fit(self, X, D):
        if X[:, 0].max() < 5:
            self.be_bad()

    def be_bad(self):
        raise ValueError("no outlier to learn from")


@register("Raises")
class Raises(_Uniform):
    def _fit(self, X, D):
        raise RuntimeError("out of ideas\nsecond line")


@register("Hangs")
class Hangs(_UniformWithOutlier):
    def be_bad(self):
        while True:
            time.sleep(0.01)


@register("HangsHard")
class HangsHard(_UniformWithOutlier):
    """Swallows the interruption of the time limit."""

    def be_bad(self):
        while True:
            with contextlib.suppress(BaseException):
                time.sleep(0.01)


@register("Crashes")
class Crashes(_UniformWithOutlier):
    def be_bad(self):
        ctypes.string_at(0)


@register("Leaves")
class Leaves(_UniformWithOutlier):
    def be_bad(self):
        os._exit(3)


@register("Exits")
class Exits(_Uniform):
    def _fit(self, X, D):
        sys.exit(5)


@register("NoDistribution")
class NoDistribution(_Uniform):
    def _predict(self, X):
        return np.full((len(X), self.n_labels_), 0.5)


@register("NoNumbers")
class NoNumbers(_Uniform):
    def _predict(self, X):
        return np.full((len(X), self.n_labels_), np.nan)


@register("WrongShape")
class WrongShape(_Uniform):
    def _predict(self, X):
        return np.full((len(X), 2), 0.5)


class _UnspeakableError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


@register("Unspeakable")
class Unspeakable(_Uniform):
    def _fit(self, X, D):
        raise _UnspeakableError


@register("Litters")
class Litters(_Uniform):
    """Changes everything that its process shares with the next task."""

    def _fit(self, X, D):
        np.seterr(all="raise")
        os.chdir("/")
        print("litter")
        self.row_ = np.random.dirichlet(np.ones(D.shape[1]))  # noqa: NPY002

    def _predict(self, X):
        return np.tile(self.row_, (len(X), 1))


@register("FailsOnce")
class FailsOnce(_UniformWithOutlier):
    pass
