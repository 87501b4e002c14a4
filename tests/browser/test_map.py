"""Pages of ``numa-sched map`` in a real browser, offline.

A browser is found by the names that distributions give it. Where there is
none the tests fail: they are for machines that have one.
"""

import base64
import functools
import hashlib
import html.parser
import re
import shutil
import struct
import subprocess
import zlib

import pytest

from numa_sched.draw import page
from numa_sched.draw.build import picture, pictures
from numa_sched.draw.order import Order, in_order
from tests.builders import make_cell, make_host
from tests.unit.draw.fleets import (
    make_cloud,
    make_compute,
    make_fleet_host,
    make_server,
)

EVIL = (
    '</script></title><script>document.title = "run"</script>'
    '<img src=x onerror="document.title = \'run\'">'
)
DARK = '--blink-settings=preferredColorScheme=0'
# Of a page of a thousand hosts on a busy machine.
PATIENCE = 120


@functools.cache
def browser():
    for name in ('chromium', 'chromium-browser', 'google-chrome'):
        if path := shutil.which(name):
            return path
    pytest.fail('There is no Chromium: apt-get install chromium')


def run(url, *options):
    """Give what a browser prints, without a network."""
    return subprocess.run(
        [
            *(browser(), '--headless', '--no-sandbox', '--disable-gpu'),
            *('--hide-scrollbars', '--force-device-scale-factor=1'),
            # No name leads anywhere.
            '--host-resolver-rules=MAP * ~NOTFOUND',
            *options,
            url,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=True,
    ).stdout.decode()


class DOM(html.parser.HTMLParser):
    """The elements of a document, each with its attributes and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        element = {'tag': tag, 'text': '', **dict(attrs)}
        self.elements.append(element)
        if tag not in ('meta', 'input', 'img'):
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()['tag'] == tag

    def handle_data(self, data):
        for element in self.open:
            element['text'] += data

    def all(self, tag=None, class_=None):
        return [
            element
            for element in self.elements
            if tag in (None, element['tag'])
            and (class_ is None or class_ in element.get('class', '').split())
        ]


class Opened:
    """A page in a file."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        path.write_text(text, encoding='utf-8')

    def dom(self):
        """Give the document after its script has run."""
        return DOM(run(self.path.as_uri(), '--dump-dom'))

    def after(self, script):
        """Give what a script finds that a user could do, line by line.

        It calls ``say``; the page's own policy lets it run.
        """
        script = (
            # A scope of its own, beside the names of the page.
            '{const said = [];'
            'const say = (...words) => said.push(words.join(" "));'
            'const key = (name) => document.activeElement.dispatchEvent('
            'new KeyboardEvent("keydown", {key: name, bubbles: true}));'
            f'{script};'
            'const pre = document.createElement("pre");'
            'pre.textContent = said.join("\\n"); pre.id = "said";'
            'document.body.append(pre);}'
        )
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest())
        text = self.text.replace(
            'script-src ', f"script-src 'sha256-{digest.decode()}' "
        ).replace('</body>', f'<script>{script}</script></body>')
        other = Opened(self.path.with_stem('scripted'), text)
        (found,) = (
            each for each in other.dom().all('pre') if each['id'] == 'said'
        )
        return found['text'].splitlines()

    def seen(self, *options, size=(640, 480)):
        """Give what is to be seen, as rows of pixels."""
        shot = self.path.with_suffix('.png')
        run(
            self.path.as_uri(),
            f'--screenshot={shot}',
            f'--window-size={size[0]},{size[1]}',
            *options,
        )
        return pixels(shot.read_bytes())


def pixels(png):
    """Give the rows of a PNG as Chromium writes it: 8 bits a channel."""
    at, data, head = 8, b'', b''
    while at < len(png):
        length, kind = struct.unpack('>I4s', png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        head = body if kind == b'IHDR' else head
        data += body if kind == b'IDAT' else b''
        at += length + 12
    width, _, depth, colours = struct.unpack('>IIBB', head[:10])
    assert depth == 8
    channels = {2: 3, 6: 4}[colours]
    raw, rows = zlib.decompress(data), []
    step = width * channels
    before = bytes(step)
    for start in range(0, len(raw), step + 1):
        before = _unfiltered(
            raw[start], raw[start + 1 : start + 1 + step], before, channels
        )
        rows.append(
            [tuple(before[x : x + 3]) for x in range(0, len(before), channels)]
        )
    return rows


def _unfiltered(kind, line, above, channels):
    """Give a row of a PNG; source: section 9 of its specification."""
    line = bytearray(line)
    for index in range(len(line)):
        left = line[index - channels] if index >= channels else 0
        up = above[index]
        if kind == 1:
            line[index] = (line[index] + left) & 255
        elif kind == 2:
            line[index] = (line[index] + up) & 255
        elif kind == 3:
            line[index] = (line[index] + (left + up) // 2) & 255
        elif kind == 4:
            corner = above[index - channels] if index >= channels else 0
            guess = left + up - corner
            near = min(
                (left, up, corner), key=lambda value: abs(guess - value)
            )
            line[index] = (line[index] + near) & 255
    return bytes(line)


@pytest.fixture
def host(tmp_path):
    return Opened(
        tmp_path / 'host.html', page.host_page([picture(*make_compute())])
    )


def open_fleet(tmp_path, hosts):
    cloud = make_cloud(hosts)
    drawn = in_order(pictures(cloud, cloud.hosts), Order.NAME)
    text = page.fleet_page(drawn, Order.NAME)
    return Opened(tmp_path / 'fleet.html', text), drawn


@pytest.fixture
def fleet(tmp_path):
    return open_fleet(tmp_path, 12)


def test_the_script_of_a_page_runs_and_no_other(tmp_path):
    drawn = picture(
        make_fleet_host(
            make_host(make_cell(pinned=[0])), EVIL, zone=EVIL, disabled=EVIL
        ),
        [make_server(EVIL, [(0, [0])])],
    )
    for text in (
        page.host_page([drawn], EVIL),
        page.fleet_page([drawn], Order.NAME, EVIL),
    ):
        opened = Opened(tmp_path / 'evil.html', text).dom()
        assert opened.all('title')[0]['text'] != 'run'
        assert not opened.all('img')
        assert len(opened.all('script')) == 1
        assert EVIL in opened.all('main')[0]['text']
        # Ours has run: what works only with it is there.
        hidden = opened.all(class_='controls') + opened.all(class_='hint')
        assert hidden
        assert all('hidden' not in each for each in hidden)


def test_a_fleet_is_sorted_by_its_buttons(fleet):
    opened, drawn = fleet
    said = opened.after(
        'for (const order of ["room", "cells", "name"]) {'
        '  document.querySelector(`[data-sort=${order}]`).click();'
        '  say(order, [...document.querySelectorAll(".tile h2")]'
        '    .map((each) => each.textContent).join(","),'
        '    document.querySelectorAll("[aria-pressed=true]").length);'
        '}'
    )
    assert said == [
        f'{order.value} '
        f'{",".join(each.name for each in in_order(drawn, order))} 1'
        for order in (Order.ROOM, Order.CELLS, Order.NAME)
    ]


def test_a_fleet_is_filtered_by_words(fleet):
    opened, _ = fleet
    said = opened.after(
        'for (const words of ["NODE1", "vnf-007-03", "az2  NODE1", "no", ""])'
        '{'
        '  filter.value = words;'
        '  filter.dispatchEvent(new Event("input"));'
        '  say([...document.querySelectorAll(".tile:not([hidden]) h2")]'
        '    .map((each) => each.textContent).join(","), shown.textContent);'
        '}'
    )
    assert said[0] == 'node1,node10,node11,node12 4 of 12 shown'
    assert said[1] == 'node7 1 of 12 shown'
    assert said[2] == 'node1,node10 2 of 12 shown'
    assert said[3:] == [said[4]] * 2
    assert said[4].endswith(' 12 of 12 shown')


def test_tiles_are_gone_through_by_keyboard(fleet):
    opened, _ = fleet
    said = opened.after(
        'const here = () => say(document.activeElement.tagName,'
        '  document.activeElement.querySelector("h2").textContent);'
        'document.querySelector(".tile").focus(); here();'
        'key("ArrowRight"); here(); key("End"); here();'
        'key("ArrowRight"); here(); key("Home"); here();'
        'key("ArrowLeft"); here();'
    )
    assert said == [
        *('LI node1', 'LI node2', 'LI node12', 'LI node12', 'LI node1'),
        'LI node1',
    ]


def test_cpus_are_gone_through_by_keyboard(host):
    said = host.after(
        'const here = () => say('
        '  document.activeElement.getAttribute("aria-label"));'
        'const stops = () => say([...document.querySelectorAll('
        '  ".cells .cpu[tabindex=\'0\']")].map('
        '  (each) => each.querySelector("title").textContent).join("; "));'
        'stops();'
        'document.querySelector(".cpu").focus(); here();'
        'key("ArrowRight"); here(); stops(); key("End"); here();'
        'key("ArrowRight"); here(); key("Home"); here()'
    )
    last = picture(*make_compute()).cells[0].cores[-1][-1].words
    assert said == [
        'CPU 0: shared; CPU 20: shared',
        'CPU 0: shared',
        'CPU 40: shared',
        'CPU 40: shared; CPU 20: shared',
        last,
        last,
        'CPU 0: shared',
    ]


def test_a_button_shows_the_cpus_of_its_server(host):
    said = host.after(
        'const button = document.querySelector("button.server");'
        'const show = () => say('
        '  document.querySelectorAll(".cpu.same").length,'
        '  document.querySelectorAll("tr.same").length,'
        '  button.getAttribute("aria-pressed"));'
        'show(); button.click(); show(); button.click(); show();'
        'document.querySelector(".cpu.pinned").focus(); show();'
        'document.activeElement.blur(); show();'
    )
    first = picture(*make_compute()).servers[0]
    own = first.pinned.bit_count()
    assert said[:3] == ['0 0 false', f'{own} 1 true', '0 0 false']
    assert said[3].endswith(' 1 false')
    assert said[4] == '0 0 false'


def test_the_focus_is_seen(host):
    before = host.seen()
    focused = Opened(
        host.path.with_stem('focused'),
        re.sub(
            '(<g class="cpu pinned [^>]*tabindex="0")',
            r'\1 autofocus',
            host.text,
            count=1,
        ),
    ).seen()
    changed = sum(
        one != other
        for row, line in zip(before, focused, strict=True)
        for one, other in zip(row, line, strict=True)
    )
    # The frame around a box, of 3 pixels.
    assert changed > 200


def test_a_page_is_light_or_dark_as_the_user_wants_it(host, fleet):
    for opened in (host, fleet[0]):
        for options, is_dark in (((), False), ((DARK,), True)):
            rows = opened.seen(*options)
            brightness = [sum(rows[y][2]) / 3 for y in range(len(rows))]
            assert all((each < 64) == is_dark for each in brightness)
            # There is something on it, and it can be told from the ground.
            assert contrast(rows) > 7


def contrast(rows):
    """Give the contrast of the first headline to the ground, as WCAG does."""

    def luminance(colour):
        linear = [
            part / 255 / 12.92
            if part <= 10
            else ((part / 255 + 0.055) / 1.055) ** 2.4
            for part in colour
        ]
        return sum(
            weight * part
            for weight, part in zip(
                (0.2126, 0.7152, 0.0722), linear, strict=True
            )
        )

    ground = luminance(rows[0][0])
    found = {pixel for row in rows[20:80] for pixel in row[20:200]}
    return max(
        (max(ground, each) + 0.05) / (min(ground, each) + 0.05)
        for each in map(luminance, found)
    )


def test_states_differ_without_colours(host):
    """Boxes of a kind look different in what is printed in black and white."""
    said = host.after(
        'for (const name of ["free", "shared", "pinned"]) {'
        '  const box = document.querySelector(`.cpu.${name}`)'
        '    .getBoundingClientRect();'
        '  say(name, Math.round(box.x), Math.round(box.y));'
        '}'
    )
    rows = host.seen()
    looks = {}
    for line in said:
        name, x, y = line.split()
        looks[name] = tuple(
            sum(rows[int(y) + down][int(x) + right]) // 3 > 160
            # What is below the number, which differs anyway.
            for down in range(12, 28)
            for right in range(3, 27)
        )
    assert len(looks) == 3
    for one, other in (
        ('free', 'shared'),
        ('free', 'pinned'),
        ('shared', 'pinned'),
    ):
        differing = sum(
            left != right
            for left, right in zip(looks[one], looks[other], strict=True)
        )
        assert differing > 20, (one, other)


def test_a_drawing_is_a_picture_in_a_browser_too(tmp_path):
    cloud = make_cloud(3)
    drawn = pictures(cloud, cloud.hosts)
    for render in (page.host_svg, page.fleet_svg):
        opened = Opened(tmp_path / 'drawing.svg', render(drawn))
        colours = {pixel for row in opened.seen() for pixel in row}
        assert len(colours) > 20


def test_a_thousand_hosts_open(tmp_path):
    opened, drawn = open_fleet(tmp_path, 1000)
    assert opened.path.stat().st_size < 5_000_000
    said = opened.after(
        'const start = performance.now();'
        'document.querySelector("[data-sort=room]").click();'
        'document.body.offsetHeight;'
        'say(document.querySelector(".tile h2").textContent);'
        'filter.value = "node99"; filter.dispatchEvent(new Event("input"));'
        'document.body.offsetHeight;'
        'say(shown.textContent); say(performance.now() - start);'
    )
    assert said[0] == in_order(drawn, Order.ROOM)[0].name
    assert said[1] == '11 of 1000 shown'
    # In milliseconds; a tenth of that where nothing else is done.
    assert float(said[2]) < 10000
