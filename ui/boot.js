// Loads the screens. A file of its own, because the content security policy allows no inline script.
import init from "./ui.js";

await init({ module_or_path: new URL("./ui_bg.wasm", import.meta.url) });
