// Stops all motion for as long as the page is examined, or lets it go on: what is measured in the middle of a change is
// no screen that anybody reads. A constructed style sheet is no inline style, and the page's security policy allows it.
const [isStill] = arguments;
const others = document.adoptedStyleSheets.filter((sheet) => sheet !== window.tapsealStill);
if (isStill && !window.tapsealStill) {
  window.tapsealStill = new CSSStyleSheet();
  window.tapsealStill.replaceSync('*, *::before, *::after, *::backdrop { animation: none !important; transition: none !important; }');
}
document.adoptedStyleSheets = isStill ? [...others, window.tapsealStill] : others;
