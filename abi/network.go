package abi

// The imports for connections (LAYOUT.md, section 11). All of them return at once.
const (
	ImportNetDial    = "net_dial"
	ImportNetTLS     = "net_tls"
	ImportNetResolve = "net_resolve"
	ImportNetStatus  = "net_status"
)

// Answers of net_dial, net_tls and net_resolve beside a file descriptor or zero.
const (
	NetBadPointer int32 = -2
	NetBadLayout  int32 = -3
	NetUnknown    int32 = -4 // no such fd, or it is not what the call needs
	NetTooMany    int32 = -5 // connections and questions that are open
)

// NetCode tells what became of a connection or a question; zero is success.
type NetCode int32

// The codes of net_status.
const (
	NetOpen        NetCode = iota
	NetNotGranted          // the message names the grant that is missing
	NetNoSuchHost          // the name has no such records
	NetUnreachable         // refused, no route, broken
	NetTimeout             // no answer in time
	NetTLSFailed           // handshake, certificate or options
	NetOverLimit           // of connections or of dials a second
	NetInvalid             // the guest's arguments
	NetCodes               // how many there are
)

var netCodeNames = [NetCodes]string{"open", "not-granted", "no-such-host", "unreachable", "timeout", "tls-failed",
	"over-limit", "invalid"}

// String is the code's name in metrics and messages.
func (c NetCode) String() string {
	if c < 0 || c >= NetCodes {
		return "unknown"
	}
	return netCodeNames[c]
}

// Kinds of net_resolve.
const (
	ResolveAddresses uint32 = iota // one address a line
	ResolveSRV                     // "priority weight port target" a line
	ResolveTXT                     // one text a line, line ends within removed
)

// NetHostBytesMax bounds a host name, NetOptionsBytesMax the options of net_tls and NetAnswerBytesMax an answer.
const (
	NetHostBytesMax    = 253
	NetOptionsBytesMax = 256 << 10
	NetAnswerBytesMax  = 64 << 10
)

// Marks in what a guest writes to a connection (LAYOUT.md, section 12).
const (
	// SecretMark begins the handle of a secret, which the secret takes the place of.
	SecretMark = "~~s"
	// SecretBasicMark begins what stands for credentials of HTTP's Basic scheme, of which a secret that is encoded with
	// the user could not be found: ~~bUSER~HANDLE, USER in Base64 of URLs without padding, becomes the Base64 of
	// USER:SECRET.
	SecretBasicMark = "~~b"
	// SecretUserMax bounds USER in it, in characters.
	SecretUserMax = 512
)

// TLSOptions are what net_tls is told; PEM texts, empty ones are the worker's defaults.
type TLSOptions struct {
	ServerName  string   // "": the host that was dialled
	Roots       string   // PEM; "": those of the worker's system
	Certificate string   // PEM of the client's chain; "": none
	Key         string   // PEM of its key
	Protocols   []string // for ALPN, the most wanted first
}

// Encode returns the value body.
func (o TLSOptions) Encode() []byte {
	var b Builder
	b.BeginMap()
	b.pairString("server_name", o.ServerName)
	b.pairString("roots", o.Roots)
	b.pairString("certificate", o.Certificate)
	b.pairString("key", o.Key)
	b.pairStrings("protocols", o.Protocols)
	b.End()
	return b.Bytes()
}

// ParseTLSOptions reads the options of net_tls.
func ParseTLSOptions(b []byte) (TLSOptions, error) {
	var o TLSOptions
	err := parseMap(b, "TLS options", func(f *fields) {
		o = TLSOptions{f.str("server_name"), f.str("roots"), f.str("certificate"), f.str("key"), f.strings("protocols")}
	})
	return o, err
}
