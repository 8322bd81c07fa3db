def open_cluster(address, is_gpu=False, verbose=False):
    raise ValueError
