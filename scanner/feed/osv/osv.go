// Package osv decodes records of the Open Source Vulnerability format
// (https://ossf.github.io/osv-schema/), which many distributions publish their
// advisories in: an archive with one document a record.
package osv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// MaxRecord is the size of the largest record that is read, in bytes. The
// largest real ones are those of kernels, below 2 MiB.
const MaxRecord = 16 << 20

// maxObjects is how many objects a record may have. An object takes as little
// as two bytes in the text, and some hundred in memory. The largest real
// records have some ten thousand.
const maxObjects = 500_000

// ErrMalformed is wrapped by the errors of Decode that are about the record,
// and not about reading it.
var ErrMalformed = errors.New("this is not a record of OSV")

// Record is one record. Members that no importer looks at are left out.
type Record struct {
	ID        string   `json:"id"`
	Summary   string   `json:"summary"`
	Details   string   `json:"details"`
	Published string   `json:"published"` // RFC 3339
	Modified  string   `json:"modified"`  // RFC 3339
	Withdrawn string   `json:"withdrawn"` // RFC 3339; empty unless it was
	Aliases   []string `json:"aliases"`   // the same vulnerability
	Related   []string `json:"related"`
	Upstream  []string `json:"upstream"` // what the record's own builds on

	Severity         []Severity      `json:"severity"`
	Affected         []Affected      `json:"affected"`
	References       []Reference     `json:"references"`
	DatabaseSpecific json.RawMessage `json:"database_specific"`
}

// Severity is a rating: a vector of CVSS with the types CVSS_V2 to CVSS_V4, a
// word of Ubuntu with the type Ubuntu.
type Severity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

// Reference is an address with more about the record. Type is ADVISORY for the
// vendor's own page.
type Reference struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

// Affected is what a record says of one package.
type Affected struct {
	Package           Package         `json:"package"`
	Ranges            []Range         `json:"ranges"`
	Versions          []string        `json:"versions"`
	Severity          []Severity      `json:"severity"`
	EcosystemSpecific json.RawMessage `json:"ecosystem_specific"`
	DatabaseSpecific  json.RawMessage `json:"database_specific"`
}

// Package names a package. Ecosystem is a distribution, mostly with a release:
// "AlmaLinux:9".
type Package struct {
	Ecosystem string `json:"ecosystem"`
	Name      string `json:"name"`
	Purl      string `json:"purl"`
}

// Range is a list of events in the order of versions. Distributions use the
// type ECOSYSTEM.
type Range struct {
	Type   string  `json:"type"`
	Events []Event `json:"events"`
}

// Event is where a vulnerability comes or goes; one of the members is set. The
// version "0" is before every other.
type Event struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
}

// Release is what follows the ecosystem's name: "9" of "AlmaLinux:9". It is
// false for a package of another ecosystem.
func (p Package) Release(ecosystem string) (string, bool) {
	name, release, _ := strings.Cut(p.Ecosystem, ":")
	return release, name == ecosystem
}

// CVEs lists the CVE ids that a record is about, sorted: in its id, its aliases,
// and what it is upstream of or related to, as vendors' advisories name them.
func (r *Record) CVEs() []string {
	var out []string
	for _, id := range slices.Concat([]string{r.ID}, r.Aliases, r.Upstream, r.Related) {
		if id = advisory.NormalizeID(id); strings.HasPrefix(id, "CVE-") {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Fixes lists the first fixed version of each range of versions; an empty one
// stands for a range that no version ends.
func (a *Affected) Fixes() []string {
	var out []string
	for _, r := range a.Ranges {
		if r.Type != "ECOSYSTEM" {
			continue
		}
		open := false
		for _, e := range r.Events {
			switch {
			case e.Introduced != "":
				open = true
			case e.Fixed != "":
				out, open = append(out, e.Fixed), false
			}
		}
		if open {
			out = append(out, "")
		}
	}
	return out
}

// Day is the date in a time of RFC 3339, in the form of advisory.Record; empty
// if there is none.
func Day(timestamp string) string {
	day, _, _ := strings.Cut(timestamp, "T")
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return ""
	}
	return day
}

// Decode reads a document with one record. An error about the record wraps
// ErrMalformed; any other one is of r.
func Decode(r io.Reader) (Record, error) {
	var rec Record
	text, err := io.ReadAll(io.LimitReader(r, MaxRecord+1))
	if err != nil {
		return rec, err
	}
	if len(text) > MaxRecord {
		return rec, fmt.Errorf("%w: it has more than %d bytes", ErrMalformed, MaxRecord)
	}
	if bytes.Count(text, []byte("{")) > maxObjects {
		return rec, fmt.Errorf("%w: it has more than %d objects", ErrMalformed, maxObjects)
	}
	var mismatch *json.UnmarshalTypeError
	err = json.Unmarshal(text, &rec)
	switch {
	case errors.As(err, &mismatch):
		return Record{}, fmt.Errorf("%w: %s is not what OSV has there", ErrMalformed, mismatch.Field)
	case err != nil:
		return Record{}, fmt.Errorf("%w: not JSON: %w", ErrMalformed, err)
	case rec.ID == "":
		return Record{}, fmt.Errorf("%w: it has no id", ErrMalformed)
	}
	return rec, nil
}

// Walk hands each record of an archive or a directory to visit, with the place
// that it is from, for messages. It passes over files that are not named .json,
// and over records that were withdrawn. A malformed record is reported in stats.
func Walk(ctx context.Context, src *feed.Source, stats *feed.Stats, visit func(where string, r *Record) error) error {
	single := src.Location()
	return src.Walk(ctx, func(name string, r io.Reader) error {
		if path.Ext(name) != ".json" && name != single {
			return nil
		}
		rec, err := Decode(r)
		switch {
		case errors.Is(err, ErrMalformed):
			stats.Report(name, "%v", err)
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		case rec.Withdrawn != "":
			return nil
		}
		return visit(name, &rec)
	})
}
