"""Folders of results, and of finished runs, made of small random pictures."""

import json

import numpy as np
from PIL import Image

from files.pictures import write_png
from files.storage import sha256


def picture(seed=0, height=60, width=80, channels=3):
    """A smooth random picture, so that it has both flat and steep places."""
    values = np.random.RandomState(seed).rand(height // 4 + 1, width // 4 + 1, channels) * 255
    planes = [
        Image.fromarray(values[:, :, c].astype(np.uint8)).resize((width, height)) for c in range(channels)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


def noisy(image, seed, amount=12):
    noise = np.random.RandomState(seed).randint(-amount, amount + 1, image.shape)
    return np.clip(image.astype(int) + noise, 0, 255).astype(np.uint8)


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.squeeze()).save(path)
    return path


def make_folders(root, names=('bird', 'woman')):
    """Folders original (its naming), port (plain naming) and gt; returns their paths."""
    for seed, name in enumerate(names):
        truth = picture(seed)
        save(root / 'gt' / f'{name}.png', truth)
        save(root / 'original' / f'{name}_zssr_X2.00X2.00.png', noisy(truth, 10 + seed))
        save(root / 'port' / f'{name}.png', noisy(truth, 20 + seed, 8))
    return root / 'original', root / 'port', root / 'gt'


def make_run(root, **changes):
    """A finished run of one image, with run.json; `changes` go into the record of the image."""
    truth = picture(3)
    source = np.asarray(Image.fromarray(truth).resize((40, 30), Image.Resampling.BICUBIC))
    save(root / 'data' / 'bird.png', source)
    save(root / 'data' / 'bird_gt.png', truth)
    save(root / 'run' / 'bird_zssr_X2.00X2.00.png', noisy(truth, 5, 4))
    scale = {
        'sf': [2.0, 2.0],
        'output': 'bird_zssr_X2.00X2.00.png',
        'loss': [0.1 / (1 + i / 50) for i in range(900)],
        'learning_rate_changes': [480, 780],
        'mse_steps': list(range(0, 900, 50)),
        'mse_rec': [0.01 / (1 + i) for i in range(18)],
    }
    image = {
        'stem': 'bird',
        'input': str(root / 'data' / 'bird.png'),
        'input_sha256': sha256(root / 'data' / 'bird.png'),
        'ground_truth': str(root / 'data' / 'bird_gt.png'),
        'ground_truth_sha256': sha256(root / 'data' / 'bird_gt.png'),
        'scales': [scale],
    }
    (root / 'run' / 'run.json').write_text(json.dumps({'images': [{**image, **changes}]}))
    return root / 'run'


def add_image(folder, stem, result, source, sf=2.0, **changes):
    """Another image of a run: its record, and its files unless they are None."""
    output, path = f'{stem}_zssr_X{sf:.2f}X{sf:.2f}.png', folder.parent / 'data' / f'{stem}.png'
    for target, picture in ((folder / output, result), (path, source)):
        if picture is not None:
            write_png(target, *picture) if isinstance(picture, tuple) else save(target, picture)
    record = json.loads((folder / 'run.json').read_text())
    image = {'stem': stem, 'input': str(path), 'scales': [{'sf': [sf, sf], 'output': output}], **changes}
    if source is not None:
        image['input_sha256'] = sha256(path)
    record['images'].append(image)
    (folder / 'run.json').write_text(json.dumps(record))


def change_record(folder, head=(), number=0, **image):
    """Add fields to the record of a run and to that of one of its images."""
    record = json.loads((folder / 'run.json').read_text())
    record['images'][number] |= image
    (folder / 'run.json').write_text(json.dumps(record | dict(head)))
