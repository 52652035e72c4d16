// Package settings reads what users set, from every place where they can set
// it, and merges the places into one typed value: the policy baked into an
// organisation's own frontend image, build arguments, the directive # scan= of
// a Dockerfile, the file .microscanner.yaml, and the defaults.
//
// It parses text and merges values. Where the text comes from is its callers'
// business.
package settings

import (
	"slices"
	"strconv"
	"strings"

	"github.com/example/microscanner-frontend/scanner/policy"
)

// FileName is the settings' file, at the root of a build context.
const FileName = ".microscanner.yaml"

// Rescan says when a rootfs is scanned again.
type Rescan string

// The values of KeyRescan.
const (
	RescanAlways   Rescan = "always"
	RescanOnChange Rescan = "on-change" // only if the rootfs, the scanner, the database or the policy changed
)

// Result is what a build exports.
type Result string

// The values of KeyResult.
const (
	ResultImage  Result = "image"
	ResultReport Result = "report" // the reports, instead of the image
)

// Stages says which stages of a Dockerfile are scanned beside the one that is
// built. The zero value is none of them.
type Stages struct {
	All   bool
	Names []string // sorted; empty if All
}

// The words of KeyStages that name no stage.
const (
	stagesFinal = "final"
	stagesAll   = "all"
)

// String is the setting's value: "final", "all", or the names.
func (s Stages) String() string {
	switch {
	case s.All:
		return stagesAll
	case len(s.Names) == 0:
		return stagesFinal
	}
	return strings.Join(s.Names, ",")
}

// Settings is all that can be set. The zero value is no settings; see Default.
type Settings struct {
	// Policy is the settings of the gate. Its origins are texts of Place.
	Policy policy.Policy
	// Ignore are the entries of the ignore lists.
	Ignore []policy.Suppression
	// VEX are paths of OpenVEX documents in the build context, slash-separated,
	// clean, and below its root.
	VEX []string
	// Database is an image reference or the name of a named context; empty
	// means the database in the frontend's image.
	Database string
	Server   string // URL of a token service; may be empty
	Stages   Stages
	// GateStages says that findings in the other stages fail the gate too.
	GateStages bool
	Rescan     Rescan
	Attest     bool   // attach the report to the image
	Frontend   string // image of the frontend to build with; empty means the built-in one
	Result     Result

	places map[string]Place
}

// Default is the settings where nothing is set.
func Default() Settings {
	return Settings{Policy: policy.Default(), Rescan: RescanAlways, Result: ResultImage}
}

// Place says where a setting was set. It is the zero value for a default.
func (s *Settings) Place(key string) Place { return s.places[key] }

// Values lists the settings in force, by key: all of the policy's, and of the
// others those that somebody set. A list is shown as it is written in a
// directive; of the ignore list it shows the number of entries.
func (s *Settings) Values() map[string]policy.Value {
	values := s.Policy.Values()
	for key, place := range s.places {
		if _, ok := values[key]; !ok {
			values[key] = policy.Value{Value: s.value(key), From: place.Text}
		}
	}
	return values
}

// value is a setting as text.
func (s *Settings) value(key string) string {
	switch key {
	case KeyIgnore:
		if len(s.Ignore) == 1 {
			return "1 entry"
		}
		return strconv.Itoa(len(s.Ignore)) + " entries"
	case KeyVEX:
		return strings.Join(s.VEX, ",")
	case KeyDB:
		return s.Database
	case KeyServer:
		return s.Server
	case KeyStages:
		return s.Stages.String()
	case KeyGateStages:
		return strconv.FormatBool(s.GateStages)
	case KeyRescan:
		return string(s.Rescan)
	case KeyAttest:
		return strconv.FormatBool(s.Attest)
	case KeyFrontend:
		return s.Frontend
	case KeyResult:
		return string(s.Result)
	}
	return s.Policy.Values()[key].Value
}

// set gives a setting its value; words are several only for a list. The error
// is a *policy.SettingError.
func (s *Settings) set(key string, words []string, place Place) error {
	value := strings.Join(words, ",")
	if policy.Allowed(key) != nil {
		if err := s.Policy.Set(key, value, place.Text); err != nil {
			return err
		}
		s.note(key, place)
		return nil
	}
	if Allowed(key) == nil {
		return &policy.SettingError{Key: key, Value: value, Origin: place.Text, Allowed: Keys(), UnknownKey: true}
	}
	if !s.setOwn(key, words, value) {
		return &policy.SettingError{Key: key, Value: shown(key, value), Origin: place.Text, Allowed: Allowed(key)}
	}
	s.note(key, place)
	return nil
}

// setOwn sets what is not the policy's. It reports whether the value is one
// that the setting can have.
func (s *Settings) setOwn(key string, words []string, value string) (ok bool) {
	switch key {
	case KeyVEX:
		s.VEX, ok = vexPaths(words)
	case KeyDB:
		s.Database, ok = value, reference(value)
	case KeyServer:
		s.Server, ok = value, serverURL(value)
	case KeyStages:
		s.Stages, ok = stages(words)
	case KeyGateStages:
		s.GateStages, ok = boolean(value)
	case KeyRescan:
		s.Rescan = Rescan(strings.ToLower(value))
		ok = slices.Contains([]Rescan{RescanAlways, RescanOnChange}, s.Rescan)
	case KeyAttest:
		s.Attest, ok = boolean(value)
	case KeyFrontend:
		s.Frontend, ok = value, reference(value)
	case KeyResult:
		s.Result = Result(strings.ToLower(value))
		ok = slices.Contains([]Result{ResultImage, ResultReport}, s.Result)
	}
	return ok
}

func (s *Settings) note(key string, place Place) {
	if s.places == nil {
		s.places = map[string]Place{}
	}
	s.places[key] = place
}
