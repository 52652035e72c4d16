package image

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Limits of an archive of an image.
const (
	maxMembers = 200_000
	maxLinked  = 10 // links in a row: old archives have one
)

// archive finds the files of a tar archive again.
type archive struct {
	file    *os.File
	packed  bool
	members map[string]member
}

// member is a file of an archive.
type member struct {
	offset, size int64 // without compression
	link         string
}

// openArchive reads the list of an archive. It may be compressed; but then it has
// to be read again from its start for each layer.
func openArchive(ctx context.Context, name string, o Options) (*Source, error) {
	f, err := os.Open(name) //nolint:gosec // the user names the file
	if err != nil {
		return nil, fmt.Errorf("cannot read the image %s: %w", name, pathCause(err))
	}
	s, err := newArchive(ctx, f, name, o)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s.close = f.Close
	return s, nil
}

func newArchive(ctx context.Context, f *os.File, name string, o Options) (*Source, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot read the image %s: %w", name, pathCause(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file: an archive is read in more than one place, so write it to a file first", name)
	}
	a := &archive{file: f, members: map[string]member{}}
	if err := a.list(ctx); err != nil {
		return nil, fmt.Errorf("%s is no archive of an image: %w", name, cutShort(err))
	}
	switch {
	case a.has(layoutIndex) && a.has(layoutFile):
		return newLayout(a, name, o)
	case a.has(dockerManifest):
		return newDocker(a, name, o)
	}
	return nil, fmt.Errorf("%s is no archive of an image: it has neither %s of an OCI layout nor %s of \"docker save\"", name, layoutIndex, dockerManifest)
}

func (a *archive) has(name string) bool {
	_, ok := a.members[name]
	return ok
}

// list finds out where the files are.
func (a *archive) list(ctx context.Context) error {
	in, release, err := decompress(a.file)
	if err != nil {
		return err
	}
	defer release()
	_, plain := in.(*bufio.Reader)
	a.packed = !plain
	at := &position{r: &metered{in, &budget{}}}
	var archive *tar.Reader
	if a.packed {
		archive = tar.NewReader(at)
	} else {
		if _, err := a.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		archive = tar.NewReader(a.file) // which goes over contents by seeking
	}
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		offset := at.n
		if !a.packed {
			if offset, err = a.file.Seek(0, io.SeekCurrent); err != nil {
				return err
			}
		}
		if err := a.add(header, offset); err != nil {
			return err
		}
	}
}

func (a *archive) add(header *tar.Header, offset int64) error {
	if len(a.members) >= maxMembers || len(header.Name)+len(header.Linkname) > maxName {
		return fmt.Errorf("it has more than %d files, or names longer than %d bytes", maxMembers, maxName)
	}
	name := strings.TrimPrefix(path.Clean("/"+header.Name), "/")
	switch header.Typeflag {
	case tar.TypeReg:
		a.members[name] = member{offset: offset, size: header.Size}
	case tar.TypeSymlink: // the same layer in two images, in old archives
		a.members[name] = member{link: path.Join("/", path.Dir(name), header.Linkname)[1:]} //nolint:gosec // a key, no file
	case tar.TypeLink:
		a.members[name] = member{link: path.Join("/", header.Linkname)[1:]} //nolint:gosec // likewise
	}
	return nil
}

// find goes through the links of the archive. A member without an offset is none:
// an archive begins with a header.
func (a *archive) find(name string) member {
	m := a.members[path.Clean(name)]
	for range maxLinked {
		if m.link == "" {
			return m
		}
		m = a.members[m.link]
	}
	return member{}
}

// open opens a file of the archive.
func (a *archive) open(name string) (io.ReadCloser, error) {
	m := a.find(name)
	if m.offset == 0 {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if !a.packed {
		return io.NopCloser(io.NewSectionReader(a.file, m.offset, m.size)), nil
	}
	in, release, err := decompress(io.NewSectionReader(a.file, 0, 1<<62))
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, in, m.offset); err != nil {
		release()
		return nil, cutShort(err)
	}
	return &released{io.LimitReader(in, m.size), release}, nil
}

// released is a stream with something to release at its end.
type released struct {
	io.Reader
	release func()
}

func (r *released) Close() error {
	r.release()
	return nil
}

// position counts the bytes that were read.
type position struct {
	r io.Reader
	n int64
}

func (p *position) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.n += int64(n)
	return n, err
}
