// Loads the screens. A file of its own, because the content security policy allows no inline script.
//
// Everything is asked for at once: the program answers while the page reads. That includes the screens' first look at the
// wallet, which is there when the module is. It is fetched past the bridge, which is not there yet; whoever cannot be answered so
// asks the bridge.
const address = window.__TAURI_INTERNALS__?.convertFileSrc?.("", "first");
let look = address && fetch(address).then(async (answer) => (answer.ok ? answer.text() : null)).catch(() => null);
// Once it is here, no promise stands between it and the first picture.
look?.then((text) => { look = text; });
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
start(...(await texts), look);
