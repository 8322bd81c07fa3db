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
from files.pictures import write_png
from files.records import finite
from imresize import imresize
from learning.ensemble import BackProjection, median, super_resolve_views
from learning.network import Network, design_for
from learning.pairs import invert_affine, make_recipe, pack_sources
from learning.tf_imresize import ImageResize, resize_region
from settings.scales import scale_name, scaled_shape
from utils import augmentation_matrix, draw_augmentation, has_stopped_falling, quick_test_windows

# What a training leaves behind, under the original's names.
HISTORIES = ('loss', 'mse_steps', 'mse', 'mse_rec', 'interp_mse', 'interp_rec_mse')


class ZSSR:
    """One image, the network that learns from it, and the histories of the training.

    Attributes:
        conf: Config, a copy.
        network: network.Network, which can be given to the next image.
        input: float32 array (H, W, C) in [0, 1]; the base that `sf` is relative to.
        gt, gt_per_sf: ground truth of the last and of the current scale, or None.
        kernels, kernel: per scale and current: aligned blur kernel, or method name.
        sf: (vertical, horizontal) scale factors of the current scale, relative to the base.
        sf_ind, output_shape: index of the current scale, and the (vertical, horizontal) size of its result.
        model: keras.Model; its weights are the filters in order.
        rng: numpy.random.RandomState, drawn from in the original's order.
        iter: index of the iteration done last.
        loss: a number per iteration done, this scale.
        mse_steps, mse, mse_rec, interp_mse, interp_rec_mse: the quick tests of this scale; the two true
            errors are None without ground truth.
        learning_rate: of the next step. hr_father, lr_son, train_output: of the iteration done last.
        hr_fathers_sources: what fathers are cut from: the input, and results of earlier scales.
        learning_rate_change_iter_nums: iterations at which the rate fell, after a 0.
        sr: the input super-resolved by the last quick test that had a ground truth (beyond 1 megapixel, its
            last window), or None.
        final_sr: the current scale's result.
        records: a dict per scale finished: sizes, histories, seconds, and with ground truth PSNR and SSIM.
    """

    def __init__(self, input_img, conf=None, ground_truth=None, kernels=None, network=None, progress=None):
        """Read and check everything that the run needs, and create the filters.

        Args:
            input_img: path, or array (H, W) or (H, W, C) of uint8, uint16, or float in [0, 1].
            conf: Config; a copy is used. None: the default.
            ground_truth: path or array of the last scale's size, or None.
            kernels: path or 2-D array per scale; None: `conf.downscale_method`.
            network: Network of an earlier image, reset and used again if it fits; None: a new one.
            progress: called with this object whenever the training comes back from its loop, or None.

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

        self.hr_fathers_sources = [self.input]
        self.base_sf = np.ones(2)
        self.sf_ind = 0
        self.hr_father = self.lr_son = self.train_output = self.sr = self.final_sr = None
        self.records = []
        self._start_scale()
        self.network = network
        self.build_network()

    @property
    def model(self):
        """The Keras model, whose weights are the filters in order."""
        return self.network.model

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
        for index in range(len(self.conf.scales)):
            self.sf_ind = index
            started = time.perf_counter()
            self._start_scale()
            if self.conf.init_net_for_each_sf and self.sf_ind > 0:
                self.build_network()
            self.train()
            trained = time.perf_counter()
            self.final_sr = self.final_test()
            self.hr_fathers_sources.append(self.final_sr)
            seconds = {'training': trained - started, 'output': time.perf_counter() - trained}
            output = self._save() if self.conf.save_results else None
            self.records.append(self._record() | self._scores() | {'seconds': seconds, 'output': output})
            self.base_change()
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
        """Train the current scale.

        With rate_policy 'plateau' until the learning rate is below its minimum, at most max_iters; with
        'linear' for max_iters in `rounds` rounds, each round's result a source of fathers for the next.

        Raises:
            ValueError: the training diverged.
        """
        recipe = make_recipe(
            self.conf.crop_size, self.sf, self.kernel, self.conf.upscale_method, self.network.pair_dtype
        )
        sources = self._choose_sources()
        finished = False
        while not finished:
            rates = self._rates_to_next_stop()
            losses, self.hr_father, self.lr_son, self.train_output = self.network.train(
                sources, recipe, self._draw_pairs(len(rates) * self.conf.batch_size, recipe), rates
            )
            if not np.isfinite(losses[-1]):
                raise ValueError(
                    f'training diverged: at iteration {self.iter} the loss is {losses[-1]}; '
                    "lower learning_rate, or use precision='float32'"
                )
            self.loss.extend(losses.tolist())
            if self._is_quick_test():
                if self.conf.run_test:
                    self.quick_test()
                self.learning_rate_policy()
            self.progress(self)
            finished = self.is_trained
            if not finished:
                if self._ends_round():
                    sources = self._choose_sources(self.final_test())
                self.iter += 1

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
        """Divide the learning rate by 10 where the reconstruction error has stopped falling.

        With `rate_policy` 'linear' the rate falls to 0 in every round instead, whatever the error does.
        """
        conf = self.conf
        if conf.rate_policy == 'linear':
            self.learning_rate = conf.learning_rate * conf.rate_share(self.iter + 1)
            return
        waited = self.iter - self.learning_rate_change_iter_nums[-1]
        if (self.iter + 1) % conf.learning_rate_policy_check_every or waited <= conf.min_iters:
            return
        points = conf.learning_rate_slope_range // conf.run_test_every
        steps, errors = self.mse_steps[-points:], self.mse_rec[-points:]
        if has_stopped_falling(steps, errors, conf.learning_rate_change_ratio):
            self.learning_rate /= 10
            self.learning_rate_change_iter_nums.append(self.iter)

    def quick_test(self):
        """Measure where the training stands, on the input itself.

        Reconstruction: how well the network turns the input's own son into the input. With a ground truth
        also the true error. Both beside plain interpolation's, which the network should beat.
        """
        self.mse_steps.append(self.iter)
        if self.gt_per_sf is not None:
            error, self.sr = self._error_of(self._network_region, self.input, self.gt_per_sf)
            self.mse.append(error)
        error, _ = self._error_of(self._network_region, self._noisy(self._input_son), self.input)
        self.mse_rec.append(error)
        if self.gt_per_sf is not None:
            error = self._interpolation_error(self.input, self.gt_per_sf, self.interp_mse)
            self.interp_mse.append(error)
        known = [] if self.conf.noise_std else self.interp_rec_mse
        error = self._interpolation_error(self._noisy(self._input_son), self.input, known)
        self.interp_rec_mse.append(error)

    def final_test(self):
        """Enlarge the input: geometric self-ensemble, back-projection, median.

        Returns:
            Float32 array (H, W, C) in [0, 1].

        Source: ZSSR paper, section 3.2.
        """
        views = range(8) if self.conf.output_flip else range(1)
        if self.sf[0] != self.sf[1]:
            # Turned by a right angle, the image would need the two factors exchanged.
            views = views[::2]
        iterations = self.conf.back_projection_iters[self.sf_ind]
        lr = self.input[None].astype(np.float32)
        back_project = BackProjection(
            lr, self.output_shape, self.sf, self.kernel, self.conf.upscale_method, self.network.pair_dtype
        )
        outputs = [
            back_project(batch, iterations)
            for batch in super_resolve_views(self._super_resolve, lr, self.output_shape, views)
        ]
        self.final_sr = np.asarray(back_project(median(outputs), iterations))[0]
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
        pair = [('son', self.lr_son), ('output', self.train_output), ('father', self.hr_father)]
        known = [(label, image) for label, image in pair if image is not None]
        return run_figure(Path(self.file_name).name, scales, known)

    def _start_scale(self):
        """Set what belongs to the current scale, with empty histories and the rate at its start."""
        self.sf = np.array(self.conf.scales[self.sf_ind]) / self.base_sf
        self.kernel = self.kernels[self.sf_ind]
        self.output_shape = self._output_shapes[self.sf_ind]
        self.gt_per_sf = self._shrunk_ground_truth()
        self._input_son = imresize(self.input, scale_factor=1 / self.sf, kernel=self.kernel)
        self.iter = 0
        self.learning_rate = self.conf.learning_rate * self.conf.rate_share(0)
        self.learning_rate_change_iter_nums = [0]
        self.loss, self.mse_steps, self.mse_rec, self.interp_rec_mse = [], [], [], []
        self.mse, self.interp_mse = (None, None) if self.gt is None else ([], [])

    def _shrunk_ground_truth(self):
        last = self.sf_ind == len(self.conf.scales) - 1
        if self.gt is None or last:
            return self.gt
        relative = np.array(self.conf.scales[self.sf_ind]) / self.conf.scales[-1]
        return imresize(self.gt, relative, self.output_shape, self.conf.downscale_gt_method)

    def _rates_to_next_stop(self):
        """Move on to the next quick test or end of a round; return the learning rate of every iteration.

        What the loop will do is known before it starts: the policy only reads the quick tests behind it.
        """
        rates = [self.learning_rate]
        while not self._is_quick_test():
            self.learning_rate_policy()
            if self.is_trained or self._ends_round():
                break
            self.iter += 1
            rates.append(self.learning_rate)
        return rates

    def _is_quick_test(self):
        return self.iter % self.conf.run_test_every == 0

    def _ends_round(self):
        return self.iter + 1 in self.conf.round_ends

    @property
    def is_trained(self):
        """Whether the current scale's training has come to its end."""
        stopped = self.conf.rate_policy == 'plateau' and self.learning_rate < self.conf.min_learning_rate
        return stopped or self.iter + 1 >= self.conf.max_iters

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
            images.append(np.clip(shrink(result[None])[0], 0, 1))
            scales.append(tuple(halfway))
            # Larger than the input, and not needed any more.
            self.final_sr = None
            del result
        self._source_sizes = [im.shape[:2] for im in images]
        self._source_scales = [min(scale) for scale in scales]
        return pack_sources(images)

    def _draw_pairs(self, number, recipe):
        """Draw what describes some pairs: the fathers' sources and places, and the sons' noise."""
        conf = self.conf
        son_shape = (recipe.up.rows.shape[2], recipe.up.columns.shape[2], self.input.shape[2])
        noise = np.zeros((number, *(son_shape if conf.noise_std else (1, 1, 1))))
        augmentations = []
        for i in range(number):
            augmentation = draw_augmentation(
                self._source_sizes,
                self._source_scales,
                conf.augment_leave_as_is_probability,
                conf.augment_no_interpolate_probability,
                conf.augment_min_scale,
                self._source_scales[-1],
                conf.augment_allow_rotation,
                conf.augment_scale_diff_sigma,
                conf.augment_shear_sigma,
                conf.crop_size,
                self.rng,
            )
            augmentations.append(augmentation)
            # Drawn even where it is 0: every preset walks through the same random numbers.
            drawn = self.rng.randn(*son_shape)
            if conf.noise_std:
                noise[i] = drawn * conf.noise_std
        sources, *parts = zip(*augmentations, strict=True)
        return sources, invert_affine(augmentation_matrix(*parts)), noise

    def _noisy(self, son):
        """Add a son's noise, drawn even where it is 0: every preset walks through the same random numbers."""
        return np.clip(son + self.rng.randn(*son.shape) * self.conf.noise_std, 0, 1)

    def _error_of(self, enlarge, lr, hr):
        """Mean squared error of an enlargement over the quick test's windows, and the last one enlarged."""
        errors = []
        for region in quick_test_windows(hr.shape, self.input.shape):
            top, bottom, left, right = region
            enlarged = enlarge(lr, hr.shape, region)
            errors.append(np.square(hr[top:bottom, left:right] - enlarged).ravel())
        return float(np.mean(np.concatenate(errors))), enlarged

    def _interpolation_error(self, lr, hr, known):
        """Interpolation's error, or the first of those `known`, where nothing in it changes in a scale."""
        return known[0] if known else self._error_of(self._interpolated_region, lr, hr)[0]

    def _super_resolve(self, lr, shape, region=None):
        return self.network.super_resolve(lr, self.sf, shape, self.conf.upscale_method, region)

    def _network_region(self, lr, shape, region):
        return np.asarray(self._super_resolve(lr[None], shape, region))[0]

    def _interpolated_region(self, lr, shape, region):
        return resize_region(lr[None], self.sf, shape, self.conf.upscale_method, region)[0].numpy()

    def _save(self):
        """Write the current scale's result, with the alpha channel that the input had."""
        scale = self.conf.scales[self.sf_ind]
        name = f'{self.stem}_zssr_{scale_name(scale)}.png'
        alpha = self.picture.alpha
        if alpha is not None:
            alpha = np.clip(imresize(alpha, scale, self.output_shape), 0, 1)
        write_png(Path(self.conf.result_path) / name, self.final_sr, alpha, self.picture.bits)
        return name

    def _record(self):
        """What the current scale was trained with and how it went, in plain Python numbers."""
        return {
            'sf': list(self.conf.scales[self.sf_ind]),
            'kernel': self.kernel if isinstance(self.kernel, str) else self.kernel.tolist(),
            'iterations': len(self.loss),
            'learning_rate_changes': self.learning_rate_change_iter_nums[1:],
            **{name: getattr(self, name) for name in HISTORIES},
        }

    def _scores(self):
        """PSNR and SSIM of the current scale's result, or None without ground truth."""
        if self.gt_per_sf is None:
            return {'psnr': None, 'ssim': None}
        border = scale_border(self.conf.scales[self.sf_ind])
        return finite(scores(self.final_sr, np.clip(self.gt_per_sf, 0, 1), border))
