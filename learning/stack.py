"""A stack of pages, each enlarged by a network of its own."""


def run_each(net, make):
    """Enlarge the pages of a stack one by one.

    Args:
        net: ZSSR of the stack, whose network and Work serve all pages.
        make: the class ZSSR.

    Returns:
        (results, records): per page, a float32 array (H, W, C) in [0, 1]; and of all pages' scales, the first
        page's last, what run.json keeps.
    """
    conf, results, of_pages = net.conf.copy(), [], []
    conf.pages, conf.save_results = 'first', False
    for number, picture in enumerate(net.pictures, 1):
        truth = net.gt if number == 1 else None
        of_page = make([picture], conf, truth, net.given_kernels, network=net.network, progress=net.progress)
        of_page.file_name = of_page.stem = f'{net.stem} {number}/{len(net.pictures)}'
        of_page.work = net.work.heard_by(of_page)
        results.append(of_page.run())
        of_pages.append([record | {'page': number} for record in of_page.records])
        net.scale, net.history = of_page.scale, of_page.history
    # The first page's scores, which alone has a ground truth, are the stack's.
    return results, [record for records in (*of_pages[1:], of_pages[0]) for record in records]
