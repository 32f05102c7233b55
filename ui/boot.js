// Loads the screens. A file of its own, because the content security policy allows no inline script.
//
// Everything is asked for at once: the program answers while the page reads. That includes the screens' first questions to
// the wallet, whose answers are there when the module is. They are fetched past the bridge, which is not there yet; whoever
// cannot be answered so asks the bridge.
const bridge = window.__TAURI_INTERNALS__;
const first = bridge?.convertFileSrc
  && fetch(bridge.convertFileSrc("", "first")).then((answer) => answer.json()).catch(() => null);
let watch;
const told = async (command) => {
  const answers = await first;
  if (answers) {
    const { Ok: answer, Err: problem } = answers[command];
    if (problem) throw problem;
    return answer;
  }
  // The long poll's first look, which is answered at once, goes first: what the others answer is then as new as it or newer,
  // and need not be read again.
  watch ??= bridge.invoke("watch", { args: { after: 0 } });
  if (command === "watch") return watch;
  await watch.catch(() => {});
  return bridge.invoke(command, { args: {} });
};
const asked = {};
for (const command of bridge ? ["watch", "status", "merchant", "inbox"] : []) {
  asked[command] = told(command);
  // Whoever takes the answer takes its failure too.
  asked[command].catch(() => {});
}
const file = async (name) => {
  const answer = await fetch(new URL(`./${name}`, import.meta.url));
  if (!answer.ok) throw new Error(`no ${name}`);
  return answer;
};
const text = async (language) => (await file(`texts/${language}.txt`)).text();

const module_or_path = WebAssembly.compileStreaming(file("ui_bg.wasm"));
const texts = Promise.all([text("en"), text("zh-Hans")]);
// The glue imports what loads the parts.
const [{ default: init, start }] = await Promise.all([import("./ui.js"), import("./parts.js")]);
await init({ module_or_path });
start(...(await texts), asked);
