"""A scale factor in every form: number, pair, text, part of a file's name, size of what it makes."""

import math

# An output of 100 times the sides has 10,000 times the pixels.
LARGEST_SCALE = 100

# So many characters of a value are enough to know it again.
LONGEST_TOLD = 200


def told(value):
    """A value as error messages quote it: only its beginning, where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits, lists in lists in lists
        return f'such a {type(value).__name__}'
    return text if len(text) <= LONGEST_TOLD else f'{text[:LONGEST_TOLD]}…'


def is_number(value):
    """Whether a value is a finite number, such as a float holds; True and False are none."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def as_pair(scale):
    """(vertical, horizontal) floats of such a pair, or of a number for both; else a ValueError."""
    pair = tuple(scale) if isinstance(scale, list | tuple) else (scale, scale)
    if len(pair) != 2 or not all(is_number(n) for n in pair):
        raise ValueError(f'scale factor {told(scale)}: give a number or a (vertical, horizontal) pair')
    return float(pair[0]), float(pair[1])


def parse_scale(text):
    """Read a scale factor from the command line: '3' or '2x3' (vertical x horizontal)."""
    parts = text.lower().replace('×', 'x').split('x')
    try:
        factors = [float(part) for part in parts]
    except ValueError:
        factors = []
    if len(factors) not in (1, 2) or not all(1 <= factor <= LARGEST_SCALE for factor in factors):
        raise ValueError(f'--scale {text}: give a factor from 1 to 100 such as 3, or two such as 2x3')
    return factors[0], factors[-1]


def scale_name(scale):
    """A scale as result files are named after it: (2, 1.5) is 'X2.00X1.50'."""
    return f'X{scale[0]:.2f}X{scale[1]:.2f}'


def scale_text(scale):
    """A scale as people read it: ×2, or ×1.5×2; empty for None."""
    numbers = (scale or ())[: 1 if scale and scale[0] == scale[1] else 2]
    return ''.join(f'×{number:g}' for number in numbers)


def axes_text(pair):
    """A (vertical, horizontal) scale or border as tables have it: 2x1.5; empty for None."""
    return 'x'.join(f'{number:g}' for number in pair or ())


def scaled_shape(shape, sf):
    """(vertical, horizontal) size of an image of `shape`, in pixels, enlarged by `sf`, and rounded up."""
    # Rounded first, since 90 · 2.7 is 243.00000000000003 in floating point, which is not a pixel more.
    return tuple(math.ceil(round(n * factor, 6)) for n, factor in zip(shape[:2], sf, strict=True))
