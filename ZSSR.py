"""Zero-Shot Super-Resolution: a small network trained on one image, then used to enlarge it.

Shocher, Cohen, Irani: "Zero-Shot" Super-Resolution using Deep Internal Learning, CVPR 2018.

    from ZSSR import ZSSR
    sr = ZSSR('old_photograph.png', get_config('X2_REAL_CONF')).run()    floats in [0, 1]
    counts = enlarge(counts)                                             an array, in its own units

What needs TensorFlow is imported where it is used: neither this import nor a refusal waits for it.
"""

import time
from pathlib import Path

import numpy as np

from blind.choice import choose
from comparing.metrics import scale_border, scores
from configs import Config, get_config
from files.image_files import load_inputs, truth_at
from files.pictures import from_arrays, read_images
from files.results import in_units
from files.run_record import finite, scale_record
from files.saving import Saving, strips_of
from imresize import imresize
from learning.augmentation import Augmentation
from learning.history import History, Scale
from learning.original_names import OriginalNames
from learning.quick_test import error_of
from learning.schedules import schedule_for
from learning.stack import run_each
from learning.strips import middle
from settings.scales import scaled_shape


def enlarge(image, conf=None, *, kernels=None, progress=None, value_range=None, has_alpha=None):
    """Enlarge an image, and give back what was given: its type, units and channels. Nothing is written.

    Args:
        image: array (H, W), (H, W, C) or a stack (pages, H, W, C) of any numbers, or the path of a file.
        conf: Config; None: AUTO, where the image itself tells what it needs.
        kernels: as in `ZSSR`.
        progress: as in `ZSSR`.
        value_range: what black and white are: 'auto', 'full' or [low, high] (`files.values.choose_values`);
            None: as `conf` has it if that is not 'full', else 'auto'.
        has_alpha: whether an array's last channel is alpha; None: of 2 and of 4 channels it is, where their
            type is uint8 or uint16, or they are floats in [0, 1].

    Returns:
        Array of the same type and number of dimensions, enlarged to the last scale.

    Raises:
        ValueError, FileNotFoundError: for input that cannot be used, naming it and the remedy.
    """
    conf = (get_config('AUTO') if conf is None else conf).copy()
    own = 'auto' if conf.value_range == 'full' else conf.value_range
    conf.save_results, conf.value_range = False, own if value_range is None else value_range
    is_path, options = isinstance(image, str | Path), {'value_range': conf.value_range, 'pages': conf.pages}
    if is_path:
        pictures = read_images(image, large=conf.large, **options)
    else:
        pictures = from_arrays(image, name='image', has_alpha=has_alpha, **options)
    if conf.from_image:
        choice = choose(image if is_path else pictures[0], conf, kernels)
        conf, kernels = choice.conf, choice.kernels
    net = ZSSR(pictures, conf, kernels=kernels, progress=progress)
    net.run()
    return in_units(pictures, net.srs, conf.scales[-1])


class ZSSR(OriginalNames):
    """One image, and the network that learns from it.

    What lives as long as the run is kept here; what lives as long as a scale or as its training, in parts of
    their own, whose contents are reachable under the original's names (`OriginalNames`).

    Attributes:
        conf: Config, a copy.
        rng: numpy.random.RandomState, drawn from in the original's order; filter_rng: for initial filters.
        pictures: Pictures of the input, one a page; file_name, stem: what it and its result are called.
        saving: files.saving.Saving, or None where nothing is written.
        network: learning.network.Network, which can be given to the next image.
        bases: float32 arrays (H, W, C) in [0, 1], a page each, that `sf` is relative to; base_sf: their scale
        inputs: what is trained on of each: all, or the middle of a large one. input: the first.
        gt: ground truth of the last scale, or None; kernels: per scale, aligned kernel or method name.
        hr_fathers_sources: what fathers are cut from: the input, and results of earlier scales; in rounds,
            also what `_choose_sources` makes of the present one.
        srs: the results that were made last, a page each; empty where they were only saved.
        final_sr: the first of them, or None.
        records: a dict per scale finished, as run.json keeps it (`files.records.scale_record`).
        work: learning.work.Work; its phase ('training', 'enlarging', 'writing', 'done') and share (0 to 1).
        scale: Scale, the current one.
        history, schedule: History, and Plateau or Linear, of its training.
    """

    def __init__(self, input_img, conf=None, ground_truth=None, kernels=None, network=None, progress=None):
        """Read and check everything that the run needs, and create the filters.

        Args:
            input_img: path, or array (H, W), (H, W, C) or (pages, H, W, C) of uint8, uint16, float in [0, 1],
                or, by `conf.value_range`, of any numbers; or a list of Picture.
            conf: Config; a copy is used. None: the default.
            ground_truth: path or array of the last scale's size, or None.
            kernels: path, 2-D array or method name per scale; None: `conf.downscale_method`.
            network: Network of an earlier image, reset and used again if it fits; None: a new one.
            progress: called with this object again and again, within seconds, while it trains and enlarges
                (`phase`, `share`), or None.

        Raises:
            ValueError, FileNotFoundError: for input that cannot be used, naming it and the remedy.
        """
        self.conf = (conf or Config()).copy()
        self.conf.validate()
        if self.conf.seed is None:
            self.conf.seed = int(np.random.SeedSequence().generate_state(1)[0])
        self.rng = np.random.RandomState(self.conf.seed)
        self.filter_rng = np.random.default_rng(self.conf.seed)
        self.progress = progress or (lambda net: None)

        is_path = isinstance(input_img, str | Path)
        self.file_name = str(input_img) if is_path else self.conf.name
        self.stem = Path(input_img).stem if is_path else self.conf.name
        self.given_kernels = kernels
        self.pictures, self.gt, self.kernels = load_inputs(input_img, self.conf, ground_truth, kernels)
        self._output_shapes = self.conf.output_shapes(self.pictures[0].pixels.shape)
        self.saving = None
        if self.conf.save_results:
            self.saving = Saving(self.pictures, self.conf, self.stem, is_path)

        self.base_sf = np.ones(2)
        self._set_bases([picture.pixels for picture in self.pictures])
        self.hr_fathers_sources = list(self.inputs)
        self.srs = []
        self.final_sr = None
        self.records = []
        self._start_scale(0)
        self.network = network
        self.build_network()
        from learning.work import Work

        self.work = Work.of(self)

    def run(self):
        """Train and enlarge, scale after scale.

        Returns:
            Float array (H, W, C) in [0, 1], or (pages, H, W, C): the result at the last scale. Saved if
            `conf.save_results`; where it is too large to be kept beside, it is only saved, and this is None.

        Source: ZSSR paper, section 3; gradual increases in resolution: section 3.4.
        """
        if self.records:
            raise ValueError('this ZSSR has run already; make a new one for another run')
        if self.conf.pages == 'each' and len(self.pictures) > 1:
            self.srs, self.records = run_each(self, ZSSR)
            self.final_sr = self.srs[0]
            if self.conf.save_results:
                self.records[-1]['output'] = self._save()
            return np.stack(self.srs)
        self.network.notify = self.work.passed
        try:
            for index in range(len(self.conf.scales)):
                self._run_scale(index)
        finally:
            self.network.notify = lambda pixels: None
        return np.stack(self.srs) if len(self.srs) > 1 else self.final_sr

    def build_network(self):
        """Give the network fresh filters and a fresh optimiser; make it if there is none.

        Filters are normal with standard deviation sqrt(init_variance / (3·3·channels in)).
        """
        from learning.network import Network, design_for

        design = design_for(self.conf, self.input.shape[2])
        if self.network is None or self.network.design != design:
            self.network = Network(design)
        shapes = design.filter_shapes
        deviations = [np.sqrt(self.conf.init_variance / np.prod(shape[:3])) for shape in shapes]
        self.network.reset(
            [self.filter_rng.normal(0, sigma, shape) for sigma, shape in zip(deviations, shapes, strict=True)]
        )

    def train(self):
        """Train the current scale: sons, seen by the network, are to become their fathers.

        The schedule says when the learning rate falls, a quick test is due, and it is enough. Where it trains
        in rounds, each round's result is a source of fathers for the next.

        Raises:
            ValueError: the training diverged.
        """
        from learning.pairs import draw_ahead
        from learning.sons import plan_sons

        plan = plan_sons(
            self.conf.crop_size, self.sf, self.kernel, self.conf.upscale_method, self.network.pair_dtype
        )
        sources = self._choose_sources()
        self.work.phase = 'training'
        for block in self.schedule.blocks(self.history):
            pieces = self.network.pieces(block.rates, self.conf.crop_size)
            for rates, draws in draw_ahead(self._draw_pairs, pieces, sources, plan):
                self._train_block(rates, draws, sources, plan)
                self.work.trained(len(rates))
            if block.quick_test and self.conf.run_test:
                self.quick_test()
            self.progress(self)
            told = self.is_trained
            if block.ends_round:
                flip = self.conf.output_flip and self.conf.round_flip
                sources = self._choose_sources([self._enlarge(lr, flip) for lr in self.inputs])
                self.work.phase = 'training'
        if not told:
            # Its last quick test ended the training, which no one knew before.
            self.progress(self)

    # The original's steps, for a loop of one's own: `train` does the same for many pairs within one graph.

    def father_to_son(self, hr_father):
        """Shrink an image as the input is thought to have been shrunk, and add noise.

        Args:
            hr_father: array (H, W, C) in [0, 1].

        Returns:
            Float64 array (ceil(H / sf), ceil(W / sf), C) in [0, 1].
        """
        return self._noisy(imresize(hr_father, scale_factor=1 / self.sf, kernel=self.kernel))

    def forward_backward_pass(self, lr_son, hr_father):
        """Train once on a given pair.

        Args:
            lr_son: array (h, w, C) in [0, 1].
            hr_father: array (H, W, C) in [0, 1]; on the coarse grid, H and W multiples of the scale factor.

        Returns:
            Float32 array (H, W, C): the network's output before the step, not clipped.
        """
        enlarged = imresize(lr_son, self.sf, hr_father.shape, self.conf.upscale_method)
        loss, output = self.network.step(enlarged, hr_father, self.learning_rate)
        self.loss.append(float(loss))
        return output

    def forward_pass(self, lr_son, hr_father_shape=None):
        """Interpolate an image to its father's size and pass it through the network.

        Args:
            lr_son: array (h, w, C) in [0, 1].
            hr_father_shape: (vertical, horizontal, …) size of the result; None: ceil(size · sf).

        Returns:
            Float32 array (H, W, C), clipped to [0, 1].
        """
        shape = hr_father_shape or scaled_shape(lr_son.shape, self.sf)
        return self._enlarger().through_network(lr_son, shape)

    def learning_rate_policy(self):
        """Let the schedule decide, after the iteration done last, whether the learning rate falls.

        With Plateau, quick tests must have been made.
        """
        self.schedule.look(self.iter, self.history)

    def quick_test(self):
        """Measure where the training stands, on the input itself.

        Reconstruction: how well the network turns the input's own son into the input. With a ground truth
        also the true error. Both beside plain interpolation's, which the network should beat.
        """
        history, lr, son, errors = self.history, self.input, self.scale.input_son, {}
        gt = self.gt_per_sf if history.mse is not None else None
        ours, plain = self._enlarger().through_network, self._enlarger().interpolated
        if gt is not None:
            errors['mse'], history.sr = error_of(ours, lr, gt, lr.shape)
        errors['mse_rec'], _ = error_of(ours, self._noisy(son), lr, lr.shape)
        # Interpolation's are known from before where nothing in them changes in a scale.
        if gt is not None:
            known = history.interp_mse
            errors['interp_mse'] = known[0] if known else error_of(plain, lr, gt, lr.shape)[0]
        # Drawn anew, as the original does.
        noisy, known = self._noisy(son), [] if self.conf.noise_std else history.interp_rec_mse
        errors['interp_rec_mse'] = known[0] if known else error_of(plain, noisy, lr, lr.shape)[0]
        # All at once, since progress is told of in between.
        history.add(self.iter, errors)

    def final_test(self):
        """Enlarge the input: geometric self-ensemble, back-projection, median or mean.

        Returns:
            Float32 array (H, W, C) in [0, 1].

        Source: ZSSR paper, section 3.2.
        """
        self.final_sr = self._enlarge(self.input)
        return self.final_sr

    def base_change(self):
        """Make the current result the input of the later scales, if the configuration says so."""
        scale = self.conf.scales[self.sf_ind]
        if scale in self.conf.base_changes and self.srs:
            self._set_bases(self.srs)
            self.base_sf = np.array(scale)

    def plot(self):
        """Draw the errors of all scales so far, and the last son, output and father.

        Returns:
            matplotlib.figure.Figure.
        """
        from comparing.figures import run_figure

        scales = self.records if len(self.records) > self.sf_ind else [*self.records, self._record()]
        pair = {'son': self.lr_son, 'output': self.train_output, 'father': self.hr_father}
        known = [(label, image) for label, image in pair.items() if image is not None]
        return run_figure(Path(self.file_name).name, scales, known)

    def _set_bases(self, bases):
        """Take what is enlarged from now on, and of large images the middle to train on."""
        self.bases = bases
        self.inputs = [middle(base) for base in bases]
        self.input = self.inputs[0]

    def _run_scale(self, index):
        """Train and enlarge at one scale, and record it."""
        started = time.perf_counter()
        if index > 0 or self.loss:
            self._start_scale(index)
        if self.conf.init_net_for_each_sf and index > 0:
            self.build_network()
        self.train()
        self.work.next_stage()
        trained = time.perf_counter()
        self.srs, self.final_sr = [], None
        if not (self.saving and self.saving.is_streamed(self.sf_ind, self.gt)):
            whole = self.input is self.bases[0]
            self.srs = [self.final_test() if whole else self._enlarge(self.bases[0])]
            self.srs += map(self._enlarge, self.bases[1:])
            self.final_sr = self.srs[0]
            self.hr_fathers_sources += map(middle, self.srs)
        seconds = {'training': trained - started, 'output': time.perf_counter() - trained}
        output = self._save() if self.conf.save_results else None
        self.records.append(self._record() | self._scores() | {'seconds': seconds, 'output': output})
        self.base_change()
        self.work.next_stage()
        self.work.enter('done')

    def _start_scale(self, index):
        """Set what belongs to a scale and to its training."""
        sf = np.array(self.conf.scales[index]) / self.base_sf
        is_whole = self.input is self.bases[0]
        self.scale = Scale(
            index=index,
            sf=sf,
            kernel=self.kernels[index],
            output_shape=self._output_shapes[index] if is_whole else scaled_shape(self.input.shape, sf),
            gt=truth_at(index, self.gt, self.conf, self._output_shapes[index]),
            input_son=imresize(self.input, scale_factor=1 / sf, kernel=self.kernels[index]),
        )
        # Of a part that is trained on, there is no truth.
        self.history = History.empty(has_truth=self.gt is not None and is_whole)
        self.schedule = schedule_for(self.conf)

    def _choose_sources(self, results=()):
        """Choose what fathers are cut from: the input, earlier scales' results and, shrunk, the present ones.

        The present `results`, at the end of a round, are shrunk halfway to the finest other source, where
        they are sharp. Source: ZSSR paper, section 3.4, between two scales.
        """
        from learning.fathers import Sources
        from learning.resizing import shrink_all

        images, pages = list(self.hr_fathers_sources), len(self.inputs)
        scales = [(1.0, 1.0), *self.conf.scales][: len(images) // pages]
        if results:
            target = self.conf.scales[self.sf_ind]
            halfway = tuple(np.add(scales[-1], target) / 2)
            shape = scaled_shape(self.input.shape, halfway / self.base_sf)
            images += shrink_all(results, shape, np.divide(halfway, target), self.work.shrunk)
            scales.append(halfway)
        return Sources(images, scales, pages)

    def _train_block(self, rates, draws, sources, plan):
        """Train for as many iterations as there are rates, in the compiled loop."""
        trained, history = self.network.train(sources.packed, plan, draws, rates), self.history
        losses, history.hr_father, history.lr_son, history.train_output = trained
        history.loss.extend(losses.tolist())
        if not np.isfinite(losses[-1]):
            raise ValueError(
                f'training diverged: at iteration {self.iter} the loss is {losses[-1]}; '
                "lower learning_rate, or use precision='float32'"
            )

    def _draw_pairs(self, rates, sources, plan):
        """Draw what describes the pairs of iterations: the fathers' sources and places, the sons' noise."""
        from learning.pairs import draw_pairs

        return draw_pairs(
            len(rates) * self.conf.batch_size,
            Augmentation.from_config(self.conf),
            sources,
            son_shape=(*plan.son_shape, self.input.shape[2]),
            noise_std=self.conf.noise_std,
            rng=self.rng,
        )

    def _noisy(self, son):
        """Add a son's noise, drawn even where it is 0: every preset walks through the same random numbers."""
        return np.clip(son + self.rng.randn(*son.shape) * self.conf.noise_std, 0, 1)

    def _enlarge(self, lr, flip=None):
        """Super-resolve an image whole, by all views if `flip` (None: as conf has it): float32 (H, W, C)."""
        self.work.enter('enlarging')
        return self._enlarger(flip).whole(lr, self._shape_of(lr))

    def _enlarger(self, flip=None):
        from learning.output import Enlarger

        return Enlarger.of(self, flip)

    def _shape_of(self, lr):
        """(vertical, horizontal) size of an image's result at the current scale."""
        whole = lr.shape == self.bases[0].shape
        return self._output_shapes[self.sf_ind] if whole else scaled_shape(lr.shape, self.sf)

    def _save(self):
        """Write the current scale's result, in the format and the units of the input; returns its name."""
        if self.srs:
            self.work.enter('writing')
            pages = [strips_of(sr) for sr in self.srs]
        else:
            self.work.enter('enlarging')
            enlarger, shape = self._enlarger(), self._output_shapes[-1]
            pages = [enlarger.strips(base, shape) for base in self.bases]
        return self.saving.save(self.sf_ind, pages, self.work.written)

    def _record(self):
        """What the current scale was trained with and how it went, in plain Python numbers."""
        scale, changes = self.conf.scales[self.sf_ind], self.learning_rate_change_iter_nums[1:]
        return scale_record(scale, self.kernel, changes, self.history.lists())

    def _scores(self):
        """PSNR and SSIM of the current scale's result, or None without ground truth."""
        if self.gt_per_sf is None:
            return {'psnr': None, 'ssim': None}
        border = scale_border(self.conf.scales[self.sf_ind])
        return finite(scores(self.final_sr, np.clip(self.gt_per_sf, 0, 1), border))
