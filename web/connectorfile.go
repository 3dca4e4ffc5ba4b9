package web

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/berth-connect/berth/host"
)

// CreateRequest is a connector to be created.
type CreateRequest struct {
	Name   string
	Config host.Config      // with the name
	Target host.TargetState // "": as for a new connector
}

var errNoName = errors.New("Connector configuration is missing the mandatory 'name' configuration; " +
	"add a line like name=my-connector, or \"name\": \"my-connector\"")

// NewCreateRequest makes a request from a configuration with the connector's name in it.
func NewCreateRequest(config host.Config) (CreateRequest, error) {
	name := config.Get("name")
	if name == "" {
		return CreateRequest{}, errNoName
	}
	return CreateRequest{Name: name, Config: config}, nil
}

// ParseConnectorJSON reads a JSON object in either form that a standalone worker takes from a file, as Connect's
// does: a flat configuration with a name, or name, config and initial_state, whose other members are ignored.
func ParseConnectorJSON(text []byte) (CreateRequest, error) {
	members, err := decodeObject("the connector", text)
	if err != nil {
		return CreateRequest{}, err
	}
	if config, isObject := members["config"]; isObject && len(config) > 0 && config[0] == '{' {
		return parseCreateRequest(members)
	}
	config, err := decodeConfig(text)
	if err != nil {
		return CreateRequest{}, err
	}
	return NewCreateRequest(config)
}

func parseCreateRequest(members map[string]json.RawMessage) (CreateRequest, error) {
	var request createRequest
	var err error
	if request.config, err = decodeConfig(members["config"]); err != nil {
		return CreateRequest{}, err
	}
	if name, has := members["name"]; has {
		err = request.readName(name)
	}
	if state, has := members["initial_state"]; has && err == nil {
		err = request.readState(state)
	}
	if err != nil {
		return CreateRequest{}, err
	}
	if request.name == "" {
		return CreateRequest{}, errNoName
	}
	if included := request.config["name"]; included != nil && *included != request.name {
		return CreateRequest{}, fmt.Errorf("Connector name configuration (%s) in 'config' doesn't match the one specified "+
			"in 'name' (%s); leave one of them out or make them equal", *included, request.name)
	}
	request.config["name"] = &request.name
	return CreateRequest{request.name, request.config, request.target}, nil
}
