package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
)

// Bodies are read as Connect's Jackson reads them: names are case-sensitive, unknown ones are refused, the last of
// several equal names wins, scalars become the strings they were written as. What it can't read is answered 500.

func unreadable(format string, args ...any) error {
	return &host.Error{Kind: host.ErrInternal, Message: fmt.Sprintf(format, args...)}
}

// readBody reads a request's body of at most limit bytes.
func readBody(c echo.Context, limit int64) ([]byte, error) {
	if err := holdBody(c, limit); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &host.Error{Kind: errTooLarge, Message: fmt.Sprintf("The request body exceeds %d bytes", limit)}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &host.Error{Kind: errTooSlow, Message: "The request body did not come in time"}
	}
	if err != nil {
		return nil, fmt.Errorf("read the request body: %w", err)
	}
	return body, nil
}

// readJSON reads a JSON body; null and nothing at all are refused.
func readJSON(c echo.Context) (json.RawMessage, error) {
	body, err := readBody(c, jsonBodyBytesMax)
	if err != nil {
		return nil, err
	}
	return checkJSON(c, body)
}

// checkJSON returns what a body has between blanks.
func checkJSON(c echo.Context, body []byte) (json.RawMessage, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	if len(body) > 0 && c.Request().Header.Get(echo.HeaderContentType) == "" {
		return nil, errMediaType
	}
	switch {
	case len(body) == 0:
		return nil, unreadable("No content to map due to end-of-input")
	case !utf8.Valid(body):
		return nil, unreadable("Invalid UTF-8 in the request body")
	case bytes.Equal(body, []byte("null")):
		return nil, unreadable("The request body must not be null")
	}
	return body, nil
}

// decodeObject splits a JSON object; nil for null.
func decodeObject(what string, text json.RawMessage) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	err := json.Unmarshal(text, &members)
	var other *json.UnmarshalTypeError
	if errors.As(err, &other) {
		return nil, unreadable("Cannot deserialize value of %s: an object is expected, not %s", what, other.Value)
	}
	if err != nil {
		return nil, unreadable("Cannot deserialize value of %s: %v", what, err)
	}
	return members, nil
}

// decodeString reads a scalar as the string it was written as; nil for null.
func decodeString(what string, text json.RawMessage) (*string, error) {
	switch text[0] {
	case 'n':
		return nil, nil
	case '"':
		var s string
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, unreadable("Cannot deserialize value of %s: %v", what, err)
		}
		return &s, nil
	case '{', '[':
		return nil, unreadable("Cannot deserialize value of %s: a string is expected, not an object or array", what)
	}
	if len(text) > numberCharsMax {
		return nil, unreadable("Number value length (%d) exceeds the maximum allowed (%d)", len(text), numberCharsMax)
	}
	s := string(text)
	return &s, nil
}

// decodeConfig reads a configuration; nil for null.
func decodeConfig(text json.RawMessage) (host.Config, error) {
	members, err := decodeObject("the configuration", text)
	if members == nil || err != nil {
		return nil, err
	}
	config := make(host.Config, len(members))
	for key, value := range members {
		if config[key], err = decodeString(fmt.Sprintf("%q", key), value); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// readConfig reads a body that is a configuration.
func readConfig(c echo.Context) (host.Config, error) {
	body, err := readJSON(c)
	if err != nil {
		return nil, err
	}
	return decodeConfig(body)
}

// createRequest is the body of POST /connectors.
type createRequest struct {
	name   string
	config host.Config
	target host.TargetState // "" when not given
}

var initialStates = map[string]host.TargetState{
	"RUNNING": host.TargetStarted, "PAUSED": host.TargetPaused, "STOPPED": host.TargetStopped,
}

func readCreateRequest(c echo.Context) (createRequest, error) {
	var request createRequest
	body, err := readJSON(c)
	if err != nil {
		return request, err
	}
	members, err := decodeObject("the request", body)
	if err != nil {
		return request, err
	}
	for member, value := range members {
		switch member {
		case "name":
			err = request.readName(value)
		case "config":
			request.config, err = decodeConfig(value)
		case "initial_state":
			err = request.readState(value)
		default:
			err = unreadable("Unrecognized field %q, the known ones are: config, name, initial_state", member)
		}
		if err != nil {
			return request, err
		}
	}
	if request.config == nil {
		return request, unreadable("The request has no config")
	}
	return request, nil
}

func (r *createRequest) readName(value json.RawMessage) error {
	name, err := decodeString("name", value)
	if err != nil || name == nil {
		return err
	}
	// Java's String.trim cuts every character up to the blank.
	r.name = strings.TrimFunc(*name, func(c rune) bool { return c <= ' ' })
	return nil
}

func (r *createRequest) readState(value json.RawMessage) error {
	text, err := decodeString("initial_state", value)
	if err != nil || text == nil {
		return err
	}
	target, known := initialStates[strings.ToUpper(*text)]
	if !known {
		return unreadable("%q is no initial_state: it is one of RUNNING, PAUSED, STOPPED", *text)
	}
	r.target = target
	return nil
}

// readOffsets reads the body of PATCH /connectors/{c}/offsets.
func readOffsets(c echo.Context) ([]herder.Offset, error) {
	body, err := readJSON(c)
	if err != nil {
		return nil, err
	}
	members, err := decodeObject("the request", body)
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	for member, value := range members {
		if member != "offsets" {
			return nil, unreadable("Unrecognized field %q, the known one is: offsets", member)
		}
		if err := json.Unmarshal(value, &list); err != nil {
			return nil, unreadable("Cannot deserialize value of offsets: %v", err)
		}
	}
	offsets := make([]herder.Offset, 0, len(list))
	for _, text := range list {
		offset, err := decodeOffset(text)
		if err != nil {
			return nil, err
		}
		offsets = append(offsets, offset)
	}
	if len(offsets) == 0 {
		return nil, host.BadRequest("Partitions / offsets need to be provided for an alter offsets request")
	}
	return offsets, nil
}

func decodeOffset(text json.RawMessage) (herder.Offset, error) {
	var offset herder.Offset
	switch text[0] {
	case '{':
	case 'n':
		return offset, unreadable("An offset must not be null")
	default:
		return offset, unreadable("Cannot construct instance of an offset from %.100s: an object is expected", text)
	}
	members, err := decodeObject("an offset", text)
	if err != nil {
		return offset, err
	}
	for member, value := range members {
		into := map[string]*json.RawMessage{"partition": &offset.Partition, "offset": &offset.Offset}[member]
		if into == nil {
			return offset, unreadable("Unrecognized field %q, the known ones are: partition, offset", member)
		}
		object, err := decodeObject(member, value)
		if err != nil {
			return offset, err
		}
		if object != nil {
			*into = value
		}
	}
	return offset, nil
}
