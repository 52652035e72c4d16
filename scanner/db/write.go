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
	"iter"
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
	for _, d := range b.facts {
		d.cvss = sortRatings(d.cvss)
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
	if meta.Repositories, err = b.writeRepositories(dir); err != nil {
		return Meta{}, err
	}
	meta.Digest = meta.contentDigest()
	text, err := json.MarshalIndent(meta, "", "  ")
	if err != nil {
		return Meta{}, fmt.Errorf("write the metadata: %w", err)
	}
	return meta, writeFile(filepath.Join(dir, MetadataFile), append(text, '\n'))
}

// writeRelease writes the rows of a release, and notes their ids and aliases.
func (b *Builder) writeRelease(dir string, key releaseKey, scheme version.Scheme, ids map[string]bool) (ReleaseMeta, error) {
	packages := b.byPackage(b.releases[key])
	delete(b.releases, key)
	sources := b.sources(packages)
	rows := 0
	file, err := writeTable(dir, fileName(key.distro, key.release), func(put putFunc) error {
		if err := put(headerKey, encodeHeader(rowsMagic, sources)); err != nil {
			return err
		}
		for _, list := range packages {
			merged := b.mergePackage(list, scheme, ids)
			rows += len(merged)
			if len(merged) == 0 {
				continue
			}
			if err := put(b.words.strings[list[0].name], encodeRows(merged, sources)); err != nil {
				return err
			}
		}
		return nil
	})
	return ReleaseMeta{Distro: key.distro, Release: key.release, Rows: rows, FileMeta: file}, err
}

// byPackage gives the records of each package, in the order of the packages.
func (b *Builder) byPackage(records []packed) [][]packed {
	slices.SortFunc(records, func(x, y packed) int {
		if x.name == y.name {
			return 0
		}
		return strings.Compare(b.words.strings[x.name], b.words.strings[y.name])
	})
	return slices.Collect(chunks(records, func(x, y *packed) bool { return x.name == y.name }))
}

// sources lists who may have rated a row.
func (b *Builder) sources(packages [][]packed) []string {
	distinct := map[string]bool{}
	for _, list := range packages {
		for i := range list {
			e := b.unpack(&list[i])
			rateRow(&e.row, b.facts)
			distinct[e.source] = true
		}
	}
	return slices.Sorted(maps.Keys(distinct))
}

// mergePackage gives the rows of a package, and notes their ids and aliases.
func (b *Builder) mergePackage(list []packed, scheme version.Scheme, ids map[string]bool) []row {
	entries := make([]entry, len(list))
	for i := range list {
		entries[i] = b.unpack(&list[i])
	}
	entries = mergeEntries(entries, scheme)
	rows := make([]row, len(entries))
	for i := range entries {
		rows[i] = entries[i].row
		rateRow(&rows[i], b.facts)
		ids[rows[i].id] = true
		for _, alias := range rows[i].aliases {
			ids[alias] = true
		}
	}
	return rows
}

// writeDetails writes what is known of the vulnerabilities that rows are about.
func (b *Builder) writeDetails(dir string, ids map[string]bool) (FileMeta, error) {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		d := b.details[id]
		if f := b.facts[id]; d == nil {
			d = f
		} else if f != nil {
			d.merge(f)
		}
		if d == nil || d.empty() {
			continue
		}
		d.cvss = sortRatings(d.cvss)
		b.details[id] = d
		all = append(all, id)
	}
	words := wordsOf(all, func(id string) []string { return b.details[id].words(id) })
	return writeTable(dir, detailsFile, func(put putFunc) error {
		if err := put(headerKey, encodeHeader(detailsMagic, words)); err != nil {
			return err
		}
		for _, id := range all {
			if err := put(id, b.details[id].encode(id, words)); err != nil {
				return err
			}
		}
		return nil
	})
}

// chunks gives the runs of elements that are alike.
func chunks[T any](list []T, alike func(a, b *T) bool) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for start := 0; start < len(list); {
			end := start + 1
			for end < len(list) && alike(&list[start], &list[end]) {
				end++
			}
			if !yield(list[start:end]) {
				return
			}
			start = end
		}
	}
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

// putFunc adds a record to a table. The keys must rise.
type putFunc func(key string, value []byte) error

// writeTable writes a sorted table that fill fills, and says what its file is
// like.
func writeTable(dir, name string, fill func(putFunc) error) (FileMeta, error) {
	//nolint:gosec // G304: a new directory, and a name that was checked.
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return FileMeta{}, fmt.Errorf("write the database: %w", err)
	}
	meta := FileMeta{File: name}
	err = fillTable(f, fill)
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

func fillTable(f *os.File, fill func(putFunc) error) error {
	buffered := bufio.NewWriterSize(f, 256<<10)
	w := sstable.NewWriter(buffered)
	if err := fill(w.Put); err != nil {
		return err
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
