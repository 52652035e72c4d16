package settings

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseDirective reads the value of the directive "# scan=" in a line of a
// Dockerfile: settings as key=value, with semicolons between them. A value that
// holds a semicolon, or begins with a quote, is written in double quotes, in
// which a backslash stands before a quote and before another backslash.
func ParseDirective(text, file string, line int) (Layer, error) {
	place := lineOf(file, line)
	place.Text += " (# scan=)"
	var l Layer
	rest := strings.TrimSpace(text)
	for rest != "" {
		var key, value string
		var err error
		if key, value, rest, err = nextPair(rest); err != nil {
			return Layer{}, wrong(place, "the directive # scan= cannot be read: %v", err)
		}
		if key == KeyIgnore || key == KeyResult {
			return Layer{}, misplaced(key, place)
		}
		if err := l.add(key, words(key, value), place); err != nil {
			return Layer{}, err
		}
	}
	return l, nil
}

// nextPair cuts the first key=value off a directive.
func nextPair(text string) (key, value, rest string, err error) {
	key, rest, ok := strings.Cut(text, "=")
	key = strings.TrimSpace(key)
	if !ok || key == "" || strings.Contains(key, ";") {
		pair, _, _ := strings.Cut(text, ";")
		return "", "", "", fmt.Errorf("%q is not of the form key=value", clip(pair))
	}
	rest = strings.TrimLeft(rest, " \t")
	if !strings.HasPrefix(rest, `"`) {
		value, rest, _ = strings.Cut(rest, ";")
		return key, strings.TrimSpace(value), strings.TrimSpace(rest), nil
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return "", "", "", fmt.Errorf("the value of %q begins with a quote and does not end with one", clip(key))
	}
	if value, err = strconv.Unquote(quoted); err != nil {
		return "", "", "", fmt.Errorf("the quoted value of %q cannot be read", clip(key))
	}
	rest = strings.TrimSpace(rest[len(quoted):])
	if rest != "" && !strings.HasPrefix(rest, ";") {
		return "", "", "", fmt.Errorf("a semicolon is missing behind the quoted value of %q", clip(key))
	}
	return key, value, strings.TrimSpace(strings.TrimPrefix(rest, ";")), nil
}

// misplaced is the error of a setting that cannot be set in a place.
func misplaced(key string, place Place) error {
	where := "in a build's " + FileName
	if key == KeyResult {
		where = "as --build-arg " + ArgName(key) + ", because it is one build's"
	}
	return wrong(place, "the setting %s cannot be set here, only %s", key, where)
}
