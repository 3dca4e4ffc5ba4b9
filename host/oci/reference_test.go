package oci

import (
	"errors"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

var someDigest = "sha256:" + strings.Repeat("0a", 32)

func TestReferencesAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"registry.example.com/team/plugin@" + someDigest:       "oci://registry.example.com/team/plugin@" + someDigest,
		"oci://Registry.example.com:5000/plugin@" + someDigest: "oci://registry.example.com:5000/plugin@" + someDigest,
		"r.test/a/b/c_d.e--f:v1.0@" + someDigest:               "oci://r.test/a/b/c_d.e--f@" + someDigest,
		"docker.io/team/plugin@" + someDigest:                  "oci://registry-1.docker.io/team/plugin@" + someDigest,
		"[fd00::1]:5000/a@" + someDigest:                       "oci://[fd00::1]:5000/a@" + someDigest,
		"[fd00::1]/a@" + someDigest:                            "oci://[fd00::1]/a@" + someDigest,
	} {
		r, err := ParseReference(text)
		if err != nil || r.String() != want {
			t.Errorf("%s: got %s, %v", text, r, err)
		}
		if again, err := ParseReference(r.String()); err != nil || again != r {
			t.Errorf("%s: read again it is %v, %v", text, again, err)
		}
	}
}

func TestReferencesThatAreNoneSayWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "names no repository",
		"plugin@" + someDigest:                  "names no repository",
		"r.test/plugin":                         "it has no digest",
		"r.test/plugin:1.0":                     `the tag "1.0" can mean another module tomorrow: name the digest`,
		"r.test:5000/plugin:latest":             `the tag "latest" can mean another`,
		"r.test/plugin@sha512:00":               "is not by sha256",
		"r.test/plugin@latest":                  "is not by sha256",
		"r.test/plugin@sha256:00":               "has not 64 lower-case hex digits",
		"r.test/plugin@" + someDigest + "00":    "has not 64",
		"r.test/plugin@SHA256:" + someDigest:    "is not by sha256",
		"r.test/Plugin@" + someDigest:           "is no repository",
		"r.test/a/../b@" + someDigest:           "is no repository",
		"r.test/a//b@" + someDigest:             "is no repository",
		"r.test/a?b@" + someDigest:              "is no repository",
		"r.test/a:b c@" + someDigest:            "is no tag",
		"u:p@r.test/a@" + someDigest:            "names no repository",
		"r.test:99999/a@" + someDigest:          "port must be from 1 to 65535",
		"r.test:0/a@" + someDigest:              "port must be from 1 to 65535",
		"r.test#x/a@" + someDigest:              "is no registry",
		"/a@" + someDigest:                      "is no registry",
		"http://r.test/a@" + someDigest:         "is no re",
		strings.Repeat("a", 600) + someDigest:   "at most 512",
		"r.test/a@" + strings.ToUpper("sha256"): "is not by sha256",
	} {
		_, err := ParseReference(text)
		if err == nil || !errors.Is(err, host.ErrBadRequest) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	f.Add("oci://registry.example.com:5000/team/plugin:1.0@" + someDigest)
	f.Add("[::1]:80/a@" + someDigest)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseReference(text)
		if err != nil {
			return
		}
		if again, err := ParseReference(r.String()); err != nil || again != r {
			t.Errorf("%q is %v, which read again is %v, %v", text, r, again, err)
		}
	})
}
