// Runs axe-core with the options given, and answers what it found: one entry a rule and element. Nothing is loaded for
// it once more: no rule asked for reads a style sheet's source or plays a recording.
const [options, done] = arguments;
const why = (node) => [...node.any, ...node.all, ...node.none].map((check) => check.message).join('; ');
const found = ({ violations }) =>
  violations.flatMap((rule) => rule.nodes.map((node) => `axe ${rule.id}: ${node.target.join(' ')}: ${why(node)}`));
axe.run(document, { ...options, resultTypes: ['violations'], preload: false }).then(
  (results) => done(found(results)),
  (error) => done([`axe does not run: ${error}`]),
);
