package csaf

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/feed"
)

// The lists of a folder: rows of a document's path and the time of its last
// change, or of its withdrawal.
const (
	changesList   = "changes.csv"
	deletionsList = "deletions.csv"
)

// Limits of the lists.
const (
	maxList = 64 << 20 // bytes; Red Hat's has 20 MB, with all its documents
	// maxChanges is how many documents are fetched one by one. Archives are
	// made at least once a week, and in a week some thousand documents change.
	maxChanges = 50_000
)

// changes are the documents that changed or were withdrawn after an archive was
// made. The zero value has none.
type changes struct {
	changed   map[string]string // path by key
	withdrawn map[string]bool   // by key
}

// keyOf tells documents apart: the archive and the lists put them into
// different folders and the ids in either case.
func keyOf(name string) string { return strings.ToLower(path.Base(name)) }

// fetch lists the paths of the changed documents, sorted.
func (c *changes) fetch() []string { return slices.Sorted(maps.Values(c.changed)) }

func (c *changes) forget(name string) { delete(c.changed, keyOf(name)) }

// replaces tells whether the lists and not the archive speak for a document.
func (c *changes) replaces(name string) bool {
	key := keyOf(name)
	return c.changed[key] != "" || c.withdrawn[key]
}

// archiveDate reads the day on which an archive was made from its name,
// "csaf_vex_2025-06-30.tar.zst".
func archiveDate(name string) (time.Time, error) {
	text := regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}`).FindString(name)
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: the name of the archive %q has no date", archiveList, name)
	}
	return day, nil
}

// readChanges reads the lists of a folder. Only changes from the day made on
// count, but every withdrawal does that no change came after: a vendor may
// leave in the archive what it withdrew long ago.
func readChanges(ctx context.Context, src *feed.Source, made time.Time, stats *feed.Stats) (changes, error) {
	c := changes{changed: map[string]string{}, withdrawn: map[string]bool{}}
	deleted := map[string]time.Time{}
	err := readList(ctx, src, deletionsList, stats, func(name string, at time.Time) error {
		if key := keyOf(name); at.After(deleted[key]) {
			deleted[key] = at
			c.withdrawn[key] = true
		}
		return nil
	})
	if err != nil {
		return changes{}, err
	}
	rows := 0
	err = readList(ctx, src, changesList, stats, func(name string, at time.Time) error {
		rows++
		key := keyOf(name)
		if c.withdrawn[key] {
			if !at.After(deleted[key]) {
				return nil
			}
			delete(c.withdrawn, key)
		}
		if at.Before(made) {
			return nil
		}
		if c.changed[key] = name; len(c.changed) > maxChanges {
			return fmt.Errorf("%s: more than %d documents changed since the archive was made on %s", changesList, maxChanges, made.Format(time.DateOnly))
		}
		return nil
	})
	if err == nil && rows == 0 {
		// It lists every document there ever was.
		stats.Report(changesList, "the list of changes is missing or empty: what changed since %s is not known", made.Format(time.DateOnly))
	}
	return c, err
}

// readList reads a list; one that is not there is empty. A row that cannot be
// read is reported.
func readList(ctx context.Context, src *feed.Source, list string, stats *feed.Stats, each func(name string, at time.Time) error) (err error) {
	doc, err := src.Open(ctx, list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	limited := &io.LimitedReader{R: doc, N: maxList}
	r := csv.NewReader(limited)
	r.FieldsPerRecord, r.ReuseRecord, r.LazyQuotes = -1, true, true
	good := 0
	for line := 1; ; line++ {
		row, err := r.Read()
		if limited.N == 0 {
			return fmt.Errorf("%s: more than %d bytes", doc.Name(), maxList)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", doc.Name(), err)
		}
		name, at, err := parseRow(row)
		if err != nil {
			if stats.Report(fmt.Sprintf("%s:%d", doc.Name(), line), "%v", err); good == 0 && line > 10 {
				return fmt.Errorf("%s: this is not a list of documents and dates: %w", doc.Name(), err)
			}
			continue
		}
		good++
		if err := each(name, at); err != nil {
			return err
		}
	}
}

func parseRow(row []string) (name string, at time.Time, err error) {
	if len(row) != 2 {
		return "", time.Time{}, fmt.Errorf("%d columns, not 2", len(row))
	}
	if !fs.ValidPath(row[0]) || !strings.EqualFold(path.Ext(row[0]), ".json") {
		return "", time.Time{}, fmt.Errorf("%.100q is not the path of a document", row[0])
	}
	at, err = time.Parse(time.RFC3339, row[1])
	if err != nil {
		return "", time.Time{}, fmt.Errorf("%.100q is not a time", row[1])
	}
	return strings.Clone(row[0]), at, nil
}
