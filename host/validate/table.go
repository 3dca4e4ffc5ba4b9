package validate

import (
	"strings"

	"github.com/berth-connect/berth/abi"
)

func tabled(tables ...string) abi.ConfigDef { return abi.ConfigTable(tableChecks, tables...) }

// tableChecks are checks that a table can name.
var tableChecks = map[string]*abi.Validator{
	"urls":        custom("List of comma-separated URLs, "+urlExample, checkURLs),
	"admin":       custom("List of comma-separated URLs, "+urlExample, checkAdminURLs),
	"headers":     custom(headerRules, checkHeaders),
	"partitions":  partitionsCheck,
	"replication": replicationCheck,
	"protocol":    custom("["+strings.Join(protocols, ", ")+"]", checkProtocol),
	"generator":   custom("Any KeyGenerator algorithm supported by the worker JVM", checkMAC),
	"mac":         custom("Any MAC algorithm supported by the worker JVM", checkMAC),
	"macs":        custom("A list of one or more MAC algorithms, each supported by the worker JVM", checkMACs),
}

const headerRules = "Comma-separated header rules, where each header rule is of the form '[action] [header name]:" +
	"[header value]' and optionally surrounded by double quotes if any part of a header rule contains a comma"
