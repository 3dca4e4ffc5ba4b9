package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/web"
	"github.com/berth-connect/berth/web/bearer"
)

// rolesPrefix is that of the properties that give roles: berth.rest.roles.ROLE in all of the worker,
// berth.rest.roles.TENANT.ROLE in a tenant. Their values are subjects, with semicolons between them.
const rolesPrefix = "berth.rest.roles."

// certificateNames are the values of berth.rest.mtls.principal.
var certificateNames = []string{"subject", "cn", "dns", "uri", "email"}

const certificateRule = "say what names the owner of a client's certificate: subject (all of its distinguished " +
	"name), cn, dns, uri or email (the first such alternative name)"

// restAccess is who may use the REST API, by the worker's properties. Error: all that is wrong with them.
func restAccess(c config, environment []string) (web.Access, error) {
	var a web.Access
	var usersErr, tokensErr, bindingsErr, err error
	a.Users, usersErr = restUsers(c, environment)
	a.Tokens, tokensErr = restTokens(c)
	a.Bindings, bindingsErr = restBindings(c)
	if naming := strings.ToLower(c.text("berth.rest.mtls.principal")); naming != "" {
		a.Certificates = func(cert *x509.Certificate) string { return certificateName(naming, cert) }
		if auth := strings.ToLower(clientAuth(c)); auth != "required" && auth != "requested" {
			err = errors.New("berth.rest.mtls.principal is set, but clients are not asked for certificates: set " +
				"ssl.client.auth=requested or required (with the prefix listeners.https. if the other ssl.* have it)")
		}
	}
	if a.Bindings != nil && a.Users == nil && a.Tokens == nil && a.Certificates == nil {
		err = fmt.Errorf("%s* give roles, but nobody can show who they are: set rest.extension.classes, "+
			"berth.rest.jwt.issuer or berth.rest.mtls.principal", rolesPrefix)
	}
	return a, errors.Join(usersErr, tokensErr, bindingsErr, err)
}

// clientAuth is the value of ssl.client.auth that holds for listeners.
func clientAuth(c config) string {
	const key = "ssl.client.auth"
	if own := c.text("listeners.https." + key); own != "" {
		return own
	}
	return c.text(key)
}

// restTokens makes the verifier of tokens; nil: none are taken.
func restTokens(c config) (*bearer.Verifier, error) {
	if c.text("berth.rest.jwt.issuer") == "" {
		for _, key := range []string{"audience", "keys", "algorithms"} {
			if c.text("berth.rest.jwt."+key) != "" {
				return nil, fmt.Errorf("berth.rest.jwt.%s is set, but not berth.rest.jwt.issuer, whose tokens are to be taken", key)
			}
		}
		return nil, nil
	}
	v, err := bearer.New(bearer.Config{
		Issuer: c.text("berth.rest.jwt.issuer"), Audiences: c.list("berth.rest.jwt.audience"),
		Keys: c.text("berth.rest.jwt.keys"), Algorithms: c.list("berth.rest.jwt.algorithms"),
		Principal: c.text("berth.rest.jwt.principal.claim"), TLS: &tls.Config{MinVersion: tls.VersionTLS12},
	})
	if err != nil {
		return nil, fmt.Errorf("berth.rest.jwt.*: %w", err)
	}
	return v, nil
}

// restBindings reads who has which role where; nil: no property gives one.
func restBindings(c config) ([]web.Binding, error) {
	keys := slices.DeleteFunc(c.values.Keys(), func(key string) bool { return !strings.HasPrefix(key, rolesPrefix) })
	slices.Sort(keys)
	if len(keys) == 0 {
		return nil, nil
	}
	bindings := []web.Binding{} // where none is good, nobody has a role
	var problems []error
	for _, key := range keys {
		tenant, name, inTenant := strings.Cut(strings.TrimPrefix(key, rolesPrefix), ".")
		if !inTenant {
			tenant, name = "", tenant
		}
		role, err := web.ParseRole(name)
		if err == nil && inTenant && !host.ValidTenant(tenant) {
			err = fmt.Errorf("%q names no tenant", tenant)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: it must be %sROLE or %sTENANT.ROLE: %w", key, rolesPrefix, rolesPrefix,
				err))
			continue
		}
		for text := range strings.SplitSeq(c.text(key), ";") {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			subject, err := web.ParseSubject(text)
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w, with semicolons between several", key, err))
			}
			bindings = append(bindings, web.Binding{Subject: subject, Role: role, Tenant: tenant})
		}
	}
	return bindings, errors.Join(problems...)
}

// certificateName names the owner of a certificate; "": it has no such name.
func certificateName(naming string, cert *x509.Certificate) string {
	var names []string
	switch naming {
	case "subject":
		return cert.Subject.String()
	case "cn":
		return commonName(cert)
	case "dns":
		names = cert.DNSNames
	case "email":
		names = cert.EmailAddresses
	case "uri":
		for _, u := range cert.URIs {
			names = append(names, u.String())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// commonName is "" where there are several: which of them the authority has looked at, nobody knows.
func commonName(cert *x509.Certificate) string {
	count := 0
	for _, attribute := range cert.Subject.Names {
		if attribute.Type.Equal(commonNameID) {
			count++
		}
	}
	if count != 1 {
		return ""
	}
	return cert.Subject.CommonName
}

// commonNameID is id-at-commonName of RFC 5280.
var commonNameID = asn1.ObjectIdentifier{2, 5, 4, 3}
