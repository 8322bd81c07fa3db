"""Two small networks that weigh what an image's spectra tell: was it blurred, and by what.

The fit of `gaussian.py` takes scenes for alike at every scale, and compression for structure. These networks
have seen pictures of known blur, with and without noise and compression, and know what they look like in the
spectra of patches. They are told the fits as well, and how noisy the image is:

    a patch's 144 logarithms → 64 → 64 → 32 features and 4 scores
    4 means of the features over all patches, each weighted by one of the scores, and 7 facts of the image
    → 64 → mean variance, half the difference of the axes, covariance; log odds of a bicubic image

An image and its mirror images have the same blur, mirrored: so each is asked four times, and answers once.

A scene that is soft by itself, shrunk bicubically, looks much like a sharp scene that was blurred. One
network has seen soft scenes, and is slow to speak of blur; the other has not, and is quick. Whether there is
a blur they decide together. How wide it is the second says, together with the weighted fit, whose errors are
others: strong compression makes blurs look narrower to the fit, and wider to the network.

`training.py` made `estimator.npz`, which is all of them.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from blind.gaussian import SIDE, Covariance, fit_gaussian, measure_spectra
from blind.noise import estimate_noise
from blind.spectra import amplitude_logarithms, luma_patches

WEIGHTS = Path(__file__).with_name('estimator.npz')
FEATURES = 32
LAYERS = ((SIDE * (SIDE // 2 + 1), 64), (64, 64), (64, FEATURES + 4), (4 * FEATURES + 7, 64), (64, 4))
MOST_PATCHES = 1000
LARGEST_FACT = 8.0  # pixels²: a fit beyond is as good as none
LEAST_NOISE = 0.3  # grey levels: less is as good as none

# How mirroring changes an answer: half the difference of the axes changes its sign when they are exchanged,
# and the covariance when one is reversed. In the order of `mirrored`.
SIGNS = np.array([(1, 1, 1), (1, 1, -1), (1, -1, 1), (1, -1, -1)], np.float32)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the networks are asked with.

    Attributes:
        spectra: Spectra of the image.
        patches: float32 array (n, 144), logarithms of amplitudes.
        facts: float32 array (7,): mean variance, half the difference of the axes and covariance by the fit
            without weights, the same with weights, in pixels² of a result of twice the size; log of noise.
    """

    spectra: object
    patches: np.ndarray
    facts: np.ndarray


def gather(pixels, most=MOST_PATCHES):
    """Gather the Evidence of an image.

    Args:
        pixels: float array (H, W, C) in [0, 1], C 1 or 3, at least 32 pixels high and wide.
        most: how many patches at most.
    """
    noise = estimate_noise(pixels)
    spectra = measure_spectra(pixels, noise)
    fits = [fit_gaussian(spectra, weighted).scaled(2, 2) for weighted in (False, True)]
    blur = [(fit.mean, fit.difference, fit.xy) for fit in fits]
    facts = np.append(np.clip(blur, -LARGEST_FACT, LARGEST_FACT), np.log(noise + LEAST_NOISE))
    patches = amplitude_logarithms(luma_patches(pixels, SIDE, most))
    return Evidence(spectra, patches.reshape(len(patches), -1), facts.astype(np.float32))


def ask(evidence):
    """Ask the networks about an image.

    Args:
        evidence: Evidence of the image.

    Returns:
        (covariance, log_odds): Covariance of the image's blur in pixels² of a result of twice the size, if
        it is blurred; and the logarithm of the odds that it was shrunk bicubically, or never blurred at all.
    """
    answers = [_answer(weights, evidence) for weights in read_networks()]
    widths = [np.array(answers[-1][:3])]
    fit = evidence.facts[3:6]
    if np.abs(fit).max() < LARGEST_FACT:
        widths.append(fit)
    mean, difference, xy = np.mean(widths, axis=0).tolist()
    log_odds = sum(answer[3] for answer in answers) / len(answers)
    return Covariance(mean + difference, mean - difference, xy), log_odds


def mirrored(patches, facts):
    """The evidence of an image as it is, upside down, transposed, and both.

    Args:
        patches: float array (n, 144).
        facts: float array (7,).

    Returns:
        (patches, facts): arrays (4, n, 144) and (4, 7).
    """
    turned = np.stack([patches[:, entries] for entries in _mirrored_entries()])
    return turned, np.concatenate(
        [np.tile(facts[:6], (4, 1)) * np.tile(SIGNS, 2), np.tile(facts[6:], (4, 1))], 1
    )


def respond(library, weights, patches, facts):
    """A network itself.

    Args:
        library: numpy, or what stands for it in training.
        weights: dict of `filter_0`, `bias_0`, …, and `skip` from the facts to the answer.
        patches: float32 array (b, n, 144), mean removed.
        facts: float32 array (b, 7).

    Returns:
        Float32 array (b, 4).
    """
    zero = np.float32(0)

    def layer(number, values):
        """One layer, without what follows it."""
        return values @ weights[f'filter_{number}'] + weights[f'bias_{number}']

    hidden = library.maximum(layer(0, patches), zero)
    hidden = layer(2, library.maximum(layer(1, hidden), zero))
    features, scores = hidden[..., :FEATURES], hidden[..., FEATURES:]
    shares = library.exp(scores - library.max(scores, axis=1, keepdims=True))
    shares = shares / library.sum(shares, axis=1, keepdims=True)
    means = library.swapaxes(shares, 1, 2) @ features
    known = library.concatenate([library.reshape(means, (-1, 4 * FEATURES)), facts], axis=1)
    return layer(4, library.maximum(layer(3, known), zero)) + facts @ weights['skip']


@cache
def read_networks():
    """The trained weights: a tuple of dicts of float32 arrays, in the order of `examples.SOFT_SHARES`."""
    with np.load(WEIGHTS) as file:
        stacked = {name: file[name].astype(np.float32) for name in file.files}
    count = len(stacked['mean'])
    return tuple({name: values[number] for name, values in stacked.items()} for number in range(count))


def _answer(weights, evidence):
    """One network's answer, a list: mean variance, half the difference of the axes, covariance, log odds."""
    patches, facts = mirrored(evidence.patches - weights['mean'], evidence.facts)
    answers = respond(np, weights, patches, facts)
    return (answers * np.column_stack([SIGNS, np.ones(4)])).mean(axis=0).tolist()


@cache
def _mirrored_entries():
    """Where the entries of a mirrored patch's spectrum come from: index array (4, 144).

    A real image's spectrum is the same at opposite frequencies, which finds those of the redundant half.
    """
    v, u = np.meshgrid(np.arange(SIDE), np.arange(SIDE // 2 + 1), indexing='ij')
    entries = []
    for vertical, horizontal in ((v, u), (-v, u), (u, v), (u, -v)):
        redundant = horizontal % SIDE > SIDE // 2
        vertical, horizontal = (np.where(redundant, -f, f) % SIDE for f in (vertical, horizontal))
        entries.append((vertical * (SIDE // 2 + 1) + horizontal).ravel())
    return np.stack(entries)
