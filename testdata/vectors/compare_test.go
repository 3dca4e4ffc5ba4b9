package main

import "testing"

func TestDifference(t *testing.T) {
	const error = `{"error":{"phase":"apply","class":"c","message":"m"}}`
	cases := []struct {
		name, vector, got string
		same              bool
	}{
		{"order of a map", `{"result":{"value":{"t":"map","v":[[1,2],[3,4]]}}}`,
			`{"value":{"t":"map","v":[[3,4],[1,2]]}}`, true},
		{"order of a list", `{"result":{"value":{"t":"list","v":[1,2]}}}`, `{"value":{"t":"list","v":[2,1]}}`, false},
		{"order of parameters", `{"result":{"schema":{"type":"INT8","parameters":[["a","1"],["b","2"]]}}}`,
			`{"schema":{"type":"INT8","parameters":[["b","2"],["a","1"]]}}`, false},
		{"empty parameters", `{"result":{"schema":{"type":"INT8","parameters":[]}}}`, `{"schema":{"type":"INT8"}}`, false},
		{"absent and null", `{"result":{"schema":null,"value":null}}`, `{}`, true},
		{"number and text", `{"result":{"ms":7}}`, `{"ms":"7"}`, true},
		{"bits of a float", `{"result":{"value":{"t":"float32","v":"1","bits":"3f800000"}}}`,
			`{"value":{"t":"float32","v":"1.0","bits":"3f800000"}}`, true},
		{"unchanged", `{"input":{"topic":"t","headers":[]},"result":{"unchanged":true}}`, `{"record":{"topic":"t"}}`, true},
		{"changed", `{"input":{"topic":"t"},"result":{"unchanged":true}}`, `{"record":{"topic":"u"}}`, false},
		{"half a pair", `{"result":{"value":{"t":"string","utf16":"0061d800"}}}`,
			`{"value":{"t":"string","utf16":"0061d800"}}`, true},
		{"half a pair lost", `{"result":{"value":{"t":"string","utf16":"0061d800"}}}`,
			`{"value":{"t":"string","v":"a\ufffd"}}`, false},
		{"JDK 25", `{"result":{"text":"2.0E-3"},"resultJdk25":{"text":"0.002"}}`, `{"text":"0.002"}`, true},
		{"neither JDK", `{"result":{"text":"2.0E-3"},"resultJdk25":{"text":"0.002"}}`, `{"text":"2e-3"}`, false},
		{"address", `{"result":{"text":"[B@<identityHash> a"}}`, `{"text":"[B@1f a"}`, true},
		{"no address", `{"result":{"text":"[B@<identityHash> a"}}`, `{"text":"[B@ a"}`, false},
		{"address in bytes", `{"result":{"bytes":"W0JAPGlkZW50aXR5SGFzaD4="}}`, `{"bytes":"W0JANzc="}`, true},
		{"list of the JVM", `{"result":{"text":"one of [<a list of the JVM>]."}}`, `{"text":"one of [a, b]."}`, true},
		{"buffer as bytes", `{"value":{"t":"bytebuffer"},"result":{"text":"java.nio.HeapByteBuffer[pos=0 lim=2 cap=2] ` +
			`(class java.nio.HeapByteBuffer)"}}`, `{"text":"[B@1f (class [B)"}`, true},
		{"buffer in words only", `{"result":{"text":"class java.nio.HeapByteBuffer"}}`, `{"text":"class [B"}`, false},
		{"error", `{"result":` + error + `}`, error, true},
		{"message", `{"result":` + error + `}`, `{"error":{"phase":"apply","class":"c","message":"n"}}`, false},
		{"class", `{"result":` + error + `}`, `{"error":{"phase":"apply","class":"d","message":"m"}}`, false},
		{"phase", `{"result":` + error + `}`, `{"error":{"phase":"configure","class":"c","message":"m"}}`, false},
		{"words of the JVM", `{"result":{"error":{"phase":"apply","class":"c","message":"m","messageFrom":"jvm"}}}`,
			`{"error":{"phase":"apply","class":"c","message":"n"}}`, true},
		{"class and words", `{"result":{"error":{"phase":"apply","class":"c","message":"m","messageFrom":"jvm"}}}`,
			`{"error":{"phase":"apply","class":"d","message":"m"}}`, false},
		{"no causes", `{"result":{"error":{"class":"c","causes":[{"class":"d"}]}}}`, `{"error":{"class":"c"}}`,
			true},
		{"other causes", `{"result":{"error":{"class":"c","causes":[{"class":"d"}]}}}`,
			`{"error":{"class":"c","causes":[{"class":"e"}]}}`, false},
		{"fewer causes", `{"result":{"error":{"class":"c","causes":[{"class":"d"},{"class":"e"}]}}}`,
			`{"error":{"class":"c","causes":[{"class":"d"}]}}`, true},
		{"more causes", `{"result":{"error":{"class":"c","causes":[{"class":"d"}]}}}`,
			`{"error":{"class":"c","causes":[{"class":"d"},{"class":"e"}]}}`, false},
		{"value for an error", `{"result":` + error + `}`, `{"value":null}`, false},
		{"error for a value", `{"result":{"value":null}}`, error, false},
		{"more than wanted", `{"result":{"test":true}}`, `{"test":true,"more":1}`, false},
		{"false and nothing", `{"result":{"test":false}}`, `{}`, false},
	}
	for _, c := range cases {
		v, err := parseVector("f", `{"id":"x",`+c.vector[1:])
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseVector("f", `{"id":"x","result":`+c.got+`}`)
		if err != nil {
			t.Fatal(err)
		}
		if d := difference(v, got.members["result"]); (d == "") != c.same {
			t.Errorf("%s: %q", c.name, d)
		}
	}
}
