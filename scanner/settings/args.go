package settings

import (
	"maps"
	"slices"
	"strings"
)

// argPrefix begins the names of our build arguments; the rest is a setting's
// key in upper case with underscores.
const argPrefix = "MICROSCANNER_"

// IsArg reports whether a build argument is ours, well spelt or not. Such an
// argument is not for the Dockerfile.
func IsArg(name string) bool { return strings.HasPrefix(strings.ToUpper(name), argPrefix) }

// ArgName is the build argument of a setting: MICROSCANNER_FAIL_ON of fail-on.
func ArgName(key string) string {
	return argPrefix + strings.ReplaceAll(strings.ToUpper(key), "-", "_")
}

// ParseArgs reads build arguments, by name, all of which are ours.
func ParseArgs(args map[string]string) (Layer, error) {
	keys := map[string]string{}
	for _, key := range Keys() {
		if key != KeyIgnore { // which takes more than a line
			keys[ArgName(key)] = key
		}
	}
	var l Layer
	// In order, so that of two wrong settings always the same is reported.
	for _, name := range slices.Sorted(maps.Keys(args)) {
		place := Place{Text: "--build-arg " + clip(name)}
		key, ok := keys[name]
		if name == ArgName(KeyIgnore) {
			return Layer{}, misplaced(KeyIgnore, place)
		}
		if !ok {
			known := slices.Sorted(maps.Keys(keys))
			return Layer{}, &Error{Place: place, text: "there is no setting " + clip(name) + "; the build arguments are " + strings.Join(known, ", ")}
		}
		if err := l.add(key, words(key, args[name]), place); err != nil {
			return Layer{}, err
		}
	}
	return l, nil
}
