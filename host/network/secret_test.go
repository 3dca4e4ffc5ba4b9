package network

import (
	"encoding/base64"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"crypto/x509"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

func secretsFor(t *testing.T, hosts string) []Secret {
	return []Secret{
		{Name: "long", Handle: "~~sLONGLONGLONGLONGLONGL", Value: "the long secret, as long",
			Hosts: policy(t, hosts), Plain: true},
		{Name: "short", Handle: "~~sSHORTSHORTSHORTSHORTS", Value: "x",
			Hosts: policy(t, hosts), Plain: true},
	}
}

var filled = map[string]string{
	"":                                "",
	"nothing ~ here ~~ or ~~s or ~~b": "nothing ~ here ~~ or ~~s or ~~b",
	"~~sLONGLONGLONGLONGLONGL":        "the long secret, as long",
	"a~~~sLONGLONGLONGLONGLONGL~":     "a~the long secret, as long~",
	"~~sSHORTSHORTSHORTSHORTS, ~~sLONGLONGLONGLONGLONGL": "x, the long secret, as long",
	"~~sLONGLONGLONG~~sLONGLONGLONGLONGLONGL":            "~~sLONGLONGLONGthe long secret, as long",
	"~~bYW5u~~~sSHORTSHORTSHORTSHORTS.":                  base64.StdEncoding.EncodeToString([]byte("ann:x")) + ".",
	"~~b~~~sSHORTSHORTSHORTSHORTS":                       base64.StdEncoding.EncodeToString([]byte(":x")),
	"~~b!!~~~sSHORTSHORTSHORTSHORTS":                     "~~b!!~x",
	"~~bYW5u~nothing":                                    "~~bYW5u~nothing",
	"~~b" + strings.Repeat("A", 600) + "~":               "~~b" + strings.Repeat("A", 600) + "~",
}

func TestHandlesBecomeSecretsWhereverWritesAreCut(t *testing.T) {
	to := peer{host: "127.0.0.1", port: 80}
	for written, want := range filled {
		for cut := range len(written) + 1 {
			for again := cut; again <= len(written); again++ {
				f := filler{secrets: secretsFor(t, "127.0.0.1:80")}
				var got []byte
				for i, piece := range []string{written[:cut], written[cut:again], written[again:]} {
					out, err := f.fill([]byte(piece), to, i == 2)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, out...)
				}
				if string(got) != want {
					t.Fatalf("%q cut at %d and %d became %q, want %q", written, cut, again, got, want)
				}
				if len(written) > 100 {
					again += 50
				}
			}
		}
	}
}

func FuzzWhatIsWrittenHoldsNoSecretBeforeTheHostDoes(f *testing.F) {
	for written := range filled {
		f.Add([]byte(written), uint8(3))
	}
	f.Fuzz(func(t *testing.T, written []byte, step uint8) {
		to, whole := peer{host: "127.0.0.1", port: 80}, filler{secrets: secretsFor(t, "127.0.0.1:80")}
		want, _ := whole.fill(written, to, true)
		cut := filler{secrets: secretsFor(t, "127.0.0.1:80")}
		var got []byte
		for rest := written; ; {
			n := min(int(step)+1, len(rest))
			out, _ := cut.fill(rest[:n], to, n == len(rest))
			got, rest = append(got, out...), rest[n:]
			if len(rest) == 0 {
				break
			}
		}
		if string(got) != string(want) {
			t.Errorf("%q in steps of %d became %q, at once %q", written, step, got, want)
		}
		elsewhere := filler{secrets: secretsFor(t, "127.0.0.1:81")}
		if out, err := elsewhere.fill(written, to, true); err == nil && string(out) != string(written) {
			t.Errorf("on a connection to another host %q became %q", written, out)
		}
	})
}

// spoken dials a server with secrets and tells what it heard, or why it heard nothing.
func spoken(t *testing.T, secrets []Secret, serve func(net.Conn), roots, written string) (heard string, failed *Error) {
	t.Helper()
	s := NewStack(t.Context(), Access{Policy: policy(t, "127.0.0.1:*"), Secrets: secrets}, host.Limits{}.WithDefaults(), 0)
	t.Cleanup(s.Close)
	_, st := dialled(t, s, server(t, serve))
	if roots != "" {
		st.StartTLS(abi.TLSOptions{Roots: roots})
		if code, text := settled(t, s, st); code != abi.NetOpen {
			t.Fatalf("TLS: %s: %s", code, text)
		}
	}
	write(t, s, st, []byte(written))
	st.FinishWriting()
	var all []byte
	chunk := make([]byte, 4096)
	for {
		await(t, s, func() bool { readable, _ := st.Ready(); return readable })
		n, eof, err := st.Read(chunk)
		if eof || err != nil {
			return string(all), err
		}
		all = append(all, chunk[:n]...)
	}
}

func echo(conn net.Conn) {
	_, _ = io.Copy(conn, conn)
	_ = conn.Close()
}

func TestSecretsGoToTheirHostsAlone(t *testing.T) {
	const text = "token ~~sLONGLONGLONGLONGLONGL and ~"
	bound, elsewhere, secured := secretsFor(t, "127.0.0.1:*"), secretsFor(t, "127.0.0.2:*"), secretsFor(t, "127.0.0.1:*")
	secured[0].Plain = false
	heard, failed := spoken(t, bound, echo, "", text)
	if heard != "token the long secret, as long and ~" || failed != nil {
		t.Errorf("heard %q, %v", heard, failed)
	}
	for want, secrets := range map[string][]Secret{
		"the worker's berth.secrets.long.hosts must list it": elsewhere,
		"without the host's TLS":                             secured,
	} {
		heard, failed = spoken(t, secrets, echo, "", text)
		if heard != "" || failed == nil || failed.Code != abi.NetNotGranted || !strings.Contains(failed.Message, want) {
			t.Errorf("heard %q, %v, want %s", heard, failed, want)
		}
	}
	if heard, failed = spoken(t, nil, echo, "", text); heard != text || failed != nil {
		t.Errorf("without secrets: heard %q, %v", heard, failed)
	}
}

// A guest may choose roots and the name for a handshake, and lead a connection to whom it likes: for a secret the
// operator's count.
func TestSecretsNeedAPeerThatTheOperatorTrusts(t *testing.T) {
	web := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	roots := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}))
	serve := func(conn net.Conn) { echo(tlsServer(conn, web)) }
	secrets := secretsFor(t, "127.0.0.1:*")
	secrets[0].Plain = false
	heard, failed := spoken(t, secrets, serve, roots, "~~sLONGLONGLONGLONGLONGL")
	if heard != "" || failed == nil || failed.Code != abi.NetTLSFailed ||
		!strings.Contains(failed.Message, "berth.secrets.long.roots must name") {
		t.Errorf("with the guest's roots: heard %q, %v", heard, failed)
	}
	secrets[0].Roots = x509.NewCertPool()
	secrets[0].Roots.AddCert(web.Certificate())
	if heard, failed = spoken(t, secrets, serve, roots, "~~sLONGLONGLONGLONGLONGL"); heard != secrets[0].Value {
		t.Errorf("with the operator's roots: heard %q, %v", heard, failed)
	}
}

func TestAKeyForTLSMayBeAHandle(t *testing.T) {
	f := filler{secrets: secretsFor(t, "127.0.0.1:80")}
	if key, err := f.fillText("~~sSHORTSHORTSHORTSHORTS", peer{host: "127.0.0.1", port: 80}); key != "x" || err != nil {
		t.Errorf("got %q, %v", key, err)
	}
	if key, err := f.fillText("~~sSHORTSHORTSHORTSHORTS", peer{host: "127.0.0.1", port: 81}); key != "" || err == nil {
		t.Errorf("for another host: got %q, %v", key, err)
	}
	if key, _ := f.fillText("~~sSHORTSHORTSHORTSHORTS ", peer{}); key != "~~sSHORTSHORTSHORTSHORTS " {
		t.Errorf("got %q", key)
	}
}
