package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/cluster/sessionkey"
)

// actorHeader says for whom a worker forwards a request, and what it may do. The worker signs it with the group's key,
// so that the next one need not know the client, of whose certificate it sees nothing.
const actorHeader = "X-Berth-Actor"

// forwardedMax is how long a worker's word about a client holds; their clocks may differ by as much.
const forwardedMax = time.Minute

// forwardedActor is the header's JSON, in Base64.
type forwardedActor struct {
	Principal string `json:"principal"`
	Role      string `json:"role"`
	UnixMs    int64  `json:"at"`
}

// signActor adds the header to a request for another worker; nothing where the group does not sign.
func (s *Server) signActor(c echo.Context, header http.Header, pathAndQuery string) error {
	actor, known := ActorOf(c.Request().Context())
	if !known || s.config.Access.off() && s.config.Auditor == nil {
		return nil
	}
	text, err := json.Marshal(forwardedActor{actor.Principal, actor.Role.String(), time.Now().UnixMilli()})
	if err != nil {
		return err
	}
	value := base64.StdEncoding.EncodeToString(text)
	signature, err := s.all.Sign(signedText(c.Request().Method, pathAndQuery, value))
	if err != nil || signature == nil {
		return err
	}
	header.Set(actorHeader, value)
	header.Set(sessionkey.AuthorizationHeader, signature.Authorization())
	header.Set(sessionkey.AlgorithmHeader, signature.Algorithm)
	return nil
}

// signedText is what the signature is of: the word about the client holds for this request alone.
func signedText(method, pathAndQuery, actor string) []byte {
	return []byte(method + " " + pathAndQuery + "\n" + actor)
}

// forwardedFrom returns the client for whom another worker of the group has sent a request; false: none has.
func (s *Server) forwardedFrom(c echo.Context) (Actor, bool) {
	request := c.Request()
	value := request.Header.Get(actorHeader)
	if value == "" {
		return Actor{}, false
	}
	pathAndQuery := tenantPath(c) + request.URL.RawPath + "?" + request.URL.RawQuery
	signature, err := sessionkey.FromHeaders(request.Header.Values, signedText(request.Method, pathAndQuery, value))
	if err != nil || signature == nil || s.all.CheckSigned(request.Context(), signature) != nil {
		return Actor{}, false
	}
	text, err := base64.StdEncoding.DecodeString(value)
	var said forwardedActor
	if err != nil || json.Unmarshal(text, &said) != nil {
		return Actor{}, false
	}
	role, err := ParseRole(said.Role)
	if err != nil || time.Since(time.UnixMilli(said.UnixMs)).Abs() > forwardedMax {
		return Actor{}, false
	}
	return Actor{said.Principal, tenantOf(c), role}, true
}
