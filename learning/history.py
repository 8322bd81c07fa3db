"""What lives as long as one scale, and as long as one training of it."""

from dataclasses import dataclass, field

import numpy as np

# What a training leaves behind, under the original's names.
HISTORIES = ('loss', 'mse_steps', 'mse', 'mse_rec', 'interp_mse', 'interp_rec_mse')


@dataclass(frozen=True, eq=False)
class Scale:
    """What one scale of a run is about; it does not change while it lasts.

    Attributes:
        index: among the scales of the run.
        sf: array, (vertical, horizontal) scale factors relative to the base.
        kernel: aligned blur kernel, or method name.
        output_shape: (vertical, horizontal) size of the result.
        gt: ground truth at this scale, or None.
        input_son: the base, shrunk; without noise.
    """

    index: int
    sf: np.ndarray
    kernel: np.ndarray | str
    output_shape: tuple
    gt: np.ndarray | None
    input_son: np.ndarray


@dataclass(eq=False)
class History:
    """What one training has been through.

    Attributes:
        loss: a number per iteration done.
        mse_steps, mse_rec, interp_rec_mse: the quick tests: iterations, and mean squared errors of the
            reconstruction by the network and by interpolation.
        mse, interp_mse: likewise the true errors; None without ground truth.
        hr_father, lr_son, train_output: of the iteration done last.
        sr: the input super-resolved by the last quick test that had a ground truth (beyond 1 megapixel, its
            last window), or None.
    """

    loss: list = field(default_factory=list)
    mse_steps: list = field(default_factory=list)
    mse_rec: list = field(default_factory=list)
    interp_rec_mse: list = field(default_factory=list)
    mse: list | None = None
    interp_mse: list | None = None
    hr_father: np.ndarray | None = None
    lr_son: np.ndarray | None = None
    train_output: np.ndarray | None = None
    sr: np.ndarray | None = None

    @classmethod
    def empty(cls, has_truth):
        """The history of a training that has not begun."""
        return cls(mse=[], interp_mse=[]) if has_truth else cls()

    def add(self, iteration, errors):
        """Add a quick test: its iteration and errors, by name; at once, as progress is told in between."""
        self.mse_steps.append(iteration)
        for name, error in errors.items():
            getattr(self, name).append(error)

    @property
    def iteration(self):
        """Index of the iteration done last; 0 before the first."""
        return max(len(self.loss) - 1, 0)

    def lists(self):
        """The histories by name, for the record."""
        return {name: getattr(self, name) for name in HISTORIES}
