package main

import "strings"

// The chains of transforms of the pipelines, and converters other than the worker's own, as in a .properties file.
const (
	jsonValues = `
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
`
	jsonWithSchemas = `
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
`
	// chainA rewrites an order: it reads and writes fields of each value.
	chainA = `
transforms=insert,replace,cast,mask,route
transforms.insert.type=org.apache.kafka.connect.transforms.InsertField$Value
transforms.insert.static.field=origin
transforms.insert.static.value=bench
transforms.insert.timestamp.field=ingested
transforms.replace.type=org.apache.kafka.connect.transforms.ReplaceField$Value
transforms.replace.exclude=note,ip
transforms.replace.renames=ts:event_time,type:event_type
transforms.cast.type=org.apache.kafka.connect.transforms.Cast$Value
transforms.cast.spec=amount:float64,id:string
transforms.mask.type=org.apache.kafka.connect.transforms.MaskField$Value
transforms.mask.fields=card
transforms.mask.replacement=****
transforms.route.type=org.apache.kafka.connect.transforms.TimestampRouter
transforms.route.topic.format=${topic}-${timestamp}
transforms.route.timestamp.format=yyyyMMdd
`
	// chainB changes rows that have a schema.
	chainB = `
transforms=flatten,cast,time,key,keyfield
transforms.flatten.type=org.apache.kafka.connect.transforms.Flatten$Value
transforms.flatten.delimiter=_
transforms.cast.type=org.apache.kafka.connect.transforms.Cast$Value
transforms.cast.spec=qty:int64,ratio:string
transforms.time.type=org.apache.kafka.connect.transforms.TimestampConverter$Value
transforms.time.field=created
transforms.time.target.type=string
transforms.time.format=yyyy-MM-dd'T'HH:mm:ss.SSS'Z'
transforms.key.type=org.apache.kafka.connect.transforms.ValueToKey
transforms.key.fields=id
transforms.keyfield.type=org.apache.kafka.connect.transforms.ExtractField$Key
transforms.keyfield.field=id
`
	// chainC never looks at a value.
	chainC = `
transforms=header,rename,route,hoist,drop
transforms.header.type=org.apache.kafka.connect.transforms.InsertHeader
transforms.header.header=origin
transforms.header.value.literal=bench
transforms.rename.type=org.apache.kafka.connect.transforms.RegexRouter
transforms.rename.regex=in-(.*)
transforms.rename.replacement=out-$1
transforms.route.type=org.apache.kafka.connect.transforms.TimestampRouter
transforms.route.topic.format=${topic}-${timestamp}
transforms.route.timestamp.format=yyyyMMdd
transforms.hoist.type=org.apache.kafka.connect.transforms.HoistField$Value
transforms.hoist.field=line
transforms.drop.type=org.apache.kafka.connect.transforms.DropHeaders
transforms.drop.headers=origin
`
)

// settings reads lines of key=value.
func settings(lines ...string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(strings.Join(lines, "\n")) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), "="); found {
			all[key] = value
		}
	}
	return all
}

// firstOf keeps the first transform of a chain.
func firstOf(chain string) string {
	first, _, _ := strings.Cut(settings(chain)["transforms"], ",")
	return strings.ReplaceAll(chain, "transforms="+settings(chain)["transforms"], "transforms="+first)
}
