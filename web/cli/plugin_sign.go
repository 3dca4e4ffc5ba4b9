package cli

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/berth-connect/berth/host/plugin"
)

func sumOf(module []byte) string {
	sum := sha256.Sum256(module)
	return hex.EncodeToString(sum[:])
}

// signPlugin writes the signature of a module beside it.
func signPlugin(args []string, out io.Writer) error {
	flags := NewFlags("plugin sign", "FILE.wasm -key PRIVATE.pem [-o FILE.sig]", out)
	keyFile := flags.String("key", "", "a private key, Ed25519 or ECDSA, as \"openssl genpkey\" makes it")
	target := flags.String("o", "", "the file to write; by default FILE.wasm.sig")
	positional, err := ParseFlags(flags, args, 1, 1)
	if err != nil {
		return err
	}
	module, err := os.ReadFile(positional[0])
	if err != nil {
		return err
	}
	key, err := readPrivateKey(*keyFile)
	if err != nil {
		return fmt.Errorf("-key %s: %w", *keyFile, err)
	}
	sum := sha256.Sum256(module)
	hash := crypto.SHA256
	if _, pure := key.(ed25519.PrivateKey); pure {
		hash = 0 // it signs the sum as the message that it is
	}
	signature, err := key.Sign(rand.Reader, sum[:], hash)
	if err != nil {
		return fmt.Errorf("sign %s: %w", positional[0], err)
	}
	if *target == "" {
		*target = positional[0] + ".sig"
	}
	if err := os.WriteFile(*target, []byte(base64.StdEncoding.EncodeToString(signature)+"\n"), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: signature of sha256:%x\n", *target, sum)
	return err
}

func readPrivateKey(file string) (crypto.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("it holds no PRIVATE KEY in PEM form (PKCS 8, without a password)")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return key, nil
	case *ecdsa.PrivateKey:
		return key, nil
	}
	return nil, fmt.Errorf("it holds a %T; Ed25519 and ECDSA can be used", key)
}

// verifyPlugin checks a module's signature as a worker does.
func verifyPlugin(args []string, out io.Writer) error {
	flags := NewFlags("plugin verify", "FILE.wasm -key PUBLIC.pem [-signature FILE.sig]", out)
	var keys TextList
	flags.Var(&keys, "key", "a public key; may be repeated")
	signatureFile := flags.String("signature", "", "its signature; by default FILE.wasm.sig")
	positional, err := ParseFlags(flags, args, 1, 1)
	if err != nil {
		return err
	}
	module, err := os.ReadFile(positional[0])
	if err != nil {
		return err
	}
	if *signatureFile == "" {
		*signatureFile = positional[0] + ".sig"
	}
	signature, err := readSignature(*signatureFile)
	if err != nil {
		return err
	}
	known, err := plugin.ReadSigningKeys(keys)
	if err != nil {
		return err
	}
	by, err := plugin.Signatures{Required: true, Keys: known}.Verify(positional[0], sumOf(module), signature)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: sha256:%s, signed by %s\n", positional[0], sumOf(module), by)
	return err
}
