// The payment page: fetches, shows, and hands what is typed to the module, which seals it. Nothing is kept: a visit ends
// with the page. What is behind the `#` stays in the browser; only the module reads it.

import init, { Page } from '/pay/module.js'
import {
  busy, countdown, el, field, h1, keepTime, knows, language, main, nowMs, say, shape, show, speak, t, taken,
} from '/pay/screen.js'

const CODE_LIFE_MS = 300_000
const POLL_MS = 1_500
// Accounts that can be named. Which ones there are, only the bank knows.
const ACCOUNTS_MAX = 8
// How many answers of "not known yet" are asked for before the page says so and stops asking.
const POLLS_MAX = 40

const own = document.querySelector('script[data-texts]')
const token = location.pathname.split('/').pop()

let page
let shown

function money() {
  const digits = shown.amount.split('.')[1]?.length ?? 0
  const format = { style: 'currency', currency: shown.currency, minimumFractionDigits: digits }
  return new Intl.NumberFormat(language(), format).format(shown.amount)
}

// What a call refused with: a code of the server's or of the module's.
class Refusal extends Error {
  constructor(code, moved = 'no') {
    super(code)
    this.code = code
    this.moved = moved
  }
}

async function call(method, path, body, signs = true) {
  const headers = {}
  const text = body ?? ''
  if (signs) {
    const time = Math.round(nowMs())
    const [device, signature] = JSON.parse(page.signature(method, path, time, text))
    Object.assign(headers, {
      'tapseal-device': device, 'tapseal-time': String(time), 'tapseal-signature': signature,
    })
  }
  if (body != null) headers['content-type'] = 'application/json'
  let answer
  try {
    answer = await fetch(path, { method, headers, body, cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' })
  } catch {
    throw new Refusal('offline', 'unknown')
  }
  const told = await answer.text()
  if (answer.ok) return told
  let problem = {}
  try {
    problem = JSON.parse(told)
  } catch {
    // An answer that is no problem of the server's: its proxy's, perhaps.
  }
  throw new Refusal(problem.code ?? 'other', problem.money_moved ?? 'no')
}

function words(code) {
  const key = `error.${code}`
  return knows(key) ? t(key) : t('error.other')
}

function fail(error) {
  const code = error instanceof Refusal ? error.code : typeof error === 'string' ? error : 'other'
  return { code, moved: error.moved ?? 'no' }
}

// A problem above the form it happened in.
function notice(problem) {
  if (!problem) return null
  const money = problem.moved === 'no' && !words(problem.code).includes(t('no_money')) ? ` ${t('no_money')}` : ''
  return el('div', { class: 'notice bad', role: 'alert', 'data-problem': problem.code }, el('p', {}, words(problem.code) + money))
}

// The same on the later steps: what is paid, and to whom.
function shortHead() {
  return el('section', { class: 'hero' },
    el('p', { class: 'amount short', 'data-amount': shown.amount, 'data-currency': shown.currency }, money()),
    el('p', { class: 'payee' }, el('bdi', {}, shown.payee), ' ', el('span', { class: 'good' }, `✓ ${t('verified')}`)))
}

function head() {
  const match = language() === 'en' ? shown.match_words : shown.match_words_zh
  return el('section', { class: 'hero' },
    el('p', { class: 'amount', 'data-amount': shown.amount, 'data-currency': shown.currency }, money()),
    el('p', { class: 'payee' }, el('bdi', {}, shown.payee), ' ', el('span', { class: 'good' }, `✓ ${t('verified')}`)),
    el('p', { class: 'quiet' }, t('order', { number: shown.order_number })),
    el('p', { class: 'words', translate: 'no' }, match.join(' · ')),
    el('p', { class: 'quiet' }, t('match')),
    countdown('until', shown.expires_ms, 'over'))
}

function openInWallet() {
  const link = `tapseal://r/${token}?s=${location.host}${location.hash}`
  return el('a', { class: 'button', href: link }, t('wallet'))
}

function foot() {
  return [el('div', { class: 'side' }, openInWallet()), el('p', { class: 'quiet' }, t('trust'))]
}

function stop(problem) {
  show('stopped', () => [h1(t('request')), notice(problem), problem.code === 'link_invalid' ? null : openInWallet()])
}

// The request, and what is typed to pay it.
function request(problem, chosen = shown.methods[0]) {
  show('request', () => {
    const parts = [h1(t('request')), head(), notice(problem)]
    if (!shown.methods.length) return [...parts, el('p', {}, t('none')), foot()]
    const sheet = el('div', { class: 'sheet' })
    const redraw = (method) => sheet.replaceChildren(method === 'code' ? codeForm() : voucherForm())
    if (shown.methods.length > 1) {
      const choice = (method) => el('label', {},
        el('input', { type: 'radio', name: 'method', value: method, checked: method === chosen, onchange: () => { chosen = method; redraw(method) } }),
        t(`method.${method}`))
      parts.push(el('fieldset', {}, el('legend', { class: 'unseen' }, t('methods')), ...shown.methods.map(choice)))
    }
    redraw(chosen)
    return [...parts, sheet, foot()]
  })
}

function codeForm() {
  const identity = field('identity', 'identity', { inputmode: 'numeric', maxlength: 24 })
  const password = field('password', 'password', { type: 'password', maxlength: 64, dir: 'auto', autocomplete: 'current-password' })
  const submit = async (event) => {
    event.preventDefault()
    let code
    try {
      code = Page.identity_code(identity.input.value)
      identity.complain('')
    } catch {
      return identity.complain(t('identity.slip'))
    }
    if (!password.input.value) return password.complain(t('password.slip'))
    const secret = taken(password.input)
    busy(event.target, true)
    say(t('stage.lookup'))
    try {
      const payer = JSON.parse(await call('GET', `/v1/code-payers/${code}`))
      page.begin_code(code, secret, payer.bank_id)
      if (payer.terminals.length === 1) await sendCode(payer, { terminal: payer.terminals[0] })
      else terminals(payer)
    } catch (error) {
      request(fail(error), 'code')
    }
  }
  return el('form', { onsubmit: submit, novalidate: true }, identity.view, password.view,
    el('button', { class: 'main', type: 'submit', 'data-action': 'continue' }, t('continue')))
}

function name(terminal) {
  return terminal.kind === 'device' ? t('device') : terminal.masked
}

// Where the code goes, and what else can be said of it: another account, an address that is not registered.
function terminals(payer, problem, wish = { account: 0, address: '' }) {
  show('terminals', () => {
    const account = el('select', { id: 'account' }, ...Array.from({ length: ACCOUNTS_MAX + 1 }, (_, number) =>
      el('option', { value: number, selected: number === wish.account }, number ? t('account.other', { number }) : t('account.usual'))))
    const address = field('address', 'address', { type: 'email', maxlength: 254, value: wish.address })
    const row = (terminal) => el('li', {},
      el('button', { type: 'button', 'data-action': 'choose-terminal', 'data-terminal': terminal.place, onclick: (event) => {
        busy(event.currentTarget.closest('ul'), true)
        wish = { account: Number(account.value), address: address.input.value.trim() }
        sendCode(payer, { terminal, ...wish }).catch((error) => terminals(payer, fail(error), wish))
      } }, el('bdi', {}, name(terminal)), el('small', {}, t(`kind.${terminal.kind}`))))
    return [h1(t('terminal')), shortHead(), notice(problem), el('p', { class: 'quiet' }, t('terminal.body')),
      el('ul', { class: 'rows' }, ...payer.terminals.map(row)),
      el('details', { open: Boolean(wish.account || wish.address) }, el('summary', {}, t('further')),
        el('div', { class: 'field' }, el('label', { for: 'account' }, t('account')), account), address.view),
      el('div', { class: 'side' }, anew())]
  })
}

function anew() {
  return el('button', { type: 'button', 'data-action': 'again', onclick: () => {
    page.forget_code()
    request(null, 'code')
  } }, t('again'))
}

// Orders a code. One for an address that is not registered is confirmed by a registered terminal first.
async function sendCode(payer, order) {
  const { terminal, account = 0, address = '' } = order
  const body = page.order_code(account, terminal.place, address, nowMs())
  await call('POST', `/v1/requests/${shown.request_id}/codes`, body)
  const entry = { payer, order, expiresMs: nowMs() + CODE_LIFE_MS }
  if (address) confirmAddress(entry)
  else typeCode(entry)
}

// A form for a code that came, with what is told of it and what else can be done.
function codeScreen(screen, title, sentence, action, label, entry, problem, deed) {
  show(screen, () => {
    const code = field('code', 'code', { inputmode: 'numeric', maxlength: 16, autocomplete: 'one-time-code' })
    const go = el('button', { class: 'main', type: 'submit', 'data-action': action }, label())
    const submit = async (event) => {
      event.preventDefault()
      if (!/^\d{6,8}$/.test(code.input.value.replace(/[\s-]/g, ''))) return code.complain(t('code.slip'))
      busy(main, true)
      await deed(taken(code.input))
    }
    const { payer, order, expiresMs } = entry
    const resend = () => {
      busy(main, true)
      sendCode(payer, order).then(() => say(t('resent')), (error) => terminals(payer, fail(error), order))
    }
    const button = (name, does) => el('button', { type: 'button', 'data-action': name, onclick: does }, t(name))
    return [h1(t(title)), shortHead(), notice(problem), el('p', { 'data-part': 'on-its-way' }, sentence()),
      countdown('code.time', expiresMs, 'code.over', () => { go.disabled = true }),
      el('form', { onsubmit: submit, novalidate: true }, code.view, go),
      el('div', { class: 'side' }, order.terminal.kind === 'device' ? null : button('resend', resend),
        button('elsewhere', () => terminals(payer, null, { account: order.account ?? 0, address: order.address ?? '' })), anew())]
  })
}

function confirmAddress(entry, problem) {
  const { terminal, address } = entry.order
  const sentence = () => t('confirm.sent', { terminal: name(terminal), address })
  codeScreen('confirm', 'confirm.title', sentence, 'confirm-address', () => t('confirm'), entry, problem, async (code) => {
    try {
      await call('POST', `/v1/requests/${shown.request_id}/codes`, page.confirm_address(code, nowMs()))
      typeCode({ ...entry, expiresMs: nowMs() + CODE_LIFE_MS })
    } catch (error) {
      const refused = fail(error)
      if (refused.code === 'declined_wrong_code') confirmAddress(entry, refused)
      else terminals(entry.payer, refused, entry.order)
    }
  })
}

function typeCode(entry, problem) {
  const { terminal, address } = entry.order
  const to = address || name(terminal)
  const sentence = () => (terminal.kind === 'device' && !address ? t('code.device') : t('code.sent', { terminal: to }))
  codeScreen('code', 'code.title', sentence, 'pay', () => t('pay', { amount: money() }), entry, problem, async (code) => {
    await pays(() => page.pay_by_code(code, nowMs()), (refused) => {
      if (refused.code === 'declined_wrong_code') return typeCode(entry, refused)
      page.forget_code()
      request(refused, 'code')
    })
  })
}

function voucherForm() {
  const number = field('voucher-number', 'voucher.number', { inputmode: 'numeric', maxlength: 32 })
  const code = field('voucher-code', 'voucher.code', { inputmode: 'numeric', maxlength: 20, type: 'password' })
  const bank = el('select', { id: 'voucher-bank' }, ...shown.banks.map(([id, title]) => el('option', { value: id }, title)))
  const banks = shown.banks.length > 1
    ? el('div', { class: 'field' }, el('label', { for: 'voucher-bank' }, t('voucher.bank')), bank) : null
  const submit = async (event) => {
    event.preventDefault()
    busy(event.target, true)
    // A slip keeps what was typed; anything else wipes it.
    const kept = code.input.value
    await pays(() => page.pay_by_voucher(bank.value, number.input.value, taken(code.input), nowMs()), (refused) => {
      if (refused.code !== 'mistyped') return request(refused, 'voucher')
      busy(event.target, false)
      code.input.value = kept
      number.complain(t('voucher.slip'))
    })
  }
  return el('form', { onsubmit: submit, novalidate: true }, number.view, code.view, banks,
    el('button', { class: 'main', type: 'submit', 'data-action': 'pay' }, t('pay', { amount: money() })))
}

// Sends an attempt and follows it to its end. It is never sent twice: what is not known is asked for.
async function pays(seal, refused) {
  say(t('stage.sealing'))
  let body
  try {
    body = seal()
  } catch (error) {
    return refused(fail(error))
  }
  say(t('stage.bank'))
  const path = `/v1/requests/${shown.request_id}/attempts`
  const own = `${path}/${JSON.parse(body).attempt_id}`
  let answer
  try {
    answer = await call('POST', path, body)
  } catch (error) {
    if (error.code !== 'offline' && error.moved === 'no') return refused(fail(error))
  }
  for (let polls = 0; ; polls += 1) {
    const end = answer ? JSON.parse(page.end(answer)) : { end: 'waiting' }
    if (end.end === 'refused') return refused({ code: end.code, moved: 'no' })
    if (end.end === 'paid') return paid(end)
    if (end.end === 'unproved') return unproved()
    if (end.end === 'unknown' || polls === 2) unknown(end.deadline_ms)
    if (polls === POLLS_MAX) return
    await new Promise((wake) => setTimeout(wake, POLL_MS))
    try {
      answer = await call('GET', own)
    } catch (error) {
      // The server never had it, so no bank did.
      if (error.code === 'not_found') return refused({ code: 'other', moved: 'no' })
    }
  }
}

function paid(end) {
  page.forget_code()
  say(t('paid', { amount: money() }))
  show('paid', () => {
    const file = `data:application/json;charset=utf-8,${encodeURIComponent(end.receipt)}`
    return [shape('paid'), h1(t('paid', { amount: money() })),
      el('p', {}, el('bdi', {}, shown.payee)), el('p', { class: 'quiet' }, t('approval', { code: end.approval_code })),
      el('p', {}, t('paid.body')),
      el('div', { class: 'side' }, el('a', { class: 'button', 'data-action': 'receipt', href: file, download: `receipt-${shown.order_number}.json` }, t('receipt')))]
  })
}

function unknown(deadlineMs) {
  const time = () => new Date(deadlineMs ?? nowMs() + 900_000).toLocaleTimeString(language(), { hour: '2-digit', minute: '2-digit' })
  show('unknown', () => [shape('unknown'), h1(t('unknown')), el('p', {}, t('unknown.body', { time: time() }))])
}

function unproved() {
  show('unknown', () => [shape('unknown'), h1(t('unknown')), el('p', {}, t('unproved'))])
}

async function start() {
  await speak('/pay/texts.json', own.dataset.texts)
  show('loading', () => [h1(t('loading'))])
  try {
    await init({ module_or_path: fetch('/pay/module.wasm', { integrity: own.dataset.wasm }) })
    const answer = await fetch(`/v1/links/${token}`, { cache: 'no-store', referrerPolicy: 'no-referrer' })
    if (!answer.ok) throw new Refusal(answer.status === 404 ? 'not_found' : 'other')
    keepTime(answer)
    const [letter, keys, roots] = await Promise.all([
      answer.text(), call('GET', '/v1/keyset', null, false), call('GET', '/pay/roots.json', null, false),
    ])
    page = Page.open(roots, keys, letter, location.hash.slice(1), nowMs())
    shown = JSON.parse(page.shown())
    await call('POST', '/v1/devices', page.registration(language()))
    request()
  } catch (error) {
    stop(fail(error))
  }
}

start()
