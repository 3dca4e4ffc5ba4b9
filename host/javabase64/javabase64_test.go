package javabase64

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "QQ==": "A", "QUI=": "AB", "QUJD": "ABC", "QQ": "A", "QUI": "AB",
		"Q":     "Last unit does not have enough valid bits",
		"!!!":   "Illegal base64 character 21",
		"QQ_=":  "Illegal base64 character 5f",
		"QQ=":   "Input byte array has wrong 4-byte ending unit",
		"====":  "Input byte array has wrong 4-byte ending unit",
		"QQ== ": "Input byte array has incorrect ending byte at 4",
	} {
		got, err := Decode(text)
		if err != nil {
			got = []byte(err.Error())
		}
		if string(got) != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzDecode holds the decoder against Go's where both must agree.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{"", "QQ==", "QUI=", "QUJD", "QQ", "Q", "QQ=", "QQ=x", "====", "QQ==Q", "Q%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		decoded, err := Decode(text)
		if err == nil {
			if again, _ := Decode(base64.StdEncoding.EncodeToString(decoded)); string(again) != string(decoded) {
				t.Fatalf("%q is read as %x and written as another text", text, decoded)
			}
		}
		if strings.ContainsAny(text, "\r\n") { // Go's decoder reads over them, Java's refuses them
			return
		}
		want, refused := base64.StdEncoding.Strict().DecodeString(text)
		if refused == nil && (err != nil || string(want) != string(decoded)) {
			t.Fatalf("%q is read as %x (%v), want %x", text, decoded, err, want)
		}
	})
}
