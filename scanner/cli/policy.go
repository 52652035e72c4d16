package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/example/microscanner-frontend/scanner/policy"
)

// policyFlags are the flags that every verb with a gate has: one for each
// setting of the policy.
type policyFlags struct {
	values        map[string]*string
	ignoreUnfixed bool
	kernelHeaders bool
	origins       []string
}

func (p *policyFlags) add(f *flagSet) {
	p.values = map[string]*string{}
	for key, help := range map[string]string{
		policy.KeyFailOn:        "least severity that fails the gate: ",
		policy.KeyFailOnNew:     "the same in place of it, for what a Dockerfile adds to its base image: ",
		policy.KeyOnUnsupported: "an operating system without advisories, or past its end of life: ",
		policy.KeyOnNoPackages:  "an image without any package database: ",
		policy.KeyOnPartial:     "packages or versions that cannot be read: ",
		policy.KeyMaxDBAge:      "age of the advisory database above which nothing passes: ",
	} {
		p.values[key] = f.String(key, policy.Default().Values()[key].Value, help+strings.Join(policy.Allowed(key), ", "))
	}
	f.BoolVar(&p.ignoreUnfixed, policy.KeyIgnoreUnfixed, false, "findings without a fix do not fail the gate")
	f.BoolVar(&p.kernelHeaders, policy.KeyKernelHeaders, false, "flaws of the kernel in packages with only its headers count as findings")
	f.StringArrayVar(&p.origins, "origin", nil, "KEY=TEXT: where a setting came from, for the report and errors")
}

// policy reads the flags that were given.
func (p *policyFlags) policy(f *flagSet) (policy.Policy, error) {
	out := policy.Default()
	origins, err := p.originOf()
	if err != nil {
		return out, f.wrong(err.Error())
	}
	for _, key := range policy.Keys() {
		if !f.Changed(key) {
			continue
		}
		origin := origins[key]
		if origin == "" {
			origin = "--" + key
		}
		if err := out.Set(key, f.Lookup(key).Value.String(), origin); err != nil {
			return out, f.wrong(err.Error())
		}
	}
	return out, nil
}

func (p *policyFlags) originOf() (map[string]string, error) {
	out := map[string]string{}
	for _, o := range p.origins {
		key, text, ok := strings.Cut(o, "=")
		if !ok || text == "" {
			return nil, fmt.Errorf("--origin %q is not of the form KEY=TEXT", o)
		}
		if policy.Allowed(key) == nil {
			return nil, errors.New((&policy.SettingError{Key: key, Allowed: policy.Keys(), UnknownKey: true}).Error())
		}
		out[key] = text
	}
	return out, nil
}
