"""What there is to do for a command: images that are left, that are done already, that cannot be used."""

from dataclasses import dataclass, field

from running.inputs import check_images, failure_line


@dataclass
class Plan:
    """The jobs of a run.

    Attributes:
        images: ImageFiles that are left to do, checked.
        done: brief entries of run.json, of those that are done already.
        failures: a line for each that is set aside.
        unmeasured: a line for each ground truth that is left out.
        several: whether there may be more than one image: then one that fails does not stop the others.
    """

    images: list = field(default_factory=list)
    done: list = field(default_factory=list)
    failures: list = field(default_factory=list)
    unmeasured: list = field(default_factory=list)
    several: bool = False

    @property
    def count(self):
        """Of all images."""
        return len(self.images) + len(self.done) + len(self.failures)

    @property
    def note(self):
        """Say how much is done already, in a line; None: nothing is."""
        if not self.done:
            return None
        return f'{len(self.done)} of {self.count} images are done already (--force does them again)'


def make_plan(files, conf, earlier, *, force=False, truth_is_given=True):
    """Find out which images are left to do, and check these before any time is spent.

    Args:
        files: list of ImageFiles.
        conf: Config, validated.
        earlier: Earlier, what is recorded in the folder of results.
        force: whether to do all again.
        truth_is_given: as in `inputs.check_images`.

    Returns:
        Plan.
    """
    plan = Plan()
    earlier.forget_failures(files)

    def left_of(images):
        """Those that are not done; the others are in the plan then."""
        if force:
            return images
        left, done, taken = earlier.split(images, conf)
        plan.done += done
        plan.failures += [failure_line(image, ValueError(reason)) for image, reason in taken]
        return left

    good, failures, plan.unmeasured = check_images(left_of(files), conf, truth_is_given)
    plan.failures += failures
    # An image whose ground truth does not fit is known without it.
    plan.images = left_of(good)
    return plan
