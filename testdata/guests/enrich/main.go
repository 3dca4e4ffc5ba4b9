// Command enrich is an example of a module that uses the network: a transformation that asks an HTTP service about
// each record and adds the answer.
package main

import (
	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

func main() {
	guest.Run(guest.Plugin{
		Class: "example.Enrich", Aliases: []string{"Enrich"}, Version: "1.0.0",
		Doc: "Asks an HTTP service about a field of the record and adds the answer, a JSON document, as a field. " +
			"Answers are kept for a while.",
		Config: abi.ConfigDef{Keys: []abi.ConfigKey{
			key("url", abi.ConfigString, nil, "Address to ask; {} stands for the value of field."),
			key("field", abi.ConfigString, nil, "Field whose value is asked about."),
			key("target", abi.ConfigString, nil, "Field that the answer is put into."),
			key("timeout.ms", abi.ConfigInt, "2000", "How long the service may take."),
			key("tls.roots", abi.ConfigString, "", "Certificates, in PEM form, that https is verified by; empty: the worker's."),
			key("cache.size", abi.ConfigInt, "1000", "How many answers are kept."),
			key("cache.ttl.ms", abi.ConfigInt, "60000", "How long an answer is kept."),
		}},
		Capabilities: []string{abi.CapabilityNet},
		NewTransform: func() guest.Transform { return &enrich{} },
	})
}

func key(name string, kind abi.ConfigType, preset any, doc string) abi.ConfigKey {
	k := abi.ConfigKey{Name: name, Type: kind, Importance: abi.High, Doc: doc, Order: -1, Width: abi.WidthMedium,
		Display: name}
	if text, ok := preset.(string); ok {
		k.Default, k.HasDefault = &text, true
	}
	return k
}
