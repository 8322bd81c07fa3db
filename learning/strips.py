"""Whole images of any size: what is trained on of a large one, and its enlargement strip by strip.

What a pixel of the result becomes depends on the pixels around it, up to a margin: the network sees one more
on every side with each convolution, each back-projection some more through its resizes. So a strip of the
input with that margin gives the same rows as the whole image would.
"""

import math
from typing import NamedTuple

# Of a larger image, its middle is trained on. A training sees less than this, 3,000 crops of 128² at most.
TRAINING_PIXELS = 16_000_000
# Results of up to this many pixels, over all views, are made in one piece.
WHOLE_PIXELS = 2**26
# Pixels of a result, over all views, that are made at once beyond that.
STRIP_PIXELS = 2**24
# Rows of the input that a back-projection sees on either side: cubic interpolation reaches two down, two up.
PROJECTION_ROWS = 5


# Bytes that a run takes for each number: of the input (as read, and its copies), of what is trained on
# (measured, with its sources; in rounds, the results too), and of a result that is kept.
INPUT_BYTES, TRAINING_BYTES, ROUNDS_BYTES, RESULT_BYTES = 9, 67, 110, 9


class Strip(NamedTuple):
    """A part of an enlargement.

    Attributes:
        lr: slice of the input's rows, margins included.
        height: of their enlargement.
        kept: slice of the rows of their enlargement that are kept.
        sr: slice of the result's rows that these are.
    """

    lr: slice
    height: int
    kept: slice
    sr: slice


def middle(image, pixels=None):
    """A view on the middle of an image (H, W, …), of its own proportions and at most `pixels` pixels."""
    height, width = image.shape[:2]
    rows, columns = middle_shape(image.shape, pixels)
    if (rows, columns) == (height, width):
        return image
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[top : top + rows, left : left + columns]


def middle_shape(shape, pixels=None):
    """(vertical, horizontal) size of the `middle` of an image of `shape`."""
    share = math.sqrt((pixels or TRAINING_PIXELS) / (shape[0] * shape[1]))
    return tuple(shape[:2]) if share >= 1 else (int(shape[0] * share), int(shape[1] * share))


def bytes_per_sample(conf, shape, is_streamed):
    """The memory that a run needs, in bytes for each number of its input.

    Args:
        conf: Config.
        shape: (vertical, horizontal, …) size of the input.
        is_streamed: whether its result is written strip by strip, and not kept.
    """
    pixels = shape[0] * shape[1]
    trained = math.prod(middle_shape(shape)) / pixels
    sr_shape = max(conf.output_shapes(shape), key=math.prod)
    kept = 0 if is_streamed else math.prod(sr_shape) / pixels
    views = 8 if conf.output_flip else 1
    if len(plan_strips(shape, sr_shape, conf.scales[-1], views, 0)) == 1:
        # All views of the whole are kept until their median is taken.
        kept += (views - 1) * 4 / RESULT_BYTES * math.prod(sr_shape) / pixels
    training = ROUNDS_BYTES if conf.rounds > 1 else TRAINING_BYTES
    return INPUT_BYTES + training * trained + RESULT_BYTES * kept


def margin_of(sf, halo, iterations, kernel):
    """Rows of the input that a row of the result depends on, on either side.

    Args:
        sf: vertical scale factor.
        halo: pixels of the result that the network sees on either side.
        iterations: of back-projection, all together.
        kernel: method name, or 2-D kernel.
    """
    blur = 0 if isinstance(kernel, str) else math.ceil(kernel.shape[0] / 2 / sf)
    return math.ceil(halo / sf) + PROJECTION_ROWS + iterations * (PROJECTION_ROWS + blur)


def plan_strips(lr_shape, sr_shape, sf, views, margin):
    """Divide an enlargement into strips of rows.

    Args:
        lr_shape, sr_shape: (vertical, horizontal, …) sizes of the input and its result.
        sf: (vertical, horizontal) scale factors.
        views: of the self-ensemble.
        margin: as `margin_of` has it.

    Returns:
        List of Strip: one, if the whole is small, or strips would not be as the whole.
    """
    height, pixels = lr_shape[0], sr_shape[0] * sr_shape[1] * views
    step = next((n for n in range(2, 1001, 2) if (n * sf[0]) % 2 < 1e-9), None)
    # Upside down, an image of a broken number of rows is shifted by what they were rounded up.
    broken = views > 1 and (height * sf[0]) % 1 > 1e-6
    if pixels <= WHOLE_PIXELS or step is None or broken:
        return [Strip(slice(0, height), sr_shape[0], slice(0, sr_shape[0]), slice(0, sr_shape[0]))]
    rows = max(step, int(height * STRIP_PIXELS / pixels) // step * step)
    margin = -(-margin // step) * step
    strips = []
    for top in range(0, height, rows):
        bottom, start = min(top + rows, height), max(0, top - margin)
        first = round(start * sf[0])
        sr = slice(round(top * sf[0]), sr_shape[0] if bottom == height else round(bottom * sf[0]))
        end = min(height, bottom + margin)
        last = sr_shape[0] if end == height else round(end * sf[0])
        strips.append(Strip(slice(start, end), last - first, slice(sr.start - first, sr.stop - first), sr))
    return strips
