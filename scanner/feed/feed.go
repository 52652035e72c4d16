// Package feed reads advisory feeds: it fetches and unpacks their documents
// within bounds, and it reads the two feeds that are no vendor's, the
// project's own records and the table of severities. The vendors' importers
// are with their distributions.
package feed

import (
	"context"
	"fmt"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// Importer turns a vendor's feed into records and hands each to emit. A record
// that cannot be read is reported in the Stats and does not stop the rest; an
// error means that the feed as a whole cannot be read, or is one of emit.
type Importer func(ctx context.Context, src *Source, emit func(advisory.Record) error) (Stats, error)

// FactsImporter reads a feed of what holds for a vulnerability everywhere, like
// Importer.
type FactsImporter func(ctx context.Context, src *Source, emit func(advisory.Facts) error) (Stats, error)

// RepositoryImporter reads the table of the products that a repository belongs
// to, like Importer.
type RepositoryImporter func(ctx context.Context, src *Source, emit func(repository string, cpes []string) error) (Stats, error)

// Feed is a feed that can be read. Exactly one of the importers is set.
type Feed struct {
	// Name is the feed's name on the command line: "debian", "debian-elts".
	Name string
	// URL is where its publisher has it; empty if nobody publishes it.
	URL string

	Records      Importer
	Facts        FactsImporter
	Repositories RepositoryImporter

	// Supplements names a feed that knows better than this one: a record of
	// this one counts only if that one has none of the same distribution and
	// release in the same database. Empty for a feed that always counts.
	Supplements string
	// Form, if set, tells from the content which feed lies at a location that
	// was given under this feed's name: many name the distribution and have a
	// file of another of its feeds. The error says what is understood.
	Form func(ctx context.Context, src *Source) (Feed, error)

	// MaxBytes, MaxUnpacked and Timeout are those of Options for a feed that is
	// larger than most; zero for the defaults.
	MaxBytes    int64
	MaxUnpacked int64
	Timeout     time.Duration
}

// maxProblems is how many problems a Stats describes; all are counted.
const maxProblems = 20

// Problem is a record that could not be read.
type Problem struct {
	Where  string // the document, and the place in it
	Reason string
}

// String is the problem in one line, unescaped.
func (p Problem) String() string { return p.Where + ": " + p.Reason }

// Stats says what an import found.
type Stats struct {
	Rows      int // records handed on
	Malformed int // records that could not be read
	// Problems describes the first of the malformed records.
	Problems []Problem
}

// Report counts a malformed record.
func (s *Stats) Report(where, format string, args ...any) {
	s.Malformed++
	if len(s.Problems) < maxProblems {
		s.Problems = append(s.Problems, Problem{where, fmt.Sprintf(format, args...)})
	}
}

// AddMalformed counts the malformed records of other too.
func (s *Stats) AddMalformed(other Stats) {
	s.Malformed += other.Malformed
	for _, p := range other.Problems {
		if len(s.Problems) < maxProblems {
			s.Problems = append(s.Problems, p)
		}
	}
}
