package main

import (
	"fmt"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/network"
	"github.com/berth-connect/berth/host/oci"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/web"
)

// restConfig is that of the properties, with what the REST API asks for modules that lie in registries, and about
// signatures.
func (n *node) restConfig(c config) (web.Config, error) {
	r, err := restConfig(c)
	if err == nil {
		r.Artifacts, err = newPuller(c, n.configs)
	}
	if err == nil {
		r.Signatures, err = signaturePolicy(c)
	}
	return r, err
}

// newPuller makes what gets modules out of registries, by the worker's properties berth.oci.*.
func newPuller(c config, tenants host.Tenants) (*oci.Puller, error) {
	registries, err := network.ParsePolicyOf(oci.RegistriesProperty, c.list(oci.RegistriesProperty))
	if err != nil {
		return nil, err
	}
	plain, err := network.ParsePolicyOf(oci.PlainProperty, c.list(oci.PlainProperty))
	if err != nil {
		return nil, err
	}
	credentials, err := oci.ParseCredentials(c.text(oci.CredentialsProperty))
	if err != nil { // the value is left out of it
		return nil, fmt.Errorf("Invalid value for configuration %s: %w; it must %s", oci.CredentialsProperty, err,
			oci.CredentialsRule)
	}
	return oci.New(oci.Config{Registries: registries, Plain: plain, Credentials: credentials, Tenants: tenants,
		Signed: len(c.list(plugin.SignatureKeys)) > 0}), nil
}
