// Looks for what a person could not read or hit: text that is cut, covered or outside, pages that scroll sideways,
// and, where asked for, targets that are too small and texts that are not from the table of texts.
const [options] = arguments;
const faults = new Set();
const dialog = document.querySelector('dialog:modal');
const root = dialog ?? document.body;

const name = (element) => {
  const data = ['action', 'setting', 'field', 'part', 'list', 'position', 'pad'];
  const marks = data.filter((key) => key in element.dataset).map((key) => `[data-${key}="${element.dataset[key]}"]`);
  const classes = [...element.classList].map((word) => `.${word}`).join('');
  const inside = element.textContent.trim().replaceAll(/\s+/g, ' ').slice(0, 40);
  return `${element.localName}${classes}${marks.join('')} "${inside}"`;
};
const isSeen = (element) =>
  element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !element.closest('.unseen');

// WCAG 1.4.10: nothing scrolls in two directions, but for a row of filters.
const page = document.documentElement;
if (page.scrollWidth > page.clientWidth) faults.add(`the page scrolls sideways: ${page.scrollWidth} in ${page.clientWidth}`);
for (const element of root.querySelectorAll('*')) {
  const { overflowX } = getComputedStyle(element);
  const isScrolling = (overflowX === 'auto' || overflowX === 'scroll') && isSeen(element);
  if (isScrolling && element.scrollWidth > element.clientWidth + 1 && !element.closest('.chips, [data-scrolls]')) {
    faults.add(`scrolls sideways, ${element.scrollWidth} in ${element.clientWidth}: ${name(element)}`);
  }
}

const cutBy = (rect, element) => {
  for (let box = element; box && box !== document.body; box = box.parentElement) {
    const style = getComputedStyle(box);
    const edge = box.getBoundingClientRect();
    const cuts = (overflow) => overflow === 'hidden' || overflow === 'clip';
    if (cuts(style.overflowX) && (rect.left < edge.left - 1 || rect.right > edge.right + 1)) {
      // Names may be shortened, and nothing else: where all texts are longer, those that are show.
      const isName = element.closest('bdi, [translate="no"]');
      return style.textOverflow === 'ellipsis' ? (options.pseudo && !isName ? 'shortened' : null) : 'cut at the side';
    }
    // Letters may stand a little out of their line.
    if (cuts(style.overflowY) && (rect.top < edge.top - 3 || rect.bottom > edge.bottom + 3)) return 'cut above or below';
    if (style.overflowX === 'auto' || style.overflowX === 'scroll') return null;
  }
  return rect.left < -1 || rect.right > innerWidth + 1 ? 'outside of the page' : null;
};
const isScrolledAway = (x, y, element) => {
  for (let box = element.parentElement; box && box !== document.body; box = box.parentElement) {
    const { overflowY } = getComputedStyle(box);
    const edge = box.getBoundingClientRect();
    const isScroller = overflowY === 'auto' || overflowY === 'scroll';
    if (isScroller && (y < edge.top + 2 || y > edge.bottom - 2 || x < edge.left || x > edge.right)) return true;
  }
  return x < 0 || y < 0 || x >= innerWidth || y >= innerHeight;
};
const isFloating = (element) => {
  for (let box = element; box; box = box.parentElement) {
    if (['sticky', 'fixed'].includes(getComputedStyle(box).position)) return true;
  }
  return false;
};

const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const text = texts.currentNode;
  const element = text.parentElement;
  if (!text.data.trim() || ['script', 'style', 'noscript', 'option'].includes(element.localName) || !isSeen(element)) continue;
  const range = document.createRange();
  range.selectNodeContents(text);
  const rects = [...range.getClientRects()].filter((rect) => rect.width > 1 && rect.height > 1);
  for (const rect of rects) {
    const how = cutBy(rect, element);
    if (how) faults.add(`text is ${how}: ${name(element)}`);
  }
  const [rect] = rects;
  if (!rect || getComputedStyle(element).pointerEvents === 'none') continue;
  const [x, y] = [rect.left + rect.width / 2, rect.top + rect.height / 2];
  if (isScrolledAway(x, y, element)) continue;
  const top = document.elementFromPoint(x, y);
  const isItself = !top || top === element || top.contains(element) || element.contains(top);
  const control = element.closest('label, button, summary');
  if (!isItself && !control?.contains(top) && !isFloating(top)) faults.add(`text is covered by ${name(top)}: ${name(element)}`);
}

if (options.targets) {
  const controls = 'button, a[href], input:not([type="hidden"]), select, textarea, summary, ' +
    '[role="button"], [role="switch"], [role="tab"], [role="menuitem"], [role="option"], [role="radio"]';
  for (const control of root.querySelectorAll(controls)) {
    if (!isSeen(control) && !control.closest('label')) continue;
    // A link in a sentence is as high as its line.
    if (getComputedStyle(control).display === 'inline') continue;
    const boxes = [control, control.closest('label'), control.closest('.field')].filter(Boolean);
    // What can be hit may reach beyond what is drawn.
    const beyond = ['::before', '::after'].map((part) => getComputedStyle(control, part));
    const reach = beyond.filter((style) => style.position === 'absolute' && style.pointerEvents !== 'none');
    const sizes = [
      ...boxes.map((box) => box.getBoundingClientRect()),
      ...reach.map((style) => ({ width: parseFloat(style.width) || 0, height: parseFloat(style.height) || 0 })),
    ];
    const [width, height] = ['width', 'height'].map((side) => Math.max(...sizes.map((size) => size[side])));
    if (width === 0 || height === 0) continue;
    if (width < 43.5 || height < 43.5) faults.add(`target of ${Math.round(width)} by ${Math.round(height)}: ${name(control)}`);
  }
}
return [...faults];
