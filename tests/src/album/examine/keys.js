// Follows the focus while Tab is pressed. Called with "begin" it says how often to press; with "end", what was not
// reached, and what had the focus without showing it.
const [act] = arguments;
const name = (element) => {
  const data = ['action', 'setting', 'field', 'part', 'position', 'pad'];
  const marks = data.filter((key) => key in element.dataset).map((key) => `[data-${key}="${element.dataset[key]}"]`);
  const classes = [...element.classList].map((word) => `.${word}`).join('');
  return `${element.localName}${classes}${marks.join('')}`;
};
const hasRing = (element) => {
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
};
const showsFocus = (element) => {
  const around = [element, element.parentElement, element.parentElement?.parentElement];
  const label = element.closest('label') ?? document.querySelector(`label[for="${CSS.escape(element.id)}"]`);
  return [...around, label, ...(label?.querySelectorAll('*') ?? [])].filter(Boolean).some(hasRing);
};

if (act === 'begin') {
  const root = document.querySelector('dialog:modal') ?? document;
  const controls = 'button, a[href], input, select, textarea, summary, [tabindex], [contenteditable]';
  const isThere = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest('[inert]');
  const all = [...root.querySelectorAll(controls)].filter((element) => isThere(element) && !element.disabled);
  // One control of each has its place in the tab order; the arrow keys lead to the others.
  const composite = '[role="tablist"], [role="radiogroup"], [role="menu"], [role="listbox"], [role="toolbar"], [role="grid"], .virtual';
  const wanted = new Map();
  for (const element of all) {
    if (element.tabIndex >= 0) {
      // Of radio buttons with one name, the focus visits one.
      const group = element.type === 'radio' && element.name ? `radio ${element.name}` : element;
      wanted.set(group, element);
    } else if (element.dataset.action && !element.closest(composite)) {
      wanted.set(element, element);
    }
  }
  const watch = ({ target }) => {
    window.tapsealFocus.reached.add(target.type === 'radio' && target.name ? `radio ${target.name}` : target);
    if (target.tabIndex >= 0 && target.matches(':focus-visible') && !showsFocus(target)) window.tapsealFocus.hidden.add(name(target));
  };
  window.tapsealFocus = { wanted, watch, reached: new Set(), hidden: new Set(), before: document.activeElement };
  document.addEventListener('focusin', watch);
  // Day, month, year, hour, minute and the calendar are stops of their own inside of one field.
  const parts = all.filter((element) => ['date', 'time', 'datetime-local', 'month'].includes(element.type)).length * 6;
  return wanted.size + parts + 4;
}

const { wanted, watch, reached, hidden, before } = window.tapsealFocus;
document.removeEventListener('focusin', watch);
before?.focus?.({ preventScroll: true });
if (document.activeElement !== before) document.activeElement?.blur();
delete window.tapsealFocus;
const missed = [...wanted].filter(([key, element]) => !reached.has(key) && element.isConnected && !element.disabled);
return [
  ...missed.map(([, element]) => `Tab does not reach ${name(element)}`),
  ...[...hidden].map((element) => `has the focus and does not show it: ${element}`),
];
