"""The picture of estimated kernels beside the true ones."""

from matplotlib.figure import Figure

from files.storage import printable
from paper.kernel_table import laid_upon_each_other


def kernels_figure(rows):
    """Draw the true kernels, and the estimated ones below them: a column per image.

    Returns:
        matplotlib.figure.Figure.
    """
    figure = Figure(figsize=(1.1 * len(rows), 2.5), layout='constrained')
    axes = figure.subplots(2, len(rows), squeeze=False)
    half = max(max(kernel.shape) for row in rows for kernel in row.kernels if kernel is not None) / 2
    for (upper, lower), row in zip(axes.T, rows, strict=True):
        upper.set_title(printable(row.image), fontsize='small', parse_math=False)
        laid = laid_upon_each_other([kernel for kernel in row.kernels if kernel is not None], [row.scale] * 2)
        for panel, kernel in zip((upper, lower), laid, strict=False):
            panel.imshow(kernel, cmap='gray_r', vmin=0, vmax=laid[0].max(), interpolation='nearest')
            # As many pixels of every image, whatever arrays its kernels are in.
            y, x = ((side - 1) / 2 for side in kernel.shape)
            panel.set(xlim=(x - half, x + half), ylim=(y + half, y - half))
        if row.kernels[1] is None:
            lower.text(0.5, 0.5, 'none', ha='center', va='center', transform=lower.transAxes)
        for panel in (upper, lower):
            panel.set(xticks=(), yticks=(), box_aspect=1)
    axes[0, 0].set_ylabel('true')
    axes[1, 0].set_ylabel('estimated')
    return figure
