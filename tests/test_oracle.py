"""oracle.py: where AUTO lies between the presets and the best of them for each image."""

from paper.oracle import markdown, share
from paper.tables import Row


def rows_of(preset, *psnr, changes=''):
    """A row of 20 dB by bicubic for every PSNR, of images a, b, c."""
    text = {'table': 'mixture', 'set': 'S', 'scale': 2, 'degradation': 'bicubic', 'inputs': ''}
    return [
        Row(preset=preset, changes=changes, image=name, psnr=value, bicubic_psnr=20.0, **text)
        for name, value in zip('abc', psnr, strict=False)
    ]


def cells(text):
    """The first column's texts and the second's."""
    return dict(line.strip('| ').split(' | ') for line in text.splitlines()[2:])


def test_the_oracle_takes_the_best_of_each_image():
    rows = rows_of('bicubic', 20, 20, 20) + rows_of('X', 24, 20, 22) + rows_of('X', 20, 24, 21, changes='a=1')
    found = cells(markdown(rows + rows_of('AUTO', 23.5, 23, 21.5)))
    assert found['the best preset of each image'] == '23.33'
    assert (found['X'], found['X a=1'], found['AUTO']) == ('22.00', '21.67', '22.67')
    assert found['its share of the way from the best preset of all'] == '50 %'
    assert found['its worst image beside bicubic enlargement, c'] == '+1.50'


def test_only_images_that_all_were_measured_on():
    found = cells(markdown(rows_of('X', 24, 20, 30) + rows_of('AUTO', 23, 21)))
    assert found['bicubic enlargement, 2 images'] == '20.00'
    assert found['the best preset of each image'] == found['X'] == '22.00'
    assert found['its share of the way from the best preset of all'] == '–'


def test_nothing_is_said_without_something_to_compare():
    assert markdown(rows_of('AUTO', 23)) == markdown(rows_of('X', 23)) == markdown([]) == ''


def test_a_share_may_be_negative():
    assert share(21, 22, 24) == -0.5
