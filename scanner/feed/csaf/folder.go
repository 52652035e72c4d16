package csaf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/example/microscanner-frontend/scanner/feed"
)

// archiveList is the file that names the newest archive of a folder, in the way
// of Red Hat and SUSE (https://www.redhat.com/en/blog/future-red-hat-security-data).
const archiveList = "archive_latest.txt"

// Visit reads all documents of a source, one at a time, and gives each to
// visit with its name. The source is a vendor's folder with an archive and the
// lists of what changed since it was made, or a directory, an archive or a
// single document. Documents that cannot be read are reported in stats. An
// error is one of visit, or means that the source as a whole cannot be read.
func Visit(ctx context.Context, src *feed.Source, stats *feed.Stats, visit func(name string, doc *Document) error) error {
	f := &folder{src: src, stats: stats, visit: visit}
	archive, err := f.archive(ctx)
	switch {
	case err != nil:
		return err
	case archive == "":
		err = src.Walk(ctx, f.member)
	default:
		err = f.read(ctx, archive)
	}
	if err == nil && f.documents == 0 {
		err = fmt.Errorf("%s: there is no CSAF document in it", src.Location())
		if len(stats.Problems) > 0 {
			err = fmt.Errorf("%w; the first problem: %s", err, stats.Problems[0])
		}
	}
	return err
}

// folder reads one source.
type folder struct {
	src   *feed.Source
	stats *feed.Stats
	visit func(name string, doc *Document) error
	decoder
	changes   changes
	documents int // that were visited
	members   int // documents in archives, of which the lists replace some
}

// archive gives the name of the newest archive, or nothing if the source is no
// folder of a vendor.
func (f *folder) archive(ctx context.Context) (name string, err error) {
	doc, err := f.src.Open(ctx, archiveList)
	// A file has nothing below it.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	text, err := io.ReadAll(io.LimitReader(doc, 4096))
	if err != nil {
		return "", err
	}
	name = strings.TrimSpace(string(text))
	if name == "" || strings.ContainsAny(name, "/\\\n ") || !strings.Contains(name, ".tar") {
		return "", fmt.Errorf("%s: it does not name an archive: %.100q", doc.Name(), name)
	}
	return name, doc.Finish(strings.NewReader(""))
}

// read reads an archive, with the documents that changed after it was made in
// the place of those in it, and without those that were withdrawn.
func (f *folder) read(ctx context.Context, archive string) error {
	made, err := archiveDate(archive)
	if err != nil {
		return err
	}
	if f.changes, err = readChanges(ctx, f.src, made, f.stats); err != nil {
		return err
	}
	for _, name := range f.changes.fetch() {
		if err := f.fetch(ctx, name); err != nil {
			return err
		}
	}
	if err := f.src.WalkArchive(ctx, archive, f.member); err != nil {
		return err
	}
	if f.members == 0 {
		return fmt.Errorf("%s/%s: this is not an archive of CSAF documents", strings.TrimSuffix(f.src.Location(), "/"), archive)
	}
	return nil
}

// fetch reads a changed document. If there is none it was withdrawn a moment
// ago, or is not published yet; then what the archive has counts.
func (f *folder) fetch(ctx context.Context, name string) (err error) {
	doc, err := f.src.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		f.stats.Report(name, "it is in the list of changes, but there is no such document")
		f.changes.forget(name)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	if err := f.document(name, doc); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, doc) // into the digest
	return err
}

// member reads a document of the archive unless the lists say otherwise.
func (f *folder) member(name string, r io.Reader) error {
	if !isDocument(name) {
		return nil
	}
	if f.members++; f.changes.replaces(name) {
		return nil
	}
	return f.document(name, r)
}

// isDocument goes by a file's name; one in a directory may be compressed.
func isDocument(name string) bool {
	name = strings.ToLower(name)
	for _, ext := range []string{".gz", ".bz2", ".xz", ".zst"} {
		name = strings.TrimSuffix(name, ext)
	}
	return path.Ext(name) == ".json"
}

func (f *folder) document(name string, r io.Reader) error {
	doc, err := f.decode(r)
	if bad, ok := errors.AsType[*MalformedError](err); ok {
		f.stats.Report(name, "%v", bad)
		return nil
	}
	if err != nil {
		return err
	}
	f.documents++
	return f.visit(name, doc)
}
