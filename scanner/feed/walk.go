package feed

import (
	"archive/tar"
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Limits of an archive and of a tree.
const (
	maxFiles  = 1_000_000
	maxMember = 512 << 20 // bytes of one file, unpacked
	// maxDirectory is how many bytes a zip archive's list of members may take.
	// It is read as a whole; a member has at least 46.
	maxDirectory = 64 << 20
)

// Walk gives each regular file of the source to visit, in an order that does not depend
// on the machine: the files of a directory with those below it, the members of
// a zip or tar archive, however compressed, or the one document that is
// neither. Links are no files, and what is below .git is not of the tree. name is the file's slash-separated path below the
// source; it is for messages and for choosing, never for the file system. A file
// in a directory is unpacked; a member of an archive is not. An error of visit
// ends the walk.
func (s *Source) Walk(ctx context.Context, visit func(name string, r io.Reader) error) error {
	if s.remote == nil {
		if info, err := os.Stat(s.location); err == nil && info.IsDir() {
			return s.walkDir(ctx, visit)
		}
	}
	return s.WalkArchive(ctx, "", visit)
}

// WalkArchive is Walk for the document of that name, which may be an archive.
func (s *Source) WalkArchive(ctx context.Context, name string, visit func(name string, r io.Reader) error) (err error) {
	doc, err := s.Open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	head, r, err := peek(doc, 512)
	if err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(head, "PK\x03\x04") || strings.HasPrefix(head, "PK\x05\x06"):
		err = inside(doc, s.walkZip(ctx, r, visit))
	case len(head) > 262 && head[257:262] == "ustar":
		err = inside(doc, walkTar(ctx, r, visit))
	default:
		err = visit(doc.Name(), r)
	}
	if err != nil {
		return err
	}
	// What follows an archive's end is padding, and part of the digest.
	_, err = io.Copy(io.Discard, r)
	return err
}

// inside says in which document the member of an error is.
func inside(doc *Document, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doc.Name(), err)
}

// memberName is a member's path as if the archive were the root.
func memberName(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

func (s *Source) walkDir(ctx context.Context, visit func(name string, r io.Reader) error) error {
	files := 0
	root, err := filepath.EvalSymlinks(s.location) // A link is not walked.
	if err != nil {
		return s.wrap("", err)
	}
	return filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return s.wrap("", err)
		}
		if e.IsDir() && e.Name() == ".git" {
			return filepath.SkipDir // A clone is the tree that was published.
		}
		if !e.Type().IsRegular() {
			return ctx.Err()
		}
		if files++; files > maxFiles {
			return s.wrap("", fmt.Errorf("more than %d files", maxFiles))
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		doc, err := s.Open(ctx, name)
		if err != nil {
			return err
		}
		err = visit(name, doc)
		if err == nil {
			_, err = io.Copy(io.Discard, doc) // into the digest
		}
		return errors.Join(err, doc.Close())
	})
}

func walkTar(ctx context.Context, r io.Reader, visit func(name string, r io.Reader) error) error {
	t := tar.NewReader(r)
	for files := 0; ; files++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		if files > maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := visit(memberName(h.Name), limit(t, maxMember, "in "+h.Name)); err != nil {
			return err
		}
	}
}

// walkZip copies the archive to a file, as its list of members is at the end.
func (s *Source) walkZip(ctx context.Context, r io.Reader, visit func(name string, r io.Reader) error) (err error) {
	f, err := os.CreateTemp("", "feed-*.zip")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	size, err := io.Copy(f, r)
	if err != nil {
		return err
	}
	directory := &budgetReaderAt{f, maxDirectory}
	z, err := zip.NewReader(directory, size)
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	directory.left = math.MaxInt64 // From here on members are read.
	if len(z.File) > maxFiles {
		return fmt.Errorf("more than %d files", maxFiles)
	}
	left := s.options.MaxUnpacked
	for _, member := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !member.Mode().IsRegular() {
			continue
		}
		n, err := visitMember(member, min(left, maxMember), visit)
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// budgetReaderAt gives so many bytes and no more.
type budgetReaderAt struct {
	r    io.ReaderAt
	left int64
}

func (b *budgetReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if b.left < int64(len(p)) {
		return 0, errors.New("its list of members is too long")
	}
	n, err := b.r.ReadAt(p, off)
	b.left -= int64(n)
	return n, err
}

func visitMember(member *zip.File, most int64, visit func(name string, r io.Reader) error) (n int64, err error) {
	r, err := member.Open()
	if err != nil {
		return 0, fmt.Errorf("read the archive: %s: %w", member.Name, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	l := &limitedReader{r, most, most, "in " + member.Name}
	err = visit(memberName(member.Name), l)
	return most - l.left, err
}

// peek gives the first bytes and a reader of all.
func peek(r io.Reader, n int) (string, io.Reader, error) {
	head := make([]byte, n)
	got, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", nil, err
	}
	head = head[:got]
	return string(head), io.MultiReader(strings.NewReader(string(head)), r), nil
}
