// On a page that runs from right to left: what leads back is on the right, and digits stay where hands know them.
const faults = [];
const middle = (element) => {
  const { left, right } = element.getBoundingClientRect();
  return (left + right) / 2;
};
const seen = (css) => [...document.querySelectorAll(css)].filter((element) => element.checkVisibility());
for (const back of seen('.back')) {
  if (middle(back) < middle(back.parentElement)) faults.push('the way back is on the left of its line');
}
const nav = seen('nav.nav')[0];
if (nav && innerWidth >= 834 && middle(nav) < innerWidth / 2) faults.push('the navigation is on the left');
for (const attribute of ['position', 'pad']) {
  const rows = new Map();
  for (const key of seen(`[data-${attribute}]`)) {
    const number = Number(key.dataset[attribute]);
    if (Number.isNaN(number)) continue;
    const top = Math.round(key.getBoundingClientRect().top);
    rows.set(top, [...(rows.get(top) ?? []), { number, left: key.getBoundingClientRect().left }]);
  }
  for (const row of rows.values()) {
    const sorted = row.toSorted((one, other) => one.left - other.left).map(({ number }) => number);
    const isRising = sorted.every((number, place) => place === 0 || number > sorted[place - 1] || number === 0);
    if (!isRising) faults.push(`the keys of data-${attribute} are mirrored: ${sorted.join(' ')}`);
  }
}
return faults;
