import CoreNFC
import Foundation
import Tauri
import UIKit

class OpenArgs: Decodable {
  /// How long to wait for a card, ms.
  let waitMs: Int
  /// What the system's sheet says meanwhile.
  let prompt: String
}

class ApduArgs: Decodable {
  let apdu: String
}

class SecureScreenArgs: Decodable {
  /// Whether the screen is kept to the person in front of it.
  let on: Bool
}

struct ScreenReaderState: Encodable {
  let on: Bool
}

struct OpenedCard: Encodable {
  let commandLengthMax: Int
  let extendedLength: Bool
}

struct ApduAnswer: Encodable {
  let apdu: String
}

/// Carries APDUs between Rust and a card held to the phone.
///
/// iOS reads payment cards only through `NFCPaymentTagReaderSession` (iOS 26), and only where Apple
/// permits it: an account and a device in the European Union. Everywhere else `open` answers
/// `not_permitted`, and the screen says so. It knows no EMV and keeps nothing.
/// The session is touched on one queue. The system ends it after 60 s; the app asks for no longer wait.
///
/// The app's Info.plist has to name what may be selected (mobile/ios/Info.plist in this project), and its
/// entitlements the payment tag format that Apple grants on request.
class CardReaderPlugin: Plugin {
  private let queue = DispatchQueue(label: "org.tapseal.card-reader")
  private lazy var screen = Screen()
  private var waiting: Invoke?
  private var session: NFCTagReaderSession?
  private var card: NFCISO7816Tag?
  /// Counts openings, so that the deadline of an earlier one ends nothing later.
  private var opening = 0

  private static let waitMsMax = 60_000
  /// CoreNFC names no bound; it carries extended APDUs to cards that take them.
  private static let commandLengthMax = 65_544

  @objc public func open(_ invoke: Invoke) throws {
    let args = try invoke.parseArgs(OpenArgs.self)
    queue.async { self.begin(invoke, args) }
  }

  @objc public func transceive(_ invoke: Invoke) throws {
    let args = try invoke.parseArgs(ApduArgs.self)
    queue.async { self.exchange(invoke, args.apdu) }
  }

  @objc public func close(_ invoke: Invoke) {
    queue.async {
      self.stop(.stopped)
      invoke.resolve()
    }
  }

  @objc public func secureScreen(_ invoke: Invoke) throws {
    let args = try invoke.parseArgs(SecureScreenArgs.self)
    DispatchQueue.main.async {
      if args.on { self.screen.hide() } else { self.screen.show() }
      invoke.resolve()
    }
  }

  @objc public func screenReader(_ invoke: Invoke) {
    DispatchQueue.main.async {
      invoke.resolve(ScreenReaderState(on: self.screen.hasScreenReader))
    }
  }

  private func begin(_ invoke: Invoke, _ args: OpenArgs) {
    guard NFCReaderSession.readingAvailable else { return refuse(invoke, .nfcMissing) }
    guard #available(iOS 26.0, *), NFCPaymentTagReaderSession.readingAvailable else {
      return refuse(invoke, .notPermitted)
    }
    guard waiting == nil, session == nil else { return refuse(invoke, .busy) }

    let started = NFCPaymentTagReaderSession(delegate: self, queue: queue)
    started.alertMessage = args.prompt
    waiting = invoke
    session = started
    opening += 1
    let mine = opening
    let waitMs = min(max(args.waitMs, 0), Self.waitMsMax)
    queue.asyncAfter(deadline: .now() + .milliseconds(waitMs)) {
      if mine == self.opening && self.waiting != nil { self.stop(.cardAbsent) }
    }
    started.begin()
  }

  private func exchange(_ invoke: Invoke, _ text: String) {
    guard let card = card else { return refuse(invoke, .notOpen) }
    guard let bytes = Hex.decode(text), let command = NFCISO7816APDU(data: bytes) else {
      return refuse(invoke, .apduMalformed)
    }
    card.sendCommand(apdu: command) { data, sw1, sw2, error in
      self.queue.async {
        if let error = error {
          let why = Self.refusal(of: error)
          self.refuse(invoke, why)
          self.stop(why)
        } else {
          invoke.resolve(ApduAnswer(apdu: Hex.encode(data + [sw1, sw2])))
        }
      }
    }
  }

  private func stop(_ why: Refusal) {
    opening += 1
    card = nil
    if let waiting = waiting { refuse(waiting, why) }
    waiting = nil
    session?.invalidate()
    session = nil
  }

  private func refuse(_ invoke: Invoke, _ why: Refusal) {
    invoke.reject(why.rawValue, code: why.rawValue)
  }

  private static func refusal(of error: Error) -> Refusal {
    guard let reader = error as? NFCReaderError else { return .readerFailed }
    switch reader.code {
    case .readerTransceiveErrorTagConnectionLost, .readerTransceiveErrorTagNotConnected: return .cardRemoved
    case .readerSessionInvalidationErrorUserCanceled: return .stopped
    case .readerSessionInvalidationErrorSessionTimeout: return .cardAbsent
    case .readerErrorSecurityViolation, .readerErrorUnsupportedFeature: return .notPermitted
    case .readerSessionInvalidationErrorSystemIsBusy: return .busy
    default: return .readerFailed
    }
  }
}

extension CardReaderPlugin: NFCTagReaderSessionDelegate {
  func tagReaderSessionDidBecomeActive(_ session: NFCTagReaderSession) {}

  func tagReaderSession(_ session: NFCTagReaderSession, didInvalidateWithError error: Error) {
    // Also called after our own `invalidate`, when nothing is left to end.
    guard session === self.session else { return }
    stop(Self.refusal(of: error))
  }

  func tagReaderSession(_ session: NFCTagReaderSession, didDetect tags: [NFCTag]) {
    // Two cards at once are a mistake of the hand: poll again until one is left.
    guard tags.count == 1, case .iso7816(let found) = tags[0] else {
      return session.restartPolling()
    }
    session.connect(to: tags[0]) { error in
      self.queue.async {
        guard session === self.session, let invoke = self.waiting else { return }
        if error != nil { return session.restartPolling() }
        self.waiting = nil
        self.card = found
        invoke.resolve(OpenedCard(commandLengthMax: Self.commandLengthMax, extendedLength: true))
      }
    }
  }
}

@_cdecl("init_plugin_card_reader")
public func initPlugin() -> Plugin {
  return CardReaderPlugin()
}
