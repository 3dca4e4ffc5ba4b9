package brokertest

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// Users of a guarded broker; a password is as the name. Root may do everything, the others may describe the topics that
// Guarded makes, and Guest may have a producer that writes nowhere.
const (
	Root     = "root"
	Guest    = "guest"
	Stranger = "stranger"
)

// Guarded runs a broker that asks for SASL PLAIN and keeps access lists, until the test ends, and returns its address.
// Its topics have one partition and one record each.
func Guarded(t testing.TB, topics ...string) string {
	t.Helper()
	var acls []kfake.ACL
	for _, topic := range topics {
		acls = append(acls, kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: topic, Allow: true,
			Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationDescribe})
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("PLAIN", Root, Root), kfake.User("PLAIN", Stranger, Stranger, acls...),
		kfake.User("PLAIN", Guest, Guest, append(slices.Clip(acls), idempotentWrite)...), kfake.SeedTopics(1, topics...),
		kfake.GroupMinSessionTimeout(time.Second)) // embedded workers ask for less than Kafka's minimum
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...),
		kgo.SASL(plain.Auth{User: Root, Pass: Root}.AsMechanism()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, topic := range topics {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("{")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	return cluster.ListenAddrs()[0]
}

var idempotentWrite = kfake.ACL{Resource: kmsg.ACLResourceTypeCluster, Name: "kafka-cluster", Allow: true,
	Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationIdempotentWrite}

// Login is the value of sasl.jaas.config for a user of a guarded broker.
func Login(user string) string {
	return `org.apache.kafka.common.security.plain.PlainLoginModule required username="` + user + `" password="` + user +
		`";`
}
