"""The settings that suit an image, chosen by what it tells of its blur, noise and compression."""

from dataclasses import dataclass, replace

import numpy as np

from blind.compression import jpeg_quality
from blind.estimate import as_colours, kernels_for
from blind.noise import estimate_colour_noise, estimate_noise, noise_by_brightness
from configs import Config
from files.pictures import Picture, read_image
from learning.strips import middle

# (JPEG quality, grey levels of noise that it is as bad as): with so much the results of three development
# images had most dB.
JPEG_DAMAGE = ((45, 15.0), (70, 12.0), (85, 7.5), (90, 6.0), (95, 3.0), (97, 0.0))
LEAST_DAMAGE = 1.5  # grey levels: less is not worth removing, and back-projection does more good than harm
NOISE_ON_SONS = 0.8  # of the image's own: what X2_FAST_NOISY_CONF has for the noise of Table 3
# With a kernel, of white: an estimated one is never quite right, and a network that learns to undo too much
# blur without any noise makes ringing of it.
LEAST_NOISE_STD = 0.002
BACK_PROJECTION = {True: 4, False: 2}  # iterations, with a kernel and without


@dataclass(frozen=True)
class Choice:
    """What is done to an image, and why.

    Attributes:
        conf: Config, with the fields that the image decided.
        kernels: for `ZSSR(kernels=…)`, or None.
        note: what was found and what was chosen, in a line.
        found: dict for the record: covariance (yy, xx, xy) and confidence of the blur, jpeg_quality, noise in
            grey levels (a colour's, or a compressed image's luma's; the luma's dark and bright half's); the
            fields that were chosen.
    """

    conf: Config
    kernels: list | None
    note: str
    found: dict


def choose(source, conf, kernels=None):
    """Let an image decide what `conf.from_image` leaves to it; with its kernel, noise_std is not quite 0.

    Args:
        source: path of the image, or its Picture; a large one's middle is looked at.
        conf: Config. Not changed.
        kernels: of the user, for `ZSSR(kernels=…)`; used where the image does not decide.

    Returns:
        Choice.
    """
    path, picture = (None, source) if isinstance(source, Picture) else (source, _read(source, conf))
    channels = middle(picture.pixels)
    pixels = as_colours(channels)
    found, texts, chosen = {}, [], {}
    if 'kernel' in conf.from_image:
        kernels, estimate = kernels_for(pixels, conf)
        covariance = estimate.covariance
        found['covariance'] = covariance and [covariance.yy, covariance.xx, covariance.xy]
        found['confidence'] = estimate.confidence
        texts.append(f'{estimate.note} (confidence {estimate.confidence:.2f})')
    if set(conf.from_image) - {'kernel'}:
        quality = jpeg_quality(path, pixels)
        noise = estimate_noise(pixels) if quality else _noise(channels)
        found |= {'noise': [noise, *noise_by_brightness(pixels)], 'jpeg_quality': quality}
        texts += [f'noise {noise:.1f} of 255'] + ([f'JPEG {quality}'] if quality else [])
        suitable = fields_for(kernels is not None, noise, quality, len(conf.scales))
        chosen = {name: value for name, value in suitable.items() if name in conf.from_image}
    estimated = 'kernel' in conf.from_image and kernels is not None
    if estimated and 'noise_std' not in conf.from_image:
        texts += _unheeded_noise(channels, conf)
    if estimated and conf.noise_std < LEAST_NOISE_STD:
        chosen.setdefault('noise_std', LEAST_NOISE_STD)
    used = 'estimated kernel' if estimated else 'kernel' if kernels else f'{conf.downscale_method} kernel'
    note = '; '.join([f'{", ".join(texts)}: {used}', *(f'{name} {value}' for name, value in chosen.items())])
    return Choice(replace(conf.copy(), **chosen), kernels, note, found | {'chosen': chosen})


def fields_for(has_kernel, noise, quality, scales):
    """The fields of Config that suit an image.

    Args:
        has_kernel: whether its sons are made with a kernel: turned, the image would have another.
        noise: of a colour, in grey levels.
        quality: of its JPEG, or None.
        scales: int, how many.

    Returns:
        Dict of noise_std, back_projection_iters, output_flip and augment_allow_rotation.
    """
    damage = max(noise, _jpeg_damage(quality))
    damaged = damage > LEAST_DAMAGE
    # Undoing a blur strengthens even a little noise, unless the sons have as much.
    noise_std = NOISE_ON_SONS * damage / 255 if damaged or has_kernel else 0.0
    if has_kernel:
        noise_std = max(noise_std, LEAST_NOISE_STD)
    return {
        'noise_std': round(noise_std, 4),
        # Of a noisy image, back-projection would put the noise back.
        'back_projection_iters': [0 if damaged else BACK_PROJECTION[has_kernel]] * scales,
        'output_flip': not has_kernel,
        'augment_allow_rotation': not has_kernel,
    }


def _read(path, conf):
    """The picture of a file, of a stack the first page that is enlarged."""
    return read_image(path, value_range=conf.value_range, pages=conf.pages, large=conf.large)


def _noise(pixels):
    """Noise of a colour in grey levels; of channels that are no colours, their median."""
    if pixels.shape[2] in (1, 3):
        return estimate_colour_noise(pixels)
    channels = range(pixels.shape[2])
    return float(np.median([estimate_noise(pixels[:, :, channel : channel + 1]) for channel in channels]))


def _unheeded_noise(pixels, conf):
    """What to say of noise that undoing a blur strengthens, where the sons have less: a list of texts."""
    noise = _noise(pixels)
    if noise <= LEAST_DAMAGE or conf.noise_std >= NOISE_ON_SONS * noise / 255:
        return []
    return [f'noise {noise:.1f} of 255, which will be strengthened: AUTO, or noise_std, heeds it']


def _jpeg_damage(quality):
    """Grey levels of noise that a JPEG quality is as bad as; 0 for None."""
    return 0.0 if quality is None else float(np.interp(quality, *zip(*JPEG_DAMAGE, strict=True)))
