package feed

import (
	"archive/tar"
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Limits of an archive and of a tree.
const (
	maxFiles  = 1_000_000
	maxMember = 512 << 20 // bytes of one file, unpacked
)

// Walk gives each regular file of the source to visit, in an order that does not depend
// on the machine: the files of a directory with those below it, the members of
// a zip or tar archive, however compressed, or the one document that is
// neither. name is the file's slash-separated path below the source; it is for
// messages and for choosing, never for the file system. A file in a directory
// is unpacked; a member of an archive is not. An error of visit ends the walk.
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
		err = s.walkZip(ctx, r, visit)
	case len(head) > 262 && head[257:262] == "ustar":
		err = walkTar(ctx, r, visit)
	default:
		return visit(doc.Name(), r)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doc.Name(), err)
	}
	// What follows an archive's end is padding, and part of the digest.
	_, err = io.Copy(io.Discard, r)
	return err
}

func (s *Source) walkDir(ctx context.Context, visit func(name string, r io.Reader) error) error {
	files := 0
	return filepath.WalkDir(s.location, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return s.wrap("", err)
		}
		if !e.Type().IsRegular() {
			return ctx.Err()
		}
		if files++; files > maxFiles {
			return s.wrap("", fmt.Errorf("more than %d files", maxFiles))
		}
		rel, err := filepath.Rel(s.location, p)
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
		if err := visit(path.Clean(h.Name), limit(t, maxMember, "in "+h.Name)); err != nil {
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
	z, err := zip.NewReader(f, size)
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
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

func visitMember(member *zip.File, most int64, visit func(name string, r io.Reader) error) (n int64, err error) {
	r, err := member.Open()
	if err != nil {
		return 0, fmt.Errorf("read the archive: %s: %w", member.Name, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	l := &limitedReader{r, most, most, "in " + member.Name}
	err = visit(path.Clean(member.Name), l)
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
