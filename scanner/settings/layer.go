package settings

import (
	"errors"
	"fmt"

	"github.com/example/microscanner-frontend/scanner/policy"
)

// Place is where a setting stands.
type Place struct {
	Text string // for people: "--build-arg MICROSCANNER_FAIL_ON", ".microscanner.yaml, line 3"
	File string // name of the file; empty for a build argument
	Line int    // counted from 1; 0 if there is none
}

func lineOf(file string, line int) Place {
	return Place{Text: fmt.Sprintf("%s, line %d", file, line), File: file, Line: line}
}

// Error is a setting that cannot be used. Its text names the place.
type Error struct {
	Place Place
	text  string
}

// Error says what is wrong, where, and what would be right.
func (e *Error) Error() string { return e.text }

// wrong is an error about a place, which the text ends in.
func wrong(place Place, format string, args ...any) error {
	return &Error{Place: place, text: fmt.Sprintf(format, args...) + " (" + place.Text + ")"}
}

// Layer is what one place sets. The zero value sets nothing.
type Layer struct {
	values []assignment
	ignore []entry
}

// assignment is a setting and its value, which was checked.
type assignment struct {
	key   string
	words []string
	place Place
}

// entry is one entry of an ignore list.
type entry struct {
	policy.Suppression
	place Place
}

// add checks a value and keeps it. A key can be set once in each place.
func (l *Layer) add(key string, words []string, place Place) error {
	if a, ok := l.find(key); ok {
		return wrong(place, "the setting %s is set twice, first in %s", key, a.place.Text)
	}
	scratch := Default()
	if err := scratch.set(key, words, place); err != nil {
		return explain(err, place)
	}
	l.values = append(l.values, assignment{key, words, place})
	return nil
}

// find returns what the layer sets a setting to, if it does.
func (l Layer) find(key string) (assignment, bool) {
	for _, a := range l.values {
		if a.key == key {
			return a, true
		}
	}
	return assignment{}, false
}

// explain turns an error of set into one that knows its place.
func explain(err error, place Place) error {
	var bad *policy.SettingError
	if errors.As(err, &bad) && bad.UnknownKey {
		bad.Allowed = Keys() // the policy knows its own
	}
	if errors.As(err, &bad) {
		bad.Key, bad.Value = clip(bad.Key), clip(bad.Value)
	}
	return &Error{Place: place, text: err.Error()}
}

// clip shortens what an error repeats.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// apply sets what the layer sets.
func (l Layer) apply(s *Settings) error {
	for _, a := range l.values {
		if err := s.set(a.key, a.words, a.place); err != nil {
			return explain(err, a.place)
		}
	}
	for _, e := range l.ignore {
		s.Ignore = append(s.Ignore, e.Suppression)
	}
	if len(l.ignore) > 0 {
		s.note(KeyIgnore, l.ignore[0].place)
	}
	return nil
}
