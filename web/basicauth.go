package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/javabase64"
)

// credentials reads the header; a name "" means that there is no such user. Error: no Base64.
func credentials(header string) (name, password string, err error) {
	scheme, encoded, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "Basic") {
		return "", "", nil
	}
	decoded, err := javabase64.Decode(encoded)
	if err != nil {
		return "", "", &host.Error{Kind: host.ErrInternal, Message: err.Error()}
	}
	name, password, found = strings.Cut(string(decoded), ":")
	if !found {
		return "", "", nil
	}
	return name, password, nil
}

// isUser takes as long for a wrong password as for the right one.
func isUser(users map[string]string, name, password string) bool {
	want, known := users[name]
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && known && name != ""
}
