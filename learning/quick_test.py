"""What the quick test looks at: all of an image, or of a large one sixteen windows."""

import numpy as np

# It looks at no more of an image than this.
QUICK_TEST_PIXELS = 1_000_000


def quick_test_windows(shape, input_shape):
    """The parts of an image that the quick test looks at.

    Args:
        shape: (vertical, horizontal, …) size of the image.
        input_shape: size of the input; up to QUICK_TEST_PIXELS everything is looked at, beyond it the same
            share of any image.

    Returns:
        List of (top, bottom, left, right): the whole image, or a grid of 4 × 4 windows.
    """
    share = QUICK_TEST_PIXELS / (input_shape[0] * input_shape[1])
    if share >= 1:
        return [(0, shape[0], 0, shape[1])]
    height, width = (max(1, round(n * np.sqrt(share) / 4)) for n in shape[:2])
    tops, lefts = np.rint(np.linspace(0, shape[0] - height, 4)), np.rint(np.linspace(0, shape[1] - width, 4))
    return [(int(y), int(y) + height, int(x), int(x) + width) for y in tops for x in lefts]


def error_of(enlarge, lr, hr, input_shape):
    """Measure an enlargement where the quick test looks.

    Args:
        enlarge: function of an image, the (vertical, horizontal, …) size of its enlargement, and the region
            (top, bottom, left, right) of that to return.
        lr: array (h, w, C).
        hr: array (H, W, C), what its enlargement should be.
        input_shape: size of the input.

    Returns:
        (error, enlarged): mean squared error over all windows, and the last window's enlargement.
    """
    errors = []
    for region in quick_test_windows(hr.shape, input_shape):
        top, bottom, left, right = region
        enlarged = enlarge(lr, hr.shape, region)
        errors.append(np.square(hr[top:bottom, left:right] - enlarged).ravel())
    return float(np.mean(np.concatenate(errors))), enlarged
