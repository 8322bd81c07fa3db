"""Published figures of the paper's tables: what they are, and where they were taken from.

A figure is 'PSNR/SSIM', in dB. "(seen)" was read in a document; "(quoted)" is from memory of one.
"""

TITLES = {
    'table1': 'Table 1: bicubic downscaling',
    'table2': 'Table 2: a random Gaussian kernel per image',
    'table3': 'Table 3: noise, speckle or JPEG compression',
    'div2krk': "DIV2KRK, KernelGAN's table: random anisotropic kernels",
}

# Images of the whole set, which the figures are means over.
SET_SIZES = {'Set5': 5, 'Set14': 14, 'BSD100': 100, 'Urban100': 100, 'DIV2KRK': 100}

# Programs whose figures get a column of their own, and where those are from.
OTHERS = {
    'table1': ('VDSR', 'EDSR+'),
    'table2': ('VDSR', 'EDSR+', 'Blind-SR'),
    'table3': ('EDSR+',),
    'div2krk': ('DualSR',),
}

# Table -> (set, scale) -> program -> figure. 'ZSSR true' is ZSSR with the true kernel, and so on.
FIGURES = {
    'table1': {
        ('Set5', 2): {
            'bicubic': '33.66/.9299 (quoted)',
            'ZSSR bicubic': '37.37/.9570 (seen)',
            'VDSR': '37.53/.9587 (quoted)',
            'EDSR+': '38.20/.9606 (quoted)',
        },
        ('Set5', 3): {
            'bicubic': '30.39/.8682 (quoted)',
            'ZSSR bicubic': '33.42/.9188 (seen)',
            'VDSR': '33.66/.9213 (quoted)',
            'EDSR+': '34.76/.9290 (quoted)',
        },
        ('Set5', 4): {
            'bicubic': '28.42/.8104 (quoted)',
            'ZSSR bicubic': '31.13/.8796 (seen)',
            'VDSR': '31.35/.8838 (quoted)',
            'EDSR+': '32.62/.8984 (quoted)',
        },
        ('Set14', 2): {
            'bicubic': '30.24/.8688 (quoted)',
            'ZSSR bicubic': '33.00/.9108 (seen)',
            'VDSR': '33.03/.9124 (quoted)',
            'EDSR+': '34.02/.9204 (quoted)',
        },
        ('Set14', 3): {
            'bicubic': '27.55/.7742 (quoted)',
            'ZSSR bicubic': '29.80/.8304 (quoted)',
            'VDSR': '29.77/.8314 (quoted)',
            'EDSR+': '30.66/.8481 (quoted)',
        },
        ('Set14', 4): {
            'bicubic': '26.00/.7027 (quoted)',
            'ZSSR bicubic': '28.01/.7651 (seen)',
            'VDSR': '28.01/.7674 (quoted)',
            'EDSR+': '28.94/.7901 (quoted)',
        },
        ('BSD100', 2): {
            'bicubic': '29.56/.8431 (quoted)',
            'ZSSR bicubic': '31.65/.8920 (quoted)',
            'VDSR': '31.90/.8960 (quoted)',
            'EDSR+': '32.37/.9018 (quoted)',
        },
        ('BSD100', 3): {
            'ZSSR bicubic': '28.67/.7945 (quoted)',
            'VDSR': '28.82/.7976 (quoted)',
            'EDSR+': '29.32/.8104 (quoted)',
        },
        ('BSD100', 4): {
            'ZSSR bicubic': '27.12/.7211 (seen)',
            'VDSR': '27.29/.7251 (quoted)',
            'EDSR+': '27.79/.7437 (quoted)',
        },
    },
    'table2': {
        ('BSD100', 2): {
            'ZSSR estimated': '28.81/.8306 (quoted)',
            'ZSSR true': '29.68/.8414 (quoted)',
            'VDSR': '27.72/.7635 (quoted)',
            'EDSR+': '27.78/.7660 (quoted)',
            'Blind-SR': '28.42/.7834 (quoted)',
        },
    },
    'table3': {
        ('BSD100', 2): {
            'bicubic': '27.92/.7504 (quoted)',
            'ZSSR bicubic': '28.61/.7809 (quoted)',
            'EDSR+': '27.56/.7135 (quoted)',
        },
    },
    'div2krk': {
        ('DIV2KRK', 2): {
            'bicubic': '28.73/.8040 (quoted)',
            'ZSSR bicubic': '29.10/.8215 (quoted)',
            'ZSSR estimated': '30.36/.8669 (seen)',  # by KernelGAN
            'ZSSR true': '32.44/.8992 (quoted)',
            'DualSR': '30.92/.8728 (seen)',
        },
        ('DIV2KRK', 4): {
            'bicubic': '25.33/.6795 (quoted)',
            'ZSSR bicubic': '25.61/.6911 (quoted)',
            'ZSSR estimated': '26.81/.7316 (seen)',
            'ZSSR true': '27.53/.7446 (quoted)',
        },
    },
}


def figure(table, set_name, scale, program):
    """What was published for a program on a set.

    Args:
        table: a name in TITLES.
        set_name: as in SET_SIZES.
        scale: int.
        program: 'bicubic', 'ZSSR KERNELS' with KERNELS 'true', 'bicubic' or 'estimated', or a name in OTHERS.

    Returns:
        'PSNR/SSIM (source)', or None where nothing is known.
    """
    return FIGURES[table].get((set_name, scale), {}).get(program)
