package main

import (
	"strings"
	"testing"
)

func TestBadPropertiesOfRegistriesAreRefused(t *testing.T) {
	for setting, want := range map[string]string{
		"berth.oci.registries=ghcr.io": "Invalid value ghcr.io for configuration berth.oci.registries: it must list host",
		"berth.oci.http=http://r:80":   "Invalid value http://r:80 for configuration berth.oci.http: it must list host",
		"berth.oci.credentials=secret": "Invalid value for configuration berth.oci.credentials: it is not a JSON object",
		`berth.oci.credentials={"auths": {"ghcr.io": {"auth": "secret"}}}`: `entry "ghcr.io": "auth" must be USER:PASSWORD ` +
			"in Base64; it must be JSON in the form of Docker's config.json",
	} {
		key, value, _ := strings.Cut(setting, "=")
		c, err := loadConfig(javaConfig(t), nil, map[string]string{key: value})
		if err == nil {
			_, err = newPuller(c, nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %q", setting, err, want)
		}
	}
}
