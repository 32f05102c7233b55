// A new screen takes the focus, to its heading or to what is done there first: else a screen reader stays silent.
const [done] = arguments;
const begun = performance.now();
const look = () => {
  if (document.activeElement?.closest('main, dialog')) return done([]);
  if (performance.now() - begun > 1500) return done(['a new screen did not take the focus']);
  requestAnimationFrame(look);
};
look();
