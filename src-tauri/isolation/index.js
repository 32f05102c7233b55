// Checks every call between the screens and Rust: a known command, one plain argument object, a bounded size.
//
// Tauri runs this page in a sandboxed frame and encrypts what leaves it; Rust takes nothing that did not pass here.
// Rust checks again (permissions, then types): this page is the first fence, not the only one.

// The same names as `protocol::ipc::COMMAND_NAMES`; a test compares them.
const COMMANDS = new Set([
  'status',
  'watch',
  'inbox',
  'show',
  'open_link',
  'reject',
  'postpone',
  'block_merchant',
  'readers',
  'reader_test_start',
  'reader_test_stop',
  'checkout_start',
  'checkout_choose',
  'pin_pad',
  'pin_press',
  'pin_erase',
  'pin_submit',
  'checkout_stop',
  'checkout_done',
  'show_receipt',
  'claim_start',
  'claim_confirm',
  'save_settings',
  'claim_transfer',
  'claim_release',
  'payment_numbers',
  'payment_number_create',
  'payment_number_revoke',
  'accept_sender',
  'senders',
  'blocked',
  'unblock',
  'report_request',
  'merchant',
  'merchant_connect',
  'merchant_disconnect',
  'sell',
  'sale',
  'sales',
  'sales_csv',
  'sale_cancel',
  'sale_resend',
  'sale_refund',
  'day_close',
  'catalogue',
  'save_catalogue',
  'counters',
  'counter_create',
  'webhooks',
  'webhook_create',
  'webhook_rotate',
  'webhook_delete',
  'webhook_test',
  'webhook_deliveries',
  'webhook_redeliver',
  'access',
  'api_key_create',
  'api_key_revoke',
  'scan_image',
  'payment_methods',
  'choose_method',
  'postpone_until',
  'bring_back',
  'request_of_receipt',
  'abilities',
  'scan_camera',
  'scan_camera_stop',
  'haptic',
  'screen_holds',
  'notice_example',
  'devices',
  'device_rename',
  'device_remove',
  'former_dismiss',
  'accepted',
  'sender_block',
  'trust',
  'reader_diagnosis',
  'diagnosis',
  'backup_status',
  'backup_make',
  'backup_restore',
  'export_all',
  'clear_ended',
  'licences',
  'licence_text',
  'history',
  'history_lines',
  'history_choices',
  'history_export',
  'receipt_export',
  'check_receipt',
  'lock',
  'lock_now',
  'presence',
  'start_anew',
  'introduced',
  'unlock',
  'lock_turn_on',
  'lock_change',
  'lock_turn_off',
  'voucher_banks',
  'voucher_pay',
  'code_begin',
  'code_entry',
  'code_send',
  'code_confirm',
  'code_pay',
  'code_stop',
  'alias_pay',
  'alias_state',
  'alias_begin',
  'alias_read_card',
  'alias_factor',
  'alias_enrol',
  'alias_sign_in',
  'alias_change',
  'alias_export',
  'alias_remember',
  'alias_leave',
  'code_forget',
  'code_terminals',
  'operators',
  'phone_bills',
  'bill_ask',
  'bill_entry',
  'bill_again',
  'bill_enrol',
  'bill_stop',
  'bill_forget',
  'bill_pay',
  'bill_find',
  'voucher_batches',
  'voucher_bank_key',
  'voucher_batch_make',
  'voucher_batch_save',
  'voucher_check',
  'voucher_reconcile',
])

// The longest call is far below. In UTF-16 code units.
const PAYLOAD_LENGTH_MAX = 256 * 1024
// But a picture to find a code in, a receipt's file, or a bank's about vouchers: 8 MiB in base64.
const FILE_LENGTH_MAX = 12 * 1024 * 1024
const TAKE_FILES = new Set(['scan_image', 'check_receipt', 'voucher_reconcile'])

// No command has this name: Rust answers the caller that it does not exist. Throwing here would leave the caller waiting.
const REFUSED = 'refused_by_isolation'

function isPlainObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isKnownCall(message) {
  if (!COMMANDS.has(message.cmd) || !isPlainObject(message.payload)) return false
  const names = Object.keys(message.payload)
  if (names.length !== 1 || names[0] !== 'args' || !isPlainObject(message.payload.args)) return false
  const lengthMax = TAKE_FILES.has(message.cmd) ? FILE_LENGTH_MAX : PAYLOAD_LENGTH_MAX
  return JSON.stringify(message.payload).length <= lengthMax
}

window.__TAURI_ISOLATION_HOOK__ = (message) => {
  const call = { cmd: REFUSED, callback: message.callback, error: message.error, payload: {} }
  if (isKnownCall(message)) {
    call.cmd = message.cmd
    call.payload = message.payload
  }
  return call
}
