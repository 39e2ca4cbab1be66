package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tyler-smith/go-bip39/wordlists"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
)

// Secrets derives what must be the same every time and known to nobody else: receipts, the look-up of receipts, hashes of
// bodies, and page tokens.
type Secrets struct {
	prf   *prf.Set
	pages cipher.AEAD
}

// LoadSecrets reads what CreateSecrets made.
func LoadSecrets(path string) (*Secrets, error) {
	handle, err := loadKeyset(path)
	if err != nil {
		return nil, err
	}
	set, err := prf.NewPRFSet(handle)
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	s := &Secrets{prf: set}
	block, err := aes.NewCipher(s.derive("page", nil))
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	if s.pages, err = cipher.NewGCM(block); err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	return s, nil
}

// derive is a keyed function of purpose and input, 32 bytes.
func (s *Secrets) derive(purpose string, input []byte) []byte {
	out, err := s.prf.ComputePrimaryPRF(append([]byte(purpose+"\x00"), input...), 32)
	if err != nil {
		panic("keyed hash fails") // HMAC of a length that it supports cannot
	}
	return out
}

// BodyHash is a keyed hash of a message: equal for equal bodies, and telling nothing to who has not the key.
func (s *Secrets) BodyHash(m proto.Message) ([]byte, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("hash body: %w", err)
	}
	return s.derive("body:"+string(m.ProtoReflect().Descriptor().FullName()), raw), nil
}

// Words of a receipt: eight of 11 bits each, and one that checks them.
const receiptWords = 8

var (
	words  = wordlists.Italian
	wordAt = func() map[string]int {
		m := make(map[string]int, len(words))
		for i, w := range words {
			m[w] = i
		}
		return m
	}()
)

// Receipt derives the receipt code of a request: the same request gets the same code, and nobody without the key can
// compute it.
func (s *Secrets) Receipt(node, requestID string) string {
	bits := s.derive("receipt", []byte(node+"\x00"+requestID))
	var code []string
	for i := range receiptWords {
		// 11 bits from bit 11·i on; two bytes further the rest of the word begins.
		at := i * 11
		window := uint32(bits[at/8])<<16 | uint32(bits[at/8+1])<<8 | uint32(bits[at/8+2])
		code = append(code, words[window>>(13-at%8)&2047])
	}
	return strings.Join(append(code, checkWord(code)), " ")
}

func checkWord(code []string) string {
	sum := sha256.Sum256([]byte(strings.Join(code, " ")))
	return words[(int(sum[0])<<8|int(sum[1]))&2047]
}

// ReadReceipt reads a code as people write it: any case, blanks, hyphens or commas between the words. ok is false when a
// word is not of the list or the check word does not fit, which catches a slip in 2047 of 2048 cases.
func ReadReceipt(s string) (code string, ok bool) {
	parts := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r < 'a' || r > 'z' })
	if len(parts) != receiptWords+1 {
		return "", false
	}
	for _, w := range parts {
		if _, known := wordAt[w]; !known {
			return "", false
		}
	}
	if checkWord(parts[:receiptWords]) != parts[receiptWords] {
		return "", false
	}
	return strings.Join(parts, " "), true
}

// ReceiptLookup is the keyed hash by which a report is found from its receipt. At 88 bits a slow hash would add nothing.
func (s *Secrets) ReceiptLookup(node, code string) []byte {
	return s.derive("receipt-lookup", []byte(node+"\x00"+code))
}

// PageToken seals where a list goes on, for one filter of one node.
func (s *Secrets) PageToken(node, filter, position string) string {
	nonce := make([]byte, s.pages.NonceSize())
	_, _ = rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(s.pages.Seal(nonce, nonce, []byte(position), s.scope(node, filter)))
}

// ReadPageToken opens what PageToken sealed; anything else is BAD_PAGE_TOKEN. An empty token is the first page.
func (s *Secrets) ReadPageToken(node, filter, token string) (position string, err error) {
	if token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < s.pages.NonceSize() {
		return "", badToken()
	}
	plain, err := s.pages.Open(nil, raw[:s.pages.NonceSize()], raw[s.pages.NonceSize():], s.scope(node, filter))
	if err != nil {
		return "", badToken()
	}
	return string(plain), nil
}

func badToken() error {
	return fault.Invalid(fault.Field{Path: "page_token", Reason: fault.BadPageToken})
}

func (s *Secrets) scope(node, filter string) []byte {
	return s.derive("page-scope", []byte(node+"\x00"+filter))
}

// Equal compares two hashes in constant time.
func Equal(a, b []byte) bool { return hmac.Equal(a, b) }
