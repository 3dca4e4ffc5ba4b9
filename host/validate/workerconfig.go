package validate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// WorkerConfig is the definition of the keys that all workers have, with those of their REST servers.
func WorkerConfig() abi.ConfigDef { return tabled(workerProperties, sslProperties, restProperties) }

// StandaloneConfig is the definition of a standalone worker's keys.
func StandaloneConfig() abi.ConfigDef {
	return tabled(workerProperties, sslProperties, restProperties, standaloneProperties)
}

// DistributedConfig is the definition of a distributed worker's keys.
func DistributedConfig() abi.ConfigDef {
	return tabled(workerProperties, sslProperties, restProperties, groupProperties, saslProperties, storageProperties)
}

// Classes resolves the names and aliases of classes: those of plugins, and a few of Java's and Kafka's.
func (v *Validator) Classes() abi.ClassLoader { return (&classes{v.plugins.Infos()}).load }

// ParseStandalone checks a standalone worker's configuration. classes nil: classes are not looked up. Error: joins an
// *abi.ConfigError for each wrong key.
func ParseStandalone(config host.Config, classes abi.ClassLoader) (abi.ConfigValues, error) {
	d := StandaloneConfig()
	d.Classes = classes
	return d.Parse(config)
}

// ParseDistributed checks a distributed worker's configuration. Parameters and errors are those of ParseStandalone.
func ParseDistributed(config host.Config, classes abi.ClassLoader) (abi.ConfigValues, error) {
	d := DistributedConfig()
	d.Classes = classes
	values, err := d.Parse(config)
	if err != nil {
		return values, err
	}
	if problem := keyProblem(values); problem != nil {
		return values, problem
	}
	return values, nil
}

// Keys about the key that workers sign requests to each other with (KIP-507).
const (
	keyGenerator    = "inter.worker.key.generation.algorithm"
	keySize         = "inter.worker.key.size"
	keySignature    = "inter.worker.signature.algorithm"
	keyVerification = "inter.worker.verification.algorithms"
)

// macAlgorithms are the MACs that a worker can sign with, which are all that Go's standard library makes.
var macAlgorithms = []string{"HmacMD5", "HmacSHA1", "HmacSHA224", "HmacSHA256", "HmacSHA384", "HmacSHA512"}

// sessionKeyBitsMin is the least size of a key for HMACs of SHA-2, as in the JDK.
const sessionKeyBitsMin = 40

// keyProblem is what is wrong between the keys about signatures.
func keyProblem(values abi.ConfigValues) *abi.ConfigError {
	algorithm, signature := values.String(keyGenerator), values.String(keySignature)
	if size := values.Int(keySize); values.Has(keySize) && size < sessionKeyBitsMin && !isOld(algorithm) {
		return wrong(keySize, fmt.Sprintf("Unable to create key generator with algorithm %s and key size %d: Key length "+
			"must be at least %d bits", algorithm, size, sessionKeyBitsMin))
	}
	if !slices.Contains(values.List(keyVerification), signature) {
		return abi.InvalidValue(keySignature, signature,
			"Signature algorithm must be present in "+keyVerification+" list")
	}
	return nil
}

// isOld tells HMACs that take keys of any size.
func isOld(algorithm string) bool { return algorithm == "HmacMD5" || algorithm == "HmacSHA1" }

// macProblem refuses an algorithm that is not there. The text speaks of a JVM because clients look for Connect's.
func macProblem(key, algorithm string) *abi.ConfigError {
	if slices.Contains(macAlgorithms, algorithm) {
		return nil
	}
	return abi.InvalidValue(key, algorithm, "the algorithm is not supported by this JVM; the supported algorithms are: ["+
		strings.Join(macAlgorithms, ", ")+"]")
}

func checkMAC(key string, value any) *abi.ConfigError { return macProblem(key, abi.ConfigText(value)) }

func checkMACs(key string, value any) *abi.ConfigError {
	list, _ := value.([]string)
	if len(list) == 0 {
		return abi.InvalidValue(key, abi.ConfigText(list), "At least one signature verification algorithm must be provided")
	}
	for _, algorithm := range list {
		if problem := macProblem(key, algorithm); problem != nil {
			return problem
		}
	}
	return nil
}

// protocols of workers' groups (ConnectProtocolCompatibility).
var protocols = []string{"eager", "compatible", "sessioned"}

func checkProtocol(key string, value any) *abi.ConfigError {
	if name, _ := value.(string); slices.Contains(protocols, strings.ToLower(name)) {
		return nil
	}
	return abi.InvalidValue(key, abi.ConfigText(value), "Invalid Connect protocol compatibility")
}

const urlExample = "ex: http://localhost:8080,https://localhost:8443."

// checkURLs refuses an empty list; what the URLs look like shows when the server listens.
func checkURLs(key string, value any) *abi.ConfigError {
	if list, _ := value.([]string); len(list) == 0 {
		return wrong(key, "Invalid value for listeners, at least one URL is expected, "+urlExample)
	}
	return checkAdminURLs(key, value)
}

// checkAdminURLs takes an empty list, which turns the endpoints off.
func checkAdminURLs(key string, value any) *abi.ConfigError {
	list, _ := value.([]string)
	if slices.ContainsFunc(list, func(url string) bool { return strings.TrimSpace(url) == "" }) {
		return wrong(key, "Empty URL found when parsing listeners list.")
	}
	return nil
}

// headerActions are what a rule of response.http.headers.config can do.
var headerActions = []string{"set", "add", "setDate", "addDate"}

// checkHeaders checks each rule [action] [header name]:[header value].
func checkHeaders(key string, value any) *abi.ConfigError {
	rules, _ := value.(string)
	for _, rule := range HeaderRules(rules) {
		if problem := headerProblem(rule); problem != "" {
			return wrong(key, problem)
		}
	}
	return nil
}

// headerRule is a rule in quotes, or all up to the next comma.
var headerRule = regexp.MustCompile(`\s*"[^"]*"\s*|[^,]+`)

// HeaderRules splits the value of response.http.headers.config: rules by comma, in quotes if they have one themselves.
func HeaderRules(text string) []string {
	var rules []string
	for _, rule := range headerRule.FindAllString(text, -1) {
		if rule = strings.TrimSpace(strings.Trim(strings.TrimSpace(rule), `"`)); rule != "" {
			rules = append(rules, rule)
		}
	}
	return rules
}

func headerProblem(rule string) string {
	const pairForm = "'[header name]:[header value]'"
	action, pair, found := cutSpace(rule)
	if !found {
		return "Invalid format of header config '" + rule + "'. Expected: '[action] [header name]:[header value]'"
	}
	if !slices.Contains(headerActions, action) {
		return "Invalid header config action: '" + action + "'. Expected one of [" + strings.Join(headerActions, ", ") + "]"
	}
	name, content, found := strings.Cut(pair, ":")
	if !found || content == "" || strings.Contains(content, ":") {
		return "Invalid format of header name and header value pair '" + pair + "'. Expected: " + pairForm
	}
	if name = strings.TrimSpace(name); name == "" || strings.ContainsAny(name, " \t") {
		return "Invalid header name '" + name + "'. The '[header name]' cannot contain whitespace"
	}
	return ""
}

// cutSpace cuts at the first white space.
func cutSpace(text string) (before, after string, found bool) {
	i := strings.IndexAny(text, " \t")
	if i < 0 {
		return text, "", false
	}
	return text[:i], strings.TrimSpace(text[i:]), true
}
