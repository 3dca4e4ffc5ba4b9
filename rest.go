package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/scanner"

	"github.com/berth-connect/berth/cluster/kafka"
	"github.com/berth-connect/berth/web"
	"github.com/berth-connect/berth/web/cli"
)

// The one REST extension there is, and the login module that it works with.
const (
	basicAuthExtension = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"
	passwordFileModule = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule"
	loginConfigKey     = "java.security.auth.login.config"
	loginSection       = "KafkaConnect"
)

// restConfig is what the worker's properties say of the REST API. Error: all that is wrong with them.
func restConfig(c config) (web.Config, error) {
	r := web.Config{
		Listeners: c.list("listeners"), AdminListeners: c.listIfGiven("admin.listeners"),
		Version: kafkaVersion, Commit: "berth-" + version,
		AllowOrigin: c.text("access.control.allow.origin"), AllowMethods: c.text("access.control.allow.methods"),
		ResponseHeaders: c.text("response.http.headers.config"), AmbiguousPaths: c.flag(web.AmbiguousPathsKey),
		OpenAPI: c.flag(web.OpenAPIKey),
	}
	var client *tls.Config
	var tlsErr, err error
	if usesHTTPS(c) {
		r.TLS, client, tlsErr = kafka.RESTTLS(c.all())
	}
	r.Leader = web.NewLeaderClient(client)
	r.Access, err = restAccess(c, os.Environ())
	return r, errors.Join(tlsErr, err)
}

// usesHTTPS tells whether this worker, or another of its group as far as it knows, listens with https.
func usesHTTPS(c config) bool {
	for _, listener := range slices.Concat(c.list("listeners"), c.list("admin.listeners")) {
		if strings.HasPrefix(strings.ToLower(listener), "https:") {
			return true
		}
	}
	own := func(key string) bool { return strings.HasPrefix(key, "listeners.https.") }
	return slices.ContainsFunc(c.values.Keys(), own)
}

// restUsers reads the passwords of the REST API's users when rest.extension.classes asks for basic authentication; nil:
// it does not. The JAAS file is that of java.security.auth.login.config in the worker's properties, or in KAFKA_OPTS as
// for a JVM. Errors: another extension or login module, a file that can't be read or names nobody.
func restUsers(c config, environment []string) (map[string]string, error) {
	wanted := false
	for _, class := range c.list("rest.extension.classes") {
		if class != basicAuthExtension && !strings.HasSuffix(basicAuthExtension, "."+class) {
			return nil, fmt.Errorf("Invalid value %s for configuration rest.extension.classes: extensions are Java; the one "+
				"that is built in is %s", class, basicAuthExtension)
		}
		wanted = true
	}
	if !wanted {
		return nil, nil
	}
	file := loginConfigFile(c, environment)
	if file == "" {
		return nil, fmt.Errorf("rest.extension.classes=%s: set %s to a JAAS file with the section %s", basicAuthExtension,
			loginConfigKey, loginSection)
	}
	users, err := usersOf(file)
	if err != nil {
		return nil, fmt.Errorf("%s=%s: %w", loginConfigKey, file, err)
	}
	return users, nil
}

// loginConfigFile finds the JAAS file.
func loginConfigFile(c config, environment []string) string {
	if file := c.text(loginConfigKey); file != "" {
		return file
	}
	for _, variable := range environment {
		name, options, _ := strings.Cut(variable, "=")
		if name != "KAFKA_OPTS" {
			continue
		}
		for option := range strings.FieldsSeq(options) {
			if file, ok := strings.CutPrefix(option, "-D"+loginConfigKey+"="); ok {
				return file
			}
		}
	}
	return ""
}

// usersOf reads the file of passwords that a JAAS file names.
func usersOf(jaas string) (map[string]string, error) {
	text, err := os.ReadFile(jaas)
	if err != nil {
		return nil, err
	}
	class, options, err := parseLogin(string(text), loginSection)
	if err != nil {
		return nil, err
	}
	if class != passwordFileModule {
		return nil, fmt.Errorf("the section %s has the login module %s; the one that is built in is %s", loginSection, class,
			passwordFileModule)
	}
	if options["file"] == "" {
		return nil, fmt.Errorf(`the login module needs file="…", a file of lines NAME=PASSWORD`)
	}
	users, err := cli.ReadProperties(options["file"])
	if err != nil {
		return nil, err
	}
	if len(users) == 0 { // the JVM lets everybody in then
		return nil, fmt.Errorf("the file %s names no user; add lines NAME=PASSWORD", options["file"])
	}
	return users, nil
}

// parseLogin reads a section of a JAAS file, `NAME { CLASS FLAG option="value" …; };`, with one login module.
func parseLogin(text, section string) (class string, options map[string]string, err error) {
	var s scanner.Scanner
	s.Init(strings.NewReader(text))
	s.Mode = scanner.ScanIdents | scanner.ScanStrings | scanner.ScanComments | scanner.SkipComments
	s.IsIdentRune = func(r rune, _ int) bool {
		return r > ' ' && !strings.ContainsRune(`{};="/`, r)
	}
	s.Error = func(_ *scanner.Scanner, message string) { err = errors.Join(err, errors.New(message)) }
	words := []string{}
	for token := s.Scan(); token != scanner.EOF; token = s.Scan() {
		words = append(words, s.TokenText())
	}
	if err != nil {
		return "", nil, fmt.Errorf("it can't be read: %w", err)
	}
	for len(words) > 2 {
		end := slices.Index(words, "}")
		if end < 0 || words[1] != "{" {
			break
		}
		if words[0] == section {
			return parseModule(words[2:end])
		}
		words = words[end+1:]
		if len(words) > 0 && words[0] == ";" {
			words = words[1:]
		}
	}
	return "", nil, fmt.Errorf("it has no section %s { CLASS required file=\"…\"; };", section)
}

// parseModule reads CLASS FLAG option=value … ; and refuses more than one.
func parseModule(words []string) (class string, options map[string]string, err error) {
	end := slices.Index(words, ";")
	if end < 2 || end != len(words)-1 || (end-2)%3 != 0 {
		return "", nil, errors.New(`a section holds one login module: CLASS required option="value" …;`)
	}
	options = map[string]string{}
	for rest := words[2:end]; len(rest) > 0; rest = rest[3:] {
		if rest[1] != "=" {
			return "", nil, fmt.Errorf("the option %s is not followed by = and its value", rest[0])
		}
		options[rest[0]] = unquoted(rest[2])
	}
	return words[0], options, nil
}

// unquoted takes a value out of its quotes, in which a backslash stands before the character that is meant.
func unquoted(word string) string {
	if len(word) < 2 || word[0] != '"' {
		return word
	}
	var b strings.Builder
	for i := 1; i < len(word)-1; i++ {
		if word[i] == '\\' && i+1 < len(word)-1 {
			i++
		}
		b.WriteByte(word[i])
	}
	return b.String()
}
