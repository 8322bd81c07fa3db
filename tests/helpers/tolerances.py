"""The one place for tolerances, each with its reason."""

FLOAT64 = 1e-10  # the same formula in float64, summed in another order, or by another SciPy; 7e-16 seen
AUGMENT = 2e-6  # the warp's float32 sums of 16 products, should an instruction set order them anew; 0 seen
FLOAT32 = 1e-6  # one float32 computation of numbers near 1 against a NumPy twin
NETWORK = 1e-5  # eight float32 convolutions, whose order of summation depends on the size of the image

LOSS_10 = 2e-6  # relative, first 10 steps: other summation orders differ by 4e-7 (golden/README.md)
LOSS_30 = 1e-3  # relative, first 30 steps: Adam amplifies those to 3e-4
LATE_LOSS_10 = 1e-3  # the same for a scale that starts from what 120 chaotic steps have left: 3e-4
LATE_LOSS_30 = 2e-3
FIRST_ERROR = 1e-5  # relative, first quick test: after one step only
LATE_FIRST_ERROR = 1e-3  # the same for a scale that starts after 120 steps
ERRORS = 5e-3  # relative, later quick tests: after up to 150 steps the loss itself differs by as much
INTERPOLATION_ERROR = 1e-9  # relative: NumPy in float64 of the golden's own float32 inputs
PSNR = 55.0  # dB between images after training; two versions of TensorFlow reach 64
FINAL_TEST = 1e-5  # final output from given filters; 3e-7 seen between versions of TensorFlow, 0 here

ADAM = 1e-6  # absolute, filters of about 0.1 after five float32 steps of 1e-3 against float64
MUON = 1e-5  # absolute, directions of up to 1 after five float32 multiplications against float64
LOOP = 1e-5  # relative, losses of the compiled loop against single steps: another graph, the same sums
FILTER_DEVIATION = 0.05  # relative, standard deviation of the smallest sample, 1728 normal numbers: 3 sigma

PUBLISHED_PSNR = 0.02  # dB, bicubic rows: those who published them rounded at other places on the way
PUBLISHED_SSIM = 5e-4
NOISE = 0.02  # relative, standard deviation of 120 000 random numbers rounded to 8 bits; 0.005 seen
EIGHT_BITS = (
    0.1  # dB of a PSNR near 20 to 30, when a further image is rounded to 8 bits before it is enlarged
)
HALF = 0.05  # of pixels and, relative, losses: three steps with eight bits of mantissa
SPECTRUM = 0.05  # relative, median power of thousands of windows of noise; 0.02 seen
BLUR = 0.35  # pixels², blur of a fractal of 512² pixels; 0.2 seen
