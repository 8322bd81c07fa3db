"""What a user sees of a run while it works: lines on the terminal, and the figure of the errors."""

import images


class FigureFile:
    """The figure of one image's training, as a file and, while training where there is a screen, live."""

    def __init__(self, path):
        """Draw nothing yet.

        Args:
            path: PNG file, written whole at every update.
        """
        self._path = path
        self._window = None

    def update(self, net):
        """Draw the training as it stands; the file is replaced, and the window shows it if it is wanted."""
        import plots

        png = plots.png_bytes(net.plot())
        if net.conf.save_results:
            images.atomic_write(self._path, png)
        if net.conf.plot_losses:
            self._window = self._window or plots.LiveWindow()
            self._window.show(png)
