package db

import (
	"fmt"
	"path/filepath"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// Details is what a report says of a vulnerability beside its verdict.
type Details struct {
	Description string
	Published   string // YYYY-MM-DD, or empty
	Modified    string // YYYY-MM-DD, or empty
	URL         string // the page of the distribution, or empty
	// CVSS holds every known rating, the one that is preferred first.
	CVSS []advisory.CVSS
	// Exploited is the day on which CISA added the vulnerability to its
	// catalogue of known exploited ones, YYYY-MM-DD; empty if it is not there.
	Exploited string
	EPSS      *advisory.EPSS // nil if it has no rating
}

// Details gives what a report of the distribution says of the vulnerability;
// false if the database knows nothing beside its id. What the distribution
// itself does not tell comes from the general feeds, then from other
// distributions, except for the address. An alias of a row is an id as well.
// The file of details is opened at the first call.
func (d *DB) Details(id, distro string) (Details, bool, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.closed {
		return Details{}, false, errClosed
	}
	if d.details == nil {
		t, err := openTable(filepath.Join(d.dir, detailsFile), d.meta.Details.Size, detailsMagic)
		if err != nil {
			return Details{}, false, err
		}
		d.details = t
	}
	return getDetails(d.details, advisory.NormalizeID(id), distro)
}

// text is what one distribution tells of a vulnerability, or, without one, the
// general feeds.
type text struct{ distro, description, published, modified, url string }

// detail is all that is known of a vulnerability.
type detail struct {
	texts     []text // sorted by distribution, each once
	cvss      []advisory.CVSS
	exploited string // YYYY-MM-DD
	epss      *advisory.EPSS
}

// empty tells whether nothing is known.
func (d *detail) empty() bool {
	return len(d.texts) == 0 && len(d.cvss) == 0 && d.exploited == "" && d.epss == nil
}

// of gives the details for the reports of a distribution.
func (d *detail) of(distro string) Details {
	out := Details{CVSS: d.cvss, Exploited: d.exploited, EPSS: d.epss}
	take := func(t text) {
		setIfEmpty(&out.Description, t.description)
		setIfEmpty(&out.Published, t.published)
		setIfEmpty(&out.Modified, t.modified)
	}
	for _, t := range d.texts {
		if t.distro == distro {
			take(t)
			out.URL = t.url
		}
	}
	for _, t := range d.texts {
		take(t)
	}
	return out
}

func setIfEmpty(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

func getDetails(t *table, id, distro string) (Details, bool, error) {
	value, found, err := t.rows.Get(id)
	if err != nil {
		return Details{}, false, corrupt(t.path, err)
	}
	if !found || id == headerKey {
		return Details{}, false, nil
	}
	d, err := decodeDetail(value, id, t.words)
	if err != nil {
		return Details{}, false, corrupt(t.path, fmt.Errorf("id %q: %w", id, err))
	}
	return d.of(distro), true, nil
}
