import XCTest

@testable import tauri_plugin_card_reader

final class HexTests: XCTestCase {
  func testEveryByteSurvives() {
    let bytes = Data(UInt8.min...UInt8.max)
    XCTAssertEqual(Hex.decode(Hex.encode(bytes)), bytes)
    XCTAssertEqual(Hex.decode(Hex.encode(bytes).uppercased()), bytes)
  }

  func testWhatIsNotHexadecimalIsRefused() {
    for text in ["9", "900", "zz", "9 00", "0x90"] {
      XCTAssertNil(Hex.decode(text), text)
    }
  }
}
