// In the pseudo-locale every text stands in brackets: what is outside is not from the table of texts. Names, amounts
// and ids are nobody's to translate, and marked as that; what was announced stays in the language it was said in.
const faults = new Set();
const root = document.querySelector('dialog:modal') ?? document.body;
const isMarked = (element) => element.closest('bdi, code, [translate="no"], [data-amount], [data-live], noscript, script, style');
const rest = (text) => {
  let [before, after] = ['', text];
  while (before !== after) [before, after] = [after, after.replaceAll(/\u27e6[^\u27e6\u27e7]*\u27e7/g, '')];
  return after;
};
// The beginning of every address is the same in every language.
const isOutside = (text) => /\p{L}/u.test(rest(text).replace('https://', ''));
const name = (element) => `${element.localName}${[...element.classList].map((word) => `.${word}`).join('')}`;

const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const { data, parentElement } = texts.currentNode;
  const isSeen = parentElement.localName === 'option' || parentElement.checkVisibility();
  if (isSeen && !isMarked(parentElement) && isOutside(data)) {
    faults.add(`not from the table of texts: "${rest(data).trim().slice(0, 60)}" in ${name(parentElement)}`);
  }
}
for (const attribute of ['aria-label', 'aria-description', 'aria-valuetext', 'placeholder', 'title', 'alt']) {
  for (const element of root.querySelectorAll(`[${attribute}]`)) {
    const text = element.getAttribute(attribute);
    if (!isMarked(element) && isOutside(text)) faults.add(`not from the table of texts: ${attribute} "${text}" of ${name(element)}`);
  }
}
return [...faults];
