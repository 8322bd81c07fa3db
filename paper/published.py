"""Published figures of the paper's tables: what they are, and where they were taken from.

A figure is 'PSNR/SSIM', in dB. "(seen)" was read in a document; "(quoted)" is from memory of one.
"""

import re

TITLES = {
    'table1': 'Table 1: bicubic downscaling',
    'table2': 'Table 2: a random Gaussian kernel per image',
    'table3': 'Table 3: noise, speckle or JPEG compression',
    'mixture': 'A mixture: bicubic or blurred, as it is, noisy or compressed',
    'div2krk': "DIV2KRK, KernelGAN's table: random anisotropic kernels",
}

# Images of the whole set, which the figures are means over.
SET_SIZES = {'Set5': 5, 'Set14': 14, 'BSD100': 100, 'Urban100': 100, 'DIV2KRK': 100}

# Programs whose figures get a column of their own, and where those are from.
OTHERS = {
    'table1': ('VDSR', 'EDSR+'),
    'table2': ('VDSR', 'EDSR+', 'Blind-SR'),
    'table3': ('EDSR+',),
    'mixture': (),
    'div2krk': ('DualSR',),
}


def _read(text):
    """Turn columns, two spaces apart, into a dict (set, scale) -> program -> figure; – is not known."""
    heads, *lines = (re.split(' {2,}', line.strip()) for line in text.strip().splitlines())
    return {
        (set_name, int(scale)): {
            program: f'{cell.rstrip("*")} ({"seen" if cell.endswith("*") else "quoted"})'
            for program, cell in zip(heads[2:], cells, strict=True)
            if cell != '–'
        }
        for set_name, scale, *cells in lines
    }


# Table -> (set, scale) -> program -> figure. 'ZSSR true' is ZSSR with the true kernel, and so on; on DIV2KRK,
# the estimated ones are KernelGAN's. Here * is "(seen)", all others are "(quoted)".
FIGURES = {
    'table1': _read("""
        set     ×  bicubic      ZSSR bicubic  VDSR         EDSR+
        Set5    2  33.66/.9299  37.37/.9570*  37.53/.9587  38.20/.9606
        Set5    3  30.39/.8682  33.42/.9188*  33.66/.9213  34.76/.9290
        Set5    4  28.42/.8104  31.13/.8796*  31.35/.8838  32.62/.8984
        Set14   2  30.24/.8688  33.00/.9108*  33.03/.9124  34.02/.9204
        Set14   3  27.55/.7742  29.80/.8304   29.77/.8314  30.66/.8481
        Set14   4  26.00/.7027  28.01/.7651*  28.01/.7674  28.94/.7901
        BSD100  2  29.56/.8431  31.65/.8920   31.90/.8960  32.37/.9018
        BSD100  3  –            28.67/.7945   28.82/.7976  29.32/.8104
        BSD100  4  –            27.12/.7211*  27.29/.7251  27.79/.7437
    """),
    'table2': _read("""
        set     ×  ZSSR estimated  ZSSR true    VDSR         EDSR+        Blind-SR
        BSD100  2  28.81/.8306     29.68/.8414  27.72/.7635  27.78/.7660  28.42/.7834
    """),
    'table3': _read("""
        set     ×  bicubic      ZSSR bicubic  EDSR+
        BSD100  2  27.92/.7504  28.61/.7809   27.56/.7135
    """),
    'mixture': {},
    'div2krk': _read("""
        set      ×  bicubic      ZSSR bicubic  ZSSR estimated  ZSSR true    DualSR
        DIV2KRK  2  28.73/.8040  29.10/.8215   30.36/.8669*    32.44/.8992  30.92/.8728*
        DIV2KRK  4  25.33/.6795  25.61/.6911   26.81/.7316*    27.53/.7446  –
    """),
}


def figure(table, set_name, scale, program):
    """What was published for a program, named as in FIGURES, on a set; None where nothing is known."""
    return FIGURES[table].get((set_name, scale), {}).get(program)
