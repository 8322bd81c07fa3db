"""Units: what black and white, 0 and 1, stand for in an image's own values, and the way back to them."""

import math
from dataclasses import dataclass

import numpy as np

from files.rounding import check_unit_range, row_strips, to_integers

# Of the data's values, so much may lie beyond the range at either end: hot and dead pixels.
STRAY = 0.001
# So many times what all others span, a value that is there again and again lies apart.
FAR = 10
# Values that are looked at to find it.
SAMPLE = 2**22
WHOLE_NUMBERS = ('int8', 'int16', 'int32', 'uint8', 'uint16', 'uint32')


@dataclass(frozen=True)
class Values:
    """What 0 and 1 are in the units of an image's source, and the type that it came in.

    Attributes:
        low: what 0 is: a number for all channels, or one for each.
        high: what 1 is.
        dtype: name of the source's NumPy type.
    """

    low: tuple = (0.0,)
    high: tuple = (255.0,)
    dtype: str = 'uint8'

    @property
    def is_whole(self):
        """Whether the range is that of the type, or of the floats [0, 1]."""
        return (self.low, self.high) == _range_of_type(np.dtype(self.dtype))

    def to_unit(self, samples):
        """Turn samples (H, W, C) into a float32 copy in which low is 0 and high is 1, not clipped."""
        if self.low == (0.0,) and samples.dtype.name in ('uint8', 'uint16'):
            return np.divide(samples, np.float32(self.high[0]), dtype=np.float32, order='C')
        pixels = np.empty(samples.shape, np.float32)
        low, high = np.array(self.low), np.array(self.high)
        for rows in row_strips(*samples.shape[:2]):
            pixels[rows] = (samples[rows].astype(np.float64) - low) / (high - low)
        return pixels

    def from_unit(self, pixels):
        """Turn floats (H, W, C) into samples of the source's type and units, whole numbers rounded half up.

        Whole numbers are clipped to what their type holds; floats are not.
        """
        dtype = np.dtype(self.dtype)
        if self.is_whole and dtype in (np.uint8, np.uint16):
            return to_integers(pixels, 8 * dtype.itemsize)
        samples = np.empty(pixels.shape, dtype)
        low, high = np.array(self.low), np.array(self.high)
        for rows in row_strips(*pixels.shape[:2]):
            strip = pixels[rows].astype(np.float64) * (high - low) + low
            if dtype.kind != 'f':
                # Of 64 bits, the largest that a float holds.
                most = np.nextafter(float(np.iinfo(dtype).max) + 1, 0)
                strip = np.clip(np.floor(strip + 0.5), np.iinfo(dtype).min, most)
            samples[rows] = strip
        return samples

    def note(self):
        """The range in words, empty where it is that of the type."""
        if self.is_whole:
            return ''
        ranges = [f'{low:.6g} to {high:.6g}' for low, high in zip(self.low, self.high, strict=True)]
        return f'{self.dtype} values {", ".join(dict.fromkeys(ranges))} are taken for black to white'


def choose_values(pages, asked, name, has_colours=True):
    """Choose what is black and what is white.

    Args:
        pages: list of arrays (H, W, C) of one type, without alpha.
        asked: 'full': the range of the type, [0, 1] for floats; [low, high]; or 'auto': the type's for
            8 bits, and where the data span at least half of it, else the data's, for each channel unless they
            are gray or RGB. Single stray pixels do not decide. Or Values of another image in the same units.
        name: what error messages call the image.
        has_colours: whether the channels are gray or RGB, which have one range.

    Returns:
        Values.

    Raises:
        ValueError: naming a type that has no such range, or values that are outside of it.
    """
    dtype = pages[0].dtype
    _check_finite(pages, name)
    if isinstance(asked, list | tuple):
        return Values((float(asked[0]),), (float(asked[1]),), dtype.name)
    if dtype == np.uint8 or asked == 'full':
        return _full(pages, dtype, name)
    if isinstance(asked, Values) and len(asked.low) in (1, pages[0].shape[2]):
        return Values(asked.low, asked.high, dtype.name)
    data = _data_range(pages, 1 if has_colours else pages[0].shape[2], name)
    if dtype.name in WHOLE_NUMBERS or dtype.kind == 'f':
        (low,), (high,) = _range_of_type(dtype)
        within = min(data[0]) >= low and max(data[1]) <= high
        if within and max(data[1]) - min(data[0]) >= (high - low) / 2:
            return Values((low,), (high,), dtype.name)
    return Values(*data, dtype.name)


def _full(pages, dtype, name):
    if dtype.kind == 'f':
        for samples in pages:
            check_unit_range(samples, name)
    elif dtype.name not in WHOLE_NUMBERS:
        raise ValueError(
            f'{name}: type {dtype} has no range of its own; convert to uint8, uint16 or float in [0, 1], or '
            "set value_range to 'auto' or [low, high]"
        )
    return Values(*_range_of_type(dtype), dtype.name)


def _range_of_type(dtype):
    """(lows, highs) of a type: of whole numbers all they hold, of floats [0, 1]."""
    if dtype.kind == 'f':
        return (0.0,), (1.0,)
    return (float(np.iinfo(dtype).min),), (float(np.iinfo(dtype).max),)


def _data_range(pages, ranges, name):
    """(lows, highs) of the data, `ranges` of them: one, or one for each channel.

    All but the STRAY ends, widened by half of what they span, so that an image without strays keeps its
    least and largest value.
    """
    lows, highs = [], []
    for channel in range(ranges):
        of_all = [samples if ranges == 1 else samples[:, :, channel] for samples in pages]
        least, most = (float(extreme([extreme(v) for v in of_all])) for extreme in (np.min, np.max))
        step = max(1, sum(values.size for values in of_all) // SAMPLE)
        sample = np.concatenate([values.ravel()[::step] for values in of_all]).astype(np.float64)
        if math.isinf(most - least):
            raise ValueError(
                f'{name}: {least:g} to {most:g} is more than can be told apart; give --range LO:HI'
            )
        low, high = np.quantile(sample, (STRAY, 1 - STRAY))
        _refuse_marks(sample, low, high, name)
        margin = (high - low) / 2
        if margin > 0:
            least, most = max(least, low - margin), min(most, high + margin)
        lows.append(least)
        highs.append(most if most > least else least + max(1.0, abs(least)))
    return tuple(map(float, lows)), tuple(map(float, highs))


def _refuse_marks(sample, low, high, name):
    """Refuse a value that is there often, and so far from all others that it must mark something."""
    for mark in {low, high}:
        others = sample[sample != mark]
        if 0 < others.size < sample.size and np.abs(others - mark).min() > FAR * (np.ptp(others) or np.inf):
            share = 100 * (1 - others.size / sample.size)
            raise ValueError(
                f'{name}: {share:.1f} % of its values are {mark:g}, far from all others; if that marks what '
                'is missing, crop it away or fill it, if not, give the range (--range LO:HI, value_range)'
            )


def _check_finite(pages, name):
    """Refuse what is no number: a network would spread it over the picture."""
    if pages[0].dtype.kind != 'f':
        return
    bad, total = (
        sum(counts) for counts in zip(*((_count_bad(page), page.size) for page in pages), strict=True)
    )
    if bad:
        kind = 'NaN' if any(np.isnan(samples.min()) for samples in pages) else 'infinite'
        raise ValueError(
            f'{name}: has {kind} values; give finite values ({bad} of {total} are none: crop them away, or '
            'fill them, as numpy.nan_to_num does)'
        )


def _count_bad(samples):
    return sum(int(np.count_nonzero(~np.isfinite(samples[r]))) for r in row_strips(*samples.shape[:2]))
