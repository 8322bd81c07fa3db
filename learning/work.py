"""The work of enlarging one image, known before it begins and counted while it is done.

Its unit is a multiplication with an addition in a convolution. What is no convolution (interpolation, copies,
medians, files) counts as many as take equally long, measured on two cores.
"""

import math
from typing import NamedTuple

from learning import resizing
from learning.quick_test import quick_test_windows
from learning.strips import middle_shape
from settings.scales import scaled_shape

# A gradient takes two passes of the network more.
PASSES = 3


class Costs(NamedTuple):
    """What takes time beside convolutions, in multiply-adds that take as long, per pixel.

    Attributes:
        pair: making father and son, and moving the filters.
        interpolation: before the network, and the copies after it.
        resize: a piece of back-projection.
        median: of all views.
        source: shrinking a round's result to cut fathers from.
        writing: encoding a result.
        report: showing it beside bicubic enlargement.
    """

    pair: float
    interpolation: float
    resize: float
    median: float
    source: float
    writing: float
    report: float


# Where convolutions are faster, all else takes more of them.
COSTS = {
    'float32': Costs(
        pair=65e3, interpolation=30e3, resize=23e3, median=20e3, source=35e3, writing=20e3, report=50e3
    ),
    'bfloat16': Costs(
        pair=350e3, interpolation=80e3, resize=24e3, median=90e3, source=160e3, writing=100e3, report=250e3
    ),
}
COSTS['float16'] = COSTS['bfloat16']


class Work:
    """The work of one image: what is done and what lies ahead. Whoever does it counts it here.

    Attributes:
        phase: 'training', 'enlarging', 'writing', or 'done' at the end of a scale.
        pixels: of a page of the last result.
        done, ahead: multiply-adds. A training that ends early leaves less ahead than was thought.
    """

    def __init__(
        self, conf, input_shape, *, pages=1, has_truth=False, precision='float32', tell=lambda: None
    ):
        """Plan it.

        Args:
            conf: Config.
            input_shape: (vertical, horizontal, channels) of the image.
            pages: of a stack.
            has_truth: whether quick tests look at a ground truth as well.
            precision: of the convolutions.
            tell: called, without arguments, whenever some of it is done and at every phase.
        """
        self.phase, self.done = 'training', 0.0
        self._conf, self._costs, self._tell = conf, COSTS[precision], tell
        self._pages = 1 if conf.pages == 'each' else pages
        filters = conf.filter_shapes(input_shape[2])
        self._network = sum(map(math.prod, filters)) / conf.grid**2
        self._halo = conf.grid * sum(shape[0] // 2 for shape in filters)
        self.pixels = math.prod(conf.output_shapes(input_shape)[-1])
        # Training and output of every scale, one after the other.
        self._stages = [amount for stage in self._plan(input_shape, has_truth) for amount in stage]
        self._stages *= pages // self._pages  # a training for each
        self._stage, self._done_in_stage = 0, 0.0

    @classmethod
    def of(cls, net):
        """The work of a ZSSR, which calls its `progress`."""
        return cls(
            net.conf,
            net.bases[0].shape,
            pages=len(net.bases),
            has_truth=net.gt is not None,
            precision=net.network.design.precision,
            tell=lambda: net.progress(net),
        )

    def heard_by(self, net):
        """The same work, which calls the `progress` of another ZSSR from now on."""
        self._tell = lambda: net.progress(net)
        return self

    @property
    def ahead(self):
        """Multiply-adds still to be done."""
        rest = self._stages[self._stage :]
        return max(rest[0] - self._done_in_stage, 0) + sum(rest[1:]) if rest else 0.0

    @property
    def share(self):
        """How much of the work is done, from 0 to 1."""
        return self.done / (self.done + self.ahead)

    def enter(self, phase):
        """Begin a phase."""
        self.phase = phase
        self._tell()

    def next_stage(self):
        """Begin what comes after this training, or this scale."""
        self._stage, self._done_in_stage = self._stage + 1, 0.0

    def trained(self, iterations):
        """Count iterations of the training."""
        self._add(iterations * self._iteration)

    def passed(self, pixels):
        """Count pixels that have passed the network to be enlarged."""
        self._add(pixels * self._pixel)

    def resized(self, pixels):
        """Count pixels that back-projection has resized."""
        self._add(pixels * self._costs.resize)

    def merged(self, pixels):
        """Count pixels of the median."""
        self._add(pixels * self._costs.median)

    def shrunk(self, pixels):
        """Count pixels of a source that a round's result has been shrunk to."""
        self._add(pixels * self._costs.source)

    def written(self, shape):
        """Count a result of (vertical, horizontal, …) size that is written."""
        self._add(math.prod(shape[:2]) * self._costs.writing)

    @property
    def report(self):
        """Multiply-adds that the last result's part of a report is as long as."""
        return self._costs.report * self.pixels

    @property
    def _iteration(self):
        return self._conf.batch_size * self._conf.crop_size**2 * (PASSES * self._network + self._costs.pair)

    @property
    def _pixel(self):
        return self._network + self._costs.interpolation

    def _add(self, amount):
        self.done += amount
        self._done_in_stage += amount
        self._tell()

    def _plan(self, input_shape, has_truth):
        """Yield (training, output) of every scale."""
        conf = self._conf
        base, base_shape = (1.0, 1.0), input_shape[:2]
        for index, scale in enumerate(conf.scales):
            shape = scaled_shape(input_shape, scale)
            sf = tuple(n / b for n, b in zip(scale, base, strict=True))
            part = middle_shape(base_shape)
            part_sr = shape if part == base_shape else scaled_shape(part, sf)
            # What rounds enlarge, and the result.
            between, enlarging = (
                self._pages * self._enlarging(lr, sr, sf, conf.back_projection_iters[index], flip)
                for lr, sr, flip in ((part, part_sr, conf.round_flip), (base_shape, shape, True))
            )
            tests = math.ceil(conf.max_iters / conf.run_test_every) if conf.run_test else 0
            looked_at = sum(self._windows(looked, part) for looked in (part, part_sr)[: 1 + has_truth])
            training = conf.max_iters * self._iteration + tests * looked_at * self._pixel
            written = self._pages * self._costs.writing * math.prod(shape) if conf.save_results else 0
            halfway = math.prod(b * (1 + n) / 2 for b, n in zip(part, sf, strict=True))
            source = self._pages * self._costs.source * halfway
            training += (conf.rounds - 1) * (between + source)
            yield training, enlarging + written
            if scale in conf.base_changes:
                base, base_shape = scale, shape

    def _enlarging(self, base_shape, shape, sf, back_projections, flip):
        """One output: views, their back-projection and median, and that of the median."""
        views = (8 if sf[0] == sf[1] else 4) if self._conf.output_flip and flip else 1
        pixels = math.prod(shape)
        passes = views * math.prod(with_margins(0, n, n, self._halo) for n in shape) * self._pixel
        resizes = (views + 1) * back_projections * (pixels + math.prod(base_shape)) * self._costs.resize
        return passes + resizes + (pixels * self._costs.median if views > 1 else 0)

    def _windows(self, shape, input_shape):
        """Pixels that pass the network where the quick test looks at an image of this shape."""
        return sum(
            with_margins(top, bottom, shape[0], self._halo) * with_margins(left, right, shape[1], self._halo)
            for top, bottom, left, right in quick_test_windows(shape, input_shape)
        )


def with_margins(start, stop, side, halo):
    """Pixels along a part of a side, cut into tiles that have a margin of `halo` where the side has more."""
    return sum(
        min(min(first + resizing.TILE, stop) + halo, side) - max(first - halo, 0)
        for first in range(start, stop, resizing.TILE)
    )
