import UIKit

/// What the web view cannot do or know about the screen. Touched on the main thread only.
///
/// iOS keeps no window out of screenshots. What can be done: cover the window before the system takes the picture it
/// shows among recent apps, and while the screen is recorded or mirrored.
final class Screen: NSObject {
  private var isPrivate = false
  private var cover: UIView?

  override init() {
    super.init()
    let center = NotificationCenter.default
    center.addObserver(
      self, selector: #selector(leave), name: UIApplication.willResignActiveNotification, object: nil)
    center.addObserver(
      self, selector: #selector(comeBack), name: UIApplication.didBecomeActiveNotification, object: nil)
    center.addObserver(
      self, selector: #selector(comeBack), name: UIScreen.capturedDidChangeNotification, object: nil)
  }

  func hide() {
    isPrivate = true
    comeBack()
  }

  func show() {
    isPrivate = false
    uncover()
  }

  /// Whether VoiceOver reads the screen out: it cannot say pictures of digits.
  var hasScreenReader: Bool { UIAccessibility.isVoiceOverRunning }

  @objc private func leave() {
    if isPrivate { coverWindow() }
  }

  @objc private func comeBack() {
    if isPrivate && UIScreen.main.isCaptured { coverWindow() } else { uncover() }
  }

  private func coverWindow() {
    guard cover == nil, let window = Screen.keyWindow() else { return }
    let blank = UIView(frame: window.bounds)
    blank.backgroundColor = .systemBackground
    blank.autoresizingMask = [.flexibleWidth, .flexibleHeight]
    window.addSubview(blank)
    cover = blank
  }

  private func uncover() {
    cover?.removeFromSuperview()
    cover = nil
  }

  private static func keyWindow() -> UIWindow? {
    let scenes = UIApplication.shared.connectedScenes.compactMap { $0 as? UIWindowScene }
    return scenes.flatMap { $0.windows }.first { $0.isKeyWindow }
  }
}
