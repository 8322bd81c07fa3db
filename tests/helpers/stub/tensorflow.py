"""In place of TensorFlow in tests of processes that enlarge nothing: it takes seconds to load."""

import logging


class config:  # noqa: N801
    """What `start_tensorflow` asks for."""

    @staticmethod
    def list_physical_devices(kind):
        """There are none."""
        return []


def get_logger():
    """A logger that no one listens to."""
    return logging.getLogger('stub')
