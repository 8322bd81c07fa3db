"""The original's names for what lives in parts of a ZSSR here; they are for reading."""


def _of(part, name):
    """An attribute that lives in one of the object's parts."""
    return property(lambda self: getattr(getattr(self, part), name))


class OriginalNames:
    """Gives a ZSSR the attributes that its readers know, and those that progress is told by.

    Its parts: network (Network), scale (Scale), history (History), schedule (Plateau or Linear), work (Work).
    """

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

    is_trained = _of('schedule', 'finished')
    phase, share = _of('work', 'phase'), _of('work', 'share')
