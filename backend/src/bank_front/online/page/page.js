// The bank's page: signs a customer in, shows how it pays by code, and changes it. Nothing is kept here: the browser has a cookie
// that no script reads, and the token beside it is in this page's memory only.

import {
  busy, countdown, el, field, h1, keepTime, knows, language, main, nowMs, say, shape, show as showScreen, speak, t, taken,
} from '/screen.js'

const CODE_LIFE_MS = 300_000

const own = document.querySelector('script[data-texts]')

let token = ''
// The customer as the bank showed it last, and what was done.
let shown
let journal = []

// Money: what the bank counts in minor units, as a person reads and types it.
const digitsOf = (currency) => new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits

function decimal(minor, currency) {
  const digits = digitsOf(currency)
  const text = String(minor).padStart(digits + 1, '0')
  return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text
}

function money(minor, currency) {
  return new Intl.NumberFormat(language(), { style: 'currency', currency }).format(decimal(minor, currency))
}

// Minor units of what was typed; nothing when it is no amount.
function minorOf(typed, currency) {
  const digits = digitsOf(currency)
  const found = /^(\d{1,9})(?:[.,](\d+))?$/.exec(typed.replace(/[\s']/g, ''))
  if (!found || (found[2] ?? '').length > digits) return null
  return Number(found[1] + (found[2] ?? '').padEnd(digits, '0'))
}

const grouped = (code) => code.replace(/(\d{4})(?=\d)/g, '$1-')
const accountName = (account) => account.slice(account.indexOf(':') + 1)
const at = (ms) => new Date(ms).toLocaleString(language(), { dateStyle: 'medium', timeStyle: 'short' })

// A line that counts down to the end of a code.
const codeTime = (endMs, atEnd) => countdown('code.time', endMs, 'code.over', atEnd)

// Shows a screen, and the way out beside it while somebody is signed in.
function show(name, build) {
  showScreen(name, () => {
    const out = document.getElementById('sign-out')
    out.textContent = t('sign-out')
    out.hidden = !token
    return build()
  })
}

const quiet = (text) => el('p', { class: 'quiet' }, text)
const action = (name, label, onclick, attributes = {}) =>
  el('button', { type: 'button', 'data-action': name, onclick, ...attributes }, label)
const submit = (name, label) => el('button', { class: 'main', type: 'submit', 'data-action': name }, label)

const secret = { type: 'password', maxlength: 64, dir: 'auto' }

function chosenPassword(id, key) {
  const password = field(id, key, { ...secret, autocomplete: 'new-password' })
  const unfit = () => password.complain(/^.{8,64}$/su.test(password.input.value) && !/^\d+$/.test(password.input.value) ? '' : t('error.password_unfit'))
  return { ...password, unfit }
}

function form(parts, deed) {
  const onsubmit = (event) => {
    event.preventDefault()
    deed(event.target)
  }
  return el('form', { onsubmit, novalidate: true, class: 'sheet' }, ...parts)
}

function select(id, key, options) {
  const choice = el('select', { id }, ...options.map(([value, label]) => el('option', { value }, label)))
  return { choice, view: el('div', { class: 'field' }, el('label', { for: id }, t(key)), choice) }
}

// What a call refused with.
class Refusal extends Error {
  constructor(code, problem = {}) {
    super(code)
    this.code = code
    this.left = problem.tries_left
    this.wait = problem.wait
  }
}

async function call(method, path, body) {
  const headers = {}
  if (token) headers['tapseal-page'] = token
  if (method !== 'GET') headers['content-type'] = 'application/json'
  let answer
  try {
    const sent = method === 'GET' ? undefined : JSON.stringify(body ?? {})
    answer = await fetch(path, { method, headers, body: sent, cache: 'no-store', credentials: 'same-origin', referrerPolicy: 'no-referrer' })
  } catch {
    throw new Refusal('offline')
  }
  keepTime(answer)
  const told = await answer.text()
  if (answer.ok) {
    token = answer.headers.get('tapseal-page') ?? token
    return told ? JSON.parse(told) : null
  }
  let problem = {}
  try {
    problem = JSON.parse(told)
  } catch {
    // An answer that is no problem of the bank's: its proxy's, perhaps.
  }
  throw new Refusal(problem.code ?? 'other', { ...problem, wait: answer.headers.get('retry-after') })
}

function words(problem) {
  const key = `error.${problem.code}`
  return t(knows(key) ? key : 'error.other', { left: problem.left, minutes: Math.ceil((problem.wait ?? 60) / 60) })
}

function fail(error) {
  return error instanceof Refusal ? error : new Refusal('other')
}

// A problem above the form it happened in.
function notice(problem) {
  if (!problem) return null
  return el('div', { class: 'notice bad', role: 'alert', 'data-problem': problem.code }, el('p', {}, words(problem)))
}

// Whoever is signed in no more begins anew; anything else is told where it happened.
function over(problem, here) {
  if (problem.code !== 'no_session') return here(problem)
  token = ''
  shown = undefined
  signIn(problem)
}

// ---- signing in

function signIn(problem) {
  show('sign-in', () => {
    const number = field('access', 'access', { inputmode: 'numeric', maxlength: 20, autocomplete: 'username' })
    const password = field('password', 'password', { ...secret, autocomplete: 'current-password' })
    const deed = async (sheet) => {
      if (number.complain(/^\d{10}$/.test(number.input.value.replace(/[\s-]/g, '')) ? '' : t('access.slip'))) return
      if (password.complain(password.input.value ? '' : t('password.slip'))) return
      busy(sheet, true)
      say(t('stage.sign-in'))
      try {
        signInCode(await call('POST', '/v1/sign-in', { access_number: number.input.value, password: taken(password.input) }))
      } catch (error) {
        signIn(fail(error))
      }
    }
    return [h1(t('sign-in')), quiet(t('sign-in.body')), notice(problem),
      form([number.view, password.view, submit('sign-in', t('sign-in.go'))], deed),
      el('div', { class: 'side' }, action('activate', t('activate'), () => activate())),
      quiet(t('trust'))]
  })
}

function activate(problem) {
  show('activate', () => {
    const number = field('access', 'access', { inputmode: 'numeric', maxlength: 20, autocomplete: 'username' })
    const code = field('activation', 'activation', { inputmode: 'numeric', maxlength: 16, autocomplete: 'one-time-code' })
    const password = chosenPassword('new-password', 'new-password')
    const deed = async (sheet) => {
      if (number.complain(/^\d{10}$/.test(number.input.value.replace(/[\s-]/g, '')) ? '' : t('access.slip'))) return
      if (code.complain(/^\d{8}$/.test(code.input.value.replace(/[\s-]/g, '')) ? '' : t('activation.slip'))) return
      if (password.unfit()) return
      busy(sheet, true)
      const body = { access_number: number.input.value, activation_code: taken(code.input), password: taken(password.input) }
      try {
        signInCode(await call('POST', '/v1/activation', body))
      } catch (error) {
        activate(fail(error))
      }
    }
    return [h1(t('activate')), quiet(t('activate.body')), notice(problem),
      form([number.view, code.view, password.view, submit('activate', t('activate.go'))], deed),
      el('div', { class: 'side' }, action('back', t('back'), () => signIn()))]
  })
}

function signInCode(stage, problem, endMs = nowMs() + CODE_LIFE_MS) {
  show('sign-in-code', () => {
    const code = field('code', 'code', { inputmode: 'numeric', maxlength: 16, autocomplete: 'one-time-code' })
    const go = submit('sign-in-code', t('sign-in.go'))
    const deed = async (sheet) => {
      if (code.complain(/^\d{6}$/.test(code.input.value.replace(/[\s-]/g, '')) ? '' : t('code.slip'))) return
      busy(sheet, true)
      try {
        await call('POST', '/v1/sign-in/code', { code: taken(code.input) })
        await home()
      } catch (error) {
        const refused = fail(error)
        if (refused.code === 'wrong_code') signInCode(stage, refused, endMs)
        else signIn(refused)
      }
    }
    return [h1(t('code.title')), notice(problem), el('p', { 'data-part': 'on-its-way' }, t('sign-in.sent', { terminal: stage.sent_to })),
      codeTime(endMs, () => { go.disabled = true }), form([code.view, go], deed),
      el('div', { class: 'side' }, action('again', t('again'), () => signIn()))]
  })
}

async function signOut() {
  try {
    await call('POST', '/v1/sign-out')
  } catch {
    // Whoever cannot be reached forgets by itself, in minutes.
  }
  token = ''
  shown = undefined
  say(t('signed-out'))
  signIn()
}

// ---- what there is

async function home(problem) {
  try {
    shown = await call('GET', '/v1/customer')
    journal = (await call('GET', '/v1/journal')).entries
  } catch (error) {
    const refused = fail(error)
    return over(refused, (it) => (shown ? overview(it) : signIn(it)))
  }
  overview(problem)
}

function overview(problem) {
  show('home', () => (shown.payer ? payerView(problem) : unboundView(problem)))
}

function unboundView(problem) {
  return [h1(t('unbound')), el('p', {}, t('unbound.body')), notice(problem),
    el('ol', { class: 'steps-ahead' }, ...['one', 'two', 'three'].map((step) => el('li', {}, t(`unbound.${step}`)))),
    action('open', t('open.go'), () => open(), { class: 'main' }), log()]
}

function payerView(problem) {
  const { payer } = shown
  const part = (key, content, ...buttons) => el('li', { 'data-part': key }, el('h2', {}, t(key)), content, ...buttons)
  const terminal = (it) => el('li', {}, el('span', {}, el('bdi', {}, terminalName(it))),
    payer.terminals.length > 1 ? action('remove-terminal', t('remove'), () => removeTerminal(it), { 'data-place': it.place, 'aria-label': t('remove.of', { terminal: terminalName(it) }) }) : null)
  const more = shown.accounts.filter((it) => it.currency === payer.currency && !payer.accounts.includes(it.account))
  const isLocked = payer.state === 'locked'
  return [
    el('section', { class: 'hero' }, h1(t('identity')),
      el('p', { class: 'code', translate: 'no', 'data-part': 'identity' }, grouped(payer.identity_code)),
      quiet(t('identity.body')),
      action('copy', t('copy'), (event) => copied(event.currentTarget, payer.identity_code))),
    notice(problem),
    isLocked ? el('div', { class: 'notice', 'data-part': 'locked' }, el('p', {}, t('locked'))) : null,
    isLocked ? el('div', { class: 'side' }, action('unlock', t('unlock'), () => edit('unlock', 'unlock', 'unlock.body', [], () => ({})), { class: 'main' })) : null,
    el('ul', { class: 'parts' },
      part('terminals', el('ul', {}, ...payer.terminals.map(terminal)), action('add-terminal', t('add-terminal'), () => addTerminal())),
      part('limits', el('p', {}, t('limits.now', { payment: money(payer.payment_limit_minor, payer.currency), day: money(payer.day_limit_minor, payer.currency) })),
        action('limits', t('change'), () => limits(), { 'aria-label': t('limits.change') })),
      part('accounts', el('ul', {}, ...payer.accounts.map((it, place) => el('li', {}, el('span', {}, el('bdi', {}, accountName(it)), !place && payer.accounts.length > 1 ? ` · ${t('usual')}` : '')))),
        more.length ? action('add-account', t('add-account'), () => addAccount(more)) : null),
      part('payment-password', el('p', {}, t('payment-password.body')), action('new-password', t('change'), () => newPassword(), { 'aria-label': t('payment-password.change') }))),
    log(),
    el('div', { class: 'side' }, action('end', t('end'), () => endIt())),
  ]
}

const terminalName = (terminal) => (terminal.kind === 'device' ? t('device', { place: terminal.place }) : terminal.masked)

async function copied(button, text) {
  try {
    await navigator.clipboard.writeText(text)
    button.textContent = t('copied')
    say(t('copied'))
  } catch {
    say(t('copy.failed'))
  }
}

function log() {
  if (!journal.length) return null
  const entry = (it) => el('li', {}, el('span', {}, t(`did.${it.what}`)),
    el('small', {}, `${at(it.at_ms)} · ${['counter', 'page'].includes(it.channel) ? t(`by.${it.channel}`) : it.channel}`))
  return el('details', {}, el('summary', {}, t('journal')), el('ul', { class: 'log' }, ...journal.map(entry)))
}

// ---- changing it

// Which registered terminal confirms a change, where there is a choice. One that is on its way out comes last.
function confirmChoice(leaving) {
  const isLeaving = (terminal) => Number(terminal.place === leaving)
  const terminals = [...(shown.payer?.terminals ?? [])].sort((a, b) => isLeaving(a) - isLeaving(b))
  if (terminals.length < 2) return { view: null, place: () => undefined }
  const { choice, view } = select('confirm-at', 'confirm-at', terminals.map((it) => [it.place, terminalName(it)]))
  return { view, place: () => Number(choice.value) }
}

// A form for a change. What `wish` answers is asked for; nothing when something typed is wrong.
function edit(screen, title, body, views, wish, problem, kept = {}) {
  show(screen, () => {
    const parts = typeof views === 'function' ? views(kept) : { views, wish }
    const confirm = confirmChoice(parts.leaving)
    const deed = async (sheet) => {
      const asked = parts.wish()
      if (!asked) return
      busy(sheet, true)
      const what = screen.replaceAll('-', '_')
      await propose({ what, ...asked, confirm_at: confirm.place() }, (it) => edit(screen, title, body, views, wish, it, parts.keep?.() ?? {}))
    }
    return [h1(t(title)), quiet(t(body)), notice(problem),
      form([...parts.views, confirm.view, submit('go-on', t('go-on'))], deed),
      el('div', { class: 'side' }, action('back', t('back'), () => overview()))]
  })
}

async function propose(wish, here) {
  say(t('stage.asking'))
  try {
    const change = await call('PUT', `/v1/changes/${crypto.randomUUID()}`, wish)
    // A password leaves the page with its sending: whoever wants other codes types it again.
    if (change.state === 'done') await done(change)
    else codes(change, 'password' in wish ? null : wish, here)
  } catch (error) {
    over(fail(error), here)
  }
}

function limitFields(currency, kept) {
  const attributes = { inputmode: 'decimal', maxlength: 12 }
  const payment = field('payment-limit', 'payment-limit', { ...attributes, value: kept.payment })
  const day = field('day-limit', 'day-limit', { ...attributes, value: kept.day })
  const read = () => {
    const [payment_limit_minor, day_limit_minor] = [payment, day].map(({ input }) => minorOf(input.value, currency))
    if (payment.complain(payment_limit_minor ? '' : t('limit.slip', { currency }))) return null
    if (day.complain(day_limit_minor ? '' : t('limit.slip', { currency }))) return null
    if (day.complain(day_limit_minor >= payment_limit_minor ? '' : t('error.limits_unfit'))) return null
    return { payment_limit_minor, day_limit_minor }
  }
  return { view: el('div', { class: 'pair' }, payment.view, day.view), read, keep: () => ({ payment: payment.input.value, day: day.input.value }) }
}

function open(problem, kept = { payment: '50', day: '200' }) {
  show('open', () => {
    const chosen = kept.accounts ?? shown.accounts.slice(0, 1).map((it) => it.account)
    const boxes = shown.accounts.map((it) => el('input', { type: 'checkbox', name: 'account', value: it.account, checked: chosen.includes(it.account) }))
    const slip = el('p', { class: 'slip', id: 'accounts-slip', role: 'alert' })
    const accounts = el('fieldset', { 'aria-describedby': 'accounts-slip' }, el('legend', {}, t('accounts.choose')),
      ...boxes.map((box, place) => el('label', {}, box, el('span', {}, accountName(box.value), ' ', shown.accounts[place].currency))))
    const phone = field('phone', 'phone', { type: 'tel', maxlength: 32, autocomplete: 'tel', value: kept.phone })
    const mail = field('mail', 'mail', { type: 'email', maxlength: 254, autocomplete: 'email', value: kept.mail })
    const password = chosenPassword('payment-password', 'payment-password.field')
    const currency = shown.accounts[0]?.currency ?? 'USD'
    const limit = limitFields(currency, kept)
    const deed = async (sheet) => {
      const named = boxes.filter((box) => box.checked).map((box) => box.value)
      slip.textContent = named.length ? '' : t('accounts.slip')
      if (!named.length) return boxes[0]?.focus()
      if (phone.complain(/^\+[\d\s()-]{7,}$/.test(phone.input.value.trim()) ? '' : t('phone.slip'))) return
      if (mail.complain(!mail.input.value || mail.input.validity.valid ? '' : t('mail.slip'))) return
      if (password.unfit()) return
      const read = limit.read()
      if (!read) return
      busy(sheet, true)
      const keep = { accounts: named, phone: phone.input.value, mail: mail.input.value, ...limit.keep() }
      const terminals = [phone.input.value.trim(), mail.input.value.trim()].filter(Boolean)
      await propose({ what: 'open', accounts: named, terminals, password: taken(password.input), ...read }, (it) => open(it, keep))
    }
    return [h1(t('open')), quiet(t('open.body')), notice(problem),
      form([accounts, slip, phone.view, mail.view, password.view, limit.view, submit('go-on', t('go-on'))], deed),
      el('div', { class: 'side' }, action('back', t('back'), () => overview()))]
  })
}

function addTerminal() {
  edit('add-terminal', 'add-terminal', 'add-terminal.body', (kept) => {
    const terminal = field('terminal', 'terminal', { maxlength: 254, value: kept.terminal })
    const wish = () => {
      const typed = terminal.input.value.trim()
      const isAddress = typed.startsWith('+') ? /^\+[\d\s()-]{7,}$/.test(typed) : /^[^@\s]+@[^@\s]+$/.test(typed)
      return terminal.complain(isAddress ? '' : t('terminal.slip')) ? null : { terminal: typed }
    }
    return { views: [terminal.view], wish, keep: () => ({ terminal: terminal.input.value }) }
  })
}

function removeTerminal(terminal) {
  edit('remove-terminal', 'remove-terminal', 'remove-terminal.body',
    () => ({ views: [el('p', {}, el('bdi', {}, terminalName(terminal)))], wish: () => ({ place: terminal.place }), leaving: terminal.place }))
}

function addAccount(more) {
  edit('add-account', 'add-account', 'add-account.body', () => {
    const { choice, view } = select('account', 'account', more.map((it) => [it.account, accountName(it.account)]))
    return { views: [view], wish: () => ({ account: choice.value }) }
  })
}

function limits() {
  const { payer } = shown
  edit('limits', 'limits.change', 'limits.body', (kept) => {
    const limit = limitFields(payer.currency, kept)
    return { views: [limit.view], wish: limit.read, keep: limit.keep }
  }, null, null, { payment: decimal(payer.payment_limit_minor, payer.currency), day: decimal(payer.day_limit_minor, payer.currency) })
}

function newPassword() {
  edit('password', 'payment-password.change', 'payment-password.new', () => {
    const password = chosenPassword('payment-password', 'payment-password.field')
    return { views: [password.view], wish: () => (password.unfit() ? null : { password: taken(password.input) }) }
  })
}

function endIt(problem) {
  show('end', () => [h1(t('end')), el('p', {}, t('end.body')), notice(problem),
    el('div', { class: 'side' },
      action('confirm-end', t('end.go'), (event) => {
        busy(event.currentTarget.parentElement, true)
        propose({ what: 'end' }, endIt)
      }),
      action('back', t('back'), () => overview()))])
}

// The codes a change waits for, one after the other.
function codes(change, wish, here, problem) {
  const open = change.proofs.filter((proof) => !proof.is_proved)
  const proof = open[0]
  const step = change.proofs.length - open.length + 1
  show('codes', () => {
    const code = field('code', 'code', { inputmode: 'numeric', maxlength: 16, autocomplete: 'one-time-code' })
    const go = submit('confirm', t('confirm'))
    const key = proof.kind === 'device' ? 'codes.device' : `codes.${proof.purpose}`
    const deed = async (sheet) => {
      if (code.complain(/^\d{6,8}$/.test(code.input.value.replace(/[\s-]/g, '')) ? '' : t('code.slip'))) return
      busy(sheet, true)
      try {
        const now = await call('POST', `/v1/changes/${change.change_id}/codes`, { proof: proof.number, code: taken(code.input) })
        if (now.state === 'done') return await done(now)
        say(t('codes.next'))
        codes(now, wish, here)
        main.querySelector('h1').focus()
      } catch (error) {
        const refused = fail(error)
        if (refused.code === 'wrong_code') codes(change, wish, here, refused)
        else over(refused, here)
      }
    }
    const resend = !wish ? null : action('resend', t('resend'), (event) => {
      busy(main, true)
      event.currentTarget.disabled = true
      propose(wish, here)
    })
    return [h1(t('codes.title')),
      change.proofs.length > 1 ? el('p', { class: 'steps' }, t('codes.step', { step, of: change.proofs.length })) : null,
      notice(problem),
      el('p', { 'data-part': 'on-its-way', 'data-purpose': proof.purpose }, t(key, { terminal: proof.masked })),
      codeTime(change.expires_ms, () => { go.disabled = true }),
      form([code.view, go], deed),
      el('div', { class: 'side' }, resend, action('back', t('give-up'), () => overview()))]
  })
}

// What was done, as the bank has it now.
async function done(change) {
  say(t(`done.${change.what}`))
  try {
    shown = await call('GET', '/v1/customer')
    journal = (await call('GET', '/v1/journal')).entries
  } catch (error) {
    return over(fail(error), () => signIn())
  }
  show('done', () => {
    const code = change.what === 'open' && shown.payer
      ? [el('p', { class: 'code', translate: 'no', 'data-part': 'identity' }, grouped(shown.payer.identity_code)), quiet(t('identity.body'))] : []
    return [el('section', { class: 'hero', 'data-did': change.what }, shape('paid'), h1(t(`done.${change.what}`)), ...code, el('p', {}, t('done.told')),
      action('home', t('home'), () => overview(), { class: 'main' }))]
  })
}

async function start() {
  await speak('/texts.json', own.dataset.texts)
  document.getElementById('sign-out').addEventListener('click', signOut)
  try {
    const { stage } = await call('GET', '/v1/session')
    if (stage === 'in') return await home()
    signIn()
  } catch (error) {
    signIn(fail(error))
  }
}

start()
