"""How near an image that chooses for itself comes to the best choice for it: AUTO, presets, and an oracle."""

from comparing.writers import markdown_table
from paper.tables import BICUBIC

AUTO = 'AUTO'


def markdown(rows):
    """Where AUTO lies between the presets, over the images that all of them were measured on, in Markdown.

    Args:
        rows: Rows of one table, of one seed and one draw.

    Returns:
        Text, a table of two columns; empty where AUTO, or every other preset, is missing.
    """
    programs = {}
    for row in rows:
        if row.preset != BICUBIC:
            name = ' '.join(filter(None, [row.preset, row.changes]))
            programs.setdefault(name, {})[row.set, row.scale, row.image] = row
    presets = {name: found for name, found in programs.items() if AUTO not in name}
    if AUTO not in programs or not presets:
        return ''
    images = set.intersection(*(set(found) for found in programs.values()))
    return markdown_table(['what', 'dB'], _lines(programs[AUTO], presets, sorted(images))) if images else ''


def share(chosen, single, best):
    """How much of the way from the best single preset to the best of each image was gone, or None."""
    return (chosen - single) / (best - single) if best > single else None


def _lines(auto, presets, images):
    """The lines: bicubic, every preset, the oracle, AUTO, its share, and its worst image."""

    def mean(values):
        """The mean over the images."""
        return sum(values) / len(images)

    means = {name: mean(found[image].psnr for image in images) for name, found in presets.items()}
    best = mean(max(found[image].psnr for found in presets.values()) for image in images)
    chosen = mean(auto[image].psnr for image in images)
    worst = min(images, key=lambda image: auto[image].psnr - auto[image].bicubic_psnr)
    part = share(chosen, max(means.values()), best)
    return [
        [
            f'bicubic enlargement, {len(images)} images',
            f'{mean(auto[image].bicubic_psnr for image in images):.2f}',
        ],
        *([name, f'{value:.2f}'] for name, value in sorted(means.items(), key=lambda each: each[1])),
        ['the best preset of each image', f'{best:.2f}'],
        [AUTO, f'{chosen:.2f}'],
        ['its share of the way from the best preset of all', '–' if part is None else f'{100 * part:.0f} %'],
        [
            f'its worst image beside bicubic enlargement, {worst[2]}',
            f'{auto[worst].psnr - auto[worst].bicubic_psnr:+.2f}',
        ],
    ]
