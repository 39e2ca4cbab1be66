package bus_test

// An independent program computed these from the description of Event.Canonical. The seed of the key is 32 bytes of
// 0x07.
const (
	goldenCanonical = "" +
		"706172692e6576656e742e76310a0000002433663164326334622d356136392d343738382d396330622d31613262" +
		"33633464356536660000001969742e706172692e7265706f72742e636f756e7465642e7631000000252f72656769" +
		"6f6e2f6c6f6d6261726469612f6e6f64652f6372656d6f6e612f696e74616b650000000462386131000000000000" +
		"0001000000000000002aabababababababababababababababababababababababababababababababab50ee8231" +
		"ac5be6b674d35e806db2900dd4048450d29a8598559a9c0d088cc7e3"
	goldenHash      = "7282d8133f5fb9080079676f29ee998f33b178b4feb608a51632bbbccda823e9"
	goldenKeyID     = "fe812c12f3ab4ce6"
	goldenSignature = "4+TtPov7upsAe9W724FT43N+mrS3FfFQwi3kr1cg+Wdu8VEs6tM32d3e8VAhdDAUPx4Rzrxh8NKsPnDAN3tcAA=="
)
