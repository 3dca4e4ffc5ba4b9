// Package sessionkey signs and checks the requests that workers of a group send each other (KIP-507), and makes the
// keys for it. It does no I/O; the answers and texts are those of Kafka Connect on a JDK.
package sessionkey

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/javabase64"
)

// Headers of a signed request.
const (
	AuthorizationHeader = "X-Connect-Authorization"
	AlgorithmHeader     = "X-Connect-Request-Signature-Algorithm"
)

// macs are the MACs by their names in lower case, as Java finds them in any case.
var macs = map[string]func() hash.Hash{
	"hmacmd5": md5.New, "hmacsha1": sha1.New, "hmacsha224": sha256.New224, "hmacsha256": sha256.New,
	"hmacsha384": sha512.New384, "hmacsha512": sha512.New,
}

// Signature is what a request was signed with, beside the body that it stands for.
type Signature struct {
	Algorithm string // as the sender wrote it
	MAC, Body []byte
}

// Signer signs the body of a request with the key that holds when it is sent.
type Signer func(body []byte) (Signature, error)

// Sign signs a body. Errors: an algorithm that is no MAC, an empty key.
func Sign(key []byte, algorithm string, body []byte) (Signature, error) {
	newHash, known := macs[strings.ToLower(algorithm)]
	switch {
	case !known:
		return Signature{}, noAlgorithm(algorithm)
	case len(key) == 0:
		return Signature{}, fmt.Errorf("sign with %s: the session key is empty", algorithm)
	}
	mac := hmac.New(newHash, key)
	mac.Write(body)
	return Signature{Algorithm: algorithm, MAC: mac.Sum(nil), Body: body}, nil
}

// Authorization is the value of AuthorizationHeader.
func (s Signature) Authorization() string { return base64.StdEncoding.EncodeToString(s.MAC) }

// Valid tells whether the body was signed with key. It takes as long for a wrong signature as for the right one.
func (s Signature) Valid(key []byte) bool {
	right, err := Sign(key, s.Algorithm, s.Body)
	return err == nil && hmac.Equal(right.MAC, s.MAC)
}

// FromHeaders reads a signature; values returns what a request has for a header. It is nil for a request without one
// of both headers. Errors (ErrBadRequest): an algorithm that is not there, a signature that is not Base64.
func FromHeaders(values func(header string) []string, body []byte) (*Signature, error) {
	authorization, algorithm := values(AuthorizationHeader), values(AlgorithmHeader)
	if len(authorization) == 0 || len(algorithm) == 0 {
		return nil, nil
	}
	if _, known := macs[strings.ToLower(algorithm[0])]; !known {
		return nil, noAlgorithm(algorithm[0])
	}
	mac, err := javabase64.Decode(authorization[0])
	if err != nil {
		return nil, host.BadRequest(err.Error())
	}
	return &Signature{Algorithm: algorithm[0], MAC: mac, Body: body}, nil
}

func noAlgorithm(name string) error {
	return host.BadRequest(fmt.Sprintf("Algorithm %s not available", name))
}

// keySizes are the keys that JDK 17 generates: bytes when no size is asked for, and the least bits that may be.
var keySizes = map[string]struct{ bytes, bitsMin int }{
	"hmacmd5": {64, 0}, "hmacsha1": {64, 0}, "hmacsha224": {28, shaBitsMin}, "hmacsha256": {32, shaBitsMin},
	"hmacsha384": {48, shaBitsMin}, "hmacsha512": {64, shaBitsMin}, "aes": {16, 128},
}

const shaBitsMin = 40

// Generate makes a random key. bits is inter.worker.key.size, 0 where it is not set. Errors: an algorithm that makes no
// keys, a size that it does not take.
func Generate(algorithm string, bits int) ([]byte, error) {
	size, known := keySizes[strings.ToLower(algorithm)]
	switch {
	case !known:
		return nil, fmt.Errorf("%s KeyGenerator not available", algorithm)
	case bits == 0:
		return random(size.bytes), nil
	case strings.EqualFold(algorithm, "AES") && bits != 128 && bits != 192 && bits != 256:
		return nil, fmt.Errorf("Wrong keysize: must be equal to 128, 192 or 256")
	case bits < size.bitsMin:
		return nil, fmt.Errorf("Key length must be at least %d bits", size.bitsMin)
	}
	return random((bits + 7) / 8), nil
}

func random(bytes int) []byte {
	key := make([]byte, bytes)
	_, _ = rand.Read(key) // never fails
	return key
}
