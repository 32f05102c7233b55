// Loads the screens. A file of its own, because the content security policy allows no inline script.
import init, { start } from "./ui.js";

const text = async (language) => {
  const answer = await fetch(new URL(`./texts/${language}.txt`, import.meta.url));
  if (!answer.ok) throw new Error(`no texts: ${language}`);
  return answer.text();
};

const [english, chinese] = await Promise.all([
  text("en"),
  text("zh-Hans"),
  init({ module_or_path: new URL("./ui_bg.wasm", import.meta.url) }),
]);
start(english, chinese);
