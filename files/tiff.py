"""TIFF files through tifffile, an optional package: pages, channels, types and what they measure, in and out.

A series of a TIFF has axes named by letters: Y and X of an image, S the samples of a pixel, C channels in
planes of their own; all others (T time, Z depth, …) count pages. An image is the (H, W, C) of one page.
"""

import contextlib
import math
import zlib
from dataclasses import dataclass, field
from xml.etree import ElementTree

import numpy as np

# Tags that a result keeps as they are: texts, the satellites' coordinate systems, what marks missing values.
TEXTS = {269: 's', 271: 's', 272: 's', 285: 's', 306: 's', 315: 's', 33432: 's', 34737: 's', 42112: 's'}
KEPT = TEXTS | {34735: 'H', 34736: 'd', 42113: 's'}
# Tags of places, which are counted in pixels, and so change with the scale.
PIXEL_SCALE, TIE_POINTS, TRANSFORMATION, GEO_KEYS = 33550, 33922, 34264, 34735
PIXEL_IS_POINT = (1025, 0, 1, 2)  # of GEO_KEYS: coordinates are of pixels' centres, not of their corners
NO_DATA, ICC, ORIENTATION = 42113, 34675, 274
RESOLUTION = (283, 282)  # vertical, horizontal
RESOLUTION_UNIT = 296
STRIP_BYTES = 2**20
LARGEST_PART = 2**26  # bytes of a tile or strip that are asked for whatever the image or the file may hold
LARGEST_RESOLUTION = 1e8
BIG_BYTES = 3.9e9  # what a TIFF of the common kind may hold
IMAGEJ_TYPES = ('uint8', 'uint16', 'float32')
IMAGEJ_KEPT = ('unit', 'spacing', 'finterval', 'fps', 'loop', 'mode', 'Labels', 'Info', 'LUTs')
OME_KEPT = ('PhysicalSizeZ', 'PhysicalSizeXUnit', 'PhysicalSizeYUnit', 'PhysicalSizeZUnit', 'TimeIncrement')


@dataclass(frozen=True)
class TiffOrigin:
    """What a TIFF's result needs to be alike.

    Attributes:
        kind: 'imagej', 'ome' or 'plain'.
        axes: letters of the axes that count pages.
        page_shape: their lengths.
        planes: whether channels are planes of their own (C), not samples of a pixel (S).
        colours: whether the samples are RGB.
        resolution: (vertical, horizontal) pixels per unit, or None.
        unit: TIFF's number of that unit.
        metadata: dict, of ImageJ or OME.
        tags: {number: value}, handed on.
    """

    kind: str
    axes: str
    page_shape: tuple
    planes: bool
    colours: bool
    resolution: tuple | None = None
    unit: int = 1
    metadata: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)


def load_tifffile():
    """The package, or None where it is not installed; what it has to say of a file is left unsaid."""
    try:
        import tifffile
    except ImportError:
        return None
    tifffile.logger().disabled = True
    return tifffile


def full_series(tif):
    """The series of an open TIFF that are images of their own, not previews: of one size and type each."""
    full = [series for series in tif.series if not series.keyframe.is_reduced]
    return full or tif.series


class TiffSeries:
    """A series of an open TIFF, as pages of images."""

    def __init__(self, tif, series):
        """Look at one of the series of `tif`, a tifffile.TiffFile, without reading pixels."""
        self._tif, self._series = tif, series
        self.first = self._series.keyframe
        self.axes = self._series.axes
        lengths = dict(zip(self.axes, self._series.shape, strict=True))
        self.height, self.width = lengths.get('Y', 0), lengths.get('X', 0)
        self._leading = [(axis, lengths[axis]) for axis in self.axes if axis not in 'YXSC']
        self.page_shape = tuple(length for _, length in self._leading)
        self.pages = math.prod(self.page_shape)
        self.channels = lengths.get('S', 1) * lengths.get('C', 1)
        self.dtype = self._series.dtype

    @property
    def is_read_whole(self):
        """Whether pages cannot be read one by one, because they lie behind one header."""
        planes = dict(zip(self.axes, self._series.shape, strict=True)).get('C', 1)
        return len(self._series.pages) != self.pages * planes or len(set(self.axes)) < len(self.axes)

    @property
    def part_bytes(self):
        """Bytes of a tile or strip, as its pixels are."""
        return math.prod(self.first.chunks) * self.dtype.itemsize

    @property
    def is_cut_off(self):
        """Whether ImageJ wrote more images than are there."""
        told = (self._tif.imagej_metadata or {}).get('images', 1) if self._tif.is_imagej else 1
        planes = dict(zip(self.axes, self._series.shape, strict=True)).get('C', 1)
        return told > self.pages * planes

    @property
    def alpha(self):
        """How the last channel is an alpha: 'UNASSALPHA', 'ASSOCALPHA' (premultiplied) or None."""
        colours = 3 if self.first.photometric.name == 'RGB' else 1
        extra = [sample.name for sample in self.first.extrasamples]
        is_alpha = 'C' not in self.axes and self.channels == colours + 1 and extra[:1]
        return extra[0] if is_alpha and extra[0].endswith('ALPHA') else None

    def read(self, page):
        """The samples (H, W, C) of one page, counted from 0."""
        series, planes = self._series, dict(zip(self.axes, self._series.shape, strict=True)).get('C', 1)
        outer = [axis for axis in self.axes if axis not in 'YXS']
        if self.is_read_whole:
            return self._read_whole(page)
        place = dict(zip([a for a, _ in self._leading], self._place(page), strict=True))
        shape = [length for axis, length in zip(self.axes, series.shape, strict=True) if axis in outer]
        read = []
        for plane in range(planes):
            at = tuple(place.get(axis, plane) for axis in outer)
            samples = self._pixels(series.pages[int(np.ravel_multi_index(at, shape)) if at else 0])
            inner = ''.join(axis for axis in self.axes if axis in 'YXS')
            read.append(_channels_last(samples, inner))
        return read[0] if planes == 1 else np.concatenate(read, axis=2)

    def _pixels(self, page):
        self._check_parts(page)
        return page.asarray()

    def _check_parts(self, page):
        """Refuse a page with a tile or strip of far more bytes than the file: so many would be asked for."""
        largest = max(page.databytecounts, default=0) if page else 0  # frames behind one header have none
        if largest > max(LARGEST_PART, self._tif.filehandle.size):
            raise ValueError(f'a tile or strip of {largest} bytes')

    def _read_whole(self, page):
        """Where frames lie behind one header, they are read together."""
        for part in self._series.pages:
            self._check_parts(part)
        samples = self._series.asarray()
        kept = [axis for axis in self.axes if axis in 'YXSC']
        order = [i for i, axis in enumerate(self.axes) if axis not in 'YXSC']
        samples = np.moveaxis(samples, order, range(len(order)))
        samples = samples.reshape(-1, *samples.shape[len(order) :])[page]
        return _channels_last(samples, ''.join(kept))

    def _place(self, page):
        return np.unravel_index(page, self.page_shape) if self._leading else ()

    def origin(self):
        """The TiffOrigin of its result."""
        tif, tags = self._tif, self.first.tags
        kind = 'ome' if tif.is_ome else 'imagej' if tif.is_imagej else 'plain'
        metadata = {}
        if kind == 'imagej':
            found = tif.imagej_metadata or {}
            metadata = {name: found[name] for name in IMAGEJ_KEPT if name in found}
        elif kind == 'ome':
            with contextlib.suppress(ElementTree.ParseError, ValueError):
                metadata = _ome_metadata(tif.ome_metadata)
        resolution = tuple(_ratio(tags[tag].value) for tag in RESOLUTION if tag in tags)
        unit = int(tags[RESOLUTION_UNIT].value) if RESOLUTION_UNIT in tags else 1
        return TiffOrigin(
            kind=kind,
            axes=''.join(axis for axis, _ in self._leading),
            page_shape=self.page_shape,
            planes='C' in self.axes,
            colours=self.first.photometric.name == 'RGB',
            resolution=resolution if len(resolution) == 2 and all(map(is_resolution, resolution)) else None,
            unit=unit,
            metadata=metadata,
            tags={
                tag: tags[tag].value
                for tag in (*KEPT, PIXEL_SCALE, TIE_POINTS, TRANSFORMATION)
                if tag in tags and tags[tag].value not in (None, '')
            },
        )

    def tag(self, number, default=None):
        """The value of a tag of the first page."""
        return self.first.tags[number].value if number in self.first.tags else default


def write(path, strips, shape, dtype, origin, scale, *, alpha=False, icc=None):
    """Write a stack of pictures as one TIFF, with tifffile.

    Args:
        path: the file.
        strips: iterable of arrays (rows, W, C), from the top of the first page to the bottom of the last.
        shape: (pages, H, W, C), alpha counted.
        dtype: name of the samples' type.
        origin: TiffOrigin of the source.
        scale: (vertical, horizontal) factors by which pixels became smaller.
        alpha: whether the last channel is one.
        icc: bytes of a colour profile, or None.
    """
    tifffile = load_tifffile()
    pages, height, width, channels = shape
    planes = origin.planes and channels > 1
    colours = channels >= 3 and origin.colours and not planes
    extra = channels - (3 if colours else 1) - alpha
    # A page out of a stack is no stack.
    leading = origin.page_shape if int(np.prod(origin.page_shape, dtype=int)) == pages else (pages,)
    axes = origin.axes if leading == origin.page_shape else 'I' * (pages > 1)
    leading = leading if len(leading) == len(axes) else ()
    samples = () if channels == 1 or planes else (channels,)
    whole = (*leading, *((channels,) if planes else ()), height, width, *samples)
    axes += 'C' * planes + 'YX' + 'S' * bool(samples)
    rows = max(1, STRIP_BYTES // (width * (1 if planes else channels) * np.dtype(dtype).itemsize))
    size = float(np.prod(whole, dtype=float)) * np.dtype(dtype).itemsize
    kind = 'plain' if origin.kind == 'imagej' and size >= BIG_BYTES else origin.kind
    if kind == 'imagej' and (dtype not in IMAGEJ_TYPES or (samples and dtype != 'uint8')):
        kind = 'plain'
    with tifffile.TiffWriter(
        path, bigtiff=size >= BIG_BYTES, imagej=kind == 'imagej', ome=kind == 'ome'
    ) as writer:
        writer.write(
            _compressed(strips, height, rows, planes),
            shape=whole,
            dtype=dtype,
            photometric='rgb' if colours else 'minisblack',
            planarconfig='contig' if samples else None,
            extrasamples=['unassalpha'] * alpha + ['unspecified'] * extra if samples else None,
            compression='zlib',
            rowsperstrip=rows,
            resolution=_finer(origin.resolution, scale),
            resolutionunit=origin.unit if origin.resolution else None,
            metadata=_metadata(kind, origin.metadata, axes, scale, pages * (channels if planes else 1)),
            extratags=_tags(origin.tags, scale),
            iccprofile=icc,
            software='ZSSR',
        )


def _channels_last(samples, axes):
    """Samples whose axes are Y, X and perhaps S and C, as (H, W, C)."""
    inner = [axes.index(axis) for axis in 'YX']
    rest = [i for i in range(samples.ndim) if i not in inner]
    moved = np.transpose(samples, [*inner, *rest])
    return moved.reshape(*moved.shape[:2], -1)


def _compressed(strips, height, rows, planes):
    """Yield strips of `rows` rows, compressed, page by page; of planes, one channel's after the other's."""
    page, filled = [], 0
    for strip in strips:
        page.append(strip)
        filled += len(strip)
        if planes and filled < height:
            continue
        samples = np.concatenate(page)
        done = filled == height
        if planes:
            for channel in range(samples.shape[2]):
                for top in range(0, height, rows):
                    yield zlib.compress(samples[top : top + rows, :, channel].tobytes())
            page, filled = [], 0
            continue
        whole = len(samples) if done else len(samples) // rows * rows
        for top in range(0, whole, rows):
            yield zlib.compress(samples[top : min(top + rows, whole)].tobytes())
        page, filled = ([], 0) if done else ([samples[whole:]], filled)


def _finer(resolution, scale):
    """(horizontal, vertical) pixels per unit of a result, as tifffile takes it."""
    return None if resolution is None else (resolution[1] * scale[1], resolution[0] * scale[0])


def _metadata(kind, found, axes, scale, pages):
    """What tifffile is told for ImageJ or OME; pixels are smaller by the scale."""
    if kind == 'plain':
        return None
    metadata = {'axes': axes, **found}
    if kind == 'imagej':
        metadata = {name: _ascii(value) for name, value in metadata.items()}
        if 'Labels' in metadata and len(metadata['Labels']) != pages:
            del metadata['Labels']
    for axis, factor in zip('YX', scale, strict=True):
        if (size := found.get(f'PhysicalSize{axis}')) is not None:
            metadata[f'PhysicalSize{axis}'] = float(f'{size / factor:.12g}')
    return metadata


def _ascii(value):
    """A text as ImageJ itself writes it: µm is \\u00B5m."""
    if not isinstance(value, str):
        return value
    return ''.join(sign if sign.isascii() else f'\\u{ord(sign):04X}' for sign in value)


def _ome_metadata(xml):
    """Sizes of a pixel, times and names of channels from OME-XML, as tifffile takes them."""
    metadata = {}
    for element in ElementTree.fromstring(xml).iter():
        kind = element.tag.rpartition('}')[2]
        if kind == 'Pixels' and not metadata:
            metadata = {name: element.get(name) for name in OME_KEPT if element.get(name)}
            sizes = {f'PhysicalSize{axis}': element.get(f'PhysicalSize{axis}') for axis in 'YX'}
            metadata |= {name: float(size) for name, size in sizes.items() if size}
            names = [part.get('Name') for part in element if part.tag.rpartition('}')[2] == 'Channel']
            if names and all(names):
                metadata['Channel'] = {'Name': names}
    return metadata


def _tags(tags, scale):
    """Tags as tifffile takes them; places counted in pixels move with the scale."""
    tags, down, across = dict(tags), *scale
    if PIXEL_SCALE in tags:
        x, y, z = tags[PIXEL_SCALE]
        tags[PIXEL_SCALE] = (x / across, y / down, z)
    if TIE_POINTS in tags:
        keys = tags.get(GEO_KEYS) or ()
        half = 0.5 if PIXEL_IS_POINT in zip(*(iter(keys),) * 4, strict=False) else 0.0
        points = np.array(tags[TIE_POINTS], float).reshape(-1, 6)
        points[:, :2] = (points[:, :2] + half) * (across, down) - half
        tags[TIE_POINTS] = tuple(points.ravel())
    if TRANSFORMATION in tags:
        tags[TRANSFORMATION] = tuple(np.divide(tags[TRANSFORMATION], [across, down, 1, 1] * 4))
    kinds = KEPT | {PIXEL_SCALE: 'd', TIE_POINTS: 'd', TRANSFORMATION: 'd'}
    found = []
    for tag, value in tags.items():
        if kinds[tag] == 's':
            # TIFF's texts are of ASCII; other letters are handed on as the bytes that they mostly are.
            found.append((tag, 's', None, value if isinstance(value, bytes) else value.encode(), True))
        else:
            found.append((tag, kinds[tag], len(value), value, True))
    return found


def is_resolution(value):
    """Whether a number of pixels per unit is one that a file can hold."""
    return 1e-6 < value < LARGEST_RESOLUTION


def _ratio(value):
    """A rational tag as a float; 0 where it is none."""
    numerator, denominator = value
    return numerator / denominator if denominator else 0.0
