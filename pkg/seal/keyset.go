package seal

import (
	"errors"
	"fmt"
	"os"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// loadKeyset reads a Tink keyset in JSON. The file is a mounted secret: it is not encrypted.
func loadKeyset(path string) (*keyset.Handle, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("keyset file: %w", err)
	}
	defer func() { _ = file.Close() }()
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(file))
	if err != nil {
		return nil, errors.New("keyset file does not hold a Tink keyset in JSON") // Tink's error may quote the key
	}
	return handle, nil
}

func loadAEAD(path string) (tink.AEAD, error) {
	handle, err := loadKeyset(path)
	if err != nil {
		return nil, err
	}
	return aead.New(handle)
}
