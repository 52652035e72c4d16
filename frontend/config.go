package frontend

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/subrequests"

	"github.com/example/microscanner-frontend/scanner/policy"
)

// The options of a build that this frontend reads itself.
const (
	optBuildArg  = "build-arg:" // before a build argument's name
	optRequestID = "requestid"
	optSource    = "source" // the image that this program was called as
	optTarget    = "target"
	// optResolveMode says whether images are looked up in their registry
	// although they are here already.
	optResolveMode = "image-resolve-mode"

	// argPrefix begins the names of our build arguments; the rest is a
	// setting's key in upper case with underscores. They never reach the
	// Dockerfile.
	argPrefix = "MICROSCANNER_"

	keyDB = "db"
	argDB = argPrefix + "DB"
)

// What a build asks for, beside an image.
const (
	requestImage    = ""
	requestScan     = "frontend.scan" // docker buildx build --call=scan
	requestDescribe = subrequests.RequestSubrequestsDescribe
)

// config is what a build's options say of the scan.
type config struct {
	policy policy.Policy
	// database is a named context or an image; empty means the database inside
	// the frontend's image.
	database string
	target   string // the Dockerfile stage that was asked for, or empty
	request  string // a subrequest, or empty
}

// readConfig reads our settings from a build's options. It returns the options
// without them for the Dockerfile frontend, which would warn of build arguments
// that no instruction uses.
func readConfig(opts map[string]string) (config, map[string]string, error) {
	cfg := config{policy: policy.Default(), target: opts[optTarget], request: opts[optRequestID]}
	rest := maps.Clone(opts)
	// In order, so that of two wrong settings always the same is reported.
	for _, opt := range slices.Sorted(maps.Keys(opts)) {
		arg, ok := strings.CutPrefix(opt, optBuildArg)
		if !ok || !strings.HasPrefix(strings.ToUpper(arg), argPrefix) {
			continue
		}
		if err := cfg.set(arg, opts[opt]); err != nil {
			return config{}, nil, err
		}
		delete(rest, opt)
	}
	if cfg.request == requestScan {
		delete(rest, optRequestID)
	}
	return cfg, rest, nil
}

func (c *config) set(arg, value string) error {
	key := settingKey(arg)
	switch {
	case !slices.Contains(argNames(), arg):
		return fmt.Errorf("microscanner: error: there is no setting %s: the build arguments are %s", arg, strings.Join(argNames(), ", "))
	case key == keyDB && strings.TrimSpace(value) == "":
		return fmt.Errorf("microscanner: error: build argument %s is empty: give an image reference or the name of a named context, or leave it out", arg)
	case key == keyDB:
		c.database = value
		return nil
	}
	if err := c.policy.Set(key, value, "--build-arg "+arg); err != nil {
		return fmt.Errorf("microscanner: error: build argument %s cannot be %q: allowed are %s", arg, value, strings.Join(policy.Allowed(key), ", "))
	}
	return nil
}

// settingKey turns MICROSCANNER_FAIL_ON into fail-on, and argName the other way.
func settingKey(arg string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(arg, argPrefix)), "_", "-")
}

func argName(key string) string {
	return argPrefix + strings.ReplaceAll(strings.ToUpper(key), "-", "_")
}

func argNames() []string {
	names := []string{argDB}
	for _, key := range policy.Keys() {
		names = append(names, argName(key))
	}
	slices.Sort(names)
	return names
}

// scannerFlags are the settings as the scanner's command line takes them, with
// the places that they came from. What nobody set is the scanner's own default.
func (c config) scannerFlags(platform string) []string {
	flags := []string{"--platform=" + platform}
	if c.target != "" {
		flags = append(flags, "--target="+c.target)
	}
	values := c.policy.Values()
	for _, key := range policy.Keys() {
		if v := values[key]; v.From != policy.OriginDefault {
			flags = append(flags, "--"+key+"="+v.Value, "--origin="+key+"="+v.From)
		}
	}
	return flags
}
