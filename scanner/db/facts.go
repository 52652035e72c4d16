package db

import (
	"cmp"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// AddFacts takes what holds for a vulnerability everywhere. Its ratings count
// where the vendor gives none. Facts of vulnerabilities that no record mentions
// do not become part of the database. A *RecordError means that the facts are
// not valid.
func (b *Builder) AddFacts(f advisory.Facts) error {
	f.Normalize()
	if err := f.Validate(); err != nil {
		return &RecordError{Record: cmp.Or(f.ID, "facts"), Err: err}
	}
	d := ofID(b.facts, f.ID)
	if t := b.newText("", f.Description, f.Published, f.Modified); t != (text{}) {
		d.add(t)
	}
	for _, rating := range f.CVSS {
		b.addRating(d, rating, "cvss")
	}
	d.addExploited(f.Exploited)
	if f.EPSS != nil {
		d.addEPSS(*f.EPSS)
	}
	return nil
}

// addExploited keeps the first day.
func (d *detail) addExploited(day string) {
	if day != "" && (d.exploited == "" || day < d.exploited) {
		d.exploited = day
	}
}

// addEPSS keeps the newest rating, and of those of one day the worst.
func (d *detail) addEPSS(e advisory.EPSS) {
	if d.epss == nil || cmp.Or(
		cmp.Compare(e.Date, d.epss.Date),
		cmp.Compare(e.Score, d.epss.Score),
		cmp.Compare(e.Percentile, d.epss.Percentile),
	) > 0 {
		d.epss = &e
	}
}

// merge adds what another says of the same vulnerability.
func (d *detail) merge(other *detail) {
	for _, t := range other.texts {
		d.add(t)
	}
	d.cvss = append(d.cvss, other.cvss...)
	d.addExploited(other.exploited)
	if other.epss != nil {
		d.addEPSS(*other.epss)
	}
}
