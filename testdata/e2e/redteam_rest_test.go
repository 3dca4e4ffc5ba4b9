package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// restAttack is what a client does, and the statuses that it may get.
type restAttack struct {
	name, method, path, body string
	statuses                 []int
}

// A client of the REST API sends what breaks parsers, routers and memories.
func TestRedTeamREST(t *testing.T) {
	f := startFortress(t)
	for _, a := range append(bodyAttacks(), nameAttacks()...) {
		f.attack(t, a.name, func(p *process) {
			status, answer := p.send(a.method, a.path, "application/json", strings.NewReader(a.body))
			p.checkStatus(status, answer, a.statuses)
		})
	}
	for _, a := range rawAttacks() {
		f.attack(t, a.name, func(p *process) { p.raw(a) })
	}
	f.attack(t, "body-without-end", (*process).endlessBody)
	f.attack(t, "bodies-of-a-megabyte-by-the-dozen", (*process).fatBodies)
	f.attack(t, "uploads-of-64-megabytes-by-the-dozen", (*process).fatUploads)
	f.together(t, map[string]func(*process){"connections-that-say-nothing": (*process).silentConnections,
		"connections-that-send-a-header-a-second": (*process).slowHeaders, "bodies-that-trickle": (*process).slowBodies,
		"bodies-that-nobody-wants-and-trickle": (*process).unwantedBodies,
		"answers-that-nobody-reads":            (*process).unreadAnswers})
	f.finish()
}

func (p *process) checkStatus(status int, answer []byte, want []int) {
	p.t.Helper()
	for _, w := range want {
		if status == w {
			return
		}
	}
	p.t.Errorf("got %d, want one of %v: %.300s", status, want, answer)
}

// Connect answers 500 to JSON that it can't read.
var unreadableJSON = []int{http.StatusInternalServerError, http.StatusBadRequest}

func bodyAttacks() []restAttack {
	deep := strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)
	var many, equal strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&many, `,"key%d":"v"`, i)
		equal.WriteString(`,"name":"x"`)
	}
	refused := []int{http.StatusBadRequest}
	return []restAttack{
		{"json-a-hundred-thousand-deep", "POST", "/connectors", deep, unreadableJSON},
		{"json-arrays-ten-thousand-deep", "POST", "/connectors", strings.Repeat("[", 10_000), unreadableJSON},
		{"json-depth-in-offsets", "PATCH", "/connectors/x/offsets", `{"offsets":[{"partition":` + deep[:500_000] + `}]}`,
			unreadableJSON},
		{"json-of-sixty-thousand-keys", "PUT", "/connector-plugins/" + fileSource + "/config/validate",
			`{"connector.class":"` + fileSource + `"` + many.String() + "}", []int{200, 400}},
		{"json-of-sixty-thousand-equal-keys", "PUT", "/connector-plugins/" + fileSource + "/config/validate",
			`{"connector.class":"` + fileSource + `"` + equal.String() + "}", []int{200}},
		{"json-number-of-a-megabyte", "PUT", "/connectors/x/config", `{"tasks.max":` + strings.Repeat("9", 1<<20-100) + "}",
			unreadableJSON},
		{"json-number-with-a-giant-exponent", "PUT", "/connector-plugins/" + fileSource + "/config/validate",
			`{"connector.class":"` + fileSource + `","tasks.max":1e999999999}`, []int{200}},
		{"tasks-by-the-billion", "PUT", "/connectors/x/config", `{"connector.class":"` + fileSource +
			`","topic":"t","file":"f","tasks.max":"2147483647"}`, []int{200, 201, 400}},
		{"json-with-half-a-surrogate", "POST", "/connectors", `{"name":"\ud800","config":{}}`, append(refused, 500)},
		{"body-of-ten-megabytes", "POST", "/connectors", strings.Repeat(" ", 10<<20), []int{413}},
		{"regular-expression-that-backtracks", "PUT", "/connectors/re/config", `{"connector.class":"` + fileSink +
			`","file":"f","topics.regex":"(a+)+$(a+)+$","transforms":"r","transforms.r.type":"` + transformsOf +
			`RegexRouter","transforms.r.regex":"(x+x+)+y","transforms.r.replacement":"$1"}`, []int{200, 201, 400}},
		{"transforms-by-the-thousand", "PUT", "/connector-plugins/" + fileSource + "/config/validate",
			`{"connector.class":"` + fileSource + `","transforms":"` + strings.TrimSuffix(strings.Repeat("a,", 1000), ",") +
				`","topic":"t"}`, []int{200, 400}},
		{"provider-references-within-each-other", "PUT", "/connector-plugins/" + fileSource + "/config/validate",
			`{"connector.class":"` + fileSource + `","file":"` + strings.Repeat("${file:", 50_000) + `"}`,
			[]int{200, 400, 500}},
	}
}

// nameAttacks use names as paths, patterns and giants.
func nameAttacks() []restAttack {
	config := `{"connector.class":"` + fileSource + `","topic":"t","file":"f"}`
	var all []restAttack
	for name, path := range map[string]string{
		"dots": "..%2F..%2Fetc%2Fpasswd", "nul": "a%00b", "line-end": "a%0D%0ASet-Cookie:%20x", "no-utf8": "%ff%fe",
		"of-a-tenant": "other::neighbour", "escape": "%1b%5b2J", "of-forty-kilobytes": strings.Repeat("n", 40_000),
		"right-to-left": "%E2%80%AEevil", "quotes": `%22%27%3Cscript%3E`, "format": "%25s%25n", "of-one-blank": "%20",
	} {
		all = append(all, restAttack{"connector-name-" + name, "PUT", "/connectors/" + path + "/config", config,
			[]int{200, 201, 400, 404, 409}},
			restAttack{"connector-name-" + name + "-deleted", "DELETE", "/connectors/" + path, "", []int{204, 400, 404}})
	}
	for name, path := range map[string]string{
		"empty-segments": "//connectors", "dots": "/connectors/../admin/loggers",
		"escaped-dots":   "/%2e%2e/%2e%2e/etc/passwd",
		"double-escapes": "/%252e%252e/connectors", "parameters": "/connectors;a=b/x;y/status",
		"backslashes": `/..%5C..%5Cetc`,
		"nul":         "/connectors%00.json", "long": "/" + strings.Repeat("a/", 10_000),
		"task-number":   "/connectors/x/tasks/99999999999999999999/status",
		"negative-task": "/connectors/x/tasks/-1/status", "plugin-dots": "/plugins/..%2F..%2Fetc/passwd/module",
		"plugin-version": "/plugins/stock/..%2F..%2F..%2Fetc%2Fpasswd/module", "expand": "/connectors?" +
			strings.Repeat("expand=info&", 5000),
		"plugin-class": "/connector-plugins/..%2F..%2Fetc%2Fpasswd/config",
		"logger":       "/admin/loggers/..%2F..%2Fetc",
	} {
		all = append(all, restAttack{"path-of-" + name, "GET", path, "", []int{200, 400, 404, 405, 414, 431}})
	}
	return all
}

// rawAttack is written to a connection as it stands.
type rawAttack struct {
	name, text string
	statuses   []int // of the first answer; none: the connection ends without one
	mustNot    string
}

// rawAttacks are requests that no client makes. Those of smuggling hide a request that deletes the neighbour's source.
func rawAttacks() []rawAttack {
	const head = "Host: x\r\nContent-Type: application/json\r\n"
	hidden := "DELETE /connectors/{neighbour} HTTP/1.1\r\nHost: x\r\n\r\n"
	chunked := "2\r\n{}\r\n0\r\n\r\n"
	bad := []int{400, 501, 505}
	return []rawAttack{
		{"smuggling-by-two-lengths", "POST /connectors HTTP/1.1\r\n" + head +
			"Content-Length: 2\r\nContent-Length: 80\r\n\r\n{}" +
			hidden, bad, hidden},
		{"smuggling-by-length-and-chunks", "POST /connectors HTTP/1.1\r\n" + head + fmt.Sprintf("Content-Length: %d\r\n"+
			"Transfer-Encoding: chunked\r\n\r\n", len(chunked)+len(hidden)) + chunked + hidden, []int{400, 500}, hidden},
		{"smuggling-by-an-odd-coding", "POST /connectors HTTP/1.1\r\n" + head + "Transfer-Encoding: xchunked\r\n\r\n" +
			chunked +
			hidden, bad, hidden},
		{"smuggling-by-two-codings", "POST /connectors HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\n" +
			"Transfer-Encoding: identity\r\n\r\n" + chunked + hidden, bad, hidden},
		{"smuggling-by-a-blank-before-the-colon",
			"POST /connectors HTTP/1.1\r\n" + head + "Content-Length : 80\r\n\r\n{}" + hidden,
			bad, hidden},
		{"smuggling-by-a-folded-header", "POST /connectors HTTP/1.1\r\n" + head + "Transfer-Encoding:\r\n chunked\r\n" +
			"Content-Length: 2\r\n\r\n" + chunked + hidden, []int{400, 500, 501}, hidden},
		{"smuggling-by-a-negative-length", "POST /connectors HTTP/1.1\r\n" + head + "Content-Length: -1\r\n\r\n" + hidden,
			bad, hidden},
		{"smuggling-by-a-signed-length", "POST /connectors HTTP/1.1\r\n" + head + "Content-Length: +2\r\n\r\n{}" + hidden,
			bad, hidden},
		{"chunk-of-a-giant-size", "POST /connectors HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n" +
			"ffffffffffffffff\r\n{}", []int{400, 408, 413, 500}, ""},
		{"header-with-a-line-end", "GET /connectors HTTP/1.1\r\nHost: x\r\nX-A: b\rX-Connect-Authorization: c\r\n\r\n",
			bad, ""},
		{"header-name-with-a-nul", "GET /connectors HTTP/1.1\r\nHost: x\r\nX\x00A: b\r\n\r\n", bad, ""},
		{"two-hosts", "GET /connectors HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", bad, ""},
		{"no-host", "GET /connectors HTTP/1.1\r\n\r\n", bad, ""},
		{"headers-of-a-megabyte", "GET /connectors HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 1<<20) + "\r\n\r\n",
			[]int{431}, ""},
		{"ten-thousand-headers", "GET /connectors HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 20_000) + "\r\n",
			[]int{431}, ""},
		{"absolute-target", "GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\nHost: x\r\n\r\n", []int{404}, ""},
		{"tunnel", "CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: x\r\n\r\n", []int{400, 404, 405}, ""},
		{"trace", "TRACE /connectors HTTP/1.1\r\nHost: x\r\nCookie: secret\r\n\r\n", []int{404, 405}, "secret"},
		{"version-of-the-future", "GET /connectors HTTP/9.9\r\nHost: x\r\n\r\n", bad, ""},
		{"request-of-http-0.9", "GET /connectors\r\n\r\n", bad, ""},
		{"upgrade-to-http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 404, 505}, ""},
		{"forwarded-for-the-admin",
			"PUT /connectors/{neighbour}/fence HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 127.0.0.1\r\n" +
				"X-Forwarded-Proto: https\r\nX-Original-URL: /admin\r\nX-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n\r\n",
			[]int{400}, ""},
		{"method-overridden",
			"POST /connectors/{neighbour}/restart HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: DELETE\r\n" +
				"Content-Length: 0\r\n\r\n", []int{204, 202}, ""},
		{"location-of-another-host", "PUT /connectors/located/config HTTP/1.1\r\nHost: evil.example/\r\n" +
			"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", bad, "evil.example"},
		{"binary-noise", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\xff\x00", 500) + "\r\n\r\n",
			bad, ""},
	}
}

// raw sends a request and looks at what comes back, and at the neighbour.
func (p *process) raw(a rawAttack) {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, strings.ReplaceAll(a.text, "{neighbour}", p.name("neighbour-in"))) }()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		p.t.Fatalf("no answer: %v", err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20)) // cut off with the connection
	p.checkStatus(response.StatusCode, text, a.statuses)
	if a.mustNot != "" && (bytes.Contains(text, []byte(a.mustNot)) || strings.Contains(fmt.Sprint(response.Header),
		a.mustNot)) {
		p.t.Errorf("%q came back: %v %s", a.mustNot, response.Header, text)
	}
	if code, answer := p.call("GET", "/connectors/"+p.name("neighbour-in")+"/status", nil); code != http.StatusOK {
		p.t.Errorf("the neighbour: %d %s", code, answer)
	}
}
