"""Resizing images the way MATLAB does, and blurring with a numeric kernel, in NumPy.

Super-resolution benchmarks are made with MATLAB's antialiased bicubic `imresize`; a network trained on sons
that were shrunk by anything else learns to undo the wrong blur. One function for each step: the interpolation
kernels, `contributions` (which pixels an output pixel is made of), `imresize`, and `kernel_shift`. SciPy is
loaded where a numeric kernel needs it, to keep its half second out of every other start.
"""

import numpy as np

EPS = np.finfo(np.float32).eps

# The interpolation kernels: weights at float distances x from the pixel's centre, in pixels.


def cubic(x):
    """Keys' cubic kernel (a = −0.5), four pixels wide."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def linear(x):
    """Triangle kernel, two pixels wide."""
    return np.maximum(1 - np.abs(x), 0.0)


def box(x):
    """Nearest-pixel kernel, one pixel wide: 1 on [−0.5, 0.5)."""
    return ((x >= -0.5) & (x < 0.5)).astype(np.float64)


def _lanczos(x, lobes):
    numerator = np.sin(np.pi * x) * np.sin(np.pi * x / lobes) + EPS
    return np.where(np.abs(x) < lobes, numerator / (np.pi**2 * x**2 / lobes + EPS), 0.0)


def lanczos2(x):
    """Lanczos kernel of two lobes, four pixels wide."""
    return _lanczos(x, 2)


def lanczos3(x):
    """Lanczos kernel of three lobes, six pixels wide."""
    return _lanczos(x, 3)


# Name -> (kernel, width of its support in pixels).
METHODS = {
    'cubic': (cubic, 4),
    'lanczos2': (lanczos2, 4),
    'lanczos3': (lanczos3, 6),
    'box': (box, 1),
    'linear': (linear, 2),
}


def imresize(
    im, scale_factor=None, output_shape=None, kernel=None, antialiasing=True, kernel_shift_flag=False
):
    """Resize an image as MATLAB's imresize does, or blur it with a numeric kernel and subsample.

    A scale and a size may be given together: a 9-pixel father at 1/2 has a 5-pixel son, and enlarging that
    son by 2 to 9 pixels keeps the scale at exactly 2.

    Args:
        im: array (H, W) or (H, W, C). Not changed.
        scale_factor: number, or one per axis starting with (vertical, horizontal); missing axes get 1.
            None: output size / input size.
        output_shape: sizes of the output, starting with (vertical, horizontal). None: ceil(input · scale).
        kernel: 'cubic' (also None), 'lanczos2', 'lanczos3', 'box', 'linear', or a 2-D array that is
            correlated with the image before it is subsampled (vertical scale at most 1).
        antialiasing: widen the kernel when shrinking. The vertical scale decides for both axes.
        kernel_shift_flag: align a numeric kernel first (`kernel_shift`).

    Returns:
        Array (h, w) or (h, w, C): float64, or with a numeric kernel the dtype of `im`.

    Raises:
        ValueError: for an unknown method, or if neither scale nor size is given.

    Source: MATLAB's imresize; ZSSR paper, section 3.
    Differs from the original: enlarging by 'box', and numeric kernels on any number of channels, work.
    """
    im = np.asarray(im)
    scale, shape = resolve_scale_and_shape(im.shape, scale_factor, output_shape)
    if kernel is not None and not isinstance(kernel, str) and scale[0] <= 1:
        if kernel_shift_flag:
            kernel = kernel_shift(kernel, 1 / scale[:2])
        return blur_and_subsample(im, np.asarray(kernel), scale, shape)
    method = kernel if isinstance(kernel, str) else None
    antialiasing = antialiasing and scale[0] < 1
    out = im.astype(np.float64)
    for axis in np.argsort(scale, kind='stable'):
        if scale[axis] != 1:
            indices, weights = contributions(im.shape[axis], shape[axis], scale[axis], method, antialiasing)
            out = apply_contributions(out, axis, indices, weights)
    return out


def imresize_rows(im, scale, shape, rows):
    """Some rows of what `imresize(im, scale, shape)` gives, by the cubic method, without the others.

    Args:
        im: array (H, W) or (H, W, C). Not changed.
        scale: (vertical, horizontal) scale factors.
        shape: (vertical, horizontal) size of the whole result.
        rows: slice of its rows.

    Returns:
        Float64 array (rows, W) or (rows, W, C), not clipped.
    """
    steps, first, last = [], rows.start, rows.stop
    for axis in np.argsort(scale[:2], kind='stable'):
        if scale[axis] != 1:
            indices, weights = contributions(
                im.shape[axis], shape[axis], scale[axis], antialiasing=scale[0] < 1
            )
            if axis == 0:
                indices, weights = indices[rows], weights[rows]
                first, last = int(indices.min()), int(indices.max()) + 1
                indices = indices - first
            steps.append((axis, indices, weights))
    out = im[first:last].astype(np.float64)
    for step in steps:
        out = apply_contributions(out, *step)
    return out


def resolve_scale_and_shape(input_shape, scale_factor=None, output_shape=None):
    """Fill in what was not said about a resize: (scale, shape), float array and tuple, an entry per axis.

    Arguments as in `imresize`, for an input of `input_shape`.
    """
    ndim = len(input_shape)
    if scale_factor is None and output_shape is None:
        raise ValueError('imresize needs scale_factor or output_shape; neither was given')
    scale = None
    if scale_factor is not None:
        given = [scale_factor] * 2 if np.ndim(scale_factor) == 0 else list(scale_factor)
        scale = np.array((given + [1.0] * ndim)[:ndim], dtype=np.float64)
        if not (np.isfinite(scale).all() and (scale > 0).all()):
            raise ValueError(f'scale_factor must be positive, not {scale_factor}')
    if output_shape is None:
        return scale, tuple(int(n) for n in np.ceil(np.array(input_shape) * scale))
    shape = (tuple(int(n) for n in output_shape) + tuple(input_shape[len(output_shape) :]))[:ndim]
    if scale is None:
        scale = np.array(shape) / np.array(input_shape)
    return scale, shape


def imresize_matlab(image, scale, border='repeat'):
    """Resize an image with MATLAB's antialiased bicubic imresize, 8-bit images bit for bit.

    The benchmarks' low-resolution files are made this way, so that one pixel rounded otherwise is another
    input. Rows are resized before columns (at unequal scales, the smaller scale first). MATLAB stores 8-bit
    images as such in between: they are rounded half up and clipped after each of the two.

    Args:
        image: array (H, W) or (H, W, C) of uint8 or float. Not changed.
        scale: output / input, a number or (vertical, horizontal).
        border: what lies beyond the edge: 'repeat' (the edge pixel; older MATLAB and the benchmarks' files)
            or 'mirror' (newer MATLAB).

    Returns:
        Array (ceil(H · scale), ceil(W · scale)) or with C: uint8 of uint8; of floats float64, neither
        rounded nor clipped.

    Raises:
        ValueError: for another type of image, scale or border.

    Source: MATLAB's imresize; ZSSR paper, section 4.1.
    """
    image = np.asarray(image)
    if image.ndim not in (2, 3) or not (image.dtype == np.uint8 or image.dtype.kind == 'f'):
        raise ValueError(
            f'an image of type {image.dtype}, shape {image.shape}, cannot be resized as MATLAB does; '
            'give uint8 or float, (H, W) or (H, W, C)'
        )
    if border not in ('repeat', 'mirror'):
        raise ValueError(f"unknown border {border!r}; choose 'repeat' or 'mirror'")
    scale, shape = resolve_scale_and_shape(image.shape, scale)
    out = image.astype(np.float64)
    for axis in np.argsort(scale[:2], kind='stable'):
        indices, weights = contributions(
            image.shape[axis], shape[axis], scale[axis], antialiasing=scale[axis] < 1, border=border
        )
        out = apply_contributions(out, axis, indices, weights)
        if image.dtype == np.uint8:
            out = np.clip(np.floor(out + 0.5), 0, 255)
    return out.astype(np.uint8) if image.dtype == np.uint8 else out


def contributions(in_length, out_length, scale, method=None, antialiasing=True, border='original'):
    """Which input pixels each output pixel is made of along one axis, and with what weights.

    Args:
        in_length: pixels of the input along this axis.
        out_length: pixels of the output.
        scale: output / input scale, which need not be the ratio of the two lengths.
        method: a name in METHODS; None is 'cubic'.
        antialiasing: stretch the kernel by 1/scale, so that shrinking averages instead of skipping.
        border: what lies beyond the edge: 'mirror' (the image, mirrored), 'repeat' (the edge pixel), or
            'original' (as in the original ZSSR: a mirror behind the far edge, nothing before the near one).

    Returns:
        (indices, weights): arrays (out_length, taps); each row of weights sums to 1 (or is all 0).
    """
    if method is not None and method not in METHODS:
        raise ValueError(f'unknown interpolation method {method!r}; choose one of {", ".join(METHODS)}')
    kernel, width = METHODS[method or 'cubic']
    stretch = scale if antialiasing else 1.0
    width = width / stretch
    centre = np.arange(1, out_length + 1) / scale + 0.5 * (1 - 1 / scale)
    first = np.floor(centre - width / 2).astype(np.int64) - 1
    taps = first[:, None] + np.arange(int(np.ceil(width)) + 2)
    weights = stretch * kernel(stretch * (centre[:, None] - taps - 1))
    if border == 'original':
        # It gives weight only to mirrored taps on the far side: near the top and left edge the remaining
        # taps share the weight of the missing ones.
        weights = np.where(taps < 0, 0.0, weights)
    total = weights.sum(axis=1, keepdims=True)
    weights = weights / np.where(total == 0, 1.0, total)
    mirrored = np.concatenate([np.arange(in_length), np.arange(in_length)[::-1]])
    indices = taps.clip(0, in_length - 1) if border == 'repeat' else mirrored[taps % (2 * in_length)]
    used = np.any(weights != 0, axis=0)
    return indices[:, used], weights[:, used]


def apply_contributions(im, axis, indices, weights):
    """Resize one axis of a float array by the weighted sums of `contributions`; its dtype stays."""
    moved = np.moveaxis(im, axis, 0)
    per_row = (-1,) + (1,) * (im.ndim - 1)
    out = np.zeros((len(indices), *moved.shape[1:]), dtype=im.dtype)
    for tap in range(indices.shape[1]):
        out += weights[:, tap].astype(im.dtype).reshape(per_row) * moved[indices[:, tap]]
    return np.moveaxis(out, 0, axis)


def subsample_positions(in_length, out_length, scale):
    """Which positions of a blurred axis are kept when it shrinks: int array (out_length,)."""
    return np.rint(np.linspace(0, in_length - 1 / scale, out_length)).astype(np.int64)


def blur_and_subsample(im, kernel, scale, shape):
    """Shrink an image through a numeric blur kernel.

    Args:
        im: array (H, W) or (H, W, C).
        kernel: 2-D array, already aligned by `kernel_shift`.
        scale: (vertical, horizontal, …) scales, at most 1.
        shape: sizes of the output.

    Returns:
        Array (h, w) or (h, w, C) in the dtype of `im`.

    Source: ZSSR paper, section 3.3.
    """
    from scipy import ndimage

    per_channel = kernel.reshape(kernel.shape + (1,) * (im.ndim - 2))
    blurred = ndimage.correlate(im, per_channel)
    rows, columns = (subsample_positions(im.shape[axis], shape[axis], scale[axis]) for axis in (0, 1))
    return blurred[np.ix_(rows, columns)]


def kernel_shift(kernel, sf):
    """Move a blur kernel so that shrinking by `sf` neither shifts the image nor cuts the kernel off.

    Subsampling keeps the first pixel of every `sf`; only a kernel whose centre of mass lies at the centre of
    such a block leaves son and father aligned.

    Args:
        kernel: 2-D array, not necessarily normalised. Not changed.
        sf: (vertical, horizontal) scale factors, at least 1.

    Returns:
        2-D float array, zero-padded on every side by as much as the shift needs.

    Source: ZSSR's published code; the centre of mass must come to shape // 2 + ½(sf − shape mod 2).
    """
    from scipy import ndimage

    kernel = np.asarray(kernel)
    shape = np.array(kernel.shape)
    current = np.array(ndimage.center_of_mass(kernel))
    wanted = shape // 2 + 0.5 * (np.broadcast_to(sf, 2) - shape % 2)
    shift = wanted - current
    padding = int(np.ceil(np.abs(shift).max())) + 1
    return ndimage.shift(np.pad(kernel, padding), shift)
