package db

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/db/internal/sstable"
	"github.com/example/microscanner-frontend/scanner/version"
)

// Write compiles everything that was added to a database in the directory dir,
// in the place of the database that may be there. The directory appears whole
// or not at all. The Builder must not be used again.
func (b *Builder) Write(ctx context.Context, dir string) (Meta, error) {
	target, err := newTarget(dir)
	if err != nil {
		return Meta{}, err
	}
	meta, err := b.writeFiles(ctx, target.temporary)
	if err == nil {
		err = target.commit(b.options.Built)
	}
	if err != nil {
		return Meta{}, errors.Join(err, os.RemoveAll(target.temporary))
	}
	return meta, nil
}

func (b *Builder) writeFiles(ctx context.Context, dir string) (Meta, error) {
	meta := Meta{SchemaVersion: SchemaVersion, Built: b.options.Built.UTC().Truncate(time.Second), Feeds: b.feeds}
	for id := range b.ratings {
		b.ratings[id] = sortRatings(b.ratings[id])
	}
	ids := map[string]bool{}
	keys := slices.SortedFunc(maps.Keys(b.releases), func(a, b releaseKey) int {
		return cmp.Or(strings.Compare(a.distro, b.distro), compareReleases(a.release, b.release))
	})
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return Meta{}, err
		}
		scheme, _ := b.options.Scheme(key.distro) // Add knows it.
		r, err := b.writeRelease(dir, key, scheme, ids)
		if err != nil {
			return Meta{}, err
		}
		meta.Releases = append(meta.Releases, r)
	}
	var err error
	if meta.Details, err = b.writeDetails(dir, ids); err != nil {
		return Meta{}, err
	}
	meta.Digest = meta.contentDigest()
	text, err := json.MarshalIndent(meta, "", "  ")
	if err != nil {
		return Meta{}, fmt.Errorf("write the metadata: %w", err)
	}
	return meta, writeFile(filepath.Join(dir, metadataFile), append(text, '\n'))
}

// writeRelease writes the rows of a release, and notes their ids.
func (b *Builder) writeRelease(dir string, key releaseKey, scheme version.Scheme, ids map[string]bool) (ReleaseMeta, error) {
	entries := mergeEntries(b.releases[key], scheme)
	delete(b.releases, key) // It may be most of the memory.
	for i := range entries {
		rateRow(&entries[i].row, b.ratings)
		ids[entries[i].id] = true
	}
	sources := wordsOf(entries, func(e entry) []string { return []string{e.source} })
	records := []sstable.Record{{Key: headerKey, Value: encodeHeader(rowsMagic, sources)}}
	for start := 0; start < len(entries); {
		var rows []row
		end := start
		for end < len(entries) && entries[end].key == entries[start].key {
			rows = append(rows, entries[end].row)
			end++
		}
		records = append(records, sstable.Record{Key: entries[start].key, Value: encodeRows(rows, sources)})
		start = end
	}
	file, err := writeTable(dir, fileName(key.distro, key.release), records)
	return ReleaseMeta{Distro: key.distro, Release: key.release, Rows: len(entries), FileMeta: file}, err
}

// writeDetails writes what is known of the vulnerabilities that rows are about.
func (b *Builder) writeDetails(dir string, ids map[string]bool) (FileMeta, error) {
	type known struct {
		id string
		*detail
	}
	var all []known
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		d := b.details[id]
		if d == nil {
			d = &detail{}
		}
		d.cvss = sortRatings(append(d.cvss, b.ratings[id]...))
		if len(d.cvss) > 0 || len(d.texts) > 0 {
			all = append(all, known{id, d})
		}
	}
	words := wordsOf(all, func(k known) []string { return k.words(k.id) })
	records := []sstable.Record{{Key: headerKey, Value: encodeHeader(detailsMagic, words)}}
	for _, k := range all {
		records = append(records, sstable.Record{Key: k.id, Value: k.encode(k.id, words)})
	}
	return writeTable(dir, detailsFile, records)
}

// wordsOf gives the distinct words of a list, sorted.
func wordsOf[T any](list []T, words func(T) []string) []string {
	distinct := map[string]bool{}
	for _, x := range list {
		for _, w := range words(x) {
			distinct[w] = true
		}
	}
	return slices.Sorted(maps.Keys(distinct))
}

// writeTable writes a sorted table, and says what its file is like.
func writeTable(dir, name string, records []sstable.Record) (FileMeta, error) {
	//nolint:gosec // G304: a new directory, and a name that was checked.
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return FileMeta{}, fmt.Errorf("write the database: %w", err)
	}
	meta := FileMeta{File: name}
	err = fillTable(f, records)
	if err == nil {
		err = meta.measure(f)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return FileMeta{}, fmt.Errorf("write the database: %s: %w", name, err)
	}
	return meta, nil
}

func fillTable(f *os.File, records []sstable.Record) error {
	buffered := bufio.NewWriterSize(f, 256<<10)
	w := sstable.NewWriter(buffered)
	for _, r := range records {
		if err := w.Put(r.Key, r.Value); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

// measure reads the file once, as it is on disk.
func (m *FileMeta) measure(f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	digest := sha256.New()
	n, err := io.Copy(digest, f)
	m.Size = n
	m.Digest = "sha256:" + hex.EncodeToString(digest.Sum(nil))
	return err
}

func writeFile(path string, text []byte) error {
	//nolint:gosec // G304: a new directory, and a fixed name.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write the database: %w", err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the database: %w", err)
	}
	return nil
}

// compareReleases orders releases as people do: 3.9 before 3.10, and those with
// a word, such as edge and sid, last.
func compareReleases(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	return slices.CompareFunc(as, bs, func(a, b string) int {
		aWord, bWord := strings.Trim(a, "0123456789") != "", strings.Trim(b, "0123456789") != ""
		switch {
		case aWord != bWord && aWord:
			return 1
		case aWord != bWord:
			return -1
		case aWord:
			return strings.Compare(a, b)
		}
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
}
