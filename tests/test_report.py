"""report.html in headless Chromium: slider, zoom, print, phones; no request to the network."""

import io
import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from helpers.result_folders import add_image, make_folders, make_run, noisy, picture, save
from PIL import Image

import compare

CHROMIUM = Path('/usr/bin/chromium')  # where Debian has it
DESKTOP = {'width': 1280, 'height': 800}
PHONE = {'width': 390, 'height': 844}
QUIET = [
    *('--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'),
    *('--disable-background-networking', '--disable-component-update', '--disable-sync'),
]


@pytest.fixture(scope='module')
def browser():
    sync_api = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    if not CHROMIUM.exists():
        pytest.skip(f'{CHROMIUM} is not installed (.ci/run installs it)')
    with sync_api.sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=QUIET)
        yield instance
        instance.close()


@pytest.fixture(scope='module')
def report_path(tmp_path_factory):
    """A page with two images, training curves and odd names."""
    root = tmp_path_factory.mktemp('browser')
    a, b, gt = make_folders(root, ('bird', 'a <wide> name of a file that has no end ' * 3))
    run = make_run(root)
    (run / 'run.json').rename(a / 'run.json')
    record = json.loads((a / 'run.json').read_text())
    record['images'][0]['scales'][0]['output'] = 'bird_zssr_X2.00X2.00.png'
    wide = next(path.name for path in a.iterdir() if path.name.startswith('a <'))
    record['images'].append({'scales': [{'sf': [2, 2], 'output': wide}]})
    (a / 'run.json').write_text(json.dumps(record))
    return compare.compare(a, b, root / 'report', gt=gt, figures=False).path


@contextmanager
def open_page(browser, path, **options):
    """A page in a window; complaints and requests to anywhere else fail the test."""
    page = browser.new_page(**options)
    complaints = []
    page.on('console', lambda message: complaints.append(message.text))
    page.on('pageerror', lambda error: complaints.append(str(error)))
    page.on(
        'request',
        lambda r: r.url.startswith(('file:', 'data:', 'blob:')) or complaints.append(f'request to {r.url}'),
    )
    page.goto(path.as_uri())
    yield page
    page.close()
    assert complaints == []


@pytest.fixture
def opened(browser, report_path):
    """The page in a desktop window."""
    with open_page(browser, report_path, viewport=DESKTOP) as page:
        yield page


@pytest.fixture
def on_phone(browser, report_path):
    """The page on a phone."""
    with open_page(browser, report_path, viewport=PHONE, is_mobile=True, has_touch=True) as page:
        yield page


def view(page):
    return page.locator('section#image-2').get_attribute('data-view')


def pixels(page):
    return page.locator('#image-2 .zoom canvas').evaluate_all('all => all.map(c => c.toDataURL())')


def test_slider_moves_by_keyboard_and_pointer(opened):
    slider = opened.locator('#image-2 .slider')
    divider = 'e => e.style.getPropertyValue("--at")'
    assert slider.evaluate(divider) == '50%'
    opened.locator('#image-2 input[type=range]').focus()
    for _ in range(3):
        opened.keyboard.press('ArrowRight')
    assert slider.evaluate(divider) == '53%'
    frame = slider.bounding_box()
    y = frame['y'] + frame['height'] / 2
    opened.mouse.move(frame['x'] + frame['width'] * 0.5, y)
    opened.mouse.down()
    opened.mouse.move(frame['x'] + frame['width'] * 0.25, y)
    opened.mouse.up()
    assert slider.evaluate(divider) == '25%'
    assert opened.locator('#image-2 input[type=range]').input_value() == '25'


def test_zoom_follows_pointer_and_keyboard(opened):
    opened.locator('#image-2 .zoom').scroll_into_view_if_needed()
    opened.wait_for_timeout(300)
    start, drawn = view(opened), pixels(opened)
    assert len(drawn) == 4 and len(set(drawn)) == 4
    frame = opened.locator('#image-2 .slider').bounding_box()
    opened.mouse.move(frame['x'] + 2, frame['y'] + frame['height'] - 2)
    hovered, redrawn = view(opened), pixels(opened)
    assert hovered == '0 12 48' and all(old != new for old, new in zip(drawn, redrawn, strict=True))
    opened.mouse.move(5, 5)
    assert view(opened) == start
    opened.locator('#image-2 .zoom').focus()
    for key in ('+', '+', 'ArrowDown', 'ArrowDown', 'ArrowRight'):
        opened.keyboard.press(key)
    assert view(opened).endswith(' 24') and view(opened) != start
    opened.keyboard.press('Home')
    assert view(opened) == start


def test_what_the_zoom_shows(opened, report_path):
    opened.locator('#image-2 .zoom').scroll_into_view_if_needed()
    left, top, side = map(int, view(opened).split())
    opened.wait_for_timeout(300)
    script = """(canvas, side) => {
        const n = canvas.width / side, context = canvas.getContext('2d');
        const all = context.getImageData(0, 0, canvas.width, canvas.width);
        const at = i => Math.floor((i + .5) * n), out = [];
        for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) {
          const start = 4 * (at(y) * canvas.width + at(x));
          out.push(...all.data.slice(start, start + 3));
        }
        return out; }"""
    shown = opened.locator('#image-2 .zoom .b canvas').evaluate(script, side)
    image = np.asarray(Image.open(report_path.parents[1] / 'port' / 'bird.png'))
    expected = image[top : top + side, left : left + side]
    np.testing.assert_array_equal(np.reshape(shown, expected.shape), expected)


@pytest.mark.parametrize('width', [360, 375, 1280])
def test_no_sideways_scrolling(opened, width):
    opened.set_viewport_size({'width': width, 'height': 800})
    assert opened.evaluate('document.documentElement.scrollWidth') <= width
    assert opened.locator('#image-2 svg').is_visible()
    assert opened.locator('#image-2 .zoom canvas').first.bounding_box()['width'] > 100


def test_prints(opened):
    assert opened.pdf(format='A4').startswith(b'%PDF')
    opened.emulate_media(media='print')
    assert not opened.locator('#image-2 input[type=range]').is_visible()
    assert opened.locator('#image-2 .slider .a').first.is_visible()


def test_prints_on_white(browser, report_path):
    colour = 'getComputedStyle(document.body).backgroundColor'
    with open_page(browser, report_path, color_scheme='dark') as page:
        assert page.evaluate(colour) != 'rgb(255, 255, 255)'
        page.emulate_media(media='print', color_scheme='dark')
        assert page.evaluate(colour) == 'rgb(255, 255, 255)'


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_text_can_be_told_from_the_page(browser, report_path, scheme):
    """A contrast of 4.5 to 1 for small text, as WCAG 2 has it, in the colours of names and notes."""
    with open_page(browser, report_path, color_scheme=scheme) as page:
        style = "getComputedStyle(document.documentElement).getPropertyValue('--{}').trim()"
        colours = {
            name: page.evaluate(style.format(name)) for name in ('paper', 'ink', 'soft', 'a', 'b', 't')
        }
    light = {name: luminance(colour) for name, colour in colours.items()}
    for name in ('ink', 'soft', 'a', 'b', 't'):
        low, high = sorted((light[name], light['paper']))
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


def luminance(colour):
    """Relative luminance of #rgb or #rrggbb, as WCAG 2 defines it."""
    digits = colour[1:] if len(colour) == 7 else ''.join(2 * digit for digit in colour[1:])
    channels = np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


def test_zoom_and_jump_buttons(opened):
    section, start = opened.locator('#image-2'), view(opened)
    section.get_by_role('button', name='Zoom in').click()
    assert view(opened).endswith(' 32')
    section.get_by_role('button', name='Zoom out').click()
    assert view(opened) == start
    patch = section.locator('.jumps button').first
    section.locator('.zoom').press('ArrowUp')
    assert view(opened) != start and patch.get_attribute('aria-pressed') == 'false'
    patch.click()
    assert view(opened) == start and patch.get_attribute('aria-pressed') == 'true'


def test_picture_and_zoom_share_the_screen(opened):
    """Who points at the picture sees what the zoom shows of it."""
    opened.locator('#image-2 .views').evaluate('e => e.scrollIntoView()')
    for part in ('.slider', '.zoom', 'input[type=range]'):
        frame = opened.locator(f'#image-2 {part}').bounding_box()
        assert frame['y'] > -1 and frame['y'] + frame['height'] <= DESKTOP['height'], part


def test_touch_moves_the_zoom_and_keeps_its_place(on_phone):
    start, slider = view(on_phone), on_phone.locator('#image-2 .slider')
    slider.evaluate('e => e.scrollIntoView()')
    frame = slider.bounding_box()
    on_phone.touchscreen.tap(frame['x'] + 4, frame['y'] + 0.75 * frame['height'])  # not so near the slider
    assert view(on_phone) == '0 12 48' != start
    on_phone.touchscreen.tap(5, frame['y'] + frame['height'] + 60)
    assert view(on_phone) == '0 12 48'


def test_touch_targets_are_as_large_as_a_finger(on_phone):
    sizes = 'all => all.map(e => e.getBoundingClientRect()).map(r => Math.min(r.width, r.height))'
    for part in ('.views button', '.views input', 'table a'):
        found = on_phone.locator(part).evaluate_all(sizes)
        assert found and min(found) >= 36, part


@pytest.fixture(scope='module')
def portrait_path(tmp_path_factory):
    """The report of a run of a landscape picture and two portraits, the last thrice as high as wide."""
    folder = make_run(tmp_path_factory.mktemp('portrait'), kernel='no kernel', seed=1)
    for name, (height, width) in {'portrait': (400, 300), 'tall': (600, 200)}.items():
        truth = picture(1, height, width)
        save(folder.parent / 'data' / f'{name}_gt.png', truth)
        files = noisy(truth, 2), np.asarray(Image.fromarray(truth).resize((width // 2, height // 2)))
        add_image(folder, name, *files, ground_truth=str(folder.parent / 'data' / f'{name}_gt.png'))
    return compare.report_run(folder).path


SCREENS = {
    'desktop': {'viewport': DESKTOP},
    'phone': {'viewport': PHONE, 'is_mobile': True, 'has_touch': True},
}


@pytest.mark.parametrize('screen', SCREENS)
@pytest.mark.parametrize('number', [2, 3])
def test_a_portrait_fits_one_screen_with_its_name_scores_and_slider(browser, portrait_path, screen, number):
    with open_page(browser, portrait_path, **SCREENS[screen]) as page:
        page.locator(f'table a[href="#image-{number}"]').click()
        page.wait_for_timeout(200)
        for part in ('h2', '.scores', '.slider', 'input[type=range]'):
            frame = page.locator(f'#image-{number} {part}').bounding_box()
            assert frame['y'] > -1, part
            assert frame['y'] + frame['height'] <= SCREENS[screen]['viewport']['height'], part
        picture = page.locator(f'#image-{number} .slider').bounding_box()
        assert picture['height'] >= 0.5 * SCREENS[screen]['viewport']['height'] or picture['width'] >= 340
        assert picture['height'] / picture['width'] == pytest.approx({2: 4 / 3, 3: 3}[number], rel=0.02)


@pytest.mark.parametrize('width', [360, 390])
def test_a_phone_shows_the_gain_without_scrolling_sideways(browser, report_path, portrait_path, width):
    for path in (portrait_path, report_path):
        viewport = {'width': width, 'height': 844}
        with open_page(browser, path, viewport=viewport, is_mobile=True, has_touch=True) as page:
            heads = page.locator('thead th').all_inner_texts()
            gain = next(index for index, head in enumerate(heads) if '−' in head)
            for row in page.locator('tr').all():
                frame = row.locator('th, td').nth(gain).bounding_box()
                assert frame['x'] > 0 and frame['x'] + frame['width'] <= width - 16


def middle_of(page, part):
    """The median luma of what a part of the page looks like."""
    return np.median(np.asarray(Image.open(io.BytesIO(page.locator(part).screenshot())).convert('L')))


@pytest.mark.parametrize('part', ['#image-1 .map .stage img', '#image-1 .zoom .map canvas'])
def test_maps_are_as_dark_as_the_page_in_dark_mode(browser, tmp_path, part):
    same = picture(3)
    b = same.copy()
    b[:8, :8] ^= 255
    for name, image in (('a', same), ('b', b)):
        save(tmp_path / name / 'x.png', image)
    path = compare.compare(tmp_path / 'a', tmp_path / 'b', tmp_path / 'out', figures=False).path
    for scheme in ('light', 'dark'):
        with open_page(browser, path, viewport=DESKTOP, color_scheme=scheme) as page:
            page.locator('#image-1 .zoom').scroll_into_view_if_needed()
            page.wait_for_timeout(300)
            found = middle_of(page, part)
            assert found < 48 if scheme == 'dark' else found > 240
            page.emulate_media(media='print', color_scheme=scheme)
            assert page.locator(part).evaluate('e => getComputedStyle(e).filter') == 'none'


def test_axes_have_units(opened):
    units = opened.locator('#image-2 svg .unit').all_text_contents()
    assert units == ['error, grey levels of 255', 'training steps (iterations)']
    assert opened.locator('#image-2 svg .y').count() >= 3


def test_the_report_of_a_run(browser, tmp_path):
    path = compare.report_run(make_run(tmp_path)).path
    with open_page(browser, path, viewport=DESKTOP) as page:
        section = page.locator('#image-1')
        section.locator('.zoom').scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        drawn = section.locator('.zoom canvas').evaluate_all('all => all.map(c => c.toDataURL())')
        assert len(set(drawn)) == 4
        assert section.locator('.tag').all_inner_texts() == ['bicubic', 'ZSSR']
        assert section.locator('svg').is_visible()
