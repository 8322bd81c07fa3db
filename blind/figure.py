"""The picture of an estimated blur."""

import numpy as np
from matplotlib.figure import Figure

from blind.gaussian import son_spectrum
from files.storage import printable


def kernel_figure(title, estimate, sf):
    """Draw an estimated blur: the kernel, if there is one, and the spectra that it was found by.

    Args:
        title: text above.
        estimate: KernelEstimate with spectra.
        sf: (vertical, horizontal) scale factors that it was estimated for.
    """
    figure = Figure(figsize=(8, 3.6), layout='constrained')
    figure.suptitle(printable(title), fontsize='medium', parse_math=False)
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    if estimate.kernel is None:
        left.text(0.5, 0.5, 'no kernel', ha='center', va='center')
        left.set_axis_off()
    else:
        left.imshow(estimate.kernel, cmap='gray_r', vmin=0, interpolation='nearest')
        left.set(xlabel='pixels of the result')
    own = estimate.covariance.scaled(1 / sf[0], 1 / sf[1])
    frequencies, curves = radial_means([estimate.spectra.small, son_spectrum(estimate.spectra, own)])
    for label, curve, style in zip(('the image', 'its son by this blur'), curves, ('-', '--'), strict=True):
        right.plot(frequencies, curve, style, marker='.', label=label)
    right.set(yscale='log', xlabel='cycles per pixel', ylabel='power (grey levels²)')
    right.legend(frameon=False, fontsize='small')
    right.grid(alpha=0.3)
    return figure


def radial_means(spectra):
    """Average spectra (n, n) over directions: frequencies in cycles per pixel, and a curve for each."""
    side = len(spectra[0])
    radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(side)] * 2, indexing='ij'))
    rings = np.rint(radius * side).astype(int)
    used = range(1, side // 2 + 1)
    curves = [[float(spectrum[rings == ring].mean()) for ring in used] for spectrum in spectra]
    return [ring / side for ring in used], curves
