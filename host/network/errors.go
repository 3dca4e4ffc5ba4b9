package network

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/berth-connect/berth/abi"
)

// Error is why a guest has no connection or no answer.
type Error struct {
	Code    abi.NetCode
	Message string
}

func (e *Error) Error() string { return e.Message }

// notGranted names what is missing and the list that would grant it.
func (p *Policy) notGranted(format string, args ...any) *Error {
	list := cmp.Or(p.listed(), "the worker's "+Property)
	return &Error{abi.NetNotGranted, fmt.Sprintf(format, args...) + "; " + list + " must list it"}
}

// errCapability: the grant would not help.
var errCapability = &Error{abi.NetNotGranted,
	"the plugin's manifest does not ask for the capability " + abi.CapabilityNet}

// classify finds the code for an error of Go's network; what names the step that failed.
func classify(what string, err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	code := abi.NetUnreachable
	var dns *net.DNSError
	var unknownAuthority x509.UnknownAuthorityError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		code = abi.NetTimeout
	case errors.As(err, &dns) && dns.IsNotFound:
		code = abi.NetNoSuchHost
	case errors.As(err, &dns) && dns.IsTimeout:
		code = abi.NetTimeout
	case errors.As(err, &verification), errors.As(err, &unknownAuthority), errors.As(err, &record),
		errors.As(err, &alert):
		code = abi.NetTLSFailed
	}
	return &Error{code, abi.CutMessage(what + ": " + strings.TrimPrefix(err.Error(), "lookup "))}
}
