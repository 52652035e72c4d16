package feed

import (
	"context"
	"errors"
	"fmt"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// KEV reads CISA's catalogue of known exploited vulnerabilities
// (https://www.cisa.gov/known-exploited-vulnerabilities-catalog), in JSON.
func KEV(ctx context.Context, src *Source, emit func(advisory.Facts) error) (stats Stats, err error) {
	doc, err := src.Open(ctx, "")
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	j := NewJSON(doc)
	found := false
	if _, err = j.Object(func(key string) error {
		if key != "vulnerabilities" {
			return j.Skip()
		}
		var err error
		found, err = j.Array(func(i int) error {
			return readKEV(j, fmt.Sprintf("%s: vulnerability %d", doc.Name(), i+1), &stats, emit)
		})
		return err
	}); err != nil {
		return stats, err
	}
	if !found {
		return stats, fmt.Errorf("%s: no list of vulnerabilities: this is not CISA's catalogue", doc.Name())
	}
	if err := j.Finish(); err != nil {
		return stats, err
	}
	return stats, noneReadable(doc, stats)
}

func readKEV(j *JSON, where string, stats *Stats, emit func(advisory.Facts) error) error {
	var entry struct {
		ID    string `json:"cveID"`
		Added string `json:"dateAdded"`
	}
	fits, err := j.Decode(&entry)
	if err != nil {
		return err
	}
	if !fits {
		stats.Report(where, "not an entry of the catalogue")
		return nil
	}
	if entry.Added == "" {
		stats.Report(where, "the day on which it was added is missing")
		return nil
	}
	return emitFacts(where, advisory.Facts{ID: entry.ID, Exploited: entry.Added}, stats, emit)
}

// emitFacts hands facts on that are valid, and reports others.
func emitFacts(where string, f advisory.Facts, stats *Stats, emit func(advisory.Facts) error) error {
	f.Normalize()
	if err := f.Validate(); err != nil {
		stats.Report(where, "%v", err)
		return nil
	}
	if err := emit(f); err != nil {
		return err
	}
	stats.Rows++
	return nil
}
