// What the pages that are served to people have in common: texts in two languages, elements, screens, fields, and lines that
// count down.

const LANGUAGES = ['en', 'zh-Hans']

export const main = document.getElementById('main')
const said = document.getElementById('said')

let texts
// What the server's clock is ahead of the device's, in ms.
let skewMs = 0
// Draws the present screen again, in another language.
let draw = () => {}
let ticking = []

export const nowMs = () => Date.now() + skewMs
export const language = () => document.documentElement.lang
export const knows = (key) => key in texts.en

export function t(key, values = {}) {
  const text = texts[language()][key] ?? texts.en[key] ?? key
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '')
}

// Takes the time from an answer of the server's.
export function keepTime(answer) {
  const date = Date.parse(answer.headers.get('date'))
  if (Math.abs(date - Date.now()) > 2_000) skewMs = date - Date.now()
}

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value != null) element.setAttribute(name, value)
  }
  element.append(...children.flat().filter((child) => child != null))
  return element
}

export const h1 = (text) => el('h1', { tabindex: -1 }, text)

// How it ended, as a shape: the seal with a tick, and a clock in it.
const SHAPES = {
  paid: ['M30 6H14a8 8 0 0 0-8 8v20a8 8 0 0 0 8 8h20a8 8 0 0 0 8-8V18', 'M15 24l7 7 12-13', 'M36 4a8 8 0 0 1 8 8'],
  unknown: ['M6 14a8 8 0 0 1 8-8h20a8 8 0 0 1 8 8v20a8 8 0 0 1-8 8H14a8 8 0 0 1-8-8z', 'M24 15v9l6 4'],
}

export function shape(name) {
  const make = (tag, attributes) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
    return element
  }
  const drawing = make('svg', { viewBox: '0 0 48 48', class: `shape ${name}`, 'aria-hidden': 'true' })
  drawing.append(...SHAPES[name].map((d) => make('path', { d })))
  return drawing
}

function clock(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const two = (number) => String(number).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`
}

// A line that counts down, and what it says when its time is over.
export function countdown(key, endMs, overKey, atEnd = () => {}) {
  const line = el('p', { class: 'quiet', role: 'timer' })
  const tick = () => {
    const left = endMs - nowMs()
    line.textContent = left > 0 ? t(key, { time: clock(left) }) : t(overKey)
    if (left <= 0) atEnd()
    return left > 0
  }
  if (tick()) ticking.push(tick)
  return line
}

setInterval(() => { ticking = ticking.filter((tick) => tick()) }, 1000)

// Shows a screen. A new one moves the focus to its heading, as a page that loads does.
export function show(name, build) {
  const moves = main.dataset.screen !== name
  draw = () => {
    ticking = []
    main.dataset.screen = name
    main.replaceChildren(...build().flat().filter((part) => part != null))
    document.title = `${main.querySelector('h1')?.textContent ?? ''} · Tapseal`
  }
  draw()
  if (!moves) return
  main.querySelector('h1')?.focus()
  scrollTo(0, 0)
}

export function say(text) {
  said.textContent = text
}

// A field with its label, its hint, and what is wrong with what was typed.
export function field(id, key, attributes = {}) {
  const input = el('input', {
    id, name: id, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', dir: 'ltr', ...attributes,
    'aria-describedby': `${id}-slip ${id}-hint`,
  })
  const slip = el('p', { class: 'slip', id: `${id}-slip`, role: 'alert' })
  const hint = el('p', { class: 'quiet', id: `${id}-hint` }, t(`${key}.hint`))
  const complain = (text) => {
    slip.textContent = text
    input.toggleAttribute('aria-invalid', false)
    if (text) {
      input.setAttribute('aria-invalid', 'true')
      input.focus()
    }
    return Boolean(text)
  }
  return { input, complain, view: el('div', { class: 'field' }, el('label', { for: id }, t(key)), input, slip, hint) }
}

// Takes what was typed out of a field.
export function taken(input) {
  const text = input.value
  input.value = ''
  return text
}

export function busy(part, is) {
  for (const button of part.querySelectorAll('button')) button.disabled = is
}

// Reads the texts, and lets the person choose between their languages.
export async function speak(url, integrity) {
  texts = await (await fetch(url, { integrity })).json()
  const button = document.getElementById('language')
  const other = () => LANGUAGES.find((tag) => tag !== language())
  const use = (tag) => {
    document.documentElement.lang = tag
    button.textContent = t('language')
    button.lang = other()
    draw()
  }
  button.hidden = false
  button.addEventListener('click', () => use(other()))
  // A browser whose language changes is followed, as the screens of the wallet follow the system.
  addEventListener('languagechange', () => use(navigator.language.startsWith('zh') ? 'zh-Hans' : 'en'))
  use(language())
}
