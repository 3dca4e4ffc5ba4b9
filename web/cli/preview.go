package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/berth-connect/berth/host"
)

// runPreview is "berth preview": what a chain makes of records, asked of a running worker.
func runPreview(args []string, out io.Writer) error {
	flags := NewFlags("preview", "-config FILE [-records FILE | -topic T [-last N]]", out)
	configFile := flags.String("config", "", "a connector's .json or .properties file; its converters, transforms and "+
		"predicates count")
	recordsFile := flags.String("records", "", "a JSON array of records; -: standard input")
	topic := flags.String("topic", "", "take the last records of this topic")
	last := flags.Int("last", 0, fmt.Sprintf("how many of these, at most %d; 0: %d", host.PreviewRecordsMax,
		host.PreviewLastDefault))
	chain := flags.String("chain", "", "source, sink or transforms; by default what connector.class is")
	network := flags.Bool("network", false, "let stages use the network as far as it is granted")
	remote := addRemote(flags, defaultURL)
	asJSON := flags.Bool("json", false, "print the worker's answer as it is")
	if _, err := ParseFlags(flags, args, 0, 0); err != nil {
		return err
	}
	request := host.PreviewRequest{Chain: *chain, Topic: *topic, Last: *last, Network: *network}
	var err error
	if request.Config, err = readChainConfig(*configFile); err != nil {
		return err
	}
	if request.Records, err = readRecords(*recordsFile); err != nil {
		return err
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	answer, err := remote.send(http.MethodPost, "/preview", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	if *asJSON {
		_, err := fmt.Fprintln(out, string(answer))
		return err
	}
	var preview host.Preview
	if err := json.Unmarshal(answer, &preview); err != nil {
		return fmt.Errorf("read the worker's answer: %w", err)
	}
	return printPreview(out, preview)
}

// readChainConfig reads a connector's configuration: properties, or JSON with or without name and config around it.
func readChainConfig(file string) (host.Config, error) {
	if file == "" {
		return nil, errors.New("-config is missing: name a file with a connector's configuration")
	}
	if filepath.Ext(file) != ".json" {
		properties, err := ReadProperties(file)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		return host.ConfigOf(properties), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	config, err := parseChainConfig(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return config, nil
}

// parseChainConfig takes numbers and booleans for texts, as the REST API does.
func parseChainConfig(text []byte) (host.Config, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("it must be a JSON object: %w", err)
	}
	if inner := bytes.TrimSpace(members["config"]); len(inner) > 0 && inner[0] == '{' {
		return parseChainConfig(inner)
	}
	config := host.Config{}
	for key, value := range members {
		text := string(value)
		if err := json.Unmarshal(value, &text); err != nil && strings.ContainsAny(text[:1], "{[") {
			return nil, fmt.Errorf("%q must be a text, a number or a boolean", key)
		}
		config[key] = &text
	}
	return config, nil
}

func readRecords(file string) ([]host.PreviewRecord, error) {
	var text []byte
	var err error
	switch file {
	case "":
		return nil, nil
	case "-":
		text, err = io.ReadAll(os.Stdin)
	default:
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	var records []host.PreviewRecord
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&records); err != nil {
		return nil, fmt.Errorf("read %s: %w: it must be a JSON array of records with topic, key, value, headers, partition, "+
			"offset and timestamp", file, err)
	}
	return records, nil
}
