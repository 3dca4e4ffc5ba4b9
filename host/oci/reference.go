package oci

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/berth-connect/berth/host"
)

// Scheme may stand before a reference.
const Scheme = "oci://"

// Reference names an artifact: REGISTRY/REPOSITORY@sha256:DIGEST. A tag before the @ is allowed and means nothing.
type Reference struct {
	Host       string // of the registry, lower case
	Port       uint16 // 0: that of the protocol
	Repository string
	Digest     string // SHA-256 of the manifest, hex
}

// referenceMax bounds a reference, in bytes: 255 for registry and repository, as in the distribution specification,
// and tag and digest.
const referenceMax = 512

// What the distribution specification says of repositories and tags.
var (
	repositorySyntax = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagSyntax        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

// Docker Hub is asked under another name than it is called.
const (
	dockerHub         = "docker.io"
	dockerHubIndex    = "index.docker.io"
	dockerHubRegistry = "registry-1.docker.io"
)

// ParseReference reads a reference. Error: host.ErrBadRequest.
func ParseReference(text string) (Reference, error) {
	r, err := parseReference(text)
	if err != nil {
		return Reference{}, host.BadRequest(fmt.Sprintf("The OCI reference %.*q can't be used: %v; it must look like "+
			"registry.example.com/team/plugin@sha256:DIGEST", referenceMax, text, err))
	}
	return r, nil
}

func parseReference(text string) (r Reference, err error) {
	if len(text) > referenceMax {
		return r, fmt.Errorf("it has %d bytes, at most %d", len(text), referenceMax)
	}
	name, digest, pinned := strings.Cut(strings.TrimPrefix(text, Scheme), "@")
	registry, repository, found := strings.Cut(name, "/")
	if !found {
		return r, fmt.Errorf("it names no repository of a registry")
	}
	repository, tag, tagged := strings.Cut(repository, ":")
	switch {
	case !pinned && tagged:
		return r, fmt.Errorf("the tag %q can mean another module tomorrow: name the digest that it has now, which "+
			"\"oras resolve\" or \"crane digest\" prints", tag)
	case !pinned:
		return r, fmt.Errorf("it has no digest")
	case tagged && !tagSyntax.MatchString(tag):
		return r, fmt.Errorf("%q is no tag", tag)
	case !repositorySyntax.MatchString(repository):
		return r, fmt.Errorf("%q is no repository: it has lower-case letters, digits, and . _ - between them", repository)
	}
	r.Repository = repository
	if r.Digest, err = parseDigest(digest); err != nil {
		return r, err
	}
	r.Host, r.Port, err = parseRegistry(registry)
	return r, err
}

// parseDigest returns the hex digits of a SHA-256.
func parseDigest(text string) (string, error) {
	algorithm, digits, _ := strings.Cut(text, ":")
	if algorithm != "sha256" {
		return "", fmt.Errorf("the digest %.80q is not by sha256", text)
	}
	sum, err := hex.DecodeString(digits)
	if err != nil || len(sum) != sha256.Size || strings.ToLower(digits) != digits {
		return "", fmt.Errorf("the digest %.80q has not %d lower-case hex digits", text, 2*sha256.Size)
	}
	return digits, nil
}

// parseRegistry reads host or host:port. What a host name may be is the network policy's business.
func parseRegistry(text string) (name string, port uint16, err error) {
	name = text
	if strings.LastIndexByte(text, ':') > strings.LastIndexByte(text, ']') {
		var digits string
		if name, digits, err = net.SplitHostPort(text); err != nil {
			return "", 0, fmt.Errorf("%q is no registry: %w", text, err)
		}
		number, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || number == 0 {
			return "", 0, fmt.Errorf("%q is no registry: its port must be from 1 to 65535", text)
		}
		port = uint16(number)
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if name == "" || strings.ContainsAny(name, "@/?#%\\") {
		return "", 0, fmt.Errorf("%q is no registry", text)
	}
	if name == dockerHub || name == dockerHubIndex {
		name = dockerHubRegistry
	}
	return name, port, nil
}

// authority is the registry as URLs have it.
func (r Reference) authority(plain bool) string {
	return net.JoinHostPort(r.Host, strconv.Itoa(int(r.portOf(plain))))
}

// portOf is where the registry listens.
func (r Reference) portOf(plain bool) uint16 {
	if plain {
		return cmp.Or(r.Port, 80)
	}
	return cmp.Or(r.Port, 443)
}

// name is what a module of the artifact is called unless somebody says otherwise.
func (r Reference) name() string { return r.Repository[strings.LastIndexByte(r.Repository, '/')+1:] }

// String is the reference as it is shown, without a tag.
func (r Reference) String() string {
	registry := r.Host
	if strings.Contains(registry, ":") {
		registry = "[" + registry + "]"
	}
	if r.Port != 0 {
		registry += ":" + strconv.Itoa(int(r.Port))
	}
	return fmt.Sprintf("%s%s/%s@sha256:%s", Scheme, registry, r.Repository, r.Digest)
}
