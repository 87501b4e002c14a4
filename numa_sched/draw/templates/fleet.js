'use strict';
const list = document.getElementById('hosts');
const tiles = [...list.children];
const filter = document.getElementById('filter');
const shown = document.getElementById('shown');
const buttons = [...document.querySelectorAll('[data-sort]')];
const number = (tile, key) => Number(tile.dataset[key]);
const orders = {
  name: (a, b) => number(a, 'name') - number(b, 'name'),
  room: (a, b) => number(a, 'room') - number(b, 'room'),
  cells: (a, b) => number(b, 'cells') - number(a, 'cells') || number(a, 'room') - number(b, 'room'),
};

// The tiles change their places in the document, so that Tab follows.
for (const button of buttons) {
  button.addEventListener('click', () => {
    for (const each of buttons) each.setAttribute('aria-pressed', String(each === button));
    list.append(...tiles.sort(orders[button.dataset.sort]));
  });
}

const said = new Map();
const words = (tile) => {
  if (!said.has(tile)) said.set(tile, tile.textContent.toLowerCase());
  return said.get(tile);
};
const look = () => {
  const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const tile of tiles) {
    tile.hidden = !wanted.every((word) => words(tile).includes(word));
    if (!tile.hidden) count += 1;
  }
  shown.textContent = `${count} of ${tiles.length} shown`;
};
filter.addEventListener('input', look);
look();

// From tile to tile with the arrow keys too.
list.addEventListener('keydown', (event) => {
  if (!tiles.includes(event.target)) return;
  const here = tiles.filter((tile) => !tile.hidden);
  const at = here.indexOf(event.target);
  const top = event.target.offsetTop;
  const across = here.filter((tile) => tile.offsetTop === here[0].offsetTop).length;
  const next = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + across, ArrowUp: at - across, Home: 0, End: here.length - 1 }[event.key];
  if (next === undefined || top === undefined || !here[next]) return;
  event.preventDefault();
  here[next].focus();
});
document.querySelector('.controls').hidden = false;
