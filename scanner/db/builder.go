package db

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
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
	releases map[releaseKey][]packed
	statuses []advisory.Status
	words    *pool
	lists    *listPool
	details  map[string]*detail // what records tell
	facts    map[string]*detail // what AddFacts was told
	products map[string][]string
}

type releaseKey struct{ distro, release string }

// entry is a record of a package that is written.
type entry struct {
	row
	readable bool // whether the fixed version can be compared
	vendor   bool // whether the severity is the vendor's own word
}

// NewBuilder gives an empty Builder.
func NewBuilder(options BuilderOptions) *Builder {
	return &Builder{
		options:  options,
		releases: map[releaseKey][]packed{},
		statuses: advisory.Statuses(),
		words:    newPool(),
		lists:    newListPool(),
		details:  map[string]*detail{},
		facts:    map[string]*detail{},
		products: map[string][]string{},
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
	p := b.pack(key, &rec)
	var unreadable error
	if rec.Status.HasFix() {
		if _, err := scheme.Parse(rec.Fixed); err != nil {
			p.readable, unreadable = false, &RecordError{Record: about, Err: err, Kept: true}
		}
	}
	release := releaseKey{rec.Distro, rec.Release}
	b.releases[release] = append(b.releases[release], p)
	b.addDetail(&rec)
	return unreadable
}

func (b *Builder) addDetail(rec *advisory.Record) {
	t := b.newText(rec.Distro, rec.Description, rec.Published, rec.Modified)
	t.url = rec.URL
	if t == (text{distro: rec.Distro}) && rec.CVSS == nil {
		return
	}
	d := ofID(b.details, b.words.string(rec.ID))
	d.add(t)
	if rec.CVSS != nil {
		b.addRating(d, *rec.CVSS, rec.Distro)
	}
}

func (b *Builder) newText(distro, description, published, modified string) text {
	return text{
		distro: b.words.string(distro), description: description,
		published: b.words.string(published), modified: b.words.string(modified),
	}
}

// addRating adds a rating once. source is whose it is if it does not say so.
func (b *Builder) addRating(d *detail, c advisory.CVSS, source string) {
	c.Source = b.words.string(cmp.Or(c.Source, source))
	c.Version, c.Vector = b.words.string(c.Version), b.words.string(c.Vector)
	if !slices.Contains(d.cvss, c) {
		d.cvss = append(d.cvss, c)
	}
}

// ofID gives what is known of a vulnerability, to be added to.
func ofID(all map[string]*detail, id string) *detail {
	d := all[id]
	if d == nil {
		d = &detail{}
		all[id] = d
	}
	return d
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
