// Package policy says what a scan does with its findings: the settings of the
// gate, and the verdict that follows from them.
package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/severity"
)

// The keys of the settings that the gate knows, as users write them.
const (
	KeyFailOn        = "fail-on"
	KeyFailOnNew     = "fail-on-new"
	KeyIgnoreUnfixed = "ignore-unfixed"
	KeyOnUnsupported = "on-unsupported"
	KeyOnNoPackages  = "on-no-packages"
	KeyOnPartial     = "on-partial"
	KeyKernelHeaders = "kernel-headers"
	KeyMaxDBAge      = "max-db-age"
)

// Keys lists the settings in the order in which they are shown.
func Keys() []string {
	return []string{
		KeyFailOn, KeyFailOnNew, KeyIgnoreUnfixed, KeyOnUnsupported, KeyOnNoPackages, KeyOnPartial, KeyKernelHeaders, KeyMaxDBAge,
	}
}

// OriginDefault is the origin of a value that nobody set.
const OriginDefault = "default"

// none is the value of a setting that is not in force.
const none = "none"

// Action is what follows when a rootfs could not be assessed, or not fully.
type Action string

// The actions.
const (
	Fail Action = "fail"
	Warn Action = "warn"
)

// Threshold is the least severity that fails the gate. The zero value is
// severity.Unknown, which stands for never.
type Threshold severity.Severity

// Never is the threshold that no finding reaches.
const Never Threshold = Threshold(severity.Unknown)

// String is the word of the setting: a severity, or "never".
func (t Threshold) String() string {
	if t == Never {
		return "never"
	}
	return severity.Severity(t).String()
}

// Reached reports whether a finding of severity s fails the gate. A finding
// that nobody rated counts as negligible.
func (t Threshold) Reached(s severity.Severity) bool {
	return t != Never && max(s, severity.Negligible) >= severity.Severity(t)
}

// Policy is the settings of the gate. The zero value is no policy; see Default.
type Policy struct {
	FailOn Threshold
	// FailOnNew is in force in place of FailOn unless it is Never: then only what
	// the Dockerfile adds to its base image fails the gate. A finding of which
	// nobody knows where it comes from counts as added.
	FailOnNew     Threshold
	IgnoreUnfixed bool   // findings without a fix do not fail the gate
	OnUnsupported Action // an operating system without advisories, or past its end of life
	OnNoPackages  Action // a rootfs without any package database
	OnPartial     Action // packages or versions that cannot be read
	// KernelHeaders makes findings of the flaws of the kernel in packages that
	// have only its headers.
	KernelHeaders bool
	// MaxDBAge is the age of the advisory database, or of the oldest feed in it,
	// above which nothing passes; 0 if there is no such age.
	MaxDBAge time.Duration

	origins map[string]string
}

// Default is the policy where nothing is set.
func Default() Policy {
	return Policy{FailOn: Threshold(severity.High), OnUnsupported: Fail, OnNoPackages: Warn, OnPartial: Fail}
}

// Gate is the least severity that fails the gate, whichever setting says so.
func (p Policy) Gate() Threshold {
	if p.FailOnNew != Never {
		return p.FailOnNew
	}
	return p.FailOn
}

// SettingError is a setting that cannot be used.
type SettingError struct {
	Key, Value string
	Origin     string   // where the value came from; may be empty
	Allowed    []string // the values that would be right, or the keys if Key is none of them
	UnknownKey bool
}

// Error names the key, the value, its place, and what would be right.
func (e *SettingError) Error() string {
	place := ""
	if e.Origin != "" {
		place = " (" + e.Origin + ")"
	}
	allowed := strings.Join(e.Allowed, ", ")
	if e.UnknownKey {
		return fmt.Sprintf("there is no setting %q%s; the settings are %s", e.Key, place, allowed)
	}
	return fmt.Sprintf("the setting %s cannot be %q%s; allowed are %s", e.Key, e.Value, place, allowed)
}

// Allowed lists the values that a setting can have, nil for an unknown key. Of
// KeyMaxDBAge it names an example.
func Allowed(key string) []string {
	switch key {
	case KeyFailOn:
		return []string{"critical", "high", "medium", "low", "negligible", Never.String()}
	case KeyFailOnNew:
		return []string{"critical", "high", "medium", "low", "negligible", none}
	case KeyIgnoreUnfixed, KeyKernelHeaders:
		return []string{"true", "false"}
	case KeyOnUnsupported, KeyOnNoPackages, KeyOnPartial:
		return []string{string(Fail), string(Warn)}
	case KeyMaxDBAge:
		return []string{none, "a number of days such as 7d", "a number of hours such as 36h"}
	}
	return nil
}

// Set gives a setting a value and notes where the value came from: a text for
// people such as "--build-arg MICROSCANNER_FAIL_ON". Case does not matter in
// the value. The error is a *SettingError.
func (p *Policy) Set(key, value, origin string) error {
	allowed := Allowed(key)
	if allowed == nil {
		return &SettingError{Key: key, Value: value, Origin: origin, Allowed: Keys(), UnknownKey: true}
	}
	if !p.set(key, value, allowed) {
		return &SettingError{Key: key, Value: value, Origin: origin, Allowed: allowed}
	}
	origins := map[string]string{key: origin}
	for k, o := range p.origins {
		if k != key {
			origins[k] = o
		}
	}
	p.origins = origins // a new map: a copied Policy does not see this change
	return nil
}

// set reports whether the value is one that the setting can have.
func (p *Policy) set(key, value string, allowed []string) (ok bool) {
	if key == KeyMaxDBAge {
		p.MaxDBAge, ok = parseAge(value, p.MaxDBAge)
		return ok
	}
	word, ok := oneOf(allowed, value)
	if !ok {
		return false
	}
	switch key {
	case KeyFailOn:
		p.FailOn = threshold(word)
	case KeyFailOnNew:
		p.FailOnNew = threshold(word)
	case KeyIgnoreUnfixed:
		p.IgnoreUnfixed = word == "true"
	case KeyOnUnsupported:
		p.OnUnsupported = Action(word)
	case KeyOnNoPackages:
		p.OnNoPackages = Action(word)
	case KeyOnPartial:
		p.OnPartial = Action(word)
	case KeyKernelHeaders:
		p.KernelHeaders = word == "true"
	}
	return true
}

func oneOf(words []string, value string) (string, bool) {
	for _, w := range words {
		if strings.EqualFold(w, value) {
			return w, true
		}
	}
	return "", false
}

// threshold reads an allowed value of KeyFailOn or KeyFailOnNew.
func threshold(word string) Threshold {
	for _, s := range severity.All() {
		if s.String() == word {
			return Threshold(s)
		}
	}
	return Never
}

// Value is a setting as it was in force.
type Value struct {
	Value string `json:"value"`
	From  string `json:"from"` // where the value came from
}

// Values lists the settings in force, by key.
func (p Policy) Values() map[string]Value {
	values := map[string]string{
		KeyFailOn:        p.FailOn.String(),
		KeyFailOnNew:     formatNew(p.FailOnNew),
		KeyIgnoreUnfixed: fmt.Sprint(p.IgnoreUnfixed),
		KeyOnUnsupported: string(p.OnUnsupported),
		KeyOnNoPackages:  string(p.OnNoPackages),
		KeyOnPartial:     string(p.OnPartial),
		KeyKernelHeaders: fmt.Sprint(p.KernelHeaders),
		KeyMaxDBAge:      FormatAge(p.MaxDBAge),
	}
	out := make(map[string]Value, len(values))
	for k, v := range values {
		out[k] = Value{v, p.Origin(k)}
	}
	return out
}

// formatNew is a value of KeyFailOnNew.
func formatNew(t Threshold) string {
	if t == Never {
		return none
	}
	return t.String()
}

// Origin says where the value of a setting came from.
func (p Policy) Origin(key string) string {
	if o, ok := p.origins[key]; ok && o != "" {
		return o
	}
	return OriginDefault
}
