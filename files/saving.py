"""Where the results of an image go, and whether they can go there."""

import math
from dataclasses import asdict
from pathlib import Path

from files.names import free_path, result_name
from files.results import plan_result, result_format, samples_of, write_result
from files.rounding import row_strips

# A result of more pixels is written while it is computed, unless something else needs it.
STREAMED_PIXELS = 2**27


def strips_of(sr):
    """Yield (slice of rows, those rows) of a result that is there as a whole, an array (H, W, C)."""
    return ((rows, sr[rows]) for rows in row_strips(*sr.shape[:2]))


class Saving:
    """Writes an image's results, one per scale, as its configuration wants them.

    `files.results.plan_result` refuses what cannot be written; so does this, when it is made.
    """

    def __init__(self, pictures, conf, stem, is_named):
        """Plan the last scale's result.

        Args:
            pictures: list of Picture, the pages of the input.
            conf: Config.
            stem: of the results' names.
            is_named: whether that is the image's own; arrays are all called alike, and none is overwritten.
        """
        self._pictures, self._conf, self._stem, self._is_named = pictures, conf, stem, is_named
        self._shapes = conf.output_shapes(pictures[0].pixels.shape)
        self._plan(len(self._shapes) - 1)

    def save(self, index, pages, tell):
        """Write the result at a scale.

        Args:
            index: of the scale.
            pages: per page, an iterable of (slice of the result's rows, float array (rows, W, C) in [0, 1]).
            tell: called with the shape of every strip that is written.

        Returns:
            What run.json calls the file: its name in the folder of the run, or the path that was wanted.
        """
        plan = self._plan(index)
        last = index == len(self._shapes) - 1
        if last and self._conf.result_file is not None:
            path = Path(self._conf.result_file)
        else:
            path = Path(self._conf.result_path) / result_name(self._stem, plan.scale, plan.kind)
            path = path if self._is_named else free_path(path)
        path.parent.mkdir(parents=True, exist_ok=True)

        def samples():
            """The samples of all strips."""
            for picture, strips in zip(self._pictures, pages, strict=True):
                for part in samples_of(plan, picture, strips):
                    yield part
                    tell(part.shape)

        write_result(path, plan, samples())
        return path.name if self._conf.result_file is None else str(path)

    def is_streamed(self, index, ground_truth):
        """Whether a scale's result is written strip by strip, as it is large and nothing else needs it."""
        is_last = index == len(self._shapes) - 1
        pixels = len(self._pictures) * math.prod(self._shapes[index])
        kept = ground_truth is not None or self._conf.pages == 'each'
        return is_last and not kept and pixels > STREAMED_PIXELS

    def values(self):
        """What run.json keeps of the last scale's result: units, shape, and of which page it is; a dict."""
        plan = self._plan(len(self._shapes) - 1)
        page = self._conf.pages if isinstance(self._conf.pages, int) else 1
        told = {'stretched': plan.is_stretched, 'shape': list(plan.shape), 'page': page}
        return asdict(self._pictures[0].values) | told

    def _plan(self, index):
        """The ResultPlan of a scale."""
        last = index == len(self._shapes) - 1
        file = self._conf.result_file if last else None
        kind = result_format(self._pictures[0].origin, self._conf.result_format, file)
        return plan_result(self._pictures, self._shapes[index], self._conf.scales[index], kind)
