'use strict';
for (const host of document.querySelectorAll('section.host')) {
  const cpus = [...host.querySelectorAll('.cpu')];
  const rows = [...host.querySelectorAll('tr[data-s]')];
  const holds = (thing, mark) => (thing.dataset.s || '').split(' ').includes(mark);
  let chosen = '';

  // What a server holds is shown together: while one of its CPUs has the
  // focus or the pointer, or as long as its button is pressed.
  const show = (mark) => {
    for (const cpu of cpus) cpu.classList.toggle('same', mark !== '' && holds(cpu, mark));
    for (const row of rows) row.classList.toggle('same', mark !== '' && holds(row, mark));
  };
  for (const cpu of cpus) {
    const mark = (cpu.dataset.s || '').split(' ')[0];
    for (const event of ['focus', 'pointerenter']) cpu.addEventListener(event, () => show(mark || chosen));
    for (const event of ['blur', 'pointerleave']) cpu.addEventListener(event, () => show(chosen));
  }
  const buttons = rows.map((row) => row.querySelector('button')).filter(Boolean);
  for (const button of buttons) {
    button.addEventListener('click', () => {
      const mark = button.closest('tr').dataset.s;
      chosen = chosen === mark ? '' : mark;
      for (const each of buttons) {
        each.setAttribute('aria-pressed', String(each.closest('tr').dataset.s === chosen));
      }
      show(chosen);
    });
  }

  // One stop of Tab for each cell; arrow keys go from CPU to CPU in it.
  for (const drawing of host.querySelectorAll('.cells svg')) {
    const mine = [...drawing.querySelectorAll('.cpu')];
    const to = (cpu) => {
      for (const each of mine) each.setAttribute('tabindex', each === cpu ? '0' : '-1');
    };
    if (mine.length) to(mine[0]);
    drawing.addEventListener('keydown', (event) => {
      const at = mine.indexOf(event.target);
      if (at < 0) return;
      const next = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: mine.length - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      if (mine[next]) {
        to(mine[next]);
        mine[next].focus();
      }
    });
    drawing.addEventListener('focusin', (event) => {
      if (mine.includes(event.target)) to(event.target);
    });
  }
  for (const hint of host.querySelectorAll('.hint')) hint.hidden = false;
}
