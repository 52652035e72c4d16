package settings

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/example/microscanner-frontend/scanner/policy"
)

// Lock is the policy that an organisation bakes into its own frontend image.
// The zero value is none: it locks nothing.
//
// A lock holds for every setting, also for those that its file does not name:
// they are locked to their defaults. A build may make a locked setting
// stricter, and never laxer; where there is no order of strictness, it may not
// change it. The settings that the file lists under "allow" are free: its
// values for them are only defaults of its own.
type Lock struct {
	name  string
	layer Layer
	allow []string
}

// ParseLock reads a policy file: a .microscanner.yaml with the additional key
// "allow". The name is for errors and origins.
func ParseLock(name string, dt []byte) (Lock, error) {
	lock := Lock{name: name}
	f := file{name: name}
	err := f.parse(dt, func(key string, value *yaml.Node) (err error) {
		switch key {
		case keyAllow:
			lock.allow, err = f.allowed(value)
			return err
		case KeyResult, KeyVEX:
			return wrong(f.at(value), "the setting %s cannot be set here, because it is a build's; %s can list it", key, keyAllow)
		}
		return f.setting(key, value)
	})
	lock.layer = f.layer
	return lock, err
}

func (f *file) allowed(value *yaml.Node) ([]string, error) {
	keys, err := f.list(keyAllow, value, true)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if !slices.Contains(Keys(), key) {
			return nil, wrong(f.at(value), "%s cannot list %q; the settings are %s", keyAllow, clip(key), strings.Join(Keys(), ", "))
		}
	}
	return keys, nil
}

// Merge makes the settings of a build. Layers come strongest first: what a
// layer sets, the later ones cannot change; nor can they put fail-on-new in the
// place of its fail-on. Ignore lists add up. The lock is
// above all of them: what is in force and laxer than it is an error, an *Error
// like every other.
func Merge(lock Lock, layers ...Layer) (Settings, error) {
	locked := Default()
	if err := lock.layer.apply(&locked); err != nil {
		return Settings{}, err
	}
	out := Default()
	if err := lock.layer.apply(&out); err != nil {
		return Settings{}, err
	}
	for _, l := range slices.Backward(layers) {
		if err := l.apply(&out); err != nil {
			return Settings{}, err
		}
		if err := l.overrule(&out, &locked); err != nil {
			return Settings{}, err
		}
	}
	if err := lock.check(&locked, &out); err != nil {
		return Settings{}, err
	}
	if err := out.checkServer(); err != nil {
		return Settings{}, err
	}
	return out, nil
}

// overrule ends a fail-on-new of a weaker place if the layer sets fail-on and not
// fail-on-new: it would be in force instead of that, so that the stronger place
// had no say. What the lock says of fail-on-new holds again then.
func (l Layer) overrule(out, locked *Settings) error {
	gate, ok := l.find(policy.KeyFailOn)
	if _, both := l.find(policy.KeyFailOnNew); !ok || both || out.Place(policy.KeyFailOnNew) == locked.Place(policy.KeyFailOnNew) {
		return nil
	}
	place := cmp.Or(locked.Place(policy.KeyFailOnNew), gate.place)
	return out.set(policy.KeyFailOnNew, []string{locked.value(policy.KeyFailOnNew)}, place)
}

// checkServer refuses a database beside a token service, which has its own.
func (s *Settings) checkServer() error {
	if s.Server == "" || s.Database == "" {
		return nil
	}
	return wrong(s.Place(KeyDB), "the setting %s has no meaning beside %s=%s (%s): the service has the database; leave one of the two out",
		KeyDB, KeyServer, clip(s.Server), s.Place(KeyServer).Text)
}

// Locks reports whether the lock says what a setting can be. One that is free,
// it does not lock.
func (l Lock) Locks(key string) bool {
	return l.name != "" && key != KeyResult && !slices.Contains(l.allow, key)
}

// check refuses settings that loosen the lock.
func (l Lock) check(locked, got *Settings) error {
	for _, key := range Keys() {
		if !l.Locks(key) || !looser(key, locked, got) {
			continue
		}
		by := l.name
		if p := locked.Place(key); p.Text != "" {
			by = p.Text
		}
		switch key {
		case KeyIgnore, KeyVEX:
			return wrong(got.Place(key), "the setting %s is locked: the policy of this frontend (%s) does not allow builds to leave findings out", key, by)
		}
		value := locked.value(key)
		if value == "" {
			value = "its default"
		}
		return wrong(got.Place(key), "the setting %s cannot be %q here: the policy of this frontend (%s) locks it to %s%s", key, clip(got.value(key)), by, value, stricter(key))
	}
	return nil
}

// stricter says what a build may do with a locked setting.
func stricter(key string) string {
	switch key {
	case KeyDB, KeyServer, KeyFrontend:
		return ""
	}
	return ", and builds may only make it stricter"
}

// looser reports whether a build's setting lets more pass than the locked one,
// or, where there is no more or less, is another one. A key that is missing
// here is locked to its value.
func looser(key string, locked, got *Settings) bool {
	was, is := locked.Policy, got.Policy
	switch key {
	case policy.KeyFailOn:
		return laxer(is.FailOn, was.FailOn)
	case policy.KeyFailOnNew:
		if was.FailOnNew == policy.Never {
			return is.FailOnNew != policy.Never // what the base image has would not count
		}
		return laxer(is.Gate(), was.Gate())
	case policy.KeyIgnoreUnfixed:
		return is.IgnoreUnfixed && !was.IgnoreUnfixed
	case policy.KeyKernelHeaders:
		return !is.KernelHeaders && was.KernelHeaders
	case policy.KeyOnUnsupported:
		return is.OnUnsupported == policy.Warn && was.OnUnsupported == policy.Fail
	case policy.KeyOnNoPackages:
		return is.OnNoPackages == policy.Warn && was.OnNoPackages == policy.Fail
	case policy.KeyOnPartial:
		return is.OnPartial == policy.Warn && was.OnPartial == policy.Fail
	case policy.KeyMaxDBAge:
		return is.MaxDBAge != was.MaxDBAge && was.MaxDBAge != 0 && (is.MaxDBAge == 0 || is.MaxDBAge > was.MaxDBAge)
	case KeyIgnore:
		return len(got.Ignore) > len(locked.Ignore)
	case KeyVEX:
		return len(got.VEX) > 0
	case KeyStages:
		return !got.Stages.covers(locked.Stages)
	case KeyGateStages:
		return !got.GateStages && locked.GateStages
	case KeyRescan:
		return got.Rescan == RescanOnChange && locked.Rescan == RescanAlways
	case KeyAttest:
		return !got.Attest && locked.Attest
	}
	return got.value(key) != locked.value(key)
}

// laxer reports whether more severities pass at a threshold than at another.
func laxer(is, was policy.Threshold) bool {
	return is != was && was != policy.Never && (is == policy.Never || is > was)
}

// covers reports whether all stages of other are among those of s.
func (s Stages) covers(other Stages) bool {
	if s.All || other.All {
		return s.All
	}
	return !slices.ContainsFunc(other.Names, func(n string) bool { return !slices.Contains(s.Names, n) })
}
