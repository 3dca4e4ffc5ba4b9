package airport

import (
	"encoding/json"
	"testing"
)

func TestObject(t *testing.T) {
	columns := []string{"icao", "name", "elevation", "lat"}
	cases := []struct{ line, want string }{
		{`"LSZH","Zürich",1417,47.46472`, `{"icao":"LSZH","name":"Zürich","elevation":1417,"lat":47.46472}`},
		{`"","Say ""hi"" \ ",-3,-0.5`, `{"icao":null,"name":"Say \"hi\" \\ ","elevation":-3,"lat":-0.5}`},
		{`007,1.2.3,-,5.`, `{"icao":"007","name":"1.2.3","elevation":"-","lat":"5."}`},
		{"a\tb,00,0,.5", `{"icao":"a\u0009b","name":"00","elevation":0,"lat":".5"}`},
	}
	for _, c := range cases {
		got, err := Object(columns, c.line)
		if err != nil || got != c.want {
			t.Errorf("%s\ngot  %s, %v\nwant %s", c.line, got, err, c.want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s is not JSON", got)
		}
	}
	for _, bad := range []string{"", "a,b", `"a`, "1,2,3,4,5"} {
		if got, err := Object(columns, bad); err == nil {
			t.Errorf("%q gives %s", bad, got)
		}
	}
}
