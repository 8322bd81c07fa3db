"""Results as files: in the format, the type, the units and with the metadata of their input."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from files import arrays, png, tiff
from files.metadata import Origin, exif_bytes
from files.rounding import row_strips
from files.storage import atomic_file
from files.values import Values
from imresize import imresize_rows
from settings.rules import RESULT_SUFFIXES

LONGEST_SIDE = {'jpg': 65535, 'webp': 16383}
JPEG = {'quality': 95, 'subsampling': 0}
LONGEST_EXIF = 65_000  # bytes that a JPEG holds of it
WEBP = {'lossless': True, 'exact': True}
# What Pillow writes as TIFF without another package: type and channels.
PILLOW_TIFFS = {('uint8', 1), ('uint8', 2), ('uint8', 3), ('uint8', 4), ('uint16', 1), ('float32', 1)}


def result_format(origin, asked='auto', file=None):
    """Which format a result gets.

    Args:
        origin: Origin of the input.
        asked: a key of RESULT_SUFFIXES, or 'auto': the input's own where it is a TIFF or an array, which hold
            what PNG does not, else PNG.
        file: the file that the result is to be, whose suffix decides then; or None.

    Raises:
        ValueError: naming a suffix that is none of a format.
    """
    if file is not None:
        suffix = Path(file).suffix.lower()
        for kind, suffixes in RESULT_SUFFIXES.items():
            if suffix in suffixes:
                return kind
        known = ', '.join(suffix for suffixes in RESULT_SUFFIXES.values() for suffix in suffixes)
        raise ValueError(f'{file}: results cannot be written as {suffix or "such a file"}; give {known}')
    if asked != 'auto':
        return asked
    return {'TIFF': 'tif', 'NPY': 'npy', 'NPZ': 'npz'}.get(origin.format, 'png')


@dataclass(frozen=True)
class ResultPlan:
    """How the result of an image is written.

    Attributes:
        kind: the format, a key of RESULT_SUFFIXES.
        shape: (pages, H, W, C) of the samples, alpha counted.
        values: Values by which floats in [0, 1] become samples: the input's own, or, in a format that does
            not hold these, black to white in 8 or 16 bits.
        has_alpha: whether the last channel is alpha.
        origin: Origin of the input.
        scale: (vertical, horizontal) scale factor.
        is_stretched: whether the file holds black to white in place of the input's units.
    """

    kind: str
    shape: tuple
    values: Values
    has_alpha: bool
    origin: Origin
    scale: tuple
    is_stretched: bool = False

    def samples(self, pixels, alpha=None, beyond=None):
        """Floats of some rows as samples (rows, W, C).

        Args:
            pixels: float array (rows, W, C) in [0, 1].
            alpha: float array (rows, W) in [0, 1], or None.
            beyond: float array (rows, W, C), added to the pixels where the file holds the input's units.
        """
        if beyond is not None and not self.is_stretched:
            pixels = pixels + beyond
        samples = self.values.from_unit(pixels)
        if not self.has_alpha:
            return samples
        largest = 1 if samples.dtype.kind == 'f' else np.iinfo(samples.dtype).max
        opaque = Values((0.0,), (float(largest),), self.values.dtype)
        return np.concatenate([samples, opaque.from_unit(alpha[:, :, np.newaxis])], axis=2)


def plan_result(pictures, output_shape, scale, kind):
    """Plan how the result of an image is written, or refuse it before any time is spent on it.

    Args:
        pictures: list of Picture, the pages of the input.
        output_shape: (vertical, horizontal) size of the result.
        scale: (vertical, horizontal) scale factor.
        kind: the format, a key of RESULT_SUFFIXES.

    Returns:
        ResultPlan.

    Raises:
        ValueError: naming what the format does not hold, and one that does.
    """
    first, (height, width) = pictures[0], output_shape
    channels = first.pixels.shape[2] + (first.alpha is not None)
    values, opaque = first.values, first.alpha is None
    name = first.origin.format or 'array'
    remedy = 'choose tif or npy (--ext, or the suffix of --output)'
    if kind in LONGEST_SIDE and max(output_shape) > LONGEST_SIDE[kind]:
        raise ValueError(f'{height}×{width} pixels are too many for a {kind} file; {remedy}')
    if kind in ('png', 'jpg', 'webp'):
        if first.pixels.shape[2] not in (1, 3) or len(pictures) > 1:
            held = f'{len(pictures)} pages' if len(pictures) > 1 else f'{channels} channels'
            raise ValueError(f'{held} of this {name} cannot be written as {kind}; {remedy}')
        if kind == 'jpg' and not opaque:
            raise ValueError('a jpg file has no transparency; choose png, webp or tif (--ext)')
        if kind != 'png' or (values.is_whole and values.dtype.startswith('float')):
            values = Values()
        elif values.dtype not in ('uint8', 'uint16'):
            values = Values((0.0,), (65535.0,), 'uint16')
    if kind == 'tif' and tiff.load_tifffile() is None:
        held = (values.dtype, channels)
        if held not in PILLOW_TIFFS or len(pictures) > 1:
            raise ValueError(
                f'a TIFF of {len(pictures)} pages, {channels} channels, {values.dtype} needs a package: '
                'pip install tifffile; or choose npy or png (--ext)'
            )
    shape = (len(pictures), height, width, channels)
    stretched = values != first.values
    return ResultPlan(kind, shape, values, not opaque, first.origin, tuple(scale), stretched)


def samples_of(plan, picture, strips):
    """Yield the samples (rows, W, C) of a page's result, its alpha and what lay beyond its range with it.

    Args:
        plan: ResultPlan.
        picture: Picture of the page.
        strips: iterable of (slice of the result's rows, float array (rows, W, C) in [0, 1]), from the top.
    """
    shape = plan.shape[1:3]
    for rows, pixels in strips:
        for part in row_strips(*pixels.shape[:2]):
            at = slice(rows.start + part.start, rows.start + part.stop)
            alpha = beyond = None
            if picture.alpha is not None:
                alpha = np.clip(imresize_rows(picture.alpha, plan.scale, shape, at), 0, 1)
            if picture.beyond is not None:
                beyond = imresize_rows(picture.beyond, plan.scale, shape, at)
            yield plan.samples(pixels[part], alpha, beyond)


def write_result(path, plan, strips):
    """Write a result, whole or not at all.

    Args:
        path: the file.
        plan: ResultPlan.
        strips: iterable of arrays (rows, W, C) of samples (`ResultPlan.samples`), from the top of the first
            page to the bottom of the last.
    """
    origin, (pages, *shape) = plan.origin, plan.shape
    with atomic_file(path) as temporary:
        if plan.kind == 'png':
            bits = 8 * np.dtype(plan.values.dtype).itemsize
            exif = exif_bytes(origin, shape)
            with open(temporary, 'wb') as file:
                png.write(file, strips, shape, bits, icc=origin.icc, exif=exif, dpi=origin.dpi)
        elif plan.kind == 'tif' and tiff.load_tifffile():
            tiff.write(
                temporary,
                strips,
                plan.shape,
                plan.values.dtype,
                origin.tiff or _tiff_origin(origin, shape[2] - plan.has_alpha),
                plan.scale,
                alpha=plan.has_alpha,
                icc=origin.icc,
            )
        else:
            whole = np.concatenate(list(strips)).reshape(pages, *shape)
            if plan.kind in ('npy', 'npz'):
                key = (origin.key or 'arr_0') if plan.kind == 'npz' else None
                arrays.write_array(temporary, _as_it_came(whole, origin), key)
            else:
                _write_with_pillow(temporary, whole[0], plan)


def _tiff_origin(origin, colours):
    """The TiffOrigin of what was no TIFF, or was not read by tifffile."""
    inches = {'resolution': origin.dpi, 'unit': 2} if origin.dpi else {}
    return tiff.TiffOrigin('plain', '', (), planes=False, colours=colours == 3, **inches)


def in_units(pictures, results, scale):
    """Results as arrays of the type, units and dimensions that their input had.

    Args:
        pictures: list of Picture, the pages of the input.
        results: list of float arrays (H, W, C) in [0, 1], theirs.
        scale: (vertical, horizontal) scale factor.

    Returns:
        Array.
    """
    plan = plan_result(pictures, results[0].shape[:2], scale, 'npy')
    pairs = zip(pictures, results, strict=True)
    parts = [part for picture, sr in pairs for part in samples_of(plan, picture, [(slice(0, len(sr)), sr)])]
    return _as_it_came(np.concatenate(parts).reshape(plan.shape), pictures[0].origin)


def _as_it_came(samples, origin):
    """Samples (pages, H, W, C) with the dimensions that the input had as an array."""
    stack = len(samples) > 1 or origin.ndim == 4
    flat = samples.shape[-1] == 1 and (origin.ndim in (0, 2) or (stack and origin.ndim == 3))
    samples = samples if stack else samples[0]
    return samples[..., 0] if flat else samples


def _write_with_pillow(path, samples, plan):
    """Write samples (H, W, C) in a format that Pillow knows, with their metadata."""
    origin, options = plan.origin, {'jpg': JPEG, 'webp': WEBP, 'tif': {'compression': 'tiff_adobe_deflate'}}
    kind = {'jpg': 'JPEG', 'webp': 'WEBP', 'tif': 'TIFF'}[plan.kind]
    given = {'icc_profile': origin.icc, 'exif': exif_bytes(origin, samples.shape), 'dpi': origin.dpi}
    given = {name: value for name, value in given.items() if value}
    if plan.kind == 'jpg' and len(given.get('exif', b'')) > LONGEST_EXIF:
        del given['exif']
    if 'dpi' in given:
        factors = plan.scale if plan.kind == 'tif' else (1, 1)
        given['dpi'] = tuple(n * factor for n, factor in zip(origin.dpi, factors, strict=True))[::-1]
    if plan.kind == 'tif':
        given.pop('exif', None)
    image = Image.fromarray(samples[:, :, 0] if samples.shape[2] == 1 else samples)
    image.save(path, kind, **options[plan.kind], **given)
