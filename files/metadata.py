"""What a photograph carries beside its pixels and hands on to its result: colours, EXIF, resolution."""

import contextlib
import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageCms

from files.tiff import is_resolution

ORIENTATION_TAG = 0x0112
EXIF_IFD = 0x8769
PIXEL_SIZES = (0xA003, 0xA002)  # height and width of the image that EXIF describes
# What would be wrong of a larger image: where its strips lie, and what its TIFF is made of.
NOT_HANDED_ON = (256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 322, 323, 324, 325, 338, 339, 34675)
CMYK, RGB, GRAY = b'CMYK', b'RGB ', b'GRAY'


@dataclass(frozen=True)
class Origin:
    """Where a picture comes from, as far as its result is to be alike.

    Attributes:
        format: Pillow's name of the format, 'NPY', 'NPZ', or None for an array.
        pages: how many the file has, frames of an animation among them.
        icc: bytes of the colour profile that its pixels are meant in, or None.
        exif: Pillow's Exif, or None.
        dpi: (vertical, horizontal) pixels per inch, or None.
        tiff: tiff.TiffOrigin, or None.
        key: name of the array in an .npz file, or None.
        ndim: dimensions of the array that it was; 0 for files of pictures.
    """

    format: str | None = None
    pages: int = 1
    icc: bytes | None = None
    exif: Image.Exif | None = None
    dpi: tuple | None = None
    tiff: object = None
    key: str | None = None
    ndim: int = 0

    @property
    def orientation(self):
        """EXIF orientation, 1 (upright) to 8; 1 where there is none, or it is damaged."""
        with _tolerant():
            return int(self.exif.get(ORIENTATION_TAG, 1)) if self.exif else 1
        return 1


def origin_of(image):
    """The Origin of a loaded Pillow image."""
    exif = dpi = None
    with _tolerant():
        exif = image.getexif()
        exif.get_ifd(EXIF_IFD)  # read while the file is open
    with _tolerant():
        across, down = (float(n) for n in image.info['dpi'])
        dpi = (down, across) if is_resolution(across) and is_resolution(down) else None
    icc = image.info.get('icc_profile') or None
    if icc and icc[16:20] != (GRAY if image.mode in ('1', 'L', 'LA', 'I', 'I;16', 'F') else RGB):
        icc = None
    # A phone's JPEG with previews behind it is one picture.
    pages = 1 if image.format == 'MPO' else getattr(image, 'n_frames', 1)
    return Origin(image.format, pages, icc, exif or None, dpi)


def to_rgb(image):
    """A CMYK image as RGB: by its colour profile where it has one, so that it looks as it was meant to."""
    profile = image.info.get('icc_profile')
    if profile and profile[16:20] == CMYK:
        with _tolerant():
            source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile('sRGB')
            return ImageCms.profileToProfile(image, source, target, outputMode='RGB')
    return image.convert('RGB')


def exif_bytes(origin, shape):
    """The EXIF of a result of `shape` (height, width, …): upright, of its size; None if there is none.

    A preview and what describes the layout of the source are left out.
    """
    if not origin.exif:
        return None
    with _tolerant():
        exif = Image.Exif()
        exif.load(origin.exif.tobytes())
        kept = {tag: value for tag, value in exif.items() if tag not in NOT_HANDED_ON}
        details = dict(exif.get_ifd(EXIF_IFD))
        for tag in [tag for tag in exif if tag not in kept]:
            del exif[tag]
        if ORIENTATION_TAG in exif:
            exif[ORIENTATION_TAG] = 1
        for tag, pixels in zip(PIXEL_SIZES, shape, strict=False):
            if tag in details:
                exif.get_ifd(EXIF_IFD)[tag] = int(pixels)
        return exif.tobytes() if len(exif) else None
    return None


@contextlib.contextmanager
def _tolerant():
    """Damaged metadata do not concern pixels: what they raise or warn of goes by."""
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter('ignore')
        yield
