package db

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/severity"
	"github.com/example/microscanner-frontend/scanner/version"
)

// RecordError says why one record cannot be part of a database. Building can
// go on without it.
type RecordError struct {
	Record string // what the record is about
	Err    error
	// Kept says that the record is in the database nevertheless: its version
	// cannot be compared, and a scan of the package has to say so.
	Kept bool
}

func (e *RecordError) Error() string { return e.Record + ": " + e.Err.Error() }

func (e *RecordError) Unwrap() error { return e.Err }

// BuilderOptions are what a database depends on besides the records.
type BuilderOptions struct {
	// Built is the build time that the metadata states.
	Built time.Time
	// Scheme gives the version order of a distribution; false for one that is
	// not known, whose records are refused.
	Scheme func(distro string) (version.Scheme, bool)
}

// Builder collects records and compiles them to a database. The same records
// and options give the same bytes, in whatever order the records were added. A
// Builder is not safe for concurrent use.
type Builder struct {
	options  BuilderOptions
	feeds    []FeedMeta
	releases map[releaseKey][]entry
	details  map[string]*detail
	ratings  map[string][]advisory.CVSS
}

type releaseKey struct{ distro, release string }

// entry is a record while a database is built.
type entry struct {
	key string // of the package: lookupKey
	row
	readable bool // whether the fixed version can be compared
	vendor   bool // whether the severity is the vendor's own word
}

// NewBuilder gives an empty Builder.
func NewBuilder(options BuilderOptions) *Builder {
	return &Builder{
		options:  options,
		releases: map[releaseKey][]entry{},
		details:  map[string]*detail{},
		ratings:  map[string][]advisory.CVSS{},
	}
}

// AddFeed notes in the metadata where records came from.
func (b *Builder) AddFeed(f FeedMeta) { b.feeds = append(b.feeds, f) }

// Add takes a record. A *RecordError means that the record is not valid, or
// states a version that cannot be compared.
func (b *Builder) Add(rec advisory.Record) error {
	rec.Normalize()
	about := fmt.Sprintf("%s %s %s %s", rec.Distro, rec.Release, rec.Package, rec.ID)
	if err := rec.Validate(); err != nil {
		return &RecordError{Record: about, Err: err}
	}
	scheme, ok := b.options.Scheme(rec.Distro)
	if !ok {
		return &RecordError{Record: about, Err: fmt.Errorf("there is no distribution %q", rec.Distro)}
	}
	key, _ := lookupKey(rec.Kind, rec.Package) // Validate knows the kind.
	e := entry{key: key, row: newRow(&rec), readable: true, vendor: rec.Severity != severity.Unknown}
	var unreadable error
	if rec.Status.HasFix() {
		if _, err := scheme.Parse(rec.Fixed); err != nil {
			e.readable, unreadable = false, &RecordError{Record: about, Err: err, Kept: true}
		}
	}
	release := releaseKey{rec.Distro, rec.Release}
	b.releases[release] = append(b.releases[release], e)
	b.addDetail(&rec)
	return unreadable
}

func newRow(rec *advisory.Record) row {
	r := row{
		id: rec.ID, status: rec.Status, fixed: rec.Fixed, module: rec.Module,
		arches: sorted(rec.Arches), cpes: sorted(rec.CPEs), aliases: sorted(rec.Aliases),
		severity: rec.Severity,
	}
	if year, number, ok := advisory.SplitCVE(rec.ID); ok {
		r.year, r.number = year, number
	}
	switch {
	case rec.Severity != severity.Unknown:
		r.source = rec.Distro
	case rec.CVSS != nil:
		r.severity, r.source = rate(*rec.CVSS), cmp.Or(rec.CVSS.Source, rec.Distro)
	}
	return r
}

func sorted(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

func (b *Builder) addDetail(rec *advisory.Record) {
	t := text{rec.Distro, rec.Description, rec.Published, rec.Modified, rec.URL}
	if t == (text{distro: rec.Distro}) && rec.CVSS == nil {
		return
	}
	d := b.details[rec.ID]
	if d == nil {
		d = &detail{}
		b.details[rec.ID] = d
	}
	d.add(t)
	if rec.CVSS != nil {
		rating := *rec.CVSS
		rating.Source = cmp.Or(rating.Source, rec.Distro)
		d.cvss = append(d.cvss, rating)
	}
}

// add merges what is told of a vulnerability: the longest description, the
// first publication, the last change.
func (d *detail) add(t text) {
	i, found := slices.BinarySearchFunc(d.texts, t.distro, func(t text, distro string) int {
		return cmp.Compare(t.distro, distro)
	})
	if !found {
		d.texts = slices.Insert(d.texts, i, t)
		return
	}
	old := &d.texts[i]
	if cmp.Or(cmp.Compare(len(t.description), len(old.description)), cmp.Compare(t.description, old.description)) > 0 {
		old.description = t.description
	}
	if t.published != "" && (old.published == "" || t.published < old.published) {
		old.published = t.published
	}
	old.modified = max(old.modified, t.modified)
	old.url = max(old.url, t.url)
}

// AddSeverity takes a rating that holds for a vulnerability everywhere. It
// counts where the vendor gives none.
func (b *Builder) AddSeverity(id string, rating advisory.CVSS) error {
	id = advisory.NormalizeID(id)
	if id == "" {
		return &RecordError{Record: "severity", Err: errors.New("the id is missing")}
	}
	if err := rating.Validate(); err != nil {
		return &RecordError{Record: "severity of " + id, Err: err}
	}
	rating.Source = cmp.Or(rating.Source, "cvss")
	b.ratings[id] = append(b.ratings[id], rating)
	return nil
}
