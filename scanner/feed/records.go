package feed

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// Records is the Importer of the project's own form, JSON Lines of records.
func Records(ctx context.Context, src *Source, emit func(advisory.Record) error) (stats Stats, err error) {
	doc, err := src.Open(ctx, "")
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	r := advisory.NewReader(doc)
	for {
		rec, err := r.Read()
		var bad *advisory.LineError
		switch {
		case errors.Is(err, io.EOF):
			return stats, noneReadable(doc, stats)
		case errors.As(err, &bad):
			stats.Report(fmt.Sprintf("%s:%d", doc.Name(), bad.Line), "%v", bad.Err)
			continue
		case err != nil:
			return stats, err
		}
		if err := emit(rec); err != nil {
			return stats, err
		}
		stats.Rows++
	}
}

// noneReadable tells a document of another kind, of which nothing is readable,
// from one with some bad lines.
func noneReadable(doc *Document, stats Stats) error {
	if stats.Rows > 0 || stats.Malformed == 0 {
		return nil
	}
	return fmt.Errorf("%s: none of %d lines can be read; the first: %s", doc.Name(), stats.Malformed, stats.Problems[0])
}
