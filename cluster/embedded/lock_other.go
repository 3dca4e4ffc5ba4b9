//go:build !unix

package embedded

import "errors"

func lock(string) (func(), error) {
	return nil, errors.New("the embedded broker runs on Unix systems only: use a real Kafka")
}
