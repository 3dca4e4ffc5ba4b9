package flow

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// syncACLs copies the rules of access to the topics that are copied. Nobody but the mirror may write to a copy.
func (c *SourceConnector) syncACLs(ctx context.Context) error {
	if c.aclsImpossible {
		return nil
	}
	filter := kadm.NewACLs().AnyResource().Topics().Allow().AllowHosts().Deny().DenyHosts().Operations().
		ResourcePatternType(kadm.ACLPatternLiteral)
	results, err := c.atSource.Admin.DescribeACLs(ctx, filter)
	if err != nil {
		return fmt.Errorf("describe ACLs of the source cluster: %w", c.atSource.Explain(err))
	}
	var failed []error
	for _, result := range results {
		if errors.Is(result.Err, kerr.SecurityDisabled) {
			c.withoutACLs(ctx, "source")
			return nil
		}
		if result.Err != nil {
			failed = append(failed, fmt.Errorf("describe ACLs of the source cluster: %w", result.Err))
		}
		for _, acl := range result.Described {
			if rule, copied := c.copiedACL(acl); copied {
				failed = append(failed, c.createACL(ctx, rule))
			}
		}
	}
	return errors.Join(failed...)
}

func (c *SourceConnector) withoutACLs(ctx context.Context, cluster string) {
	c.aclsImpossible = true
	guest.Log(ctx, abi.LogInfo, "the %s cluster has no authorizer, so ACLs are not copied", cluster)
}

// copiedACL is the rule for the copy of a topic: who may write may not, who may do all may read.
func (c *SourceConnector) copiedACL(acl kadm.DescribedACL) (kadm.DescribedACL, bool) {
	allows := acl.Permission == kmsg.ACLPermissionTypeAllow
	if acl.Type != kmsg.ACLResourceTypeTopic || acl.Pattern != kadm.ACLPatternLiteral || !c.copied.Copied(acl.Name) ||
		allows && acl.Operation == kmsg.ACLOperationWrite {
		return acl, false
	}
	if allows && acl.Operation == kmsg.ACLOperationAll {
		acl.Operation = kmsg.ACLOperationRead
	}
	acl.Name = c.remote(acl.Name)
	return acl, true
}

func (c *SourceConnector) createACL(ctx context.Context, acl kadm.DescribedACL) error {
	rule := kadm.NewACLs().Topics(acl.Name).Operations(acl.Operation).ResourcePatternType(kadm.ACLPatternLiteral)
	if acl.Permission == kmsg.ACLPermissionTypeAllow {
		rule = rule.Allow(acl.Principal).AllowHosts(acl.Host)
	} else {
		rule = rule.Deny(acl.Principal).DenyHosts(acl.Host)
	}
	results, err := c.atTarget.Admin.CreateACLs(ctx, rule)
	for _, result := range results {
		if errors.Is(result.Err, kerr.SecurityDisabled) {
			c.withoutACLs(ctx, "target")
			return nil
		}
		err = errors.Join(err, result.Err)
	}
	if err != nil {
		return fmt.Errorf("create an ACL of topic %s at the target cluster: %w", acl.Name, c.atTarget.Explain(err))
	}
	return nil
}
