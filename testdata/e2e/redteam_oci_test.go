package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/berth-connect/berth/host/oci/ocitest"
)

// A user has modules pulled from what is private, and from a registry that may be asked and is hostile: it sends to the
// worker's own machine, lies about sizes and digests, does not end, stands still.
func TestRedTeamRegistries(t *testing.T) {
	registry, address := startRegistry(t)
	f := startFortress(t, append(pulling(address), "BERTH_OCI_REGISTRIES=*:*,0.0.0.0/0:*,[::]/0:*,"+address)...)
	victim, port, reached := startVictim(t)
	defer victim.Close()
	for name, host := range hiddenHosts(t) {
		f.attack(t, "pull-from-"+name, func(p *process) { p.pullInVain(fmt.Sprintf("%s:%s/a@%s", host, port, noDigest)) })
	}
	wasm := []byte("\x00asm\x01\x00\x00\x00")
	reference := address + "/a@" + registry.Push("a", ocitest.Module(wasm), wasm)
	for name, location := range map[string]string{
		"metadata": "http://169.254.169.254/latest/meta-data/", "metadata-with-tls": "https://169.254.169.254/",
		"loopback": "https://127.0.0.1:" + port + "/", "loopback-in-plain": "http://127.0.0.1:" + port + "/",
		"loopback-by-name": "https://localhost:" + port + "/", "another-protocol": "gopher://127.0.0.1:" + port + "/",
		"file": "file:///etc/passwd", "the-worker": f.url + "/connectors", "itself": "/v2/", "nowhere": "",
		"lines": "http://" + address + "/%0d%0aX: y", "user": "http://ann:secret@" + address + "/",
	} {
		for part, path := range map[string]string{"manifest": "/manifests/", "module": "/blobs/", "token": "/token"} {
			f.attack(t, "redirect-of-"+part+"-to-"+name, func(p *process) {
				registry.AnswerWith(func(w http.ResponseWriter, request *http.Request) bool {
					return strings.Contains(request.URL.Path, path) && redirectTo(w, location)
				})
				p.pullInVain(reference)
			})
		}
		f.attack(t, "token-server-is-"+name, func(p *process) {
			registry.AnswerWith(func(w http.ResponseWriter, _ *http.Request) bool { return challengeWith(w, location) })
			p.pullInVain(reference)
		})
	}
	f.attack(t, "module-without-end", func(p *process) {
		registry.AnswerWith(func(w http.ResponseWriter, request *http.Request) bool {
			return strings.Contains(request.URL.Path, "/blobs/") && writeForever(w)
		})
		p.pullInVain(reference)
	})
	f.attack(t, "manifest-without-end", func(p *process) {
		registry.AnswerWith(func(w http.ResponseWriter, request *http.Request) bool {
			return strings.Contains(request.URL.Path, "/manifests/") && writeForever(w)
		})
		p.pullInVain(reference)
	})
	f.attackWithStanding(t, registry, address)
	if n := reached.Load(); n > 0 {
		t.Errorf("%d connections reached the worker's own machine", n)
	}
	f.finish()
}

var noDigest = "sha256:" + strings.Repeat("0", 64)

// pullInVain checks that a pull is refused, and that nobody is told what a server said.
func (p *process) pullInVain(reference string) {
	p.t.Helper()
	status, answer := p.pull(reference, "")
	if !slices.Contains([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusBadGateway}, status) ||
		strings.Contains(answer, "secret") {
		p.t.Errorf("%s: %d %s", reference, status, answer)
	}
}

func redirectTo(w http.ResponseWriter, location string) bool {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusFound)
	return true
}

func challengeWith(w http.ResponseWriter, realm string) bool {
	w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q", realm))
	w.WriteHeader(http.StatusUnauthorized)
	return true
}

// writeForever writes until the client has enough.
func writeForever(w http.ResponseWriter) bool {
	for piece := make([]byte, 64<<10); ; {
		if _, err := w.Write(piece); err != nil {
			return true
		}
	}
}

// attackWithStanding has more large modules pulled at a time than there is memory for, of which nothing comes.
func (f *fortress) attackWithStanding(t *testing.T, registry *ocitest.Registry, address string) {
	large := ocitest.Module([]byte("large"))
	large.Layers[0].Size = 60 << 20
	reference := address + "/large@" + registry.Push("large", large)
	f.attack(t, "modules-that-stand-still", func(p *process) {
		standing, end := make(chan struct{}), make(chan struct{})
		var once sync.Once
		registry.AnswerWith(func(w http.ResponseWriter, request *http.Request) bool {
			if !strings.Contains(request.URL.Path, "/blobs/") {
				return false
			}
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush() // or the worker is gone
			once.Do(func() { close(standing) })
			<-end
			return true
		})
		var pulls sync.WaitGroup
		for range 6 {
			pulls.Go(func() { p.pullInVain(reference) })
		}
		<-standing
		f.stands(p.t)
		close(end)
		pulls.Wait()
	})
}
