"""The training step of the default network in PyTorch, timed by `tests/beside_pytorch.py`.

    python tests/helpers/pytorch_step.py {float32,bfloat16} {eager,compiled} THREADS

runs in an environment that has PyTorch, and needs nothing else of this program. It says when it is warm, and
then answers every line that comes in, a number of steps, with the median seconds of one.
"""

import sys
import time
from itertools import pairwise

import torch
from torch import nn

DEPTH, WIDTH, CROP_SIZE, WARM_UP = 8, 64, 128, 10


def make_step(precision, mode):
    """A function that trains once, as PyTorch does it fastest: channels last, autocast, fused Adam."""
    channels = [3, *[WIDTH] * (DEPTH - 1), 3]
    layers = []
    for ins, outs in pairwise(channels):
        layers += [nn.Conv2d(ins, outs, 3, padding='same', bias=False), nn.ReLU()]
    network = nn.Sequential(*layers[:-1]).to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(network.parameters(), 1e-5, fused=True)
    enlarged, father = (
        torch.rand(1, 3, CROP_SIZE, CROP_SIZE).to(memory_format=torch.channels_last) for _ in range(2)
    )

    def loss():
        """Mean absolute difference of father and output."""
        with torch.autocast('cpu', torch.bfloat16, enabled=precision == 'bfloat16'):
            added = network(enlarged)
        return (enlarged + added - father).abs().mean()

    forward = torch.compile(loss) if mode == 'compiled' else loss

    def step():
        """Train once; the loss as a number."""
        adam.zero_grad()
        value = forward()
        value.backward()
        adam.step()
        return value.item()

    return step


def median_seconds(step, number):
    """Median duration of some steps."""
    seconds = []
    for _ in range(number):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[number // 2]


def main():
    """Answer until there is no further line."""
    precision, mode, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    step = make_step(precision, mode)
    median_seconds(step, WARM_UP)
    print('warm', flush=True)
    for line in sys.stdin:
        print(median_seconds(step, int(line)), flush=True)


if __name__ == '__main__':
    main()
