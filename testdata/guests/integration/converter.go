package main

import (
	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// converter is a plugin that is there to be validated; it makes null of everything.
func converter(class string, config abi.ConfigDef) guest.Plugin {
	return guest.Plugin{
		Class: class, Version: "1.0", Doc: "Makes null of everything.", Config: config,
		NewConverter:       func() guest.Converter { return toNull{} },
		NewHeaderConverter: func() guest.HeaderConverter { return toNull{} },
	}
}

type toNull struct{}

func (toNull) ToConnect(string, []byte) (*abi.Schema, any, error) { return nil, nil, nil }

func (toNull) FromConnect(string, *abi.Schema, any) ([]byte, error) { return nil, nil }

func (toNull) ToConnectHeader(string, string, []byte) (*abi.Schema, any, error) { return nil, nil, nil }

func (toNull) FromConnectHeader(string, string, *abi.Schema, any) ([]byte, error) { return nil, nil }
