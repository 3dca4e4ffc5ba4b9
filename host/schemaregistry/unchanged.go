package schemaregistry

import (
	"context"
	"errors"
	"net/http"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// UnregisteredID stands for the id of a schema that nobody has registered yet.
const UnregisteredID int32 = 0

// ServeUnchanged is Serve that changes nothing: a schema to be registered is looked up, and gets UnregisteredID if it
// is not there, or if its subject is not.
func (r *Registry) ServeUnchanged(ctx context.Context, request abi.Request) abi.Reply {
	if request.Call != "register" {
		return r.Serve(ctx, request)
	}
	ctx, cancel := context.WithTimeout(ctx, host.RequestDurationMax)
	defer cancel()
	id, err := lookupCall(ctx, r, request.Arguments)
	var refused *refusal
	if errors.As(err, &refused) && refused.status == http.StatusNotFound {
		id, err = abi.ToValue(&abi.OrderedMap{Pairs: []abi.Pair{{Key: "id", Value: UnregisteredID}}})
	}
	if err != nil {
		return abi.Reply{Code: codeOf(err), Message: err.Error()}
	}
	return abi.Reply{Result: id}
}
