package settings

import (
	"net"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/example/microscanner-frontend/scanner/policy"
)

// The keys of the settings, as users write them, beside those of the policy
// (policy.Keys).
const (
	KeyIgnore     = "ignore" // only in files
	KeyVEX        = "vex"
	KeyDB         = "db"
	KeyServer     = "server"
	KeyStages     = "stages"
	KeyGateStages = "gate-stages"
	KeyRescan     = "rescan"
	KeyAttest     = "attest"
	KeyFrontend   = "frontend"
	KeyResult     = "result" // only a build argument

	// keyAllow is the key of a policy file that lists the settings which
	// builds may set as they like.
	keyAllow = "allow"
)

// Keys lists all settings in the order in which they are shown.
func Keys() []string {
	return append(policy.Keys(), KeyIgnore, KeyVEX, KeyDB, KeyServer, KeyStages, KeyGateStages,
		KeyRescan, KeyAttest, KeyFrontend, KeyResult)
}

// Allowed lists the values that a setting can have, or says in words what they
// are; nil for an unknown key.
func Allowed(key string) []string {
	switch key {
	case KeyIgnore:
		return []string{"a list of entries with id, package, reason and expires in " + FileName}
	case KeyVEX:
		return []string{"paths of OpenVEX documents in the build context"}
	case KeyDB:
		return []string{"an image reference", "the name of a named context"}
	case KeyServer:
		return []string{"an https URL without a user name", "an http one of the builder itself"}
	case KeyStages:
		return []string{stagesFinal, stagesAll, "names of stages"}
	case KeyGateStages, KeyAttest:
		return []string{"true", "false"}
	case KeyRescan:
		return []string{string(RescanAlways), string(RescanOnChange)}
	case KeyFrontend:
		return []string{"an image reference"}
	case KeyResult:
		return []string{string(ResultImage), string(ResultReport)}
	}
	return policy.Allowed(key)
}

// isList reports whether a setting takes several values.
func isList(key string) bool { return key == KeyVEX || key == KeyStages }

// Limits that no honest user meets.
const (
	maxWord  = 4096 // bytes of a value
	maxWords = 100  // values of a list
)

// words splits the value of a list at commas.
func words(key, value string) []string {
	if !isList(key) {
		return []string{strings.TrimSpace(value)}
	}
	var out []string
	for word := range strings.SplitSeq(value, ",") {
		out = append(out, strings.TrimSpace(word))
	}
	return out
}

func boolean(value string) (is, ok bool) {
	switch strings.ToLower(value) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// reference reports whether a value may be the name of an image or of a named
// context. Whether it is one turns out when it is looked up.
func reference(value string) bool {
	return value != "" && len(value) <= maxWord && !strings.ContainsFunc(value, unicode.IsControl)
}

// serverURL takes no user name or password: the URL is shown in the report. Nor
// does it take one by which the token would go over a network in the clear.
func serverURL(value string) bool {
	u, err := url.Parse(value)
	return err == nil && len(value) <= maxWord && !strings.ContainsFunc(value, unicode.IsControl) &&
		(u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())) &&
		u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// shown is a value as errors repeat it: without what may be a password.
func shown(key, value string) string {
	if at := strings.LastIndex(value, "@"); key == KeyServer && at >= 0 {
		return "…" + value[at:]
	}
	return value
}

func stages(names []string) (Stages, bool) {
	if len(names) == 1 {
		switch strings.ToLower(names[0]) {
		case stagesFinal:
			return Stages{}, true
		case stagesAll:
			return Stages{All: true}, true
		}
	}
	if len(names) == 0 || len(names) > maxWords {
		return Stages{}, false
	}
	out := make([]string, 0, len(names))
	for _, n := range names {
		n = strings.ToLower(n) // as BuildKit compares them
		if n == stagesFinal || n == stagesAll || !stageName(n) {
			return Stages{}, false
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return Stages{Names: slices.Compact(out)}, true
}

// stageName reports whether a stage of a Dockerfile can be called so; a number
// counts the stages.
func stageName(name string) bool {
	return name != "" && len(name) <= maxWord && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	})
}

// vexPaths refuses patterns, which BuildKit would expand.
func vexPaths(names []string) ([]string, bool) {
	if len(names) > maxWords {
		return nil, false
	}
	var out []string
	for _, n := range names {
		clean := path.Clean(n)
		if n == "" || len(n) > maxWord || path.IsAbs(clean) || clean == "." || clean == ".." || strings.HasPrefix(clean, "../") ||
			strings.ContainsAny(n, `*?[]\`) || strings.ContainsFunc(n, unicode.IsControl) {
			return nil, false
		}
		if !slices.Contains(out, clean) {
			out = append(out, clean)
		}
	}
	return out, true
}
