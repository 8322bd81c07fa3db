"""Zero-Shot Super-Resolution: a small network trained on one image, then used to enlarge it.

Shocher, Cohen, Irani: "Zero-Shot" Super-Resolution using Deep Internal Learning, CVPR 2018.

    from ZSSR import ZSSR
    sr = ZSSR('old_photograph.png', get_config('X2_REAL_CONF')).run()
"""

import time
from pathlib import Path

import numpy as np

from comparing.metrics import scale_border, scores
from configs import Config
from files.image_files import load_inputs
from files.names import result_name
from files.pictures import write_png
from files.records import finite, scale_record
from imresize import imresize
from learning.augmentation import Augmentation
from learning.fathers import Sources
from learning.history import History, Scale
from learning.network import Network, design_for
from learning.output import BackProjection, median, super_resolve_views
from learning.pairs import draw_pairs
from learning.quick_test import error_of
from learning.resizing import ImageResize, resize_region
from learning.schedules import schedule_for
from learning.sons import plan_sons
from learning.work import Work
from settings.scales import scaled_shape


def _of(part, name):
    """An attribute that lives in one of the object's parts."""
    return property(lambda self: getattr(getattr(self, part), name))


class ZSSR:
    """One image, and the network that learns from it.

    What lives as long as the run is kept here; what lives as long as a scale or as its training, in parts of
    their own, whose contents are reachable under the original's names (at the end of the class).

    Attributes:
        conf: Config, a copy.
        rng: numpy.random.RandomState, drawn from in the original's order; filter_rng: for initial filters.
        picture: Picture of the input; file_name, stem: what the image, and its result, are called.
        network: learning.network.Network, which can be given to the next image.
        input: float32 array (H, W, C) in [0, 1]; the base that `sf` is relative to.
        base_sf: array, (vertical, horizontal) scale of the base.
        gt: ground truth of the last scale, or None.
        kernels: per scale: aligned blur kernel, or method name.
        hr_fathers_sources: what fathers are cut from: the input, and results of earlier scales; in rounds,
            also what `_choose_sources` makes of the present one.
        final_sr: the result that was made last, or None while a round trains on it.
        records: a dict per scale finished, as run.json keeps it (`files.records.scale_record`).
        work: learning.work.Work; its phase ('training', 'enlarging', 'writing', 'done') and share (0 to 1).
        scale: Scale, the current one.
        history: History of the current scale's training.
        schedule: Plateau or Linear, of the current scale's training.
    """

    def __init__(self, input_img, conf=None, ground_truth=None, kernels=None, network=None, progress=None):
        """Read and check everything that the run needs, and create the filters.

        Args:
            input_img: path, or array (H, W) or (H, W, C) of uint8, uint16, or float in [0, 1].
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
        self.picture, self.gt, self.kernels = load_inputs(input_img, self.conf, ground_truth, kernels)
        self.input = self.picture.pixels
        self._output_shapes = self.conf.output_shapes(self.input.shape)

        self.base_sf = np.ones(2)
        self.hr_fathers_sources = [self.input]
        self.final_sr = None
        self.records = []
        self._start_scale(0)
        self.network = network
        self.build_network()
        precision = self.network.design.precision
        self.work = Work(
            *(self.conf, self.input.shape, self.gt is not None, precision), tell=lambda: self.progress(self)
        )

    def run(self):
        """Train and enlarge, scale after scale.

        Returns:
            Float array (H, W, C) in [0, 1]: the result at the last scale. Saved if `conf.save_results`.

        Source: ZSSR paper, section 3; gradual increases in resolution: section 3.4.
        """
        if self.records:
            raise ValueError('this ZSSR has run already; make a new one for another run')
        if self.conf.save_results:
            Path(self.conf.result_path).mkdir(parents=True, exist_ok=True)
        self.network.notify = self.work.passed
        try:
            for index in range(len(self.conf.scales)):
                self._run_scale(index)
        finally:
            self.network.notify = lambda pixels: None
        return self.final_sr

    def build_network(self):
        """Give the network fresh filters and a fresh optimiser; make it if there is none.

        Filters are normal with standard deviation sqrt(init_variance / (3·3·channels in)).
        """
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
        plan = plan_sons(
            self.conf.crop_size, self.sf, self.kernel, self.conf.upscale_method, self.network.pair_dtype
        )
        sources = self._choose_sources()
        self.work.phase = 'training'
        for block in self.schedule.blocks(self.history):
            for rates in self.network.pieces(block.rates, self.conf.crop_size):
                self._train_block(rates, sources, plan)
                self.work.trained(len(rates))
            if block.quick_test and self.conf.run_test:
                self.quick_test()
            self.progress(self)
            told = self.is_trained
            if block.ends_round:
                sources = self._choose_sources(self.final_test())
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
        return np.asarray(self._super_resolve(lr_son[None], shape))[0]

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
        history, gt, son, errors = self.history, self.gt_per_sf, self.scale.input_son, {}
        if gt is not None:
            errors['mse'], history.sr = error_of(self._network_region, self.input, gt, self.input.shape)
        errors['mse_rec'], _ = error_of(self._network_region, self._noisy(son), self.input, self.input.shape)
        if gt is not None:
            errors['interp_mse'] = self._interpolation_error(self.input, gt, history.interp_mse)
        # Drawn anew, as the original does.
        noisy, known = self._noisy(son), [] if self.conf.noise_std else history.interp_rec_mse
        errors['interp_rec_mse'] = self._interpolation_error(noisy, self.input, known)
        # All at once, since progress is told of in between.
        for name, error in {'mse_steps': self.iter, **errors}.items():
            getattr(history, name).append(error)

    def final_test(self):
        """Enlarge the input: geometric self-ensemble, back-projection, median.

        Returns:
            Float32 array (H, W, C) in [0, 1].

        Source: ZSSR paper, section 3.2.
        """
        self.work.enter('enlarging')
        views = range(8) if self.conf.output_flip else range(1)
        if self.sf[0] != self.sf[1]:
            # Turned by a right angle, the image would need the two factors exchanged.
            views = views[::2]
        iterations = self.conf.back_projection_iters[self.sf_ind]
        lr = self.input[None].astype(np.float32)
        back_project = BackProjection(
            lr,
            self.output_shape,
            self.sf,
            kernel=self.kernel,
            upscale_method=self.conf.upscale_method,
            dtype=self.network.pair_dtype,
            notify=self.work.resized,
        )
        outputs = [
            back_project(batch, iterations)
            for batch in super_resolve_views(self._super_resolve, lr, self.output_shape, views)
        ]
        merged = median(outputs, self.work.merged)
        self.final_sr = np.asarray(back_project(merged, iterations))[0]
        return self.final_sr

    def base_change(self):
        """Make the current result the input of the later scales, if the configuration says so."""
        scale = self.conf.scales[self.sf_ind]
        if scale in self.conf.base_changes:
            self.input = self.final_sr
            self.base_sf = np.array(scale)

    def plot(self):
        """Draw the errors of all scales so far, and the last son, output and father.

        Returns:
            matplotlib.figure.Figure.
        """
        from comparing.figures import run_figure

        scales = list(self.records)
        if len(scales) <= self.sf_ind:
            scales.append(self._record())
        images = [('son', self.lr_son), ('output', self.train_output), ('father', self.hr_father)]
        known = [(label, image) for label, image in images if image is not None]
        return run_figure(Path(self.file_name).name, scales, known)

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
        self.final_sr = self.final_test()
        self.hr_fathers_sources.append(self.final_sr)
        seconds = {'training': trained - started, 'output': time.perf_counter() - trained}
        output = self._save() if self.conf.save_results else None
        self.records.append(self._record() | self._scores() | {'seconds': seconds, 'output': output})
        self.base_change()
        self.work.next_stage()
        self.work.enter('done')

    def _start_scale(self, index):
        """Set what belongs to a scale and to its training."""
        sf = np.array(self.conf.scales[index]) / self.base_sf
        self.scale = Scale(
            index=index,
            sf=sf,
            kernel=self.kernels[index],
            output_shape=self._output_shapes[index],
            gt=self._shrunk_ground_truth(index),
            input_son=imresize(self.input, scale_factor=1 / sf, kernel=self.kernels[index]),
        )
        self.history = History.empty(has_truth=self.gt is not None)
        self.schedule = schedule_for(self.conf)

    def _shrunk_ground_truth(self, index):
        last = index == len(self.conf.scales) - 1
        if self.gt is None or last:
            return self.gt
        relative = np.array(self.conf.scales[index]) / self.conf.scales[-1]
        return imresize(self.gt, relative, self._output_shapes[index], self.conf.downscale_gt_method)

    def _choose_sources(self, result=None):
        """Choose what fathers are cut from: the input, earlier scales' results and, shrunk, the present one.

        The present `result`, at the end of a round, is shrunk halfway to the finest other source, where it is
        sharp. Source: ZSSR paper, section 3.4, between two scales.
        """
        images = list(self.hr_fathers_sources)
        scales = [(1.0, 1.0), *self.conf.scales][: len(images)]
        if result is not None:
            target = self.conf.scales[self.sf_ind]
            halfway = np.add(scales[-1], target) / 2
            shape = scaled_shape(self.input.shape, halfway / self.base_sf)
            shrink = ImageResize(result.shape, shape, halfway / target, 'cubic')
            shrink.notify = self.work.shrunk
            images.append(np.clip(shrink(result[None])[0], 0, 1))
            scales.append(tuple(halfway))
            # Larger than the input, and not needed any more.
            self.final_sr = None
            del result
        return Sources(images, scales)

    def _train_block(self, rates, sources, plan):
        """Train for as many iterations as there are rates, in the compiled loop."""
        history, draws = self.history, self._draw_pairs(len(rates) * self.conf.batch_size, sources, plan)
        losses, history.hr_father, history.lr_son, history.train_output = self.network.train(
            sources.packed, plan, draws, rates
        )
        history.loss.extend(losses.tolist())
        if not np.isfinite(losses[-1]):
            raise ValueError(
                f'training diverged: at iteration {self.iter} the loss is {losses[-1]}; '
                "lower learning_rate, or use precision='float32'"
            )

    def _draw_pairs(self, number, sources, plan):
        """Draw what describes some pairs: the fathers' sources and places, and the sons' noise."""
        return draw_pairs(
            number,
            Augmentation.from_config(self.conf),
            sources,
            son_shape=(*plan.son_shape, self.input.shape[2]),
            noise_std=self.conf.noise_std,
            rng=self.rng,
        )

    def _noisy(self, son):
        """Add a son's noise, drawn even where it is 0: every preset walks through the same random numbers."""
        return np.clip(son + self.rng.randn(*son.shape) * self.conf.noise_std, 0, 1)

    def _interpolation_error(self, lr, hr, known):
        """Interpolation's error, or the first of those `known`, where nothing in it changes in a scale."""
        return known[0] if known else error_of(self._interpolated_region, lr, hr, self.input.shape)[0]

    def _super_resolve(self, lr, shape, region=None):
        return self.network.super_resolve(lr, self.sf, shape, self.conf.upscale_method, region)

    def _network_region(self, lr, shape, region):
        return np.asarray(self._super_resolve(lr[None], shape, region))[0]

    def _interpolated_region(self, lr, shape, region):
        return resize_region(lr[None], self.sf, shape, self.conf.upscale_method, region)[0].numpy()

    def _save(self):
        """Write the current scale's result, with the alpha channel that the input had."""
        self.work.enter('writing')
        scale = self.conf.scales[self.sf_ind]
        name = result_name(self.stem, scale)
        alpha = self.picture.alpha
        if alpha is not None:
            alpha = np.clip(imresize(alpha, scale, self.output_shape), 0, 1)
        write_png(Path(self.conf.result_path) / name, self.final_sr, alpha, self.picture.bits)
        self.work.written(self.final_sr.shape)
        return name

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

    is_trained = _of('schedule', 'finished')
    phase, share = _of('work', 'phase'), _of('work', 'share')

    # The original's names, and where what they name lives; they are for reading.
    model = _of('network', 'model')
    sf_ind, sf, kernel = _of('scale', 'index'), _of('scale', 'sf'), _of('scale', 'kernel')
    output_shape, gt_per_sf = _of('scale', 'output_shape'), _of('scale', 'gt')
    iter, loss, sr = _of('history', 'iteration'), _of('history', 'loss'), _of('history', 'sr')
    mse_steps, mse, mse_rec = _of('history', 'mse_steps'), _of('history', 'mse'), _of('history', 'mse_rec')
    interp_mse, interp_rec_mse = _of('history', 'interp_mse'), _of('history', 'interp_rec_mse')
    hr_father, lr_son = _of('history', 'hr_father'), _of('history', 'lr_son')
    train_output = _of('history', 'train_output')
    learning_rate = _of('schedule', 'learning_rate')
    learning_rate_change_iter_nums = _of('schedule', 'changes')
