// Loads the screens. A file of its own, because the content security policy allows no inline script.
//
// Everything is asked for at once: the program answers while the page reads. That includes the screens' first questions to
// the wallet, whose answers are there when the module is.
const ask = (command, args = {}) => {
  const answer = window.__TAURI_INTERNALS__?.invoke(command, { args });
  // Whoever takes the answer takes its failure too.
  answer?.catch(() => {});
  return answer;
};
// The long poll's first look, which is answered at once, goes first: what the others answer is then as new as it or newer, and
// need not be read again.
const watch = ask("watch", { after: 0 });
const ask_then = (command) => {
  const answer = watch?.then(() => ask(command), () => ask(command));
  answer?.catch(() => {});
  return answer;
};
const file = async (name) => {
  const answer = await fetch(new URL(`./${name}`, import.meta.url));
  if (!answer.ok) throw new Error(`no ${name}`);
  return answer;
};
const text = async (language) => (await file(`texts/${language}.txt`)).text();

const module_or_path = file("ui_bg.wasm");
const asked = { watch, status: ask_then("status"), merchant: ask_then("merchant"), inbox: ask_then("inbox") };
const texts = Promise.all([text("en"), text("zh-Hans")]);
// The glue imports what loads the parts.
const [{ default: init, start }] = await Promise.all([import("./ui.js"), import("./parts.js")]);
await init({ module_or_path });
start(...(await texts), asked);
