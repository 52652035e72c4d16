package db

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db/internal/sstable"
)

// Details is what a report says of a vulnerability beside its verdict.
type Details struct {
	Description string
	Published   string // YYYY-MM-DD, or empty
	Modified    string // YYYY-MM-DD, or empty
	URL         string // the page of the distribution, or empty
	// CVSS holds every known rating, the one that is preferred first.
	CVSS []advisory.CVSS
}

// Details gives what a report of the distribution says of the vulnerability;
// false if the database knows nothing beside its id. What the distribution
// itself does not tell comes from others, except for the address. The file of
// details is opened at the first call.
func (d *DB) Details(id, distro string) (Details, bool, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.closed {
		return Details{}, false, errClosed
	}
	if d.details == nil {
		r, err := openDetails(filepath.Join(d.dir, detailsFile), d.meta.Details.Size)
		if err != nil {
			return Details{}, false, err
		}
		d.details = r
	}
	return d.details.get(advisory.NormalizeID(id), distro)
}

// text is what one distribution tells of a vulnerability.
type text struct{ distro, description, published, modified, url string }

// detail is all that is known of a vulnerability.
type detail struct {
	texts []text // sorted by distribution, each once
	cvss  []advisory.CVSS
}

// of gives the details for the reports of a distribution.
func (d *detail) of(distro string) Details {
	out := Details{CVSS: d.cvss}
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

// detailsReader reads the file of details.
type detailsReader struct {
	file   *mapping
	values *sstable.Reader
	words  []string
}

func openDetails(path string, size int64) (*detailsReader, error) {
	file, err := openMapping(path, size)
	if err != nil {
		return nil, err
	}
	r := &detailsReader{file: file}
	if r.values, err = sstable.NewReader(file.data); err == nil {
		r.words, err = readHeader(r.values, detailsMagic)
	}
	if err != nil {
		return nil, errors.Join(corrupt(path, err), file.close())
	}
	return r, nil
}

func (r *detailsReader) get(id, distro string) (Details, bool, error) {
	value, found, err := r.values.Get(id)
	if err != nil {
		return Details{}, false, corrupt(r.file.path, err)
	}
	if !found || id == headerKey {
		return Details{}, false, nil
	}
	d, err := decodeDetail(value, id, r.words)
	if err != nil {
		return Details{}, false, corrupt(r.file.path, fmt.Errorf("id %q: %w", id, err))
	}
	return d.of(distro), true, nil
}

func (r *detailsReader) close() error { return r.file.close() }
